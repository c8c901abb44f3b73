from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import (
    RequestChangeProperties,
    RequestGetSnapshotInteractions,
    RequestHold,
    RequestPlaceInQueue,
    RequestReleaseSnapshot,
    RequestStopProcessing,
    RequestSubmit,
    RequestTakeSnapshot,
)
from ixproxy.node import long_reads, snapshots
from ixproxy.node.model import NodeSettings
from ixproxy.node.work import (
    Answer,
    ConnectionLost,
    GoesOn,
    Goodbye,
    GoOn,
    ReadLong,
    Refuse,
    Registered,
)
from ixproxy.values import SnapshotState
from tests.node.snapping import Snapping, locked, members
from tests.node.snapping import snapshots as stored
from tests.node.tried import TriedNode


@pytest.fixture
def supervisor(node: TriedNode) -> Snapping:
    return Snapping(node, node.desktop("supervisor"))


@pytest.fixture
def ids(node: TriedNode) -> list[str]:
    """Five interactions in a queue."""
    mail = node.media_server()
    return [node.submit(mail) for _ in range(5)]


@pytest.fixture
def by_twos(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two members are as many as fit into one batch."""
    monkeypatch.setattr(snapshots, "AT_A_TIME", 2)


def nothing_is_left(node: TriedNode) -> bool:
    return (locked(node), stored(node), members(node)) == (set(), [], [])


def test_a_snapshot_has_what_meets_its_condition_in_its_order(
    node: TriedNode, supervisor: Snapping
) -> None:
    mail = node.media_server()
    ids = [node.submit(mail, user_data={"Priority": priority}) for priority in (3, 9, 5, 1, 7)]
    taken = supervisor.take("Priority > 2", order="Priority DESC")
    assert taken.number_of_interactions == 4
    page = supervisor.page(taken.snapshot_id)
    assert list(page.interactions) == [ids[at] for at in (1, 4, 2, 0)]
    assert list(page.sort_keys.values()) == sorted(page.sort_keys.values())
    assert (page.errors, page.have_more) == ({}, False)
    assert page.interactions[ids[1]]["Priority"] == 9


def test_without_an_order_it_is_that_of_arrival_and_there_are_no_keys(
    ids: list[str], supervisor: Snapping
) -> None:
    page = supervisor.page(supervisor.take().snapshot_id)
    assert list(page.interactions) == ids
    assert page.sort_keys == {}


def test_what_comes_later_is_no_member_and_what_changes_stays_where_it_is(
    node: TriedNode, supervisor: Snapping, ids: list[str]
) -> None:
    number = supervisor.take("Queue = 'Inbound'", order="InteractionId DESC").snapshot_id
    mail = node.media_server()
    node.submit(mail)
    node.ask(mail, RequestPlaceInQueue(tenant_id=1, interaction_id=ids[2], queue="Done"))
    page = supervisor.page(number)
    assert list(page.interactions) == ids[::-1]
    assert page.interactions[ids[2]]["Queue"] == "Done"


def test_pages_cover_exactly_their_positions(
    node: TriedNode, supervisor: Snapping, ids: list[str]
) -> None:
    number = supervisor.take().snapshot_id
    pages = [supervisor.page(number, start, 2) for start in (0, 2, 4, 5, 99)]
    assert [list(page.interactions) for page in pages] == [ids[:2], ids[2:4], ids[4:], [], []]
    assert [page.have_more for page in pages] == [True, True, False, False, False]
    assert list(supervisor.page(number, 3).interactions) == ids[3:]
    gone = RequestStopProcessing(tenant_id=1, interaction_id=ids[2])
    node.ask(node.media_server(), gone)
    page = supervisor.page(number, 2, 2)
    assert (list(page.interactions), page.errors) == ([ids[3]], {ids[2]: Code.UNKNOWN_INTERACTION})


def test_a_page_that_would_be_too_large_ends_sooner_and_says_so(
    node: TriedNode, supervisor: Snapping, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = node.media_server()
    ids = [node.submit(mail, user_data={"text": "x" * 100}) for _ in range(4)]
    size = len(node.kept(ids[0]).user_data)
    number = supervisor.take().snapshot_id
    for most, covered in ((4 * size, 4), (4 * size - 1, 3), (2 * size, 2), (1, 1)):
        monkeypatch.setattr(long_reads, "MOST_BYTES", most)
        page = supervisor.page(number)
        assert (list(page.interactions), page.have_more) == (ids[:covered], covered < 4)
    monkeypatch.setattr(long_reads, "PIECE", 1)
    assert list(supervisor.page(number, 1).interactions) == [ids[1]]


def test_an_id_that_is_another_tenants_by_now_has_left(
    node: TriedNode, supervisor: Snapping
) -> None:
    mail = node.media_server()
    node.submit(mail, interaction_id="chat-1")
    number = supervisor.take().snapshot_id
    node.ask(mail, RequestStopProcessing(tenant_id=1, interaction_id="chat-1"))
    again = RequestSubmit(
        tenant_id=2, media_type="email", queue="Inbound", interaction_id="chat-1"
    )
    node.ask(mail, again)
    assert supervisor.page(number).errors == {"chat-1": Code.UNKNOWN_INTERACTION}
    assert supervisor.lock(number, "chat-1") == Code.UNKNOWN_INTERACTION


@pytest.mark.parametrize(("asked", "size"), [(0, 3), (2, 2), (9, 3)])
def test_a_snapshot_has_no_more_than_was_asked_for_and_is_allowed(
    node: TriedNode, supervisor: Snapping, ids: list[str], asked: int, size: int
) -> None:
    """Idea 23: the limits are each node's own."""
    settings = replace(node.settings, max_interactions_per_snapshot=3)
    node.core.configuration_changed(node.model, settings, node.now)
    taken = supervisor.take(lock=True, number_of_interactions=asked)
    assert taken.number_of_interactions == size
    assert locked(node) == set(ids[:size])


def test_only_what_can_be_locked_becomes_a_member_that_is(
    node: TriedNode, supervisor: Snapping, ids: list[str]
) -> None:
    router = node.router()
    node.pull_ids(router, ids[0])
    node.ask(router, RequestHold(tenant_id=1, interaction_id=ids[1]))
    other = Snapping(node, node.desktop("other"))
    other.lock(other.take().snapshot_id, ids[2])
    everything = supervisor.take()
    pullable = supervisor.take(check_interactions_state=True)
    lockable = supervisor.take(lock=True)
    assert list(supervisor.page(everything.snapshot_id).interactions) == ids
    assert list(supervisor.page(pullable.snapshot_id).interactions) == ids[3:]
    assert list(supervisor.page(lockable.snapshot_id).interactions) == [ids[1], *ids[3:]]
    assert locked(node) == set(ids[1:])
    assert supervisor.take(lock=True).number_of_interactions == 0
    supervisor.release(lockable.snapshot_id)
    both = supervisor.take(lock=True, check_interactions_state=True)
    assert list(supervisor.page(both.snapshot_id).interactions) == ids[3:]


@pytest.mark.parametrize("more", [{"lock": True}, {"check_interactions_state": True}])
def test_what_is_not_as_it_was_found_any_more_is_left_out(
    node: TriedNode, supervisor: Snapping, more: dict[str, Any]
) -> None:
    """Between the reader that finds it and the writer that makes it a member all may happen."""
    mail, router = node.media_server(), node.router()
    ids = [node.submit(mail, user_data={"Priority": 5}) for _ in range(6)]
    effect = supervisor.begin(RequestTakeSnapshot(tenant_id=1, condition="Priority = 5", **more))
    assert isinstance(effect, ReadLong)
    found = supervisor.read(effect)
    node.pull_ids(router, ids[0])
    node.ask(mail, RequestStopProcessing(tenant_id=1, interaction_id=ids[1]))
    node.ask(mail, RequestPlaceInQueue(tenant_id=1, interaction_id=ids[2], queue="Done"))
    change = RequestChangeProperties(
        tenant_id=1, interaction_id=ids[3], changed_properties={"Priority": 4}
    )
    node.ask(mail, change)
    other = Snapping(node, node.desktop("other"))
    other.lock(other.take().snapshot_id, ids[4])
    plan = effect.plan
    step = supervisor.further(GoOn(GoesOn(effect.sender, plan.request, found, "snapshot")))  # type: ignore[union-attr, arg-type]
    assert isinstance(step, Answer)
    assert list(supervisor.page(step.message.snapshot_id).interactions) == ids[5:]  # type: ignore[attr-defined]


@pytest.mark.usefixtures("by_twos")
def test_many_members_are_written_some_at_a_time_and_others_are_served_in_between(
    node: TriedNode, supervisor: Snapping, ids: list[str]
) -> None:
    effect = supervisor.begin(RequestTakeSnapshot(tenant_id=1, lock=True))
    sizes = []
    while not isinstance(effect, Answer):
        effect = supervisor.further(effect)
        sizes.append(len(locked(node)))
    assert sizes == [2, 4, 5]
    assert list(supervisor.page(effect.message.snapshot_id).interactions) == ids  # type: ignore[attr-defined]


@pytest.mark.usefixtures("by_twos")
def test_a_snapshot_that_is_not_whole_is_nobodys_to_use(
    node: TriedNode, supervisor: Snapping, ids: list[str]
) -> None:
    effect = supervisor.further(supervisor.begin(RequestTakeSnapshot(tenant_id=1)))
    (row,) = stored(node)
    assert (row.state, row.size) == (SnapshotState.TAKING, 2)
    page = RequestGetSnapshotInteractions(tenant_id=1, snapshot_id=row.snapshot_id)
    other = Snapping(node, supervisor.sender)
    assert other.code(page) == Code.UNKNOWN_SNAPSHOT
    while not isinstance(effect, Answer):
        effect = supervisor.further(effect)
    assert other.code(page) == 0


def test_release_unlocks_and_forgets(
    node: TriedNode, supervisor: Snapping, ids: list[str]
) -> None:
    router = node.router()
    taken = supervisor.take(lock=True)
    assert locked(node) == set(ids)
    assert node.pull(router, number_of_interactions=9) == {}
    with pytest.raises(RequestRefused, match=str(Code.LOCKED)):
        node.pull_ids(router, ids[0])
    supervisor.release(taken.snapshot_id)
    assert nothing_is_left(node)
    assert (1, "Inbound") in node.outcome.pullable
    assert list(node.pull(router, number_of_interactions=9)) == ids
    again = RequestReleaseSnapshot(tenant_id=1, snapshot_id=taken.snapshot_id)
    assert supervisor.code(again) == Code.UNKNOWN_SNAPSHOT


@pytest.mark.usefixtures("by_twos")
def test_a_large_one_is_released_step_by_step_and_used_by_nobody_meanwhile(
    node: TriedNode, supervisor: Snapping, ids: list[str]
) -> None:
    number = supervisor.take(lock=True).snapshot_id
    effect = supervisor.begin(RequestReleaseSnapshot(tenant_id=1, snapshot_id=number))
    assert isinstance(effect, GoOn)
    assert effect.work.begun
    assert locked(node) == set(ids[2:])
    assert Snapping(node, supervisor.sender).lock(number, ids[4]) == Code.UNKNOWN_SNAPSHOT
    while not isinstance(effect, Answer):
        effect = supervisor.further(effect)
    assert supervisor.steps == 3
    assert nothing_is_left(node)


@pytest.mark.usefixtures("by_twos")
def test_with_its_session_a_snapshot_ends_and_what_is_much_ends_soon(
    node: TriedNode, supervisor: Snapping, ids: list[str]
) -> None:
    """Idea 25: a client vanishes, its snapshots and locks are gone, and the count is down."""
    for _ in range(2):
        supervisor.take()
    supervisor.take(lock=True)
    node.run(Goodbye(supervisor.sender.session))
    assert node.core.next_due() == 0.0
    states = {row.state for row in stored(node)}
    assert states == {SnapshotState.ENDING}
    for _ in range(8):
        node.wait(0.01)
    assert nothing_is_left(node)
    assert node.core.next_due() != 0.0
    assert len(node.core._standing.memory.snapshots) == 0


def test_a_session_that_does_not_come_back_in_time_has_none(
    node: TriedNode, supervisor: Snapping, ids: list[str]
) -> None:
    number = supervisor.take(lock=True).snapshot_id
    node.run(ConnectionLost(supervisor.sender.session))
    node.wait(59)
    assert locked(node) == set(ids)
    node.run(Registered(supervisor.sender, 2))
    assert list(supervisor.page(number).interactions) == ids
    node.run(ConnectionLost(supervisor.sender.session))
    node.wait(61)
    assert nothing_is_left(node)


def test_a_client_that_comes_back_keeps_what_it_names(
    node: TriedNode, supervisor: Snapping, ids: list[str]
) -> None:
    kept, lost = (supervisor.take(lock=lock).snapshot_id for lock in (False, True))
    node.run(Registered(supervisor.sender, 2, token="again", snapshots=(kept, 12345)))
    (answer,) = node.settled("again")
    assert isinstance(answer, Answer)
    assert answer.message.snapshots == [kept]  # type: ignore[attr-defined]
    assert [row.snapshot_id for row in stored(node)] == [kept]
    assert locked(node) == set()
    node.run(Registered(supervisor.sender, 3))
    assert [row.snapshot_id for row in stored(node)] == [kept], "it does not say: all stay"
    node.run(Registered(supervisor.sender, 4, snapshots=()))
    assert nothing_is_left(node)
    assert lost != kept


def test_nobody_elses_snapshot_is_known(
    node: TriedNode, supervisor: Snapping, ids: list[str]
) -> None:
    """Idea 26: numbers are no keys to what others have."""
    number = supervisor.take().snapshot_id
    other = Snapping(node, node.desktop("other"))
    page = RequestGetSnapshotInteractions(tenant_id=1, snapshot_id=number)
    for kind in (RequestGetSnapshotInteractions, RequestReleaseSnapshot):
        for sender, tenant in ((other, 1), (supervisor, 2)):
            wrong = kind(tenant_id=tenant, snapshot_id=number)
            assert sender.code(wrong) == Code.UNKNOWN_SNAPSHOT
    assert other.lock(number, ids[0]) == other.unlock(number, ids[0]) == Code.UNKNOWN_SNAPSHOT
    assert supervisor.code(page) == 0
    foreign = RequestGetSnapshotInteractions(tenant_id=9, snapshot_id=number)
    assert supervisor.code(foreign) == Code.UNKNOWN_TENANT


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (RequestTakeSnapshot(tenant_id=9), Code.UNKNOWN_TENANT),
        (RequestTakeSnapshot(tenant_id=1, condition="Colour = 1"), Code.INVALID_CONDITION),
        (RequestTakeSnapshot(tenant_id=1, order="Colour"), Code.INVALID_CONDITION),
    ],
)
def test_what_cannot_be_taken_is_refused_at_once(
    node: TriedNode, supervisor: Snapping, request_: RequestTakeSnapshot, code: int
) -> None:
    assert node.refusal(supervisor.sender, request_) == code


def test_there_are_no_more_snapshots_than_are_allowed() -> None:
    node = TriedNode(NodeSettings(max_number_of_snapshots=2))
    first, second = (Snapping(node, node.desktop(name)) for name in ("one", "two"))
    kept = first.take().snapshot_id
    effects = [each.begin(RequestTakeSnapshot(tenant_id=1)) for each in (first, second)]
    outcomes = [each.further(effect) for each, effect in zip((first, second), effects, strict=True)]
    assert isinstance(outcomes[0], ReadLong | Answer | GoOn)
    outcomes = [
        each.further(effect) if isinstance(effect, GoOn | ReadLong) else effect
        for each, effect in zip((first, second), outcomes, strict=True)
    ]
    assert isinstance(outcomes[0], Answer)
    assert isinstance(outcomes[1], Refuse), "both began before there were too many"
    assert outcomes[1].code == Code.TOO_MANY_SNAPSHOTS
    take = RequestTakeSnapshot(tenant_id=1)
    assert node.refusal(second.sender, take) == Code.TOO_MANY_SNAPSHOTS
    first.release(kept)
    assert second.code(take) == 0
    node.discard()


def test_one_client_has_no_more_than_it_can_name(
    node: TriedNode, supervisor: Snapping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "MAX_SNAPSHOTS", 1)
    supervisor.take()
    take = RequestTakeSnapshot(tenant_id=1)
    assert node.refusal(supervisor.sender, take) == Code.TOO_MANY_SNAPSHOTS
    assert Snapping(node, node.desktop("other")).code(take) == 0


def test_a_client_that_is_gone_before_its_snapshot_is_whole_leaves_none(
    node: TriedNode, supervisor: Snapping, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "AT_A_TIME", 2)
    take = RequestTakeSnapshot(tenant_id=1, lock=True)
    effect = supervisor.begin(take)
    node.run(ConnectionLost(supervisor.sender.session))
    refused = supervisor.further(effect)
    assert isinstance(refused, Refuse)
    assert refused.code == Code.NOT_REGISTERED
    node.run(Registered(supervisor.sender, 2))
    for end in (Goodbye(supervisor.sender.session), Registered(supervisor.sender, 10)):
        effect = supervisor.further(supervisor.begin(take))
        assert len(locked(node)) == 2
        node.run(end)
        assert nothing_is_left(node)
        refused = supervisor.further(effect)
        assert isinstance(refused, Refuse)
        assert refused.code == Code.CANCELLED
        node.run(Registered(supervisor.sender, 9))
    assert nothing_is_left(node)


def test_a_restart_keeps_what_is_whole_and_frees_the_rest(
    node: TriedNode, supervisor: Snapping, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    number = supervisor.take("Queue = 'Inbound'", lock=True, number_of_interactions=2).snapshot_id
    monkeypatch.setattr(snapshots, "AT_A_TIME", 1)
    supervisor.further(supervisor.begin(RequestTakeSnapshot(tenant_id=1, lock=True)))
    other = Snapping(node, node.desktop("other"))
    ending = other.take(number_of_interactions=2).snapshot_id
    other.begin(RequestReleaseSnapshot(tenant_id=1, snapshot_id=ending))
    assert locked(node) == set(ids[:3])
    node.restart()
    assert node.core.next_due() == 0.0
    for _ in range(3):
        node.wait(0.01)
    assert [row.snapshot_id for row in stored(node)] == [number]
    assert locked(node) == set(ids[:2])
    node.run(Registered(supervisor.sender, 2, snapshots=(number,)))
    assert list(supervisor.page(number).interactions) == ids[:2]
    assert supervisor.unlock(number, ids[0]) == 0
    assert supervisor.take().snapshot_id > number


def test_numbers_do_not_come_again(node: TriedNode, supervisor: Snapping) -> None:
    numbers = []
    for incarnation in range(2, 6):
        taken = supervisor.take()
        numbers.append(taken.snapshot_id)
        supervisor.release(taken.snapshot_id)
        node.restart()
        node.run(Registered(supervisor.sender, incarnation))
    assert len(set(numbers)) == 4


def test_a_new_interaction_with_an_old_id_is_not_what_was_locked(
    node: TriedNode, supervisor: Snapping
) -> None:
    mail = node.media_server()
    node.submit(mail, interaction_id="chat-1")
    first = supervisor.take(lock=True).snapshot_id
    node.ask(mail, RequestStopProcessing(tenant_id=1, interaction_id="chat-1"))
    node.submit(mail, interaction_id="chat-1")
    assert locked(node) == set()
    supervisor.take(lock=True)
    supervisor.release(first)
    assert locked(node) == {"chat-1"}, "the lock of the second snapshot is its own"
