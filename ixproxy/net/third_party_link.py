"""
The node's connection to one external server: made, registered on, kept, made again.

Reconnecting is Twisted's `ClientService`. Each attempt goes to the next of the
server's endpoints, its backup's among them; pauses grow until a registration
succeeds. What the other side sends is trusted in nothing: what is no answer to a
call breaks the connection, and only that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from twisted.application.internet import ClientService
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ixproxy.errors import Code, RemoteProtocolError
from ixproxy.messages import (
    Event3rdServerFault,
    Event3rdServerResponse,
    EventAck,
    EventError,
    RequestRegisterClient,
)
from ixproxy.messages.message import Message
from ixproxy.net.connection import FrameConnection
from ixproxy.net.keep_alive import KeepAlive
from ixproxy.net.reasons import reason_of
from ixproxy.net.turn import TurnEnd
from ixproxy.wire.codec import decode, encode
from ixproxy.wire.frames import Skipped
from ixproxy.wire.keyvalues import check_key_values
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Flag, read_frame

log = Logger()

ATTEMPT = 10.0
"""Seconds for connecting, and again for the answer to the registration."""
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
CLOSE_LIMIT = 5.0
"""Seconds that a server has to take what was sent before it is cut off."""
MAX_OUTPUT = 4 << 20
"""Bytes that may wait for a server before it gets no more calls, and is not read either."""
PATIENCE = 30.0
"""Seconds in which a server must read what waits then."""
UNREAD = "it does not read what is sent to it"
TURN_FRAMES = 64
"""Frames of one server in one turn of the reactor, at most."""
REGISTRATION = 0
"""The reference of the registration: calls have others."""

Answers = Event3rdServerResponse | Event3rdServerFault | EventError


class Told(Protocol):
    """Who is told what happens on a link."""

    def server_connected(self, name: str) -> None:
        """It is registered on, and can be asked."""

    def server_lost(self, name: str) -> None:
        """It cannot be asked any more."""

    def server_answered(self, name: str, reference: int, answer: Answers) -> None:
        """It has answered a call."""

    def server_reads(self, name: str, *, enough: bool) -> None:
        """It reads what was sent to it, or not enough of it."""


@implementer(IStreamClientEndpoint)
class _InTurn:
    """Whichever endpoint is to be tried next."""

    def __init__(self, link: ThirdPartyLink) -> None:
        self._link = link

    def __repr__(self) -> str:
        return f"<{self._link.name}>"

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """The framework wants a connection."""
        return self._link.connect(protocolFactory)


class ThirdPartyLink(Factory):
    """
    One external server, as far as sockets are concerned.

    :param endpoints: at least one.
    :param registration: makes what the node registers with.
    :param max_frame: the longest frame that is read.
    :param chance: makes numbers from 0 to 1: nodes that lost the same server do
        not all come back at the same moment.
    """

    noisy = False

    def __init__(
        self,
        clock: IReactorTime,
        name: str,
        endpoints: Sequence[IStreamClientEndpoint],
        told: Told,
        turn: TurnEnd,
        keep_alive: KeepAlive,
        registration: Callable[[], RequestRegisterClient],
        *,
        max_frame: int,
        chance: Callable[[], float],
    ) -> None:
        self._clock = clock
        self.name = name
        self._endpoints = endpoints
        self._told = told
        self._turn = turn
        self._keep_alive = keep_alive
        self._registration = registration
        self._max_frame = max_frame
        self._chance = chance
        self._connection: FrameConnection | None = None
        self._registered = False
        self._peer_max_frame = 0
        self._attempts = 0
        self._failures = 0
        self._problem = ""
        self._late: IDelayedCall | None = None
        self._end: IDelayedCall | None = None
        self._patience: IDelayedCall | None = None
        self._stopped = False
        self._service = ClientService(
            _InTurn(self), self, retryPolicy=lambda _: self._pause(), clock=clock
        )

    def start(self) -> None:
        """Connect, and go on connecting."""
        self._service.startService()

    def stop(self) -> Deferred[Any]:
        """Disconnect for good; fires when the socket is closed."""
        self._stopped = True
        self._left()
        if (connection := self._connection) is not None:
            self._end = self._clock.callLater(CLOSE_LIMIT, connection.abort, "it does not read")
            connection.close("the server is called no more")
        return maybeDeferred(self._service.stopService)

    def reset(self, reason: str) -> None:
        """Break the connection; it is made anew."""
        if self._connection is not None:
            self._connection.abort(reason)

    def connect(self, factory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect to the endpoint whose turn it is."""
        endpoint = self._endpoints[self._attempts % len(self._endpoints)]
        self._attempts += 1
        connecting: Deferred[IProtocol] = endpoint.connect(factory)
        connecting.addTimeout(ATTEMPT, self._clock)
        return connecting.addErrback(self._not_connected)

    def _not_connected(self, failure: Failure) -> Failure:
        if not self._stopped and not failure.check(CancelledError):
            self._failed(reason_of(failure))
        return failure

    def _failed(self, reason: str) -> None:
        """There is no use of it now; the log is told once, until the reason is another."""
        self._failures += 1
        if reason != self._problem:
            self._problem = reason
            log.warn(
                "External server {server} cannot be called: {reason}",
                server=self.name,
                reason=reason,
            )

    def _pause(self) -> float:
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(self._failures, 10))
        return pause * (0.75 + self._chance() / 2)

    def buildProtocol(self, addr: IAddress | None) -> FrameConnection:
        """The framework made a connection."""
        return FrameConnection(self._turn, self, max_frame=self._max_frame, output_limit=MAX_OUTPUT)

    def connection_made(self, connection: FrameConnection) -> None:
        """The server accepted: register."""
        if self._stopped:
            connection.abort("the server is called no more")
            return
        self._connection = connection
        self._keep_alive.watch(connection)
        self._late = self._clock.callLater(ATTEMPT, self._unanswered, connection)
        connection.send(encode(self._registration(), reference=REGISTRATION))

    def _unanswered(self, connection: FrameConnection) -> None:
        self._late = None
        self._failed("it accepts connections, and does not answer")
        connection.abort("it does not answer the registration")

    def frames_received(
        self, connection: FrameConnection, frames: Sequence[bytes | Skipped]
    ) -> int:
        """The server sent frames: take some, for others wait too."""
        taken = frames[:TURN_FRAMES]
        for raw in taken:
            if self._stopped or connection is not self._connection:
                return len(frames)
            try:
                if isinstance(raw, Skipped):
                    raise raw.problem
                self._received(connection, raw)
            except RemoteProtocolError as problem:
                self.stream_broken(connection, problem)
                return len(frames)
        return len(taken)

    def _received(self, connection: FrameConnection, raw: bytes) -> None:
        """:raise RemoteProtocolError: it is nothing that may come from there."""
        frame = read_frame(raw)
        if frame.kind == Kind.PING:
            connection.answer_ping(raw)
        elif frame.kind in (Kind.REPLY, Kind.ERROR):
            if frame.flags & Flag.MORE:
                raise RemoteProtocolError(Code.BAD_FRAME, "an answer to a call in parts")
            message = decode(frame)
            if not self._registered:
                self._greeted(connection, message)
            else:
                answer = _checked(message)
                self._told.server_answered(self.name, frame.reference, answer)
        elif frame.kind != Kind.PONG and frame.kind != Kind.EVENT:
            raise RemoteProtocolError(Code.BAD_FRAME, f"kind {frame.kind} from a server")

    def _greeted(self, connection: FrameConnection, message: Message) -> None:
        if isinstance(message, EventError):
            self._failed(f"it refuses us: {message.error_code} {message.error_description}")
            connection.close("it refuses the registration")
            return
        if not isinstance(message, EventAck) or message.server is None:
            raise RemoteProtocolError(Code.BAD_FRAME, "it says nothing of itself")
        if self._late is not None:
            self._late.cancel()
            self._late = None
        self._registered = True
        self._peer_max_frame = message.server.max_frame
        self._failures, self._problem = 0, ""
        log.info("External server {server} is connected", server=self.name)
        self._told.server_connected(self.name)

    def send(self, raw: bytes) -> bool:
        """Send a call; False: its frame is longer than the server takes."""
        if self._connection is None or len(raw) - 4 > self._peer_max_frame:
            return False
        self._connection.send(raw)
        return True

    def stream_broken(self, connection: FrameConnection, problem: RemoteProtocolError) -> None:
        """Whatever is there does not keep the protocol."""
        self._failed(f"it broke the protocol: {problem.description}")
        connection.abort(problem.description)

    def output_exceeded(self, connection: FrameConnection) -> None:
        """It does not read: it gets no more calls, nor pongs for what it sends."""
        connection.pause_reading(UNREAD)
        if self._patience is None:
            self._patience = self._clock.callLater(PATIENCE, connection.abort, UNREAD)
        self._told.server_reads(self.name, enough=False)

    def output_drained(self, connection: FrameConnection) -> None:
        """It reads again."""
        self._borne()
        connection.resume_reading(UNREAD)
        self._told.server_reads(self.name, enough=True)

    def _borne(self) -> None:
        """Nobody need have patience any more."""
        patience, self._patience = self._patience, None
        if patience is not None and patience.active():
            patience.cancel()

    def connection_lost(self, connection: FrameConnection, reason: str) -> None:
        """The socket is gone."""
        self._keep_alive.forget(connection)
        self._borne()
        if self._end is not None and self._end.active():
            self._end.cancel()
        if connection is not self._connection:
            return
        self._connection = None
        if not self._stopped:
            if self._registered:
                log.warn(
                    "External server {server} is lost: {reason}", server=self.name, reason=reason
                )
            elif not self._problem:
                self._failed(reason)
        self._left()

    def _left(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
        if self._registered:
            self._registered = False
            self._told.server_lost(self.name)


def _checked(message: Message) -> Answers:
    """
    What an external server says, fit to be passed on.

    :raise RemoteProtocolError: it is no answer to a call, or has what others could not take.
    """
    if isinstance(message, Event3rdServerResponse):
        check_key_values(message.user_data, "UserData")
    elif not isinstance(message, Event3rdServerFault | EventError):
        name = type(message).__name__
        raise RemoteProtocolError(Code.BAD_FRAME, f"{name} is no answer to a call")
    if not isinstance(message, EventError):
        check_key_values(message.envelope3rd_server, "Envelope3rdServer")
    check_key_values(message.extension, "Extension")
    return message
