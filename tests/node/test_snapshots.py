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
from ixproxy.node.work import (
    Answer,
    GoesOn,
    GoOn,
    ReadLong,
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
