"""Who has much to send on a connection sends as it is taken."""

from __future__ import annotations

from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from tests.net.test_connection import ACK, Ends


def test_who_has_more_to_send_is_told_when_what_was_sent_is_handed_on() -> None:
    ends = Ends()
    told: list[str] = []
    ends.connection.send(ACK)
    ends.connection.when_read(lambda: told.append("one"))
    ends.connection.when_read(lambda: told.append("two"))
    assert told == []
    assert ends.turn() == ACK
    assert told == ["one", "two"]
    ends.connection.send(ACK)
    ends.turn()
    assert told == ["one", "two"]


def test_who_has_more_to_send_waits_while_the_transport_has_enough() -> None:
    ends = Ends()
    told: list[str] = []
    ends.connection.pauseProducing()
    assert ends.connection.paused
    ends.connection.send(ACK)
    ends.connection.when_read(lambda: told.append("read"))
    ends.turn()
    assert told == []
    ends.connection.resumeProducing()
    assert ends.turn() == ACK
    assert told == ["read"]
    ends.connection.pauseProducing()
    ends.connection.when_read(lambda: told.append("again"))
    ends.turn()
    ends.connection.resumeProducing()
    ends.turn()
    assert told == ["read", "again"]


def test_nobody_is_told_of_room_on_a_connection_that_is_lost() -> None:
    ends = Ends()
    told: list[str] = []
    ends.connection.when_read(lambda: told.append("read"))
    ends.connection.connectionLost(Failure(ConnectionDone()))
    ends.turn()
    assert told == []
