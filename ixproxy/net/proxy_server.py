"""A whole proxy as one service: its mind, its clients' listener, its links."""

from __future__ import annotations

import time
from random import SystemRandom
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.interfaces import (
    IListeningPort,
    IReactorTime,
    IStreamServerEndpoint,
)
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from ixproxy.core.link_times import Chance
from ixproxy.core.proxy import ProxyCore
from ixproxy.core.settings import Deployment, ProxySettings, Strategies
from ixproxy.core.warm_standby import USUAL, WarmStandby
from ixproxy.messages import EventServerStatus
from ixproxy.net.door import OPEN, Door
from ixproxy.net.keep_alive import KeepAlive
from ixproxy.net.listener import Limits, PeerListener
from ixproxy.net.perform import Performer
from ixproxy.net.proxy_status import with_sockets
from ixproxy.net.surroundings import Surroundings
from ixproxy.net.turn import TurnEnd
from ixproxy.net.upstream import Connect, Upstream
from ixproxy.values import NodeName

log = Logger()

TICK = 0.25
"""Seconds between sweeps."""


class ProxyServer(Service):
    """
    One proxy.

    :param reactor: the clock, and whatever endpoints need.
    :param listen: where clients come in.
    :param connect: makes the endpoint of an upstream's server.
    :param door: says what peers may be.
    :param chance: decides which of several proxies is the upstream; None: as it comes.
    :param standby: how it goes from one to another.
    """

    def __init__(
        self,
        reactor: IReactorTime,
        core: ProxyCore,
        listen: IStreamServerEndpoint,
        connect: Connect,
        *,
        keep_alive: KeepAlive | None = None,
        limits: Limits | None = None,
        door: Door = OPEN,
        surroundings: Surroundings | None = None,
        chance: Chance | None = None,
        standby: WarmStandby = USUAL,
    ) -> None:
        self.core = core
        self._reactor = reactor
        self._listen = listen
        self._connect = connect
        self._chance = chance or SystemRandom().random
        self._standby = standby
        self._turn = TurnEnd(reactor)
        self._keep_alive = keep_alive or KeepAlive(reactor)
        self.surroundings = surroundings or Surroundings(reactor, time.time)
        self._performer = Performer(core, reactor)
        self._performer.complete = self._complete
        self.listener = PeerListener(
            reactor, core, self._performer, self._turn, self._keep_alive, limits
        )
        self._performer.door = door
        self._upstreams: dict[NodeName, Upstream] = {}
        self._port: IListeningPort | None = None
        self._tick = LoopingCall(self._ticked)
        self._tick.clock = reactor
        self.listening: Deferred[IListeningPort] = Deferred()
        """Fires with the port once clients can come in."""

    @property
    def door(self) -> Door:
        """What says what peers may be."""
        return self._performer.door

    def startService(self) -> None:
        """The framework starts us: connect to all nodes, listen at once."""
        super().startService()  # type: ignore[no-untyped-call]
        self._keep_alive.start()
        self._tick.start(TICK, now=False)
        self._meet_nodes()
        listening = self._listen.listen(self.listener)
        listening.addCallbacks(self._is_listening, self._cannot_listen)

    def _is_listening(self, port: IListeningPort) -> None:
        self._port = port
        log.info(
            "Proxy {name} listens on {address}",
            name=self.core.state.settings.name,
            address=port.getHost(),
        )
        self.listening.callback(port)

    def _cannot_listen(self, failure: Any) -> None:
        log.error("Proxy cannot listen: {reason}", reason=failure.getErrorMessage())
        self.listening.errback(failure)

    def stopService(self) -> Deferred[Any]:
        """The framework stops us: close clients, then links."""
        super().stopService()  # type: ignore[no-untyped-call]
        self._keep_alive.stop()
        if self._tick.running:
            self._tick.stop()
        waits: list[Deferred[Any]] = []
        if self._port is not None:
            waits.append(maybeDeferred(self._port.stopListening))
            self._port = None
        self.listener.close_all("the proxy stops")
        waits += [upstream.stop() for upstream in self._upstreams.values()]
        self._upstreams.clear()
        return DeferredList(waits)

    def _meet_nodes(self) -> None:
        """Have a link for each node of the deployment, and no other."""
        nodes = self.core.state.deployment.nodes
        for name in [name for name in self._upstreams if name not in nodes]:
            self._upstreams.pop(name).stop()
        for name, facts in nodes.items():
            if name not in self._upstreams:
                upstream = self._upstreams[name] = Upstream(
                    self._reactor,
                    self._connect,
                    facts,
                    self.core,
                    self._performer,
                    self._turn,
                    self._keep_alive,
                    chance=self._chance,
                    standby=self._standby,
                    output_limit=self.listener.limits.link_output,
                )
                upstream.start()

    def _ticked(self) -> None:
        try:
            self.core.ticked(self._reactor.seconds())
            self._performer.perform()
            self.listener.ticked()
        except Exception:
            # A looping call ends with its first exception; time-outs must outlive a bug.
            log.failure("The sweep failed")

    def _complete(self, status: EventServerStatus) -> EventServerStatus:
        """Add what sockets and the operating system know to a status."""
        return self.surroundings.complete(
            with_sockets(status, self.listener, self._performer.nodes)
        )

    def configuration_changed(
        self,
        settings: ProxySettings,
        deployment: Deployment,
        strategies: Strategies,
        limits: Limits | None = None,
        silence: tuple[float, float] | None = None,
        door: Door | None = None,
    ) -> None:
        """
        The deployment file changed: follow it without dropping a client.

        :param limits: of all connections; None: as before.
        :param silence: when keep-alive looks, and after how much silence it
            gives a connection up, in seconds; None: as before.
        :param door: says what peers may be that register from now on; None: as before.
        """
        self._performer.door = door or self._performer.door
        for name, facts in self.core.state.deployment.nodes.items():
            now, upstream = deployment.nodes.get(name), self._upstreams.get(name)
            if now is None or upstream is None or now.pairs == facts.pairs:
                continue
            # A server that serves stays linked, whatever others are named beside it.
            if not upstream.follow(now):
                self._upstreams.pop(name).stop()
        self.core.configuration_changed(settings, deployment, strategies, self._reactor.seconds())
        self._performer.perform()
        self.listener.limits_changed(limits or self.listener.limits)
        for upstream in self._upstreams.values():
            upstream.limits_changed(self.listener.limits.link_output)
        if silence is not None:
            self._keep_alive.change(*silence)
        self._meet_nodes()
