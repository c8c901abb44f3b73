"""Each rule of answers and steps can be broken."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ixproxy import messages as m
from ixproxy.errors import Code, RequestRefused
from ixproxy.testing.simulation import rules
from ixproxy.testing.simulation.players import Asked, Player
from ixproxy.testing.simulation.run import Run
from tests.failures import LoggedFailures
from tests.testing.simulation.small_worlds import answered, one, pulled, running, submitted

Rule = Callable[[Run, Asked], Iterable[str]]


def asked(
    run: Run, player: Player, request: Any, outcome: Any, marks: tuple[str, ...] = ()
) -> Asked:
    """Something was asked, and has this answer."""
    answer: Deferred[Any] = Deferred()
    return Asked(3, player, request, answer, run.now(), marks, frozenset({"m9"}), outcome)


def broken(rule: Rule, run: Run, what: Asked) -> str:
    """How a rule says that it is broken; "" when it is not."""
    return next(iter(rule(run, what)), "")


def test_a_submit_that_is_nowhere() -> None:
    with running() as run:
        submit = m.RequestSubmit(tenant_id=1, user_data={"tag": 1})
        ack = m.EventAck(interaction_id="x")
        what = asked(run, one(run, "mail"), submit, ack)
        rule = rules.what_is_acknowledged_is_committed
        assert broken(rule, run, what) == "x is acknowledged to #3, and on no node"


def test_a_submit_that_is_told_of_another() -> None:
    with running() as run:
        identifier = submitted(run, 1)
        submit = m.RequestSubmit(tenant_id=1, user_data={"tag": 2})
        what = asked(run, one(run, "mail"), submit, m.EventAck(interaction_id=identifier))
        assert "it is another's" in broken(rules.what_is_acknowledged_is_committed, run, what)


def named(run: Run, tag: int, outcome: Any = None) -> Asked:
    """A submit by a name that the client gives."""
    submit = m.RequestSubmit(tenant_id=1, interaction_id="own-1", user_data={"tag": tag})
    what = asked(run, one(run, "mail"), submit, outcome)
    run.asked.append(what)
    return what


def ended(run: Run, outcome: Any) -> Asked:
    """An end of it."""
    stop = m.RequestStopProcessing(tenant_id=1, interaction_id="own-1")
    what = asked(run, one(run, "router"), stop, outcome)
    run.asked.append(what)
    return what


@pytest.mark.parametrize("code", [0, Code.LOST_CONNECTION, Code.NOT_A_PARTY])
def test_what_came_and_ended_in_one_commit_is_not_written(code: int) -> None:
    ack = m.EventAck(interaction_id="own-1")
    with running() as run:
        what = named(run, 1, ack)
        rule = rules.what_is_acknowledged_is_committed
        assert "on no node" in broken(rule, run, what)
        ended(run, RequestRefused(code) if code else ack)
        assert bool(broken(rule, run, what)) == (code == Code.NOT_A_PARTY)


def test_what_comes_again_by_its_name_is_ended_again() -> None:
    ack = m.EventAck(interaction_id="own-1")
    with running() as run:
        assert not broken(rules.each_is_ended_once, run, ended(run, ack))
        named(run, 1, RequestRefused(Code.STORE_FAILED))
        second = ended(run, ack)
        assert broken(rules.each_is_ended_once, run, second) == "own-1 was ended 2 times"
        named(run, 2, ack)
        run.ended["own-1"] = 1
        assert not broken(rules.each_is_ended_once, run, second)


def test_an_end_that_is_none() -> None:
    with running() as run:
        identifier = submitted(run)
        stop = m.RequestStopProcessing(tenant_id=1, interaction_id=identifier)
        what = asked(run, one(run, "router"), stop, m.EventAck())
        assert "it is there" in broken(rules.what_is_acknowledged_is_committed, run, what)


def test_a_change_that_was_not_made() -> None:
    with running() as run:
        identifier = submitted(run)
        change = m.RequestChangeProperties(tenant_id=1, interaction_id=identifier)
        ack = m.EventAck(interaction_id=identifier)
        what = asked(run, one(run, "router"), change, ack, ("m5",))
        rule = rules.what_is_acknowledged_is_committed
        assert broken(rule, run, what) == "the change m5 is acknowledged to #3, and nowhere"


def test_what_a_router_ends_is_ended_once_and_may_have_been() -> None:
    with running() as run:
        stop = m.RequestRouteCall(tenant_id=1, interaction_id="x", route_type="Stop")
        used = asked(run, one(run, "router"), stop, m.EventRouteUsed(interaction_id="x"))
        assert broken(rules.each_is_ended_once, run, used) == ""
        assert broken(rules.each_is_ended_once, run, used) == "x was ended 2 times"
        doubtful = asked(run, one(run, "router"), stop, RequestRefused(Code.LOST_CONNECTION))
        assert broken(rules.what_was_refused_is_not_done, run, doubtful) == ""
        assert run.doubtful == {"x": 1}


def test_a_take_that_is_none() -> None:
    with running() as run:
        identifier = submitted(run)
        pull = m.RequestPull(tenant_id=1, view_id="In/All")
        found = m.EventPulledInteractions(take_numbers={identifier: 77})
        what = asked(run, one(run, "router"), pull, found)
        assert "has it nowhere" in broken(rules.what_is_handed_over_is_taken, run, what)


def test_a_change_that_is_not_shown() -> None:
    with running() as run:
        get = m.RequestGetInteractionProperties(tenant_id=1, interaction_id="x")
        shown = m.EventInteractionProperties(interaction_id="x", interaction={"m8": 1})
        what = asked(run, one(run, "router"), get, shown)
        assert broken(rules.answers_show_what_was_acknowledged, run, what) == "x is told without m9"
        run.ledger.births["x"] += 1
        found = rules.answers_show_what_was_acknowledged(run, what)
        assert not list(found), "another one has its name by now"


def test_what_is_acknowledged_is_shown() -> None:
    with running() as run:
        identifier, router = pulled(run), one(run, "router")
        named: Any = {"tenant_id": 1, "interaction_id": identifier}
        change = m.RequestChangeProperties(**named, added_properties={"m7": 1})
        answered(run, router, change, marks=("m7",))
        get = answered(run, router, m.RequestGetInteractionProperties(**named))
        assert get.knew == {"m7"}
        assert run.breach is None


def test_a_code_that_is_in_no_table() -> None:
    with running() as run:
        what = asked(run, one(run, "mail"), m.RequestHold(), RequestRefused(1234))
        assert broken(rules.refusals_are_documented, run, what)


def test_something_was_done_that_was_refused() -> None:
    with running() as run:
        submitted(run, 4)
        refused = RequestRefused(2003)
        what = asked(run, one(run, "mail"), m.RequestSubmit(), refused, ("tag 4",))
        assert "nothing done" in broken(rules.what_was_refused_is_not_done, run, what)


def test_something_is_done_after_it_was_refused() -> None:
    with running() as run:
        refused = RequestRefused(2003)
        what = asked(run, one(run, "mail"), m.RequestSubmit(), refused, ("tag 4",))
        assert broken(rules.what_was_refused_is_not_done, run, what) == ""
        submitted(run, 4)
        assert run.breach is not None
        assert run.breach.rule == "what_was_refused_is_not_done"


def test_a_doubtful_answer_promises_nothing() -> None:
    with running() as run:
        submitted(run, 4)
        doubtful = RequestRefused(2002)
        what = asked(run, one(run, "mail"), m.RequestSubmit(), doubtful, ("tag 4",))
        assert broken(rules.what_was_refused_is_not_done, run, what) == ""


def test_something_ends_twice() -> None:
    with running() as run:
        stop = m.RequestStopProcessing(tenant_id=1, interaction_id="x")
        what = asked(run, one(run, "router"), stop, m.EventAck())
        assert broken(rules.each_is_ended_once, run, what) == ""
        assert broken(rules.each_is_ended_once, run, what) == "x was ended 2 times"


def test_a_stream_that_breaks_its_rules() -> None:
    with running() as run:
        assert list(rules.streams_keep_their_rules(run)) == []
        run._heard(one(run, "stat"), m.EventAgentLogout(tenant_id=1, agent_id="anna"))
        assert list(rules.streams_keep_their_rules(run))


def test_a_mistake_in_a_log(logged_failures: LoggedFailures) -> None:
    with running() as run:
        assert list(rules.nothing_fails_in_a_program(run)) == []
        Logger().failure("something failed", Failure(ValueError("like this")))
        logged_failures.flush()
        assert "like this" in next(iter(rules.nothing_fails_in_a_program(run)))
