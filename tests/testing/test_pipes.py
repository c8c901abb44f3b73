from __future__ import annotations

from random import Random

import pytest
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IConsumer, IPushProducer, ITransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface.verify import verifyObject

from ixproxy.testing.clock import SteppingClock
from ixproxy.testing.pipes import BUFFER, WINDOW, MemoryTransport
from tests.failures import LoggedFailures


class Listener(Protocol):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.reason: BaseException | None = None

    def dataReceived(self, data: bytes) -> None:
        self.pieces.append(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        assert self.reason is None
        self.reason = reason.value

    @property
    def heard(self) -> bytes:
        return b"".join(self.pieces)


class Producer:
    """Keeps whether it may produce."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def pauseProducing(self) -> None:
        self.calls.append("pause")

    def resumeProducing(self) -> None:
        self.calls.append("resume")

    def stopProducing(self) -> None:
        self.calls.append("stop")


class Pair:
    """Two ends that know each other."""

    def __init__(self, seed: int = 1) -> None:
        self.clock = SteppingClock()
        self.one, self.other = (
            MemoryTransport(self.clock, Random(f"{seed} {host}"), host, 0.001)
            for host in ("one", "other")
        )
        self.one.peer, self.other.peer = self.other, self.one
        self.here, self.there = Listener(), Listener()
        self.one.protocol, self.other.protocol = self.here, self.there
        for end in (self.one, self.other):
            assert end.protocol is not None
            end.protocol.makeConnection(end)


def test_an_end_is_what_the_framework_calls_a_transport() -> None:
    pair = Pair()
    for interface in (ITransport, IConsumer, IPushProducer):
        assert verifyObject(interface, pair.one)
    assert pair.one.getHost().host == "one"
    assert pair.one.getPeer().host == "other"


def test_bytes_arrive_in_order_after_a_while_in_pieces_of_chance() -> None:
    cuts = set()
    for seed in range(20):
        pair = Pair(seed)
        pair.one.write(b"hello, ")
        pair.one.writeSequence([b"my ", b"friend"])
        assert pair.there.heard == b""
        pair.clock.run(1)
        assert pair.there.heard == b"hello, my friend"
        cuts.add(tuple(pair.there.pieces))
    assert len(cuts) > 5


def test_the_same_seed_cuts_in_the_same_places_at_the_same_times() -> None:
    def run() -> list[tuple[float, bytes]]:
        pair, seen = Pair(7), []
        pair.there.dataReceived = lambda data: seen.append((pair.clock.seconds(), data))  # type: ignore[method-assign]
        for number in range(50):
            pair.one.write(b"%d " % number)
        pair.clock.run(1)
        return seen

    assert run() == run()


def test_a_reader_that_pauses_stops_the_writer_and_memory_is_bounded() -> None:
    pair, producer = Pair(), Producer()
    pair.one.registerProducer(producer, True)
    pair.other.pauseProducing()
    written = 0
    while not producer.calls:
        pair.one.write(bytes(1000))
        written += 1000
        pair.clock.run(1)
    assert WINDOW < written <= WINDOW + BUFFER + 2000
    assert pair.there.heard == b""
    pair.other.resumeProducing()
    pair.clock.run(10)
    assert len(pair.there.heard) == written
    assert producer.calls == ["pause", "resume"]


def test_one_long_write_passes_through_the_window() -> None:
    pair = Pair()
    sent = Random(1).randbytes(3 * WINDOW)
    pair.one.write(sent)
    pair.clock.run(10)
    assert pair.there.heard == sent


def test_a_close_follows_the_last_byte() -> None:
    pair = Pair()
    pair.one.write(bytes(WINDOW + 10))
    pair.one.loseConnection()
    pair.one.write(b"too late")
    pair.clock.run(10)
    assert len(pair.there.heard) == WINDOW + 10
    assert isinstance(pair.here.reason, ConnectionDone)
    assert isinstance(pair.there.reason, ConnectionDone)


def test_a_close_waits_for_a_producer_to_be_unregistered() -> None:
    pair, producer = Pair(), Producer()
    pair.one.registerProducer(producer, True)
    pair.one.loseConnection()
    pair.clock.run(1)
    assert pair.here.reason is None
    pair.one.unregisterProducer()
    pair.clock.run(1)
    assert str(pair.here.reason) == str(ConnectionDone())


def test_an_abort_is_a_reset_for_the_other_end_and_may_overtake_bytes() -> None:
    heard = set()
    for seed in range(20):
        pair = Pair(seed)
        pair.one.write(b"x")
        pair.one.abortConnection()
        pair.other.write(b"nobody reads this")
        pair.clock.run(1)
        assert isinstance(pair.here.reason, ConnectionAborted)
        assert isinstance(pair.there.reason, ConnectionLost)
        assert pair.here.heard == b""
        heard.add(pair.there.heard)
    assert heard == {b"", b"x"}


def test_a_blocked_end_hears_nothing_not_even_a_close_until_it_is_free() -> None:
    pair = Pair()
    pair.other.blocked = True
    pair.one.write(b"still there?")
    pair.one.loseConnection()
    pair.clock.run(60)
    assert (pair.there.heard, pair.there.reason) == (b"", None)
    assert [pair.other.idle] == [True]
    pair.other.blocked = False
    assert [pair.other.idle] == [False]
    pair.other.schedule()
    pair.clock.run(1)
    assert pair.there.heard == b"still there?"
    assert isinstance(pair.there.reason, ConnectionDone)


def test_a_protocol_that_raises_loses_its_connection_as_under_the_reactor(
    logged_failures: LoggedFailures,
) -> None:
    pair = Pair()

    def broken(data: bytes) -> None:
        raise KeyError(data)

    pair.there.dataReceived = broken  # type: ignore[method-assign]
    pair.one.write(b"!")
    pair.clock.run(1)
    assert isinstance(pair.there.reason, ConnectionLost)
    assert isinstance(pair.here.reason, ConnectionLost)
    assert len(logged_failures.flush(KeyError)) == 1


def test_a_producer_is_told_to_stop_when_the_connection_is_gone() -> None:
    pair, producer = Pair(), Producer()
    pair.one.registerProducer(producer, True)
    with pytest.raises(RuntimeError, match="has a producer"):
        pair.one.registerProducer(producer, True)
    pair.one.break_now()
    assert producer.calls == ["stop"]
    pair.one.registerProducer(producer, True)
    assert producer.calls == ["stop", "stop"]


def test_only_streaming_producers_are_served() -> None:
    with pytest.raises(NotImplementedError):
        Pair().one.registerProducer(Producer(), False)
