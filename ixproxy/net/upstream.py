"""
The node side of a proxy: one connection to each upstream, made again when lost.

Reconnecting is Twisted's `ClientService`; which of an upstream's servers is
connected, and after which pause, is `ixproxy.core.pairs`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

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

from ixproxy.core.attempts import Attempts, InTurn, OneOfMany
from ixproxy.core.link_states import State
from ixproxy.core.link_times import Chance, LinkTimes
from ixproxy.core.links import Link
from ixproxy.core.pairs import Act, Event
from ixproxy.core.proxy import ProxyCore
from ixproxy.core.warm_standby import USUAL, WarmStandby
from ixproxy.errors import RemoteProtocolError
from ixproxy.messages import ServerFacts
from ixproxy.net.connection import PING, FrameConnection
from ixproxy.net.keep_alive import KeepAlive
from ixproxy.net.pair_watch import PairWatch
from ixproxy.net.perform import Performer
from ixproxy.net.probing import Answer
from ixproxy.net.reasons import is_late, reason_of
from ixproxy.net.turn import TurnEnd
from ixproxy.values import NodeFacts, Server
from ixproxy.wire.frames import Skipped

log = Logger()

CLOSE_LIMIT = 5.0
"""Seconds that a node has to take what was sent before a link that is not wanted is cut."""
SILENT = "it accepts connections, and does not answer"

Connect = Callable[[Server], IStreamClientEndpoint]
"""Makes the endpoint of a server."""


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
        self._link: Link | None = None
        self._stopped = False
        self._end: IDelayedCall | None = None
        self._dialling: Deferred[IProtocol] | None = None
        self._late: IDelayedCall | None = None
        self._heard_at = 0.0
        self._waiting_since: float | None = None
        """Since when requests wait, as far as was looked."""
        self._pair = core.link(self._node).pair
        self._use_servers()
        self._service = ClientService(
            _Current(self), self, retryPolicy=lambda _: self._pair.pause, clock=clock
        )
        self._watch = PairWatch(
            clock,
            turn,
            core.state,
            self._pair,
            chance,
            other=lambda: self._connect(self._facts.servers[self._other()]),
            suspect=self._suspect,
            answered=self._other_heard,
        )

    def _use_servers(self, current: int = 0) -> None:
        """The servers are those of `facts`, and the one in turn is known."""
        facts, attempts = self._facts, self._order()
        if current:
            attempts.go_to(current)
        self._pair.use(attempts, pair=not facts.is_proxy and len(facts.servers) > 1)

    def _order(self) -> Attempts:
        facts = self._facts
        if facts.is_proxy:
            return OneOfMany([len(pair) for pair in facts.pairs], self._standby, self._chance)
        return InTurn(len(facts.servers), self._times, self._chance)

    @property
    def _times(self) -> LinkTimes:
        return self._core.state.settings.link_times

    def _limit(self, usual: float) -> float:
        """How long one step of an attempt may take."""
        rounds = self._pair.attempts.rounds
        return self._times.limit(usual, rounds, alone=not self._pair.pair)

    @property
    def server(self) -> Server:
        """The server that is connected, or tried next."""
        return self._facts.servers[self._pair.attempts.current]

    def connect(self, factory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect to the server whose turn it is."""
        self._pair.begun()
        if self._pair.pair:
            self._watch.start()
        connecting: Deferred[IProtocol] = self._connect(self.server).connect(factory)
        connecting.addTimeout(self._limit(self._times.connect), self._clock)
        self._dialling = connecting
        return connecting.addCallbacks(self._dialled, self._not_connected)

    def _dialled(self, protocol: IProtocol) -> IProtocol:
        self._dialling = None
        return protocol

    def _not_connected(self, failure: Failure) -> Failure:
        self._dialling = None
        self._watch.stop()
        if not self._stopped and not failure.check(CancelledError):
            self._unreachable(reason_of(failure), late=is_late(failure))
        return failure

    def _unreachable(self, reason: str, *, late: bool) -> None:
        self._core.node_unreachable(self._node, reason, self._clock.seconds(), late=late)
        self._performer.perform()

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
        self._use_servers(facts.servers.index(server))
        self._watch.stop()
        if self._pair.pair:
            self._watch.start()
        return True

    def _other(self) -> int:
        return (self._pair.attempts.current + 1) % len(self._facts.servers)

    def _suspect(self) -> bool:
        """Whether requests have waited for a while, and nothing at all came meanwhile."""
        link, now = self._link, self._clock.seconds()
        if link is None or not link.speaks or not link.pending.count:
            self._waiting_since = None
            return False
        if self._waiting_since is None:
            self._waiting_since = now
        if now - max(self._waiting_since, self._heard_at) < self._times.quiet:
            return False
        connection = self._performer.nodes.get(self._node)
        if connection is not None:
            # Long pulls are silent, too: a server that is there answers this.
            connection.send(PING)
        return self._pair.happened(link.state, Event.SILENT) is Act.ASK

    def _other_heard(self, answer: Answer, why: str) -> None:
        """The other server of the pair has said what it is, or did not."""
        link, pair, server = self._core.link(self._node), self._pair, None
        event = answer if isinstance(answer, Event) else None
        if isinstance(answer, ServerFacts):
            server = answer
            event = pair.heard_of(server, self._facts, link.state)
            if event is Event.OTHER_NEWER:
                why = f"its lease {pair.epoch} is not the newest, {server.epoch} is"
            elif event is Event.OTHER_UNFIT:
                why = f"it is {server.role} {server.name} with database id {server.dbid}"
        assert event is not None
        name = self._facts.servers[self._other()].name
        act = pair.happened(link.state, event, why)
        if act is Act.REPORT:
            log.error(
                "{server} is no use as the other server of node {node}: {reason}",
                server=name,
                node=self._node,
                reason=why,
            )
        elif act is Act.MOVE:
            self._move(name, why)

    def _move(self, server: str, reason: str) -> None:
        """The other server of the pair is the right one."""
        log.warn(
            "Node {node} moves to {server}: {reason}",
            node=self._node,
            server=server,
            reason=reason,
        )
        self._watch.stop()
        connection = self._performer.nodes.get(self._node)
        if connection is not None:
            connection.abort(reason)
        elif self._dialling is not None:
            self._dialling.cancel()

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
        self._heard_at = now = self._clock.seconds()
        self._waiting_since = None
        self._late = self._clock.callLater(
            self._limit(self._times.answer), self._unanswered, connection
        )
        self._core.node_connected(self._node, now)
        self._performer.perform()

    def _unanswered(self, connection: FrameConnection) -> None:
        """It has had its time for the answer to the registration."""
        self._late = None
        if self._link is not None and self._link.state is State.GREETING:
            self._unreachable(SILENT, late=True)
            connection.abort(SILENT)

    def frames_received(
        self, connection: FrameConnection, frames: Sequence[bytes | Skipped]
    ) -> None:
        """The node sent frames."""
        if self._stopped:
            return
        self._heard_at = now = self._clock.seconds()
        self._core.node_frames_received(self._node, frames, now)
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
        if self._late is not None:
            self._late.cancel()
            self._late = None
        self._performer.nodes.pop(self._node, None)
        self._core.node_lost(self._node, self._clock.seconds(), reason)
        self._performer.perform()
        if self._link is not None:
            self._performer.disconnect(self._link)
            self._link = None
