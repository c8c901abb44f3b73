"""Snapshots on a whole node: their requests, readers and batches, and who comes and goes."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventError,
    EventInteractionMoved,
    EventSnapshotInteractions,
    EventSnapshotTaken,
    RequestFindInteractions,
    RequestGetSnapshotInteractions,
    RequestLockInteraction,
    RequestMoveInteractions,
    RequestPull,
    RequestReleaseSnapshot,
    RequestStopInteractions,
    RequestSubmit,
    RequestTakeSnapshot,
    RequestUnlockInteraction,
    RequestUnregisterClient,
)
from ixproxy.node import snapshot_moves, snapshots
from ixproxy.testing.faults import Fault
from tests.failures import LoggedFailures
from tests.net.node_rig import NodeRig, RawPeer

ONE = b"1" * 16
SUBMIT = RequestSubmit(tenant_id=1, media_type="email", queue="In")
TAKE = RequestTakeSnapshot(tenant_id=1, lock=True)


@pytest.fixture
def by_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch has room for one member."""
    monkeypatch.setattr(snapshots, "AT_A_TIME", 1)
    monkeypatch.setattr(snapshot_moves, "AT_A_TIME", 1)


def filled(rig: NodeRig, number: int = 4) -> list[str]:
    media = rig.client("MediaServer")
    return [media.ask(SUBMIT).interaction_id for _ in range(number)]


def locked(rig: NodeRig) -> list[str]:
    return sorted(row["id"] for row in rig.rows("interactions") if row["is_locked"])


def taken(peer: RawPeer, client: int = 0) -> int:
    answer = peer.ask(TAKE, client=client)
    assert isinstance(answer, EventSnapshotTaken), answer
    return answer.snapshot_id


def on(number: int, **more: Any) -> dict[str, Any]:
    return {"tenant_id": 1, "snapshot_id": number, **more}


def test_a_snapshot_is_taken_shown_and_released(rig: NodeRig) -> None:
    """Ideas 23 and 25: pages, locks of single ones, and the count is down at the end."""
    ids = filled(rig)
    desk = rig.client("AgentApplication")
    number = taken(desk)
    page = desk.ask(RequestGetSnapshotInteractions(**on(number, start_from=1)))
    assert isinstance(page, EventSnapshotInteractions)
    assert list(page.interactions) == ids[1:]
    assert desk.ask(RequestUnlockInteraction(**on(number, interaction_id=ids[0]))) == EventAck(
        interaction_id=ids[0]
    )
    assert locked(rig) == sorted(ids[1:])
    desk.ask(RequestLockInteraction(**on(number, interaction_id=ids[0])))
    assert locked(rig) == sorted(ids)
    assert desk.ask(RequestReleaseSnapshot(**on(number))) == EventAck()
    assert (locked(rig), rig.rows("snapshots"), rig.rows("snapshot_members")) == ([], [], [])


@pytest.mark.parametrize("way", ["unlock", "release", "goodbye", "lost", "stop asking"])
def test_what_is_free_again_wakes_the_pulls_that_wait(rig: NodeRig, way: str) -> None:
    (id,) = filled(rig, 1)
    desk = rig.client("AgentApplication")
    number = taken(desk)
    router = rig.client("RoutingEngine")
    pull = RequestPull(tenant_id=1, view_id="In/All", extension={"pull-for-strategy": 1})
    reference = router.send(pull)
    rig.settle()
    assert router.answers(reference) == []
    if way == "unlock":
        desk.ask(RequestUnlockInteraction(**on(number, interaction_id=id)))
    elif way == "release":
        desk.ask(RequestReleaseSnapshot(**on(number)))
    elif way == "goodbye":
        desk.ask(RequestUnregisterClient())
    elif way == "lost":
        desk.lose()
    else:
        rig.run(60)
        assert router.answer(reference).interactions == {}
        return
    assert list(router.answer(reference).interactions) == [id]


@pytest.mark.usefixtures("by_ones")
def test_whoever_asks_meanwhile_is_served_between_the_steps(rig: NodeRig) -> None:
    ids = filled(rig, 8)
    desk, media = rig.client("AgentApplication"), rig.client("MediaServer")
    number = taken(desk)
    rig.writer.paused = True
    move = desk.send(RequestMoveInteractions(**on(number, queue="Second")))
    rig.settle()
    for _ in range(3):
        rig.writer.run_one()
        rig.settle()
    assert desk.answers(move) == []
    submit = media.send(SUBMIT)
    rig.settle()
    for _ in range(2):
        rig.writer.run_one()
        rig.settle()
    assert isinstance(media.answer(submit), EventAck)
    assert desk.answers(move) == []
    rig.writer.resume()
    rig.settle()
    assert desk.answer(move) == EventInteractionMoved(number_of_interactions=8)
    queues = {row["id"]: row["queue"] for row in rig.rows("interactions")}
    assert [queues[id] for id in ids] == ["Second"] * 8


@pytest.mark.usefixtures("by_ones")
def test_what_a_client_asks_in_a_row_is_done_in_that_order(rig: NodeRig) -> None:
    """Also where the first of it takes many batches."""
    filled(rig, 5)
    desk = rig.client("AgentApplication")
    number = taken(desk)
    asked = [
        desk.send(RequestMoveInteractions(**on(number, queue="Second"))),
        desk.send(RequestMoveInteractions(**on(number, queue="Done"))),
        desk.send(RequestReleaseSnapshot(**on(number))),
        desk.send(RequestReleaseSnapshot(**on(number))),
        desk.send(RequestUnregisterClient()),
    ]
    rig.settle()
    answers = [desk.answer(reference) for reference in asked]
    moved = EventInteractionMoved(number_of_interactions=5)
    assert answers[:3] == [moved, moved, EventAck()]
    assert answers[3].error_code == Code.UNKNOWN_SNAPSHOT
    assert {row["queue"] for row in rig.rows("interactions")} == {"Done"}
    assert (locked(rig), rig.rows("snapshots")) == ([], [])


def test_a_page_and_a_release_behind_it_may_meet_and_the_page_is_not_half_of_one(
    rig: NodeRig,
) -> None:
    filled(rig)
    desk = rig.client("AgentApplication")
    number = taken(desk)
    rig.writer.paused = True
    page = desk.send(RequestGetSnapshotInteractions(**on(number)))
    release = desk.send(RequestReleaseSnapshot(**on(number)))
    rig.settle()
    rig.writer.resume()
    rig.settle()
    assert desk.answer(release) == EventAck()
    assert desk.answer(page).error_code == Code.UNKNOWN_SNAPSHOT
    other = taken(desk)
    shown = desk.ask(RequestGetSnapshotInteractions(**on(other)))
    assert len(shown.interactions) == 4


def test_a_client_behind_a_proxy_has_what_it_names_and_no_more(rig: NodeRig) -> None:
    """Coming from another proxy it names nothing, for that never heard of any."""
    filled(rig)
    one, two = rig.proxy("p1"), rig.proxy("p2")
    first = one.number("AgentApplication", session=ONE)
    number = taken(one, first)
    ack = two.register("AgentApplication", session=ONE, incarnation=2, snapshots=[number, 99])
    assert ack.snapshots == [number]
    second = ack.proxy_client_id
    page = RequestGetSnapshotInteractions(**on(number))
    assert isinstance(two.ask(page, client=second), EventSnapshotInteractions)
    again = one.number("AgentApplication", session=ONE, incarnation=3)
    assert one.ask(page, client=again).error_code == Code.UNKNOWN_SNAPSHOT
    assert (locked(rig), rig.rows("snapshots")) == ([], [])


def test_a_direct_client_that_does_not_say_keeps_all(rig: NodeRig) -> None:
    filled(rig)
    desk = rig.client("AgentApplication", session=ONE)
    number = taken(desk)
    desk.lose()
    again = rig.client("AgentApplication", session=ONE, incarnation=2)
    release = RequestReleaseSnapshot(**on(number))
    assert again.ask(release) == EventAck()
    assert rig.client("AgentApplication").ask(release).error_code == Code.UNKNOWN_SNAPSHOT


@pytest.mark.parametrize("client_type", ["ReportingEngine", "ThirdPartyServer"])
def test_who_does_not_work_on_interactions_takes_none(rig: NodeRig, client_type: str) -> None:
    assert rig.client(client_type).ask(TAKE).error_code == Code.NOT_ALLOWED


def test_a_client_that_goes_while_its_snapshot_is_chosen_leaves_none(rig: NodeRig) -> None:
    filled(rig)
    desk = rig.client("AgentApplication", session=ONE)
    readers = [each for name, each in rig.executors.items() if name != "writer"]
    for each in readers:
        each.paused = True
    desk.send(TAKE)
    rig.settle()
    desk.lose()
    for each in readers:
        each.resume()
    rig.settle()
    assert (locked(rig), rig.rows("snapshots")) == ([], [])
    assert rig.server.state.readers.busy == 0


@pytest.mark.parametrize("lost", [False, True])
def test_a_client_that_registers_again_while_its_snapshot_is_chosen_has_none_that_it_does_not_know(
    rig: NodeRig, lost: bool
) -> None:
    """What it asked on the connection before may be read when the next one is there."""
    filled(rig)
    one, two = rig.proxy("p1"), rig.proxy("p2")
    first = one.number("AgentApplication", session=ONE)
    readers = [each for name, each in rig.executors.items() if name != "writer"]
    for each in readers:
        each.paused = True
    one.send(TAKE, client=first)
    rig.settle()
    if lost:
        one.lose()
        rig.settle()
    second = two.number("AgentApplication", session=ONE, incarnation=2)
    for each in readers:
        each.resume()
    rig.settle()
    assert (locked(rig), rig.rows("snapshots")) == ([], [])
    assert taken(two, client=second)


@pytest.mark.usefixtures("by_ones")
def test_a_snapshot_that_the_store_does_not_take_whole_is_freed(
    rig: NodeRig, logged_failures: LoggedFailures
) -> None:
    ids = filled(rig)
    desk = rig.client("AgentApplication")
    rig.writer.paused = True
    reference = desk.send(TAKE)
    rig.settle()
    for _ in range(3):
        rig.writer.run_one()
        rig.settle()
    assert len(locked(rig)) == 2
    rig.store.broken["write"] = Fault.DISK_FULL
    rig.writer.resume()
    rig.settle()
    error = desk.answer(reference)
    assert (error.error_code, error.in_doubt) == (Code.STORE_FAILED, False)
    rig.run(3)
    assert len(locked(rig)) == 2, "there is no room yet, not even for that"
    del rig.store.broken["write"]
    rig.run(3)
    assert (locked(rig), rig.rows("snapshots")) == ([], [])
    assert list(desk.ask(RequestFindInteractions(tenant_id=1)).interactions) == ids


def test_a_choice_that_takes_too_long_is_given_up(rig: NodeRig) -> None:
    filled(rig)
    desk = rig.client("AgentApplication")
    rig.store.broken["reader"] = Fault.REFUSED
    error = desk.ask(TAKE)
    assert isinstance(error, EventError)
    assert (error.error_code, error.in_doubt) == (Code.STORE_FAILED, False)
    assert rig.rows("snapshots") == []


@pytest.mark.usefixtures("by_ones")
def test_a_node_that_stops_says_what_is_in_doubt(rig: NodeRig) -> None:
    filled(rig)
    desk = rig.client("AgentApplication")
    number = taken(desk)
    rig.writer.paused = True
    move = desk.send(RequestStopInteractions(**on(number)))
    rig.settle()
    for _ in range(3):
        rig.writer.run_one()
        rig.settle()
    rig.server.stopService()
    rig.writer.resume()
    rig.settle()
    error = desk.answer(move)
    assert (error.error_code, error.in_doubt) == (Code.STOPPING, True)
    assert 0 < len(rig.rows("interactions")) < 4
