"""Peers that do not read: left unread, then told why and closed, then cut off."""

from __future__ import annotations

from collections import Counter
from typing import Any

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from ixproxy.errors import Code
from ixproxy.net.connection import FrameConnection
from ixproxy.net.slow_readers import LAST_WORDS, SlowReaders
from ixproxy.net.turn import TurnEnd
from ixproxy.wire.codec import decode
from ixproxy.wire.frames import FrameReader
from ixproxy.wire.prefix import read_frame, write_frame

FRAME = write_frame(4, 7, body=b"\x81\xa1t\xd9\x80" + b"x" * 128)


def is_closed(transport: StringTransport) -> bool:
    return bool(transport.disconnecting)


class Owner:
    def __init__(self) -> None:
        self.clock = Clock()
        self.counters: Counter[str] = Counter()
        self.slow = SlowReaders(self.counters)
        self.connection = FrameConnection(TurnEnd(self.clock), self, output_limit=1000)
        self.transport = StringTransport()
        self.aborted = False
        self.transport.abortConnection = self._abort  # type: ignore[method-assign]
        self.connection.makeConnection(self.transport)  # type: ignore[no-untyped-call]

    def _abort(self) -> None:
        self.aborted = True

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: None

    def output_exceeded(self, connection: FrameConnection) -> None:
        self.slow.exceeded(connection, self.clock.seconds())

    def output_drained(self, connection: FrameConnection) -> None:
        self.slow.drained(connection)

    def stall(self) -> None:
        """It does not read; what is more than its limit waits for it."""
        self.connection.pauseProducing()
        for _ in range(10):
            self.connection.send(FRAME)


def test_who_does_not_read_is_left_unread_until_it_does() -> None:
    owner = Owner()
    owner.stall()
    assert str(owner.transport.producerState) == "paused"
    assert len(owner.slow) == 1
    owner.connection.resumeProducing()
    owner.clock.advance(0)
    assert str(owner.transport.producerState) == "producing"
    assert len(owner.slow) == 0
    assert owner.transport.value() == 10 * FRAME


def test_who_goes_on_gets_a_last_frame_that_says_why_in_place_of_what_waits() -> None:
    owner = Owner()
    owner.stall()
    owner.slow.ticked(9.0, 10.0)
    assert not is_closed(owner.transport)
    owner.slow.ticked(10.0, 10.0)
    assert is_closed(owner.transport)
    (raw,) = FrameReader().feed(owner.transport.value())
    assert isinstance(raw, bytes)
    last: Any = decode(read_frame(raw))
    assert last.error_code == Code.LIMIT_REACHED
    assert "max-client-output" in last.error_description
    assert owner.connection.backlog == 0
    assert owner.counters["slow readers closed"] == 1


def test_who_does_not_even_take_that_is_cut_off() -> None:
    owner = Owner()
    owner.stall()
    owner.slow.ticked(10.0, 10.0)
    owner.slow.ticked(10.0 + LAST_WORDS - 1, 10.0)
    assert not owner.aborted
    owner.slow.ticked(10.0 + LAST_WORDS, 10.0)
    assert owner.aborted


def test_who_is_gone_is_forgotten() -> None:
    owner = Owner()
    owner.stall()
    owner.slow.forget(owner.connection)
    owner.slow.ticked(100.0, 10.0)
    assert len(owner.slow) == 0
    assert not is_closed(owner.transport)


def test_who_is_not_to_be_waited_for_is_closed_at_once() -> None:
    owner = Owner()
    owner.stall()
    owner.slow.end(owner.connection, 0.0)
    assert len(owner.slow) == 0
    assert is_closed(owner.transport)
    assert owner.counters["slow readers closed"] == 1
    assert not owner.aborted
    owner.slow.ticked(LAST_WORDS, 60)
    assert owner.aborted
