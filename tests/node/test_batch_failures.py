from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.errors import Code, LeaseLost, StorageError
from ixproxy.messages import (
    EventAck,
    RequestPing,
    RequestSetInFocus,
    RequestStopProcessing,
    RequestSubmit,
)
from ixproxy.node import attempt, expiry, requests
from ixproxy.node.rows import InteractionRow, TimerRow
from ixproxy.node.turn import Turn
from ixproxy.node.work import (
    Announce,
    Answer,
    Asked,
    ConnectionLost,
    Failure,
    Goodbye,
    Outcome,
    Refuse,
    Tell,
    Tick,
)
from ixproxy.values import interaction_id
from tests.node.tried import TriedNode


def submit(name: str = "", **more: Any) -> RequestSubmit:
    return RequestSubmit(
        tenant_id=1, media_type="email", queue="Inbound", user_data={"name": name}, **more
    )


def by_token(outcome: Outcome) -> dict[Any, Any]:
    """Token to answer or code; each token once."""
    found = [each for each in outcome.effects if isinstance(each, Answer | Refuse)]
    assert len({each.token for each in found}) == len(found)
    return {each.token: each.code if isinstance(each, Refuse) else each.message for each in found}


def names(node: TriedNode) -> set[str]:
    rows = node.store.fetch_by("interactions", "tenant_id", [1])
    return {node.user_data(row.id)["name"] for row in rows}


def test_the_request_that_the_store_fails_on_is_refused_and_no_other(node: TriedNode) -> None:
    mail = node.media_server()
    node.store.poison = poison_of("bad")
    outcome = node.core.run(
        [Asked(mail, submit(name), 0, name) for name in ("one", "bad", "two")], node.now
    )
    answers = by_token(outcome)
    assert answers["bad"] == Code.STORE_FAILED
    assert isinstance(answers["one"], EventAck)
    assert isinstance(answers["two"], EventAck)
    assert names(node) == {"one", "two"}
    (failure,) = outcome.failures
    assert isinstance(failure.work, Asked)
    assert (failure.work.token, str(failure.problem)) == ("bad", "the disk is full")
    assert not outcome.store_lost
    (refusal,) = [each for each in outcome.effects if isinstance(each, Refuse)]
    assert not refusal.in_doubt


def poison_of(name: str) -> Callable[[Any], bool]:
    """What spoils a write: a row whose user data have this name."""

    def spoils(item: Any) -> bool:
        return isinstance(item, InteractionRow) and name.encode() in item.user_data

    return spoils


def test_effects_of_a_batch_that_failed_do_not_leave_twice(node: TriedNode) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    id = node.submit(mail)
    node.pull_ids(ann, id)
    node.store.poison = poison_of("bad")
    stop = RequestStopProcessing(tenant_id=1, interaction_id=id)
    outcome = node.core.run([Asked(mail, stop, 0, 1), Asked(mail, submit("bad"), 0, 2)], node.now)
    assert sum(isinstance(each, Tell) for each in outcome.effects) == 1
    assert outcome.pullable == frozenset()


def test_timers_that_the_store_fails_on_do_not_keep_requests_from_running(
    node: TriedNode,
) -> None:
    mail, router = node.media_server(), node.router()
    id = node.submit(mail, user_data={"name": "bad"})
    node.pull_ids(router, id)
    node.now += 720 * 60
    node.store.poison = poison_of("bad")
    outcome = node.core.run([Asked(mail, submit("one"), 0, 1)], node.now)
    assert isinstance(by_token(outcome)[1], EventAck)
    (failure,) = outcome.failures
    assert failure.work is None
    assert node.kept(id).state == 2
    node.store.poison = poison_of("nothing")
    node.wait(0)
    assert node.kept(id).state == 0


@pytest.mark.parametrize("how", ["lost", "void"])
def test_an_uncertain_commit_is_decided_by_the_mark(node: TriedNode, how: str) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    node.store.commits = [how]
    outcome = node.run(
        Asked(mail, submit("one"), 0, 1),
        Asked(ann, submit("two"), 0, 2),
        Asked(mail, RequestPing(), 0, 3),
    )
    answers = by_token(outcome)
    assert answers[1].interaction_id == interaction_id(101, 1, 1)
    assert answers[2].interaction_id == interaction_id(101, 1, 2)
    assert names(node) == {"one", "two"}
    assert node.core.last_event_number == node.store.last_event_number()
    assert len(node.parties(answers[2].interaction_id)) == 1


def test_a_commit_that_stays_uncertain_fails_in_the_end(node: TriedNode) -> None:
    mail = node.media_server()
    node.store.commits = ["void"] * 6
    outcome = node.core.run([Asked(mail, submit("one"), 0, 1)], node.now)
    assert by_token(outcome) == {1: Code.STORE_FAILED}
    assert names(node) == set()
    node.submit(mail, user_data={"name": "two"})
    assert names(node) == {"two"}


def test_what_cannot_be_read_after_an_uncertain_commit_is_in_doubt(node: TriedNode) -> None:
    mail = node.media_server()
    node.store.commits, node.store.unreadable = ["lost"], True
    outcome = node.core.run(
        [Asked(mail, submit("one"), 0, 1), Goodbye(b"x"), Tick(), ConnectionLost(b"x")], node.now
    )
    (refusal,) = outcome.effects
    assert isinstance(refusal, Refuse)
    assert (refusal.code, refusal.in_doubt) == (Code.STORE_UNCERTAIN, True)
    assert outcome.store_lost
    node.store.unreadable = False
    node.store.reopen()


def test_a_lost_lease_is_given_up_at_once(node: TriedNode) -> None:
    mail = node.media_server()
    node.store.commits = [LeaseLost("taken over")]
    outcome = node.core.run([Asked(mail, submit(), 0, number) for number in (1, 2)], node.now)
    assert by_token(outcome) == {1: Code.STORE_FAILED, 2: Code.STORE_FAILED}
    assert outcome.store_lost
    assert [type(each.problem) for each in outcome.failures] == [LeaseLost]


@pytest.mark.parametrize("lost", [LeaseLost("taken over"), "uncertain"])
def test_a_lease_that_is_lost_on_the_way_refuses_the_rest(
    node: TriedNode, lost: Exception | str
) -> None:
    mail = node.media_server()
    works = [Asked(mail, submit(str(number)), 0, number) for number in range(3)]
    commits: list[str | Exception] = ["fails", ""]
    if isinstance(lost, Exception):
        commits.append(lost)
    else:
        commits.append("void")
        node.store.unreadable = True
    node.store.commits = commits
    outcome = node.core.run(works, node.now)
    answers = by_token(outcome)
    assert isinstance(answers[0], EventAck)
    assert answers[1] == (Code.STORE_UNCERTAIN if lost == "uncertain" else Code.STORE_FAILED)
    assert answers[2] == Code.STORE_FAILED
    assert outcome.store_lost
    node.store.unreadable = False
    node.store.reopen()


def test_a_mistake_of_ours_costs_one_request(
    node: TriedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = node.media_server()
    whole = requests.RULES[RequestSubmit]

    def broken(turn: Any, sender: Any, request: Any) -> Any:
        ack = whole(turn, sender, request)
        if request.user_data["name"] == "bad":
            raise ZeroDivisionError
        return ack

    monkeypatch.setitem(cast(dict[object, object], requests.RULES), RequestSubmit, broken)
    outcome = node.core.run(
        [Asked(mail, submit(name), 0, name) for name in ("one", "bad", "two")], node.now
    )
    answers = by_token(outcome)
    assert answers["bad"] == Code.INTERNAL
    assert names(node) == {"one", "two"}
    (failure,) = outcome.failures
    assert isinstance(failure, Failure)
    assert isinstance(failure.problem, ZeroDivisionError)
    (refusal,) = [each for each in outcome.effects if isinstance(each, Refuse)]
    assert not refusal.in_doubt


def test_a_store_that_does_not_even_begin_refuses_everything(
    node: TriedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = node.media_server()

    def begin() -> None:
        raise StorageError("no")

    with monkeypatch.context() as patched:
        patched.setattr(node.store, "begin", begin)
        outcome = node.core.run([Asked(mail, submit(), 0, n) for n in (1, 2)], node.now)
    assert by_token(outcome) == {1: Code.STORE_FAILED, 2: Code.STORE_FAILED}
    node.submit(mail)


def test_what_goes_wrong_while_ending_does_not_keep_others_from_ending(
    node: TriedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail, router = node.media_server(), node.router()
    ids = [node.submit(mail) for _ in range(3)]
    node.pull(router, number_of_interactions=3)
    whole = expiry.end_timer

    def broken(turn: Turn, timer: TimerRow) -> None:
        whole(turn, timer)
        if timer.interaction_id == ids[1]:
            raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(attempt, "end_timer", broken)
        patched.setattr(attempt, "AT_A_TIME", 3)
        node.now += 720 * 60
        outcome = node.core.run([Asked(mail, submit("one"), 0, 1)], node.now)
    assert isinstance(by_token(outcome)[1], EventAck)
    assert [type(each.problem) for each in outcome.failures] == [ZeroDivisionError]
    assert [node.kept(id).state for id in ids] == [0, 2, 0]
    assert len([each for each in outcome.effects if isinstance(each, Tell)]) == 2
    node.wait(0)
    assert node.kept(ids[1]).state == 0


def test_one_session_that_cannot_end_does_not_keep_others(
    node: TriedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail, first, second = node.media_server(), node.router("ors-1"), node.router("ors-2")
    rows = [node.kept(node.submit(mail)) for _ in range(4)]
    for router in (first, second):
        node.pull(router, number_of_interactions=2)
        node.run(ConnectionLost(router.session))
    whole = expiry.end_old_session

    def broken(turn: Turn, session: bytes) -> None:
        whole(turn, session)
        if session == first.session:
            raise ZeroDivisionError

    node.now += 60
    with monkeypatch.context() as patched:
        patched.setattr(attempt, "end_old_session", broken)
        outcome = node.core.run([Tick()], node.now)
    assert [type(each.problem) for each in outcome.failures] == [ZeroDivisionError]
    assert [node.kept(row.id).state for row in rows] == [2, 2, 0, 0]
    node.wait(0)
    assert [node.kept(row.id) for row in rows] == rows


def test_counts_that_go_wrong_do_not_undo_what_has_happened(
    node: TriedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = node.media_server()
    load = node.core._standing.load

    def broken(changes: object, now: float) -> bool:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(load, "note", broken)
        outcome = node.core.run([Asked(mail, submit("one"), 0, 1)], node.now)
    assert isinstance(by_token(outcome)[1], EventAck)
    assert [type(each.problem) for each in outcome.failures] == [ZeroDivisionError]
    assert names(node) == {"one"}
    assert node.core.last_event_number == node.store.last_event_number()


def test_memory_is_taken_back_with_its_batch(node: TriedNode) -> None:
    mail, ann, router = node.media_server(), node.agent("Ann"), node.router()
    id = node.submit(mail)
    node.pull_ids(ann, id)
    node.ask(ann, RequestSetInFocus(tenant_id=1, interaction_id=id))
    memory = node.core._standing.memory

    def snapshot() -> Any:
        return (
            dict(memory.sessions),
            dict(memory.lost),
            dict(memory.agents),
            dict(memory.agents_of),
            dict(memory.places),
            dict(memory.servers),
            dict(memory.restarts),
            repr(memory.counters),
        )

    before, stored = snapshot(), node.stored()
    node.store.commits = ["fails"] * 9
    outcome = node.core.run(
        [
            Goodbye(ann.session, 1),
            ConnectionLost(router.session),
            Goodbye(mail.session, 2),
            Asked(mail, submit(), 0, 3),
        ],
        node.now,
    )
    assert by_token(outcome) == dict.fromkeys((1, 2, 3), Code.STORE_FAILED)
    assert snapshot() == before
    node.store.commits = []
    assert node.stored() == stored


COMMITS = st.sampled_from(["", "", "", "fails", "lost", "void"])


@given(
    batches=st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=5), max_size=6),
    commits=st.lists(COMMITS, max_size=12),
    poisoned=st.sets(st.integers(0, 12), max_size=3),
)
def test_whatever_the_store_does_answers_tell_the_truth(
    batches: list[list[int]], commits: list[str], poisoned: set[int]
) -> None:
    """What is acknowledged is stored, what is refused is not, and memory agrees."""
    node = TriedNode()
    try:
        mail = node.media_server()
        node.store.commits = commits
        spoilt = {f"<{number}>" for number in poisoned}
        node.store.poison = lambda item: (
            isinstance(item, InteractionRow)
            and any(each.encode() in item.user_data for each in spoilt)
        )
        there: dict[str, str] = {}
        number = 0
        for batch in batches:
            works = []
            for kind in batch:
                if kind and len(there) >= kind:
                    id = list(there)[kind - 1]
                    stop = RequestStopProcessing(tenant_id=1, interaction_id=id)
                    works.append(Asked(mail, stop, 0, (number, "stop", id)))
                else:
                    name = f"<{number}>"
                    works.append(Asked(mail, submit(name), 0, (number, "submit", name)))
                number += 1
            outcome = node.core.run(works, node.now)
            assert not outcome.store_lost
            for (_, kind, what), answer in by_token(outcome).items():
                if isinstance(answer, EventAck) and kind == "submit":
                    assert answer.interaction_id not in there
                    there[answer.interaction_id] = what
                elif isinstance(answer, EventAck):
                    del there[what]
            stored = node.store.fetch_by("interactions", "tenant_id", [1])
            assert {row.id: node.user_data(row.id)["name"] for row in stored} == there
            assert node.core.last_event_number == node.store.last_event_number()
        node.store.commits, node.store.poison = [], poison_of("nothing")
        node.core._standing.load.changed = True
        node.wait(2)
        (event,) = [each.event for each in node.effects(Announce)]
        assert event.queues.get(1, {}).get("Inbound", 0) == len(there)
    finally:
        node.discard()
