"""
The node side of a proxy: one connection to each upstream, made again when lost.

Reconnecting is Twisted's `ClientService`; which of an upstream's servers is
tried, and after which pause, is `ixproxy.core.attempts`, and which server of a
node's pair is the right one `ixproxy.core.pairs`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.application.internet import ClientService
from twisted.internet.defer import Deferred, maybeDeferred
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
from zope.interface import implementer

from ixproxy.core.attempts import USUAL, Attempts, Chance, InTurn, OneOfMany, WarmStandby
from ixproxy.core.links import Link
from ixproxy.core.proxy import ProxyCore
from ixproxy.errors import RemoteProtocolError
from ixproxy.net.connection import FrameConnection
from ixproxy.net.keep_alive import KeepAlive
from ixproxy.net.pair_watch import PairWatch
from ixproxy.net.perform import Performer
from ixproxy.net.turn import TurnEnd
from ixproxy.net.watched_endpoint import WatchedEndpoint
from ixproxy.values import NodeFacts, Server
from ixproxy.wire.frames import Skipped

log = Logger()

CLOSE_LIMIT = 5.0
"""Seconds that a node has to take what was sent before a link that is not wanted is cut."""
CONNECT_LIMIT = 5.0
"""Seconds that a server has to accept where there is another one to try."""

Connect = Callable[[Server], IStreamClientEndpoint]
"""Makes the endpoint of a server."""


def attempts_at(facts: NodeFacts, chance: Chance, standby: WarmStandby) -> Attempts:
    """The order in which the servers of an upstream are tried."""
    if facts.is_proxy:
        return OneOfMany([len(pair) for pair in facts.pairs], chance, standby)
    return InTurn(len(facts.servers))


@implementer(IStreamClientEndpoint)
class _Current:
    """The endpoint of whichever server is to be connected."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    def __repr__(self) -> str:
        return self._upstream.server.endpoint

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """The framework wants a connection."""
        return self._upstream.connect(protocolFactory)


class Upstream(Factory):
    """
    The link to one upstream, as far as sockets are concerned.

    :param facts: the upstream, with its servers: at least one.
    """

    noisy = False

    def __init__(
        self,
        clock: IReactorTime,
        connect: Connect,
        facts: NodeFacts,
        core: ProxyCore,
        performer: Performer,
        turn: TurnEnd,
        keep_alive: KeepAlive,
        *,
        chance: Chance,
        standby: WarmStandby = USUAL,
        output_limit: int = 32 << 20,
    ) -> None:
        self._clock = clock
        self._connect = connect
        self._facts = facts
        self._node = facts.name
        self._core = core
        self._performer = performer
        self._turn = turn
        self._keep_alive = keep_alive
        self._chance = chance
        self._standby = standby
        self._output_limit = output_limit
        self._attempts = attempts_at(facts, chance, standby)
        self._link: Link | None = None
        self._stopped = False
        self._end: IDelayedCall | None = None
        self._of_use = False
        """Whether the connection that is there, or was there last, came to be linked."""
        self._moving = False
        """Whether it is given up for another server of the same upstream."""
        watched = WatchedEndpoint(_Current(self), self._unreachable)
        self._service = ClientService(watched, self, retryPolicy=self._pause, clock=clock)
        self._watch = PairWatch(clock, turn, core.state, self._other_endpoint, self._move)

    def _unreachable(self, reason: str) -> None:
        """An attempt to connect came to nothing."""
        if not self._stopped:
            self._core.node_unreachable(self._node, reason, self._clock.seconds())
            self._performer.perform()

    @property
    def server(self) -> Server:
        """The server that is connected, or tried next."""
        return self._facts.servers[self._attempts.current]

    def connect(self, factory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect to the server whose turn it is."""
        connecting: Deferred[IProtocol] = self._connect(self.server).connect(factory)
        if len(self._facts.servers) > 1:
            connecting.addTimeout(CONNECT_LIMIT, self._clock)
        return connecting

    def _pause(self, failures: int) -> float:
        """Seconds to the next attempt; one that cannot be used is no better than none."""
        if self._moving:
            self._moving = False
            return 0.0
        of_use, self._of_use = self._of_use, False
        return self._attempts.lost() if of_use else self._attempts.failed()

    def start(self) -> None:
        """Connect, and go on connecting."""
        self._service.startService()

    def stop(self) -> Deferred[Any]:
        """Disconnect for good; fires when the socket is closed."""
        connection = self._performer.nodes.get(self._node)
        self._leave()
        self._stopped = True
        if connection is not None:
            self._end = self._clock.callLater(CLOSE_LIMIT, connection.abort, "it does not read")
            # A transport does not close under a producer that may still write.
            connection.close("the link is no longer wanted")
        return maybeDeferred(self._service.stopService)

    def limits_changed(self, output_limit: int) -> None:
        """Another limit, for the link that is there, too."""
        self._output_limit = output_limit
        if (connection := self._performer.nodes.get(self._node)) is not None:
            connection.use_limits(max_frame=self._most_read, output_limit=output_limit)

    @property
    def _most_read(self) -> int:
        return max(self._core.state.settings.max_frame, 1 << 20)

    def follow(self, facts: NodeFacts) -> bool:
        """
        The deployment file names other servers.

        :return: False: the one in use is none of them, so this link is of no use.
        """
        server = self.server
        if self._link is None or server not in facts.servers:
            return False
        self._facts = facts
        self._attempts = attempts_at(facts, self._chance, self._standby)
        self._attempts.go_to(facts.servers.index(server))
        self._watch.stop()
        self._watch_other()
        return True

    def _watch_other(self) -> None:
        if not self._facts.is_proxy and len(self._facts.servers) > 1:
            self._watch.start(self._core.link(self._node))

    def _other_endpoint(self) -> IStreamClientEndpoint:
        return self._connect(self._facts.servers[self._other()])

    def _other(self) -> int:
        return (self._attempts.current + 1) % len(self._facts.servers)

    def _move(self, reason: str) -> None:
        """The other server of the pair is the right one."""
        connection = self._performer.nodes.get(self._node)
        if connection is not None:
            self._attempts.go_to(self._other())
            self._moving = True
            log.warn(
                "Node {node} moves to {server}: {reason}",
                node=self._node,
                server=self.server.name,
                reason=reason,
            )
            connection.abort(reason)

    def buildProtocol(self, addr: IAddress | None) -> FrameConnection:
        """The framework made a connection."""
        return FrameConnection(
            self._turn,
            self,
            max_frame=self._most_read,
            output_limit=self._output_limit,
        )

    def connection_made(self, connection: FrameConnection) -> None:
        """The server accepted: greet it."""
        if self._stopped:
            connection.abort("the link is no longer wanted")
            return
        self._link = link = self._core.link(self._node)
        self._performer.nodes[self._node] = connection
        self._performer.connect(link, connection)
        self._keep_alive.watch(connection)
        self._core.node_connected(self._node, self._clock.seconds())
        self._performer.perform()
        self._watch_other()

    def frames_received(
        self, connection: FrameConnection, frames: Sequence[bytes | Skipped]
    ) -> None:
        """The node sent frames."""
        if self._stopped:
            return
        self._core.node_frames_received(self._node, frames, self._clock.seconds())
        if self._link is not None and self._link.linked:
            self._of_use = True
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
        self._watch.stop()
        self._performer.nodes.pop(self._node, None)
        self._core.node_lost(self._node, self._clock.seconds(), reason)
        self._performer.perform()
        if self._link is not None:
            self._performer.disconnect(self._link)
            self._link = None
