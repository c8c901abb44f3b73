from __future__ import annotations

import pytest

from ixproxy.errors import Code
from ixproxy.messages import RequestPlaceInQueue, RequestStopProcessing
from tests.node.snapping import Snapping, locked
from tests.node.tried import TriedNode


@pytest.fixture
def supervisor(node: TriedNode) -> Snapping:
    return Snapping(node, node.desktop("supervisor"))


def test_what_left_or_was_elsewhere_since_is_named_and_left_alone(
    node: TriedNode, supervisor: Snapping
) -> None:
    mail, router = node.media_server(), node.router()
    moved, stopped, placed, pulled = (node.submit(mail) for _ in range(4))
    number = supervisor.take().snapshot_id
    node.ask(mail, RequestStopProcessing(tenant_id=1, interaction_id=stopped))
    node.ask(mail, RequestPlaceInQueue(tenant_id=1, interaction_id=placed, queue="Done"))
    node.pull_ids(router, pulled)
    answer = supervisor.move(number)
    assert answer.number_of_interactions == 1
    assert answer.errors == {
        stopped: Code.UNKNOWN_INTERACTION,
        placed: Code.CHANGED_SINCE,
        pulled: Code.CHANGED_SINCE,
    }
    assert node.kept(moved).queue == "Other"
    assert node.kept(placed).queue == "Done"


def test_locked_members_are_moved_and_stay_locked(node: TriedNode, supervisor: Snapping) -> None:
    mail = node.media_server()
    ids = {node.submit(mail) for _ in range(3)}
    number = supervisor.take(lock=True).snapshot_id
    assert supervisor.move(number).number_of_interactions == 3
    assert locked(node) == ids
    assert supervisor.move(number, "Done").number_of_interactions == 3, "its own move is no change"
    assert supervisor.stop(number).number_of_interactions == 3
    supervisor.release(number)
    assert locked(node) == set()
