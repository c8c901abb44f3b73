"""
The node side of a proxy: one connection to each node, made again when lost.

Reconnecting is Twisted's `ClientService`; the schedule of its attempts is a
pure function of the number of failures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.application.internet import ClientService
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory

from ixproxy.core.links import Link
from ixproxy.core.proxy import ProxyCore
from ixproxy.errors import RemoteProtocolError
from ixproxy.net.connection import FrameConnection
from ixproxy.net.keep_alive import KeepAlive
from ixproxy.net.perform import Performer
from ixproxy.net.turn import TurnEnd
from ixproxy.net.watched_endpoint import WatchedEndpoint
from ixproxy.values import NodeName
from ixproxy.wire.frames import Skipped

RETRY_DELAYS: Sequence[float] = (0.1, 0.2, 0.5, 1.0, 2.0, 3.0)
"""Seconds before each attempt in a row; the last repeats."""
CLOSE_LIMIT = 5.0
"""Seconds that a node has to take what was sent before a link that is not wanted is cut."""


def retry_delay(failures: int) -> float:
    """Seconds to wait after `failures` failed attempts in a row."""
    return RETRY_DELAYS[min(failures, len(RETRY_DELAYS)) - 1] if failures > 0 else 0.0


class Upstream(Factory):
    """The link to one node, as far as sockets are concerned."""

    noisy = False

    def __init__(
        self,
        clock: IReactorTime,
        endpoint: IStreamClientEndpoint,
        node: NodeName,
        core: ProxyCore,
        performer: Performer,
        turn: TurnEnd,
        keep_alive: KeepAlive,
        *,
        output_limit: int = 32 << 20,
        retry: Callable[[int], float] = retry_delay,
    ) -> None:
        self._clock = clock
        self._node = node
        self._core = core
        self._performer = performer
        self._turn = turn
        self._keep_alive = keep_alive
        self._output_limit = output_limit
        self._link: Link | None = None
        self._stopped = False
        self._end: IDelayedCall | None = None
        self._retry = retry
        self._fruitless = 0
        """Connections in a row that never came to be of use."""
        watched = WatchedEndpoint(endpoint, self._unreachable)
        self._service = ClientService(watched, self, retryPolicy=self._delay, clock=clock)

    def _unreachable(self, reason: str) -> None:
        """An attempt to connect came to nothing."""
        if not self._stopped:
            self._core.node_unreachable(self._node, reason, self._clock.seconds())

    def _delay(self, failures: int) -> float:
        """A node that accepts but cannot be used is no better than one that does not."""
        return self._retry(failures + self._fruitless)

    def start(self) -> None:
        """Connect, and go on connecting."""
        self._service.startService()

    def stop(self) -> Deferred[Any]:
        """Disconnect for good; fires when the socket is closed."""
        connection = self._performer.nodes.get(self._node)
        self._leave()
        self._stopped = True
        if connection is not None:
            # A transport does not close under a producer that may still write.
            connection.close("the link is no longer wanted")
            self._end = self._clock.callLater(CLOSE_LIMIT, connection.abort, "it does not read")
        return maybeDeferred(self._service.stopService)

    def limits_changed(self, output_limit: int) -> None:
        """Another limit, for the link that is there, too."""
        self._output_limit = output_limit
        if (connection := self._performer.nodes.get(self._node)) is not None:
            connection.use_limits(max_frame=self._most_read, output_limit=output_limit)

    @property
    def _most_read(self) -> int:
        return max(self._core.state.settings.max_frame, 1 << 20)

    def buildProtocol(self, addr: IAddress | None) -> FrameConnection:
        """The framework made a connection."""
        return FrameConnection(
            self._turn,
            self,
            max_frame=self._most_read,
            output_limit=self._output_limit,
        )

    def connection_made(self, connection: FrameConnection) -> None:
        """The node accepted: greet it."""
        if self._stopped:
            connection.abort("the link is no longer wanted")
            return
        self._fruitless += 1
        self._link = link = self._core.link(self._node)
        self._performer.nodes[self._node] = connection
        self._performer.connect(link, connection)
        self._keep_alive.watch(connection)
        self._core.node_connected(self._node, self._clock.seconds())
        self._performer.perform()

    def frames_received(
        self, connection: FrameConnection, frames: Sequence[bytes | Skipped]
    ) -> None:
        """The node sent frames."""
        if self._stopped:
            return
        self._core.node_frames_received(self._node, frames, self._clock.seconds())
        if self._link is not None and self._link.linked:
            self._fruitless = 0
        self._performer.perform()

    def stream_broken(self, connection: FrameConnection, problem: RemoteProtocolError) -> None:
        """Whatever listens there is no node."""
        connection.abort(problem.description)

    def output_exceeded(self, connection: FrameConnection) -> None:
        """The node does not read: its requests are answered busy at once."""
        if self._link is not None:
            self._link.full = True

    def output_drained(self, connection: FrameConnection) -> None:
        """It reads again."""
        if self._link is not None:
            self._link.full = False

    def connection_lost(self, connection: FrameConnection, reason: str) -> None:
        """The link is gone."""
        self._keep_alive.forget(connection)
        if not self._stopped:
            self._leave(reason)
        elif self._end is not None and self._end.active():
            self._end.cancel()

    def _leave(self, reason: str = "") -> None:
        self._performer.nodes.pop(self._node, None)
        self._core.node_lost(self._node, self._clock.seconds(), reason)
        self._performer.perform()
        if self._link is not None:
            self._performer.disconnect(self._link)
            self._link = None
