"""How snapshots end, and what of them outlives what."""

from __future__ import annotations

import pytest

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    RequestReleaseSnapshot,
    RequestStopProcessing,
    RequestTakeSnapshot,
)
from ixproxy.node import snapshots, turn
from ixproxy.node.model import NodeSettings
from ixproxy.node.work import (
    Answer,
    Asked,
    ConnectionLost,
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


def test_however_many_snapshots_end_in_a_batch_it_frees_no_more_than_it_has_room_for(
    node: TriedNode, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn, "MEMBERS_FREED", 7)
    clients = [Snapping(node, node.desktop(f"desk-{number}")) for number in range(3)]
    numbers = [client.take().snapshot_id for client in clients]
    release = RequestReleaseSnapshot(tenant_id=1, snapshot_id=numbers[2])
    outcome = node.run(
        Goodbye(clients[0].sender.session),
        Goodbye(clients[1].sender.session),
        Asked(clients[2].sender, release, 0, "release"),
    )
    assert len(members(node)) == 15 - 7
    (step,) = [each for each in outcome.effects if isinstance(each, GoOn)]
    node.run(step.work)
    assert [each.message for each in node.effects(Answer)] == [EventAck()]
    node.wait(0.01)
    assert nothing_is_left(node)
