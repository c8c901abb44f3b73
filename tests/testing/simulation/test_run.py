from __future__ import annotations

import pytest

from ixproxy import messages as m
from ixproxy.errors import RequestRefused
from ixproxy.testing.simulation.history import Breach
from ixproxy.testing.simulation.run import Run
from ixproxy.testing.simulation.stepping import Draws, Step
from tests.testing.simulation.small_worlds import (
    answered,
    logged_in,
    one,
    pulled,
    running,
    small_world,
    submitted,
)


def broken(run: Run) -> str:
    """The name of the broken rule; "" when none is."""
    return run.breach.rule if run.breach is not None else ""


def test_when_it_begins_all_are_there_and_readers_read() -> None:
    with running(media=2, desks=3) as run:
        assert [len(run.there(sort)) for sort in ("mail", "router", "desk", "stat")] == [2, 1, 3, 1]
        assert one(run, "stat").reads


def test_what_is_asked_and_answered_stands_in_the_history() -> None:
    with running() as run:
        identifier = submitted(run)
        lines = "\n".join(run.history.lines())
        assert "mail-1 asks RequestSubmit(" in lines
        assert f"mail-1 is answered: EventAck(extension={{'InteractionId': '{identifier}'" in lines


def test_steps_run_one_after_another_with_their_pauses() -> None:
    seen: list[tuple[int, int, float]] = []

    def noted(run: Run, draws: Draws) -> None:
        seen.append((run.step, draws.below(100), run.now()))

    with running() as run:
        begun = run.now()
        run.play([Step(4, "note", 17, 0.25), Step(9, "note", 18, 0.5)], {"note": noted}, ())
        assert seen == [(4, 17, begun), (9, 18, begun + 0.25)]
        assert run.now() == begun + 0.75


def test_the_first_broken_rule_ends_it() -> None:
    ran: list[int] = []

    def breaking(run: Run, draws: Draws) -> None:
        ran.append(run.step)
        run.broken("a_rule", "is broken")
        run.broken("another_rule", "is broken later")

    with running() as run:
        run.play([Step(1, "break", 0, 0.0), Step(2, "break", 0, 0.0)], {"break": breaking}, ())
        assert ran == [1]
        assert run.breach == Breach("a_rule", "is broken", run.now(), 1)


def test_a_rule_is_named_by_its_function() -> None:
    def something_is_wrong(run: Run) -> list[str]:
        return ["this is", "and that"]

    with running() as run:
        run.check([something_is_wrong])
        assert run.breach is not None
        assert (run.breach.rule, run.breach.text) == ("something_is_wrong", "this is")


def test_what_somebody_waits_no_longer_for_is_in_doubt() -> None:
    with running() as run:
        asked = run.ask(one(run, "router"), m.RequestPull(tenant_id=1, view_id="In/All"))
        assert run.waiting == [asked]
        asked.answer.cancel()
        assert run.waiting == []
        assert isinstance(asked.outcome, RequestRefused)
        assert asked.outcome.in_doubt


def test_who_has_gone_waits_for_nothing() -> None:
    with running() as run:
        router = one(run, "router")
        run.ask(router, m.RequestPull(tenant_id=1, view_id="In/All"))
        router.left = True
        assert run.waiting == []


def test_nobody_may_be_told_of_what_was_never_theirs() -> None:
    with running(desks=2) as run:
        identifier = pulled(run)
        desk = logged_in(run)
        event = m.EventRevoked(tenant_id=1, interaction_id=identifier)
        run._heard(one(run, "router"), event)
        assert broken(run) == ""
        run._heard(desk, event)
        assert broken(run) == "nobody_is_told_of_what_is_not_theirs"


def test_who_was_handed_something_may_be_told_though_it_was_lost_in_the_same_commit() -> None:
    with running(desks=2) as run:
        identifier = pulled(run)
        desk = logged_in(run)
        run.ask(desk, m.RequestPull(tenant_id=1, view_id="In/All"))
        run.asked[-1].outcome = m.EventPulledInteractions(take_numbers={identifier: 5})
        run._heard(desk, m.EventRevoked(tenant_id=1, interaction_id=identifier))
        assert broken(run) == ""


def test_an_invited_agent_may_be_told_whoever_the_client_is() -> None:
    with running() as run:
        identifier = pulled(run)
        logged_in(run)
        deliver = m.RequestDeliver(tenant_id=1, interaction_id=identifier, agent_id="anna")
        run.ask(one(run, "router"), deliver)
        run.cluster.run(0.2)
        assert run.breach is None
        assert one(run, "desk").here.invitations


def test_media_servers_are_told_of_what_they_submitted() -> None:
    with running() as run:
        identifier = pulled(run)
        stop = m.RequestStopProcessing(tenant_id=1, interaction_id=identifier)
        answered(run, one(run, "router"), stop)
        run.cluster.run(0.2)
        assert run.breach is None
        assert "mail-1 hears EventProcessingStopped" in "\n".join(run.history.lines())


def test_a_second_answer_breaks_a_rule() -> None:
    with running() as run:
        asked = answered(run, one(run, "mail"), m.RequestResume(tenant_id=1, interaction_id="x"))
        run.open[asked] = None
        run._answered(m.EventAck(), asked)
        assert run.breach is not None
        assert run.breach.rule == "every_request_is_answered_once"


def test_it_counts_what_requests_came_to() -> None:
    with running(reporters=0) as run:
        submitted(run)
        answered(run, one(run, "mail"), m.RequestResume(tenant_id=1, interaction_id="x"))
        assert run.outcomes() == {"RequestSubmit yes": 1, "RequestResume 43": 1}


def test_a_cluster_that_never_begins_is_a_mistake_of_the_test() -> None:
    run = Run(small_world())
    run.cluster.cut("node1", "proxy1")
    with pytest.raises(AssertionError, match="never begins"):
        run.begin()
    run.close()
