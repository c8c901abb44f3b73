"""
One socket that speaks frames: bytes in, bounded output out, once a turn.

Of many frames that arrive at once an owner may take some in each turn, so that
others are read between them. Nothing more is read meanwhile, and what was not
taken when the connection is lost is dropped, as what is in the kernel's
buffers then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cryptography.x509 import Certificate
from twisted.internet.interfaces import IAddress, IDelayedCall, IPushProducer
from twisted.internet.protocol import Factory, connectionDone
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ixproxy.errors import RemoteProtocolError
from ixproxy.net.connection_owner import Owner
from ixproxy.net.gathered_output import DEFAULT_OUTPUT_LIMIT, GatheredOutput
from ixproxy.net.tls_socket import TlsSocket
from ixproxy.net.turn import TurnEnd
from ixproxy.wire.frames import FrameReader, Skipped
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import DEFAULT_MAX_FRAME, readdress, write_frame

log = Logger()

PING = write_frame(Kind.PING, 0)


@implementer(IPushProducer)
class FrameConnection(GatheredOutput, TwistedProtocol):
    """A Twisted protocol for either end of a peer."""

    def __init__(
        self,
        turn: TurnEnd,
        owner: Owner,
        *,
        max_frame: int = DEFAULT_MAX_FRAME,
        output_limit: int = DEFAULT_OUTPUT_LIMIT,
    ) -> None:
        super().__init__(turn, output_limit)
        self._owner = owner
        self._reader = FrameReader(max_frame)
        self._untaken: list[bytes | Skipped] = []
        self._next_share: IDelayedCall | None = None
        self._broken = False
        self._tls: TlsSocket | None = None
        self.heard = True
        """Whether anything arrived since keep-alive last looked."""
        self.silent = 0.0
        self.reading = True
        """Whether we read: a peer that is not listened to cannot be heard."""
        self._unread_for: tuple[str, ...] = ()
        self.watch_unfinished: Callable[[FrameConnection], None] | None = None
        """Is told when something came that finished no frame; None: nobody is."""
        self.close_reason = ""

    @property
    def unfinished(self) -> int:
        """Bytes that are kept of a frame that is not whole yet."""
        return self._reader.kept

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
        transport: Any = self.transport
        self._socket = transport
        if hasattr(transport, "_tempDataBuffer") and hasattr(transport, "socket"):
            self._tcp = transport
            self._send = transport.socket.send
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
            if self._untaken:
                # A transport may bring something even after it was paused.
                self._untaken += frames
                return
            if not frames:
                if self.watch_unfinished is not None:
                    self.watch_unfinished(self)
            else:
                taken = self._owner.frames_received(self, frames)
                if taken is not None and taken < len(frames):
                    self._wait_with(frames[taken:])
                    return
            if self._reader.broken:
                self._break()
        except RemoteProtocolError as problem:
            if not self._untaken:
                self._break(problem)
        finally:
            turn.reading = False

    def _wait_with(self, frames: list[bytes | Skipped]) -> None:
        """More came than one turn takes."""
        self._untaken = frames
        if self.connected_now:
            self._socket.pauseProducing()
            self._read_on()

    def _break(self, problem: RemoteProtocolError | None = None) -> None:
        """Nothing more can be read; what came before was handed on."""
        if problem is None and self.connected_now and not self._closing:
            try:
                self._reader.feed(b"")
            except RemoteProtocolError as wrong:
                problem = wrong
        if problem is not None:
            self._broken = True
            self._owner.stream_broken(self, problem)

    def _share(self) -> None:
        """Hand on some of the frames that arrived at once; the next of them in another turn."""
        self._next_share = None
        if self._closing:
            self._untaken.clear()
        elif self.reading and self.connected_now:
            frames = self._untaken
            try:
                taken = self._owner.frames_received(self, frames)
            except Exception:
                self.abort("it could not be served")
                raise
            # In place: more may have come meanwhile.
            del frames[: len(frames) if taken is None else taken]
            self._read_on()

    def _read_on(self) -> None:
        """Take what is left of what arrived, or read more; unless told not to."""
        if not (self.reading and self.connected_now) or self._closing:
            return
        if self._untaken:
            if self._next_share is None:
                self._next_share = self._turn.next_turn(self._share)
        elif self._reader.broken and not self._broken:
            self._break()
        else:
            self._socket.resumeProducing()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The framework lost the socket."""
        if self.connected_now:
            self.connected_now = False
            self._room = self._send = None
            self._out = []
            self._untaken.clear()
            if self._next_share is not None:
                self._next_share.cancel()
                self._next_share = None
            self.backlog = 0
            broken = self._tls.problem if self._tls is not None else ""
            said = self.close_reason or broken or reason.getErrorMessage()
            self._owner.connection_lost(self, said)

    def _tell_exceeded(self) -> None:
        self._owner.output_exceeded(self)

    def _tell_drained(self) -> None:
        self._owner.output_drained(self)

    def stopProducing(self) -> None:
        """The framework is closing; `connectionLost` follows."""
        self._out = []

    def pause_reading(self, reason: str = "") -> None:
        """Read nothing more until `resume_reading` for every reason that there is."""
        if self.connected_now:
            self._unread_for = (*(r for r in self._unread_for if r != reason), reason)
            self.reading = False
            self._socket.pauseProducing()

    def resume_reading(self, reason: str = "") -> None:
        """Read on, unless there is another reason not to."""
        self._unread_for = tuple(each for each in self._unread_for if each != reason)
        if self.connected_now and not self._unread_for and not self._closing:
            self.reading = True
            self._read_on()

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
            self._flush_much(self._out, all_of_it=True)
            self._closing = self.reading = True
            self._socket.unregisterProducer()
            self._socket.loseConnection()

    def close_unread(self, reason: str, last: bytes) -> None:
        """Drop what the peer has not read so far, for a last frame that says why, and close."""
        if self.connected_now and not self._closing:
            self._out = []
            self.backlog = 0
            self.exceeded = False
            self.send(last)
            self.close(reason)

    def abort(self, reason: str) -> None:
        """Close at once, whatever is gathered."""
        if self.connected_now:
            self.close_reason = self.close_reason or reason
            abort = getattr(self._socket, "abortConnection", self._socket.loseConnection)
            abort()


class OneConnection(Factory):
    """Makes one connection, for an endpoint; the log is not told of each."""

    noisy = False

    def __init__(self, connection: FrameConnection) -> None:
        self._connection = connection

    def buildProtocol(self, addr: IAddress | None) -> FrameConnection:
        """The framework is connected."""
        return self._connection
