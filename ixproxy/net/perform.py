"""The only place where the proxy's outputs and effects meet sockets and the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger, LogLevel

from ixproxy.core.destinations import Destination
from ixproxy.core.proxy import ProxyCore
from ixproxy.effects import ClosePeer, CompleteStatus, Effect, LogIn, Note, ResetLink
from ixproxy.messages import Credentials, EventServerStatus
from ixproxy.net.connection import FrameConnection
from ixproxy.net.door import OPEN, Door
from ixproxy.net.reading_windows import ReadingWindows
from ixproxy.values import NodeName
from ixproxy.wire.permits import Permit

log = Logger()

_LEVELS = {level.name: level for level in LogLevel.iterconstants()}


class Performer:
    """
    Moves frames from destinations to their connections, and does effects.

    :ivar peers: client-side connections by the peer's number.
    :ivar nodes: node-side connections by the node's name.
    :ivar door: says what peers may be; may be another one at any time.
    :ivar complete: adds to a status what only the world knows.
    :ivar windows: clients that are left unread until answers came.
    """

    def __init__(self, core: ProxyCore, clock: IReactorTime) -> None:
        self._core = core
        self._clock = clock
        self.door: Door = OPEN
        self._connections: dict[Destination, FrameConnection] = {}
        self.peers: dict[int, FrameConnection] = {}
        self.nodes: dict[NodeName, FrameConnection] = {}
        self.complete: Callable[[EventServerStatus], EventServerStatus] = lambda status: status
        self.windows = ReadingWindows()
        self._closed = self.windows.closed

    def connect(self, destination: Destination, connection: FrameConnection) -> None:
        """What is sent to `destination` goes to `connection` from now on."""
        self._connections[destination] = connection

    def disconnect(self, destination: Destination) -> None:
        """The destination has no connection; harmless when it had none."""
        self._connections.pop(destination, None)

    def perform(self) -> None:
        """Do all that the last input asked for."""
        core = self._core
        closed = self._closed
        while True:
            for destination in core.take_outputs():
                frames = destination.take()
                connection = self._connections.get(destination)
                if connection is not None:
                    if destination.extra:
                        connection.allow(destination.extra)
                        destination.extra = 0
                    connection.send_all(frames)
                    if closed and destination in closed:
                        self.windows.answered(destination)
            effects = core.take_effects()
            if not effects:
                return
            for effect in effects:
                self._do(effect)

    def _do(self, effect: Effect) -> None:
        match effect:
            case ClosePeer(peer, reason):
                if (connection := self.peers.get(peer)) is not None:
                    connection.close(reason)
            case ResetLink(node, reason):
                if (connection := self.nodes.get(node)) is not None:
                    connection.abort(reason)
            case LogIn(peer, credentials):
                self._log_in(peer, credentials)
            case Note(level, text, fields):
                log.emit(_LEVELS[level], text, **fields)
            case CompleteStatus(peer, client, reference, status):
                self._core.status_completed(peer, client, reference, self.complete(status))
            case _:
                assert_never(effect)

    def _log_in(self, peer: int, credentials: Credentials) -> None:
        def answered(permit: Permit | None) -> None:
            self._core.login_answered(peer, permit, self._clock.seconds())
            self.perform()

        self.door.log_in(credentials).addCallbacks(answered, lambda _: answered(None))
