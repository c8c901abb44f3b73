from __future__ import annotations

from ixproxy.messages import EventHeld
from ixproxy.node.turn import Cause
from ixproxy.node.work import Tell
from tests.node.tried import TriedNode


def test_what_is_told_waits_for_the_answer_of_the_request_in_hand(node: TriedNode) -> None:
    turn = node.turn()
    event = EventHeld(event_number=1)
    turn.tell(b"a", event)
    turn.tell(b"b", event)
    assert turn.tells == [Tell(b"a", event), Tell(b"b", event)]


def test_a_turn_knows_who_and_when_it_is(node: TriedNode) -> None:
    turn = node.turn()
    assert (turn.identity.name, turn.identity.dbid, turn.identity.epoch) == ("ixn1", 101, 1)
    assert turn.now == node.now
    assert turn.counters is turn.memory.counters
    assert turn.journal is turn.memory.journal


def test_nobody_causes_what_just_happens() -> None:
    assert Cause() == (None, None, b"")
