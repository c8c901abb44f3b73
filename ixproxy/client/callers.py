"""
The callers of an external server: registered, limited, answered; what they ask is not looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory
from twisted.logger import Logger

from ixproxy.errors import Code, LocalProtocolError, RemoteProtocolError, RequestRefused
from ixproxy.messages import (
    EventAck,
    EventError,
    Request3rdServer,
    RequestPing,
    RequestRegisterClient,
    RequestUnregisterClient,
    ServerFacts,
)
from ixproxy.messages.message import Message
from ixproxy.net.connection import FrameConnection
from ixproxy.net.door import Door
from ixproxy.net.keep_alive import KeepAlive
from ixproxy.net.slow_readers import SlowReaders
from ixproxy.net.turn import TurnEnd
from ixproxy.net.waiting_room import WaitingRoom
from ixproxy.values import ClientType
from ixproxy.wire.admission import client_type_of
from ixproxy.wire.codec import decode, encode, error_frame, missing_attribute
from ixproxy.wire.frames import Skipped
from ixproxy.wire.names import Kind
from ixproxy.wire.permits import Permit
from ixproxy.wire.prefix import Flag, Frame, read_frame

log = Logger()

MAY_CALL = frozenset(
    {
        ClientType.INTERACTION_SERVER,
        ClientType.AGENT_APPLICATION,
        ClientType.MEDIA_SERVER,
        ClientType.ROUTING_ENGINE,
    }
)
"""The types of clients that may call an external server."""

TURN_FRAMES = 64
"""Frames of one caller in one turn of the reactor, at most."""
SHORTEST_FRAME = 64 << 10
"""The least max-frame that a caller may announce, in bytes."""


@dataclass(frozen=True, slots=True)
class CallLimits:
    """
    What callers may cost; times in seconds, sizes in bytes.

    :ivar window: calls of one connection that are under way at a time.
    :ivar max_under_way: the same of all of them, and of those that are gone.
    :ivar max_connections: registered ones.
    :ivar max_unregistered: others; the oldest make room.
    :ivar registration_timeout: until a connection must have registered.
    :ivar max_frame: the longest frame that is taken, in bytes after the length.
    :ivar max_output: that may wait for a caller that does not read.
    :ivar max_output_timeout: for which more may wait before it is closed.
    """

    window: int = 1000
    max_under_way: int = 10_000
    max_connections: int = 1000
    max_unregistered: int = 100
    registration_timeout: float = 30.0
    max_frame: int = 1 << 20
    max_output: int = 4 << 20
    max_output_timeout: float = 60.0
    keep_alive_interval: float = 10.0
    keep_alive_limit: float = 30.0


Called = Callable[[str, Request3rdServer, float | None], Deferred[Message]]
"""Given the caller's name, the call, and the seconds that it has: its answer; never fails."""


class _Caller:
    """One connection; `name` is "" until it is registered."""

    __slots__ = ("connection", "entering", "max_frame", "name", "permit", "under_way")

    def __init__(self, connection: FrameConnection, permit: Permit) -> None:
        self.connection: FrameConnection | None = connection
        self.permit = permit
        self.entering = False
        self.max_frame = SHORTEST_FRAME
        self.name = ""
        self.under_way: set[int] = set()

    def send(self, raw: bytes) -> None:
        if self.connection is not None:
            self.connection.send(raw)


class Callers(Factory):
    """Makes a connection for each caller, and lets it call."""

    noisy = False

    def __init__(
        self,
        reactor: Any,
        name: str,
        door: Door,
        limits: CallLimits,
        turn: TurnEnd,
        keep_alive: KeepAlive,
        called: Called,
    ) -> None:
        self._clock = reactor
        self._name = name
        self._door = door
        self._limits = limits
        self._turn = turn
        self._keep_alive = keep_alive
        self._called = called
        self._callers: dict[FrameConnection, _Caller] = {}
        self.counters: Counter[str] = Counter()
        self._waiting_room = WaitingRoom(
            self.counters, lambda connection: bool(self._callers[connection].name)
        )
        self._slow = SlowReaders(self.counters)
        self.under_way = 0
        self._stopping = False
        self._idle: Deferred[None] | None = None
        self._parted: Deferred[None] | None = None

    @property
    def names(self) -> list[str]:
        """Of those who are registered."""
        return sorted(caller.name for caller in self._callers.values() if caller.name)

    def buildProtocol(self, addr: IAddress | None) -> FrameConnection | None:
        """The framework accepted a connection."""
        if self._stopping:
            return None
        limits = self._limits
        return FrameConnection(
            self._turn, self, max_frame=limits.max_frame, output_limit=limits.max_output
        )

    def connection_made(self, connection: FrameConnection) -> None:
        """Somebody is there."""
        if len(self._callers) - len(self._waiting_room) >= self._limits.max_connections:
            self._waiting_room.refuse(connection, "max-connections is reached")
            return
        permit = self._door.permit(connection.certificate)
        self._callers[connection] = _Caller(connection, permit)
        now = self._clock.seconds()
        self._waiting_room.enter(connection, now, self._limits.max_unregistered)
        self._keep_alive.watch(connection)

    def frames_received(
        self, connection: FrameConnection, frames: Sequence[bytes | Skipped]
    ) -> int:
        """A caller sent frames: take some, for others wait too."""
        caller = self._callers.get(connection)
        if caller is None:
            return len(frames)
        taken = frames[:TURN_FRAMES]
        for raw in taken:
            if caller.connection is None or connection.close_reason:
                return len(frames)
            if isinstance(raw, Skipped):
                if raw.kind == Kind.REQUEST:
                    self._refuse(caller, raw.reference, raw.problem)
            else:
                self._frame(caller, raw)
        if connection in self._waiting_room.since:
            if caller.name:
                self._waiting_room.leave(connection)
            else:
                self._waiting_room.heard(connection, len(taken))
        return len(taken)

    def _frame(self, caller: _Caller, raw: bytes) -> None:
        reference = int.from_bytes(raw[12:16], "big")
        try:
            frame = read_frame(raw)
            if frame.kind == Kind.PING:
                if caller.connection is not None:
                    caller.connection.answer_ping(raw)
            elif frame.kind == Kind.REQUEST:
                self._request(caller, frame)
            elif frame.kind not in (Kind.PONG, Kind.CANCEL, Kind.EVENT):
                raise RemoteProtocolError(Code.BAD_FRAME, f"kind {frame.kind} from a caller")
        except RemoteProtocolError as problem:
            self._refuse(caller, reference, problem)
        except RequestRefused as refusal:
            caller.send(error_frame(refusal.code, refusal.description, reference=reference))

    def _refuse(self, caller: _Caller, reference: int, problem: RemoteProtocolError) -> None:
        self.counters["bad frames"] += 1
        caller.send(error_frame(problem.code, problem.description, reference=reference))

    def _request(self, caller: _Caller, frame: Frame) -> None:
        """:raise RequestRefused, RemoteProtocolError: it is not carried out."""
        if frame.client:
            raise RemoteProtocolError(Code.INVALID_CLIENT, "here each connection is client 0")
        if missing := missing_attribute(frame):
            raise RemoteProtocolError(Code.MISSING_VALUE, f"{missing} is missing")
        message = decode(frame)
        if isinstance(message, RequestRegisterClient):
            self._register(caller, frame, message)
        elif not caller.name:
            raise RequestRefused(Code.NOT_REGISTERED)
        elif isinstance(message, Request3rdServer):
            self._call(caller, frame, message)
        elif isinstance(message, RequestUnregisterClient | RequestPing):
            caller.send(encode(EventAck(), reference=frame.reference))
        else:
            raise RequestRefused(
                Code.UNSUPPORTED_OPERATION, "an external server answers calls, and nothing else"
            )

    def _register(self, caller: _Caller, frame: Frame, message: RequestRegisterClient) -> None:
        if caller.name or caller.entering:
            raise RequestRefused(Code.INVALID_CLIENT, "this connection has registered already")
        if not caller.permit.must_log_in:
            self._enter(caller, frame, message)
            return
        caller.entering = True

        def entered(permit: Permit | None) -> None:
            caller.entering = False
            if caller.connection is None:
                return
            try:
                if permit is None:
                    raise RequestRefused(Code.NOT_AUTHENTICATED)
                caller.permit = permit
                self._enter(caller, frame, message)
            except RequestRefused as refusal:
                caller.send(
                    error_frame(refusal.code, refusal.description, reference=frame.reference)
                )

        entering = self._door.log_in(message.credentials)
        entering.addCallbacks(entered, lambda _: entered(None))

    def _enter(self, caller: _Caller, frame: Frame, message: RequestRegisterClient) -> None:
        client_type = client_type_of(message, behind_proxy=False, shortest_frame=SHORTEST_FRAME)
        if client_type not in MAY_CALL:
            raise RequestRefused(
                Code.NOT_ALLOWED, f"a client of type {client_type.value} does not call servers"
            )
        caller.permit.narrowed(client_type, frozenset(message.tenants))
        caller.name = message.client_name
        caller.max_frame = message.max_frame
        facts = ServerFacts(name=self._name, role="external", max_frame=self._limits.max_frame)
        log.info("{caller} may call {name}", caller=caller.name, name=self._name)
        caller.send(encode(EventAck(server=facts), reference=frame.reference))

    def _call(self, caller: _Caller, frame: Frame, message: Request3rdServer) -> None:
        limits, reference = self._limits, frame.reference
        if reference in caller.under_way:
            raise RemoteProtocolError(Code.BAD_FRAME, f"reference {reference} is in use")
        if self._stopping:
            raise RequestRefused(Code.STOPPING)
        if len(caller.under_way) >= limits.window or self.under_way >= limits.max_under_way:
            self.counters["busy"] += 1
            raise RequestRefused(Code.BUSY, f"{len(caller.under_way)} calls are under way")
        caller.under_way.add(reference)
        self.under_way += 1
        silent = bool(frame.flags & Flag.NO_REPLY)
        seconds = frame.ttl / 1000 if frame.ttl else None
        answer = self._called(caller.name, message, seconds)
        answer.addCallback(lambda message: self._answer(caller, reference, message, silent))

    def _answer(self, caller: _Caller, reference: int, message: Message, silent: bool) -> None:
        caller.under_way.discard(reference)
        self.under_way -= 1
        if not silent and caller.connection is not None:
            caller.send(self._encoded(caller, reference, message))
        if self._idle is not None and not self.under_way:
            self._idle.callback(None)
            self._idle = None

    def _encoded(self, caller: _Caller, reference: int, message: Message) -> bytes:
        """The answer as a frame, or the error that there can be none."""
        try:
            raw = encode(message, reference=reference)
            if len(raw) - 4 <= caller.max_frame:
                return raw
            problem, code = f"the answer has {len(raw)} bytes", Code.TOO_LARGE
        except LocalProtocolError as wrong:
            problem, code = f"the answer cannot be sent: {wrong}", Code.INTERNAL
        log.error("{name}: {problem}", name=self._name, problem=problem)
        error = EventError(error_code=code, error_description=problem, in_doubt=True)
        return encode(error, reference=reference)

    def stream_broken(self, connection: FrameConnection, problem: RemoteProtocolError) -> None:
        """A caller sent what is no frame."""
        self.counters["broken streams"] += 1
        connection.send(error_frame(problem.code, problem.description))
        connection.close(problem.description)

    def output_exceeded(self, connection: FrameConnection) -> None:
        """A caller does not read: it is not read either."""
        self._slow.exceeded(connection, self._clock.seconds())

    def output_drained(self, connection: FrameConnection) -> None:
        """It reads again."""
        self._slow.drained(connection)

    def connection_lost(self, connection: FrameConnection, reason: str) -> None:
        """A caller is gone."""
        caller = self._callers.pop(connection, None)
        self._waiting_room.leave(connection)
        self._slow.forget(connection)
        self._keep_alive.forget(connection)
        if caller is not None:
            caller.connection = None
            if caller.name:
                log.info("{caller} is gone: {reason}", caller=caller.name, reason=reason)
        if self._parted is not None and not self._callers:
            self._parted.callback(None)
            self._parted = None

    def ticked(self) -> None:
        """Some time passed: close who does not read and who does not register."""
        now, limits = self._clock.seconds(), self._limits
        self._slow.ticked(now, limits.max_output_timeout)
        self._waiting_room.ticked(now, limits.registration_timeout)

    async def stop(self, grace: float) -> None:
        """Take no more calls; fires when those under way are answered, and all are gone."""
        self._stopping = True
        if self.under_way:
            self._idle = Deferred()
            late = self._clock.callLater(grace, self._give_up)
            await self._idle
            if late.active():
                late.cancel()
        if self._callers:
            parted: Deferred[None] = Deferred()
            self._parted = parted
            for connection in list(self._callers):
                connection.close("the external server stops")
            late = self._clock.callLater(grace, self._cut_off)
            await parted
            if late.active():
                late.cancel()

    def _give_up(self) -> None:
        """What is under way takes too long."""
        if self._idle is not None:
            self._idle.callback(None)
            self._idle = None

    def _cut_off(self) -> None:
        for connection in list(self._callers):
            connection.abort("the external server stops")
