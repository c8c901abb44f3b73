"""
One socket that speaks frames: bytes in, bounded output out, once a turn.

Output is gathered while a turn lasts and sent by one `socket.send` at its
end, past the transport's own buffer whenever that is empty; what the kernel
does not take goes to the transport, which then pauses us like any producer.
While paused nothing is handed to the transport: the backlog stays here, as
the shared frame objects that it is made of, and is limited. An owner is told
when a backlog exceeds the limit, and decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from cryptography.x509 import Certificate
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from ixproxy.errors import RemoteProtocolError
from ixproxy.net.tls_socket import TlsSocket
from ixproxy.net.turn import TurnEnd
from ixproxy.wire.frames import FrameReader, Skipped
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import DEFAULT_MAX_FRAME, readdress, write_frame

DEFAULT_OUTPUT_LIMIT = 8 << 20
HARD_LIMIT_FACTOR = 4
"""A backlog so many times its limit ends the connection, whatever the owner does."""

PING = write_frame(Kind.PING, 0)


class Owner(Protocol):
    """Who is told what happens on a connection."""

    def connection_made(self, connection: FrameConnection) -> None:
        """The socket is open."""

    def frames_received(
        self, connection: FrameConnection, frames: Sequence[bytes | Skipped]
    ) -> None:
        """Whole frames arrived, in order."""

    def stream_broken(self, connection: FrameConnection, problem: RemoteProtocolError) -> None:
        """The peer does not speak the protocol; nothing more can be read."""

    def output_exceeded(self, connection: FrameConnection) -> None:
        """The backlog rose over its limit: the peer does not read."""

    def output_drained(self, connection: FrameConnection) -> None:
        """The backlog that had exceeded its limit was handed on."""

    def connection_lost(self, connection: FrameConnection, reason: str) -> None:
        """The socket is gone; told once."""


@implementer(IPushProducer)
class FrameConnection(TwistedProtocol):
    """A Twisted protocol for either end of a peer."""

    def __init__(
        self,
        turn: TurnEnd,
        owner: Owner,
        *,
        max_frame: int = DEFAULT_MAX_FRAME,
        output_limit: int = DEFAULT_OUTPUT_LIMIT,
    ) -> None:
        self._turn = turn
        self._owner = owner
        self._reader = FrameReader(max_frame)
        self._out: list[bytes] = []
        self._dirty = False
        self._broken = False
        self._paused = False
        self._tcp: Any = None
        self._tls: TlsSocket | None = None
        self._socket: Any = None
        self.backlog = 0
        """Bytes gathered and not handed on."""
        self.output_limit = output_limit
        self.exceeded = False
        """Whether the backlog rose over its limit and was not handed on since."""
        self.heard = True
        """Whether anything arrived since keep-alive last looked."""
        self.silent = 0.0
        self.reading = True
        """Whether we read: a peer that is not listened to cannot be heard."""
        self.connected_now = False
        self._closing = False
        self.close_reason = ""

    @property
    def max_frame(self) -> int:
        """The longest frame that is read, in bytes after the length field."""
        return self._reader.limit

    @property
    def certificate(self) -> Certificate | None:
        """The certificate that the peer has shown, verified; None: none, or no TLS."""
        return self._tls.peer_certificate if self._tls is not None else None
    def use_limits(self, *, max_frame: int, output_limit: int) -> None:
        """
        Keep to other limits from now on.

        :param max_frame: a shorter one than before is for those who come: this
            peer was told what it may send.
        """
        self._reader.limit = max(self._reader.limit, max_frame)
        self.output_limit = output_limit

    def connectionMade(self) -> None:
        """The framework opened the socket."""
        transport = self._socket = self.transport
        if hasattr(transport, "_tempDataBuffer") and hasattr(transport, "socket"):
            self._tcp = transport
            self._tcp.setTcpNoDelay(True)
            if isinstance(self._tcp.socket, TlsSocket):
                self._tls = self._tcp.socket
        self._socket.registerProducer(self, True)
        self.connected_now = True
        self._owner.connection_made(self)

    def dataReceived(self, received: bytes) -> None:
        """The framework read `received`; dropped once we close."""
        if self._closing:
            return
        self.heard = True
        if self._broken:
            return
        turn = self._turn
        turn.reading = True
        try:
            frames = self._reader.feed(received)
            if frames:
                self._owner.frames_received(self, frames)
            if self._reader.broken and self.connected_now and not self._closing:
                self._reader.feed(b"")
        except RemoteProtocolError as problem:
            self._broken = True
            self._owner.stream_broken(self, problem)
        finally:
            turn.reading = False

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The framework lost the socket."""
        if self.connected_now:
            self.connected_now = False
            self._out.clear()
            self.backlog = 0
            broken = self._tls.problem if self._tls is not None else ""
            said = self.close_reason or broken or reason.getErrorMessage()
            self._owner.connection_lost(self, said)

    def send(self, raw: bytes) -> None:
        """Gather one frame for the end of the turn; dropped when not connected, or closing."""
        if not self.connected_now or self._closing:
            return
        self._out.append(raw)
        self.backlog += len(raw)
        if not self._dirty:
            self._dirty = True
            self._turn.mark(self)
        if self._paused and self.backlog > self.output_limit:
            self._exceed()

    def send_all(self, frames: Sequence[bytes]) -> None:
        """Gather several frames, as `send` does each."""
        if not self.connected_now or self._closing or not frames:
            return
        self._out += frames
        self.backlog += sum(map(len, frames))
        if not self._dirty:
            self._dirty = True
            self._turn.mark(self)
        if self._paused and self.backlog > self.output_limit:
            self._exceed()

    def _exceed(self) -> None:
        if self.backlog > HARD_LIMIT_FACTOR * self.output_limit:
            self.abort(f"{self.backlog} bytes wait to be read")
        elif not self.exceeded:
            self.exceeded = True
            self._owner.output_exceeded(self)

    def flush(self) -> None:
        """Hand on what was gathered, unless the transport has paused us."""
        self._dirty = False
        out = self._out
        if self._paused or not out:
            return
        gathered = out[0] if len(out) == 1 else b"".join(out)
        out.clear()
        self.backlog = 0
        if self.exceeded:
            self.exceeded = False
            self._owner.output_drained(self)
        tcp = self._tcp
        if tcp is not None and not tcp._tempDataBuffer and tcp.offset == len(tcp.dataBuffer):
            try:
                sent = tcp.socket.send(gathered)
            except BlockingIOError:
                sent = 0
            except OSError:
                return  # the read side reports the loss
            if sent == len(gathered):
                return
            gathered = gathered[sent:]
        self._socket.write(gathered)

    def pauseProducing(self) -> None:
        """The framework has enough buffered."""
        self._paused = True

    def resumeProducing(self) -> None:
        """The framework has sent what it had."""
        self._paused = False
        if self._out and not self._dirty:
            self._dirty = True
            self._turn.mark(self)

    def stopProducing(self) -> None:
        """The framework is closing; `connectionLost` follows."""
        self._out.clear()

    def pause_reading(self) -> None:
        """Read nothing more until `resume_reading`."""
        if self.connected_now:
            self.reading = False
            self._socket.pauseProducing()

    def resume_reading(self) -> None:
        """Read on."""
        if self.connected_now:
            self.reading = True
            self._socket.resumeProducing()

    def answer_ping(self, raw: bytes) -> None:
        """Answer one ping frame with the pong that mirrors it."""
        client, reference = (int.from_bytes(raw[at : at + 4], "big") for at in (8, 12))
        self.send(readdress(write_frame(Kind.PONG, 0), client, reference))

    def close(self, reason: str) -> None:
        """
        Send what is gathered, then close; nothing more is read or sent.

        A peer that does not take it has fallen silent for keep-alive, which
        then aborts the connection.
        """
        if self.connected_now and not self._closing:
            self.close_reason = self.close_reason or reason
            self._paused = False
            self.flush()
            self._closing = self.reading = True
            self._socket.unregisterProducer()
            self._socket.loseConnection()

    def abort(self, reason: str) -> None:
        """Close at once, whatever is gathered."""
        if self.connected_now:
            self.close_reason = self.close_reason or reason
            abort = getattr(self._socket, "abortConnection", self._socket.loseConnection)
            abort()
