"""One socket that speaks frames."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any

import pytest
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs
from twisted.python.failure import Failure

from ixproxy.errors import Code, RemoteProtocolError
from ixproxy.messages import EventAck
from ixproxy.net.connection import FrameConnection, OneConnection
from ixproxy.net.gathered_output import HARD_LIMIT_FACTOR
from ixproxy.net.turn import TurnEnd
from ixproxy.wire.codec import encode
from ixproxy.wire.frames import Skipped
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import read_frame, write_frame

ACK = encode(EventAck(interaction_id="a"), reference=7)


class Told:
    """An owner that remembers what it was told."""

    def __init__(self) -> None:
        self.frames: list[bytes | Skipped] = []
        self.events: list[str] = []
        self.problems: list[RemoteProtocolError] = []

    def connection_made(self, connection: FrameConnection) -> None:
        self.events.append("made")

    def frames_received(
        self, connection: FrameConnection, frames: Sequence[bytes | Skipped]
    ) -> None:
        self.frames += frames

    def stream_broken(self, connection: FrameConnection, problem: RemoteProtocolError) -> None:
        self.problems.append(problem)

    def output_exceeded(self, connection: FrameConnection) -> None:
        self.events.append("exceeded")

    def output_drained(self, connection: FrameConnection) -> None:
        self.events.append("drained")

    def connection_lost(self, connection: FrameConnection, reason: str) -> None:
        self.events.append(f"lost: {reason}")


class Ends:
    """A connection over a transport of the test's."""

    def __init__(self, transport: Any = None, output_limit: int = 1000) -> None:
        self.clock = Clock()
        self.told = Told()
        self.transport = transport or StringTransport()
        self.connection = FrameConnection(
            TurnEnd(self.clock), self.told, max_frame=1 << 16, output_limit=output_limit
        )
        self.connection.makeConnection(self.transport)  # type: ignore[no-untyped-call]

    def turn(self) -> bytes:
        """The turn ends; what was sent in it."""
        self.clock.advance(0)
        sent: bytes = self.transport.value()
        self.transport.clear()
        return sent


@pytest.mark.parametrize("size", [1, 2, 5, 16, 33, 1000])
def test_frames_arrive_whole_however_bytes_do(size: int) -> None:
    ends = Ends()
    stream = ACK * 5
    for at in range(0, len(stream), size):
        ends.connection.dataReceived(stream[at : at + size])
    assert ends.told.frames == [ACK] * 5


def test_what_is_sent_in_one_turn_leaves_together_and_in_order() -> None:
    ends = Ends()
    other = encode(EventAck(), reference=8)
    ends.connection.send(ACK)
    ends.connection.send_all([other, ACK])
    ends.connection.send_all([])
    assert ends.transport.value() == b""
    assert ends.turn() == ACK + other + ACK
    assert ends.connection.backlog == 0


def test_a_stream_that_breaks_is_told_of_once_after_the_frames_before_it() -> None:
    ends = Ends()
    ends.connection.dataReceived(ACK + b"\0\0\0\x20GET / HTTP/1.1\r\n")
    ends.connection.dataReceived(b"Host: here\r\n\r\n")
    assert ends.told.frames == [ACK]
    (problem,) = ends.told.problems
    assert problem.code == Code.BAD_FRAME
    assert problem.fatal


def test_another_version_of_the_protocol_is_named() -> None:
    ends = Ends()
    ends.connection.dataReceived(b"\0\0\0\x20\xe2" + bytes(40))
    (problem,) = ends.told.problems
    assert problem.code == Code.UNSUPPORTED_VERSION


def test_a_peer_that_does_not_read_is_told_of_and_again_when_it_does() -> None:
    ends = Ends()
    ends.connection.pauseProducing()
    for _ in range(30):
        ends.connection.send(ACK)
    assert ends.told.events == ["made", "exceeded"]
    assert ends.turn() == b"", "nothing is handed to a transport that has paused us"
    assert ends.connection.backlog == 30 * len(ACK)
    ends.connection.resumeProducing()
    assert ends.turn() == ACK * 30
    assert ends.told.events == ["made", "exceeded", "drained"]


def test_a_backlog_far_over_its_limit_ends_the_connection_whatever_the_owner_does() -> None:
    ends = Ends()
    ends.connection.pauseProducing()
    while not ends.transport.disconnecting and not ends.transport.disconnected:
        ends.connection.send(ACK)
        assert ends.connection.backlog <= HARD_LIMIT_FACTOR * 1000 + len(ACK)
    assert "wait to be read" in ends.connection.close_reason


def test_closing_sends_what_was_gathered_and_gives_its_reason_once() -> None:
    ends = Ends()
    ends.connection.send(ACK)
    ends.connection.close("enough")
    assert ends.transport.value() == ACK
    assert ends.transport.disconnecting
    ends.connection.connectionLost(Failure(ConnectionDone()))
    ends.connection.connectionLost(Failure(ConnectionDone()))
    assert ends.told.events == ["made", "lost: enough"]
    ends.connection.send(ACK)
    ends.connection.close("again")
    ends.connection.abort("again")
    assert ends.connection.backlog == 0


def test_once_it_closes_nothing_more_is_read_or_sent() -> None:
    ends = Ends()
    ends.connection.close("enough")
    ends.connection.heard = False
    ends.connection.dataReceived(ACK)
    ends.connection.dataReceived(b"GET / HTTP/1.1\r\n\r\n")
    ends.connection.send(ACK)
    ends.connection.send_all([ACK, ACK])
    assert ends.turn() == b""
    assert not ends.told.frames
    assert not ends.told.problems
    assert not ends.connection.heard, "keep-alive ends it where the peer does not read"


def test_a_ping_is_mirrored() -> None:
    ends = Ends()
    ends.connection.answer_ping(write_frame(Kind.PING, 0, client=3, reference=9))
    pong = read_frame(ends.turn())
    assert (pong.kind, pong.client, pong.reference) == (Kind.PONG, 3, 9)


class TcpLike(StringTransport):
    """As much of Twisted's TCP transport as sending past its buffer looks at."""

    def __init__(self, end: socket.socket) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.socket = end
        self._tempDataBuffer: list[bytes] = []
        self.dataBuffer = b""
        self.offset = 0

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Frames are gathered here already."""


def test_what_the_kernel_takes_goes_past_the_transport_and_the_rest_to_it() -> None:
    here, there = socket.socketpair()
    with here, there:
        here.setblocking(False)
        transport = TcpLike(here)
        ends = Ends(transport, output_limit=1 << 30)
        ends.connection.send(ACK)
        assert ends.turn() == b""
        assert there.recv(4096) == ACK
        big = encode(EventAck(extension={"x": b"y" * (8 << 20)}))
        ends.connection.send(big)
        rest = ends.turn()
        assert 0 < len(rest) < len(big)
        assert big.endswith(rest)
        transport.dataBuffer = rest
        ends.connection.send(ACK)
        assert ends.turn() == ACK, "behind what is queued, never past it"


def test_a_dead_socket_is_left_to_the_reading_side() -> None:
    here, there = socket.socketpair()
    ends = Ends(TcpLike(here))
    here.close()
    there.close()
    ends.connection.send(ACK)
    assert ends.turn() == b""


def test_reading_can_be_paused_and_resumed() -> None:
    ends = Ends()
    ends.connection.pause_reading()
    assert ends.transport.producerState == "paused"
    ends.connection.resume_reading()
    assert ends.transport.producerState == "producing"


def test_limits_change_while_it_is_open() -> None:
    ends = Ends(output_limit=1000)
    ends.connection.use_limits(max_frame=1 << 20, output_limit=10)
    assert ends.connection.max_frame == 1 << 20
    ends.connection.pauseProducing()
    ends.connection.send(ACK)
    assert "exceeded" in ends.told.events
    ends.connection.use_limits(max_frame=64, output_limit=10)
    assert ends.connection.max_frame == 1 << 20, "it was told so"


class Choosy(Told):
    """An owner that takes so many frames in one turn."""

    most = 2

    def frames_received(  # type: ignore[override]
        self, connection: FrameConnection, frames: Sequence[bytes | Skipped]
    ) -> int:
        self.events.append(f"given {len(frames)}")
        self.frames += frames[: self.most]
        return min(self.most, len(frames))


def choosy() -> tuple[Choosy, Clock, FrameConnection, StringTransport]:
    owner, clock, transport = Choosy(), Clock(), StringTransport()
    connection = FrameConnection(TurnEnd(clock), owner)
    connection.makeConnection(transport)  # type: ignore[no-untyped-call]
    return owner, clock, connection, transport


def test_frames_that_are_too_many_for_one_turn_come_in_the_next_and_nothing_is_read() -> None:
    owner, clock, connection, transport = choosy()
    connection.dataReceived(5 * ACK)
    assert len(owner.frames) == 2
    assert transport.producerState == "paused"
    clock.advance(0)
    assert len(owner.frames) == 5
    assert transport.producerState == "producing"
    assert owner.events == ["made", "given 5", "given 3", "given 1"]
    assert clock.getDelayedCalls() == []


def test_what_a_transport_brings_after_it_was_paused_comes_behind() -> None:
    owner, clock, connection, _ = choosy()
    connection.dataReceived(3 * ACK)
    connection.dataReceived(2 * ACK + b"GET / HTTP/1.1")
    clock.pump([0] * 5)
    assert len(owner.frames) == 5
    assert len(owner.problems) == 1, "what is no frame comes last, and once"


def test_what_is_broken_is_told_after_all_frames_before_it_were_taken() -> None:
    owner, clock, connection, _ = choosy()
    connection.dataReceived(3 * ACK + b"GET / HTTP/1.1")
    assert owner.problems == []
    clock.advance(0)
    assert len(owner.frames) == 3
    assert len(owner.problems) == 1


def test_who_is_left_unread_meanwhile_waits_with_the_rest() -> None:
    owner, clock, connection, transport = choosy()
    connection.dataReceived(3 * ACK)
    connection.pause_reading("a")
    connection.pause_reading("b")
    clock.advance(0)
    assert len(owner.frames) == 2
    connection.resume_reading("a")
    clock.advance(0)
    assert len(owner.frames) == 2, "there is another reason"
    connection.resume_reading("b")
    clock.advance(0)
    assert len(owner.frames) == 3
    assert transport.producerState == "producing"


def test_what_was_not_taken_is_dropped_with_the_connection() -> None:
    owner, clock, connection, _ = choosy()
    connection.dataReceived(5 * ACK)
    connection.connectionLost(Failure(ConnectionDone()))
    assert clock.getDelayedCalls() == []
    assert len(owner.frames) == 2
    owner, clock, connection, _ = choosy()
    connection.dataReceived(5 * ACK)
    connection.close("enough")
    clock.advance(0)
    assert len(owner.frames) == 2


def test_an_owner_that_fails_in_a_later_turn_costs_the_connection() -> None:
    owner, clock, connection, transport = choosy()
    connection.dataReceived(5 * ACK)

    def fail(connection: FrameConnection, frames: Sequence[bytes | Skipped]) -> int:
        raise KeyError("by plan")

    owner.frames_received = fail  # type: ignore[method-assign]
    with pytest.raises(KeyError):
        clock.advance(0)
    assert transport.disconnecting or transport.disconnected


def test_what_nobody_read_makes_room_for_the_reason_of_closing() -> None:
    _, _, connection, transport = choosy()
    connection.pauseProducing()
    for _ in range(9):
        connection.send(ACK)
    last = write_frame(Kind.PONG, 0)
    connection.close_unread("it does not read", last)
    assert transport.value() == last
    assert transport.disconnecting
    assert connection.backlog == 0
    assert connection.close_reason == "it does not read"


def test_the_log_is_not_told_of_each_connection_that_is_made() -> None:
    clock = Clock()
    connection = FrameConnection(TurnEnd(clock), Told())
    with capturedLogs() as events:
        once = OneConnection(connection)
        once.doStart()  # type: ignore[no-untyped-call]
        assert once.buildProtocol(None) is connection
        once.doStop()  # type: ignore[no-untyped-call]
    assert events == []
