"""A client's end of AMQP 1.0, with Proton at the other end, in memory."""

from __future__ import annotations

from typing import Any

import pytest
from proton import Message
from twisted.internet.error import ConnectionLost
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from ixproxy.brokers.amqp import CLOSE_SECONDS, OPEN_SECONDS, AmqpClient, AmqpLogin, Phase
from ixproxy.brokers.amqp_links import AmqpLost
from tests.brokers.played_amqp import PlayedAmqpBroker
from tests.capture.threadless import ThreadlessClock
from tests.deferreds import failure_of, no_result, result_of

MOST = 2_000


class Played:
    """A client and a broker, and the bytes between them, cut as a test likes."""

    def __init__(self, login: AmqpLogin | None = None, *, size: int = 0, **broker: Any) -> None:
        self.clock = ThreadlessClock()
        self.clock.advance(1)
        self.broker = PlayedAmqpBroker(**broker)
        self.came: list[tuple[Any, bytes | None, int]] = []
        self.ended: list[AmqpLost] = []
        self.client = AmqpClient(
            self.clock,
            login or AmqpLogin(idle=0),
            lambda *message: self.came.append(message),
            self.ended.append,
            MOST,
        )
        self.size = size
        self.here, self.there = StringTransport(), StringTransport()
        self.other = self.broker.accept()
        self.broker.connections.append(self.other)
        for end, transport in ((self.other, self.there), (self.client, self.here)):
            protocol: Any = end
            protocol.makeConnection(transport)

    def go(self) -> None:
        """Carry bytes until there are none."""
        moved = True
        while moved:
            moved = False
            for transport, protocol in ((self.here, self.other), (self.there, self.client)):
                raw = transport.value()
                transport.clear()
                step = self.size or len(raw) or 1
                for at in range(0, len(raw), step):
                    moved = True
                    protocol.dataReceived(raw[at : at + step])
        if self.here.disconnecting and self.client.phase is not Phase.CLOSED:
            self.client.connectionLost(Failure(ConnectionLost()))

    def messages(self) -> list[Any]:
        found: list[Any] = []
        for _, encoded, _ in self.came:
            message = Message()
            message.decode(encoded or b"")
            found.append(message.body)
        return found


@pytest.mark.parametrize("size", [0, 1, 7, 1000])
def test_messages_go_both_ways_however_the_bytes_are_cut(size: int) -> None:
    played = Played(size=size)
    played.go()
    assert list(result_of(played.client.opened).values()) == ["RabbitMQ"]
    receiving = played.client.receive("/queue/in", 2)
    sent = [
        played.client.send("/queue/in", Message(body=f"<a{number}/>", durable=True))
        for number in range(12)
    ]
    no_result(sent[0])
    played.go()
    result_of(receiving)
    for done in sent:
        result_of(done)
    played.other.deliver()
    played.go()
    assert played.messages() == ["<a0/>", "<a1/>"]
    while len(played.came) < 12:
        for delivery, _, _ in played.came[-2:]:
            played.client.accept(delivery)
        played.go()
        played.other.deliver()
        played.go()
    assert played.messages() == [f"<a{number}/>" for number in range(12)]
    assert len(played.broker.queues["/queue/in"]) == 2


def test_who_has_a_password_shows_it_to_no_log() -> None:
    login = AmqpLogin("alice", "a secret")
    assert "a secret" not in repr(login)
    played = Played(login)
    played.go()
    lost = failure_of(played.client.opened, AmqpLost)
    assert "a secret" not in str(lost)


def test_who_is_not_let_in_is_told_so() -> None:
    played = Played(lets_in=False)
    played.go()
    assert "let in who shows no user" in str(failure_of(played.client.opened, AmqpLost))
    assert played.ended == []
    assert played.clock.getDelayedCalls() == []


def test_a_message_that_is_too_long_comes_without_its_bytes() -> None:
    played = Played()
    played.go()
    result_of(played.client.opened)
    played.client.receive("/queue/in", 5).addErrback(lambda _: None)
    for size in (MOST + 1, 100):
        played.broker.put("/queue/in", Message(body=b"x" * size, inferred=True))
    played.go()
    played.other.deliver()
    played.go()
    assert [encoded is None for _, encoded, _ in played.came] == [True, False]
    assert played.came[0][2] > MOST


def test_what_is_not_there_is_said_so() -> None:
    played = Played(missing={"/queue/in"})
    played.go()
    result_of(played.client.opened)
    receiving = played.client.receive("/queue/in", 5)
    played.go()
    assert "amqp:not-found: not /queue/in" in str(failure_of(receiving, AmqpLost))
    assert len(played.ended) == 1
    played = Played(missing={"gone"})
    played.go()
    result_of(played.client.opened)
    there, gone = played.client.look_for("there"), played.client.look_for("gone")
    played.go()
    result_of(there)
    failure_of(gone, AmqpLost)


def test_where_nothing_may_be_sent_only_that_fails() -> None:
    played = Played(refuses={"closed"}, rejects={"full"})
    played.go()
    result_of(played.client.opened)
    closed, full, open_ = (
        played.client.send(address, Message(body="a")) for address in ("closed", "full", "open")
    )
    played.go()
    lost = failure_of(closed, AmqpLost)
    assert isinstance(lost, AmqpLost)
    assert lost.refused
    assert "was rejected" in str(failure_of(full, AmqpLost))
    result_of(open_)
    assert played.client.phase is Phase.OPEN


@pytest.mark.parametrize(
    "nonsense", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0" * 64, b"AMQP\0\0\0\0"]
)
def test_what_is_no_amqp_ends_the_connection(nonsense: bytes) -> None:
    played = Played()
    played.client.dataReceived(nonsense)
    played.client.connectionLost(Failure(ConnectionLost()))
    failure_of(played.client.opened, AmqpLost)
    played = Played()
    played.go()
    result_of(played.client.opened)
    played.client.dataReceived(b"\xff" * 100)
    assert played.here.disconnecting
    played.client.connectionLost(Failure(ConnectionLost()))
    assert "the connection failed" in str(played.ended[0])
    played.client.dataReceived(b"more")


def test_a_broker_that_does_not_answer_is_given_up() -> None:
    played = Played()
    played.clock.advance(OPEN_SECONDS)
    played.client.connectionLost(Failure(ConnectionLost()))
    assert "did not answer" in str(failure_of(played.client.opened, AmqpLost))


def test_what_waits_fails_when_the_connection_is_lost() -> None:
    played = Played()
    assert str(failure_of(played.client.send("a", Message()), AmqpLost)) == (
        "the connection is not open"
    )
    failure_of(played.client.receive("a", 1), AmqpLost)
    failure_of(played.client.look_for("a"), AmqpLost)
    played.go()
    result_of(played.client.opened)
    waiting = [
        played.client.send("a", Message()),
        played.client.receive("a", 1),
        played.client.look_for("b"),
    ]
    played.client.connectionLost(Failure(ConnectionLost()))
    for each in waiting:
        failure_of(each, AmqpLost)
    assert len(played.ended) == 1
    played.client.accept(None)
    played.client.listen(False)
    played.client.close()


def test_it_closes_in_order_or_after_a_while() -> None:
    played = Played()
    played.go()
    result_of(played.client.opened)
    played.client.listen(False)
    played.client.close()
    played.go()
    assert str(played.ended[0]) == "it was closed"
    assert played.clock.getDelayedCalls() == []
    played = Played()
    played.go()
    result_of(played.client.opened)
    played.client.close()
    played.clock.advance(CLOSE_SECONDS)
    assert played.here.disconnecting
    played.client.connectionLost(Failure(ConnectionLost()))
    played = Played()
    played.client.close()
    played.client.connectionLost(Failure(ConnectionLost()))
    failure_of(played.client.opened, AmqpLost)


def test_a_silent_broker_is_lost_and_a_quiet_one_is_not() -> None:
    played = Played(AmqpLogin(idle=20), idle=20.0)
    played.go()
    result_of(played.client.opened)
    for _ in range(20):
        played.clock.advance(5)
        played.other.proton.tick(played.clock.seconds())
        played.other.turn()
        played.go()
    assert played.ended == []
    for _ in range(20):
        played.clock.advance(5)
        if played.here.disconnecting:
            break
    played.client.connectionLost(Failure(ConnectionLost()))
    assert str(played.ended[0]) == "nothing was heard of the broker in 20 seconds"
    assert played.clock.getDelayedCalls() == []


def test_while_nothing_is_read_silence_means_nothing_and_the_broker_hears_of_us() -> None:
    played = Played(AmqpLogin(idle=20), idle=20.0)
    played.go()
    result_of(played.client.opened)
    played.client.listen(False)
    for _ in range(20):
        played.clock.advance(5)
        heard = played.here.value()
        played.here.clear()
        played.other.dataReceived(heard)
        played.other.proton.tick(played.clock.seconds())
        played.other.turn()
    assert played.other.proton.condition is None
    assert not played.here.disconnecting
    played.client.listen(True)
    gone = []
    for _ in range(4):
        played.clock.advance(5)
        gone.append(played.here.disconnecting)
    assert gone == [False, False, False, True]
    played.client.connectionLost(Failure(ConnectionLost()))
    assert str(played.ended[0]) == "nothing was heard of the broker in 20 seconds"
