from __future__ import annotations

import pytest

from ixproxy.errors import Code
from ixproxy.messages import RequestStopProcessing
from tests.node.snapping import Snapping, locked
from tests.node.tried import TriedNode


@pytest.fixture
def supervisor(node: TriedNode) -> Snapping:
    return Snapping(node, node.desktop("supervisor"))


def test_a_member_is_locked_and_unlocked_alone(node: TriedNode, supervisor: Snapping) -> None:
    mail, router = node.media_server(), node.router()
    first, second = (node.submit(mail) for _ in range(2))
    number = supervisor.take().snapshot_id
    assert locked(node) == set()
    assert supervisor.lock(number, first) == 0
    assert supervisor.lock(number, first) == 0, "it is locked by this snapshot already"
    assert locked(node) == {first}
    assert node.pull(router, number_of_interactions=9).keys() == {second}
    assert supervisor.lock(number, second) == Code.NOT_QUEUED
    assert supervisor.unlock(number, first) == 0
    assert (1, "Inbound") in node.outcome.pullable
    assert supervisor.unlock(number, first) == 0, "there is nothing to unlock"
    assert node.pull(router).keys() == {first}


def test_only_one_snapshot_at_a_time_locks_an_interaction(
    node: TriedNode, supervisor: Snapping
) -> None:
    id = node.submit(node.media_server())
    other = Snapping(node, node.desktop("other"))
    mine, theirs = supervisor.take().snapshot_id, other.take(lock=True).snapshot_id
    assert supervisor.lock(mine, id) == Code.LOCKED
    assert supervisor.unlock(mine, id) == 0
    assert locked(node) == {id}, "another one's lock is not taken off"
    other.release(theirs)
    assert supervisor.lock(mine, id) == 0


def test_what_is_no_member_or_no_more_there_is_said_so(
    node: TriedNode, supervisor: Snapping
) -> None:
    mail = node.media_server()
    gone = node.submit(mail)
    number = supervisor.take().snapshot_id
    later = node.submit(mail)
    assert supervisor.lock(number, later) == Code.NOT_IN_SNAPSHOT
    assert supervisor.unlock(number, "nothing") == Code.NOT_IN_SNAPSHOT
    assert supervisor.lock(number + 1, gone) == Code.UNKNOWN_SNAPSHOT
    node.ask(mail, RequestStopProcessing(tenant_id=1, interaction_id=gone))
    assert supervisor.lock(number, gone) == Code.UNKNOWN_INTERACTION
