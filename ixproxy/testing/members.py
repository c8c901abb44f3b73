"""The proxies of a cluster in memory, and what they are told; nodes are `memory_nodes`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from ixproxy.core.proxy import ProxyCore
from ixproxy.core.settings import Deployment, ProxySettings, Strategies
from ixproxy.core.snapshots import LAST_ID
from ixproxy.core.warm_standby import USUAL, WarmStandby
from ixproxy.net.keep_alive import KeepAlive
from ixproxy.net.proxy_server import ProxyServer
from ixproxy.node.model import TenantPlan
from ixproxy.strategies import merge_union, pull_in_turn, round_robin
from ixproxy.testing.clock import SteppingClock
from ixproxy.testing.memory_nodes import KEEP_ALIVE, MemoryNode
from ixproxy.testing.memory_servers import surroundings_of
from ixproxy.testing.network import MemoryNetwork
from ixproxy.testing.process import ProcessClock
from ixproxy.testing.tenants import facts_of
from ixproxy.values import NodeFacts, NodeName, Server


def proxy_address(name: str) -> str:
    """Where a proxy listens."""
    return f"{name}:7001"


def usual_strategies() -> Strategies:
    """What a proxy uses when its deployment says nothing."""
    return Strategies(
        routing=round_robin.make({}), pull=pull_in_turn.make({}), merge=merge_union.make({})
    )


class MemoryProxy:
    """
    One proxy: nothing of it outlives its program.

    :param random: chooses its upstream where there are several.
    :ivar core: the mind of the program that runs now, or ran last.
    """

    def __init__(
        self,
        name: str,
        clock: SteppingClock,
        network: MemoryNetwork,
        settings: ProxySettings,
        deployment: Deployment,
        strategies: Callable[[], Strategies],
        keep_alive: tuple[float, float] = KEEP_ALIVE,
        standby: WarmStandby = USUAL,
        random: Random | None = None,
    ) -> None:
        self.name = name
        self._keep_alive = keep_alive
        self._standby = standby
        self._random = random or Random(name)
        self._first_snapshots = Random(f"snapshots of {name}")
        self._clock = clock
        self._network = network
        self._settings = settings
        self._deployment = deployment
        self._strategies = strategies
        self.process = ProcessClock(clock)
        self.core: ProxyCore | None = None
        self.server: ProxyServer | None = None

    def start(self) -> None:
        """Start the program."""
        self.process = process = ProcessClock(self._clock)
        self.core = ProxyCore(
            self._settings,
            self._deployment,
            self._strategies(),
            first_snapshot=self._first_snapshots.randint(1, LAST_ID),
        )

        def connect(server: Server) -> Any:
            return self._network.client_endpoint(server.endpoint, self.name)

        self.server = ProxyServer(
            process,
            self.core,
            self._network.server_endpoint(proxy_address(self.name)),
            connect,
            keep_alive=KeepAlive(process, *self._keep_alive),
            surroundings=surroundings_of(self._clock),
            chance=self._random.random,
            standby=self._standby,
        )
        self.server.startService()

    def change(self, deployment: Deployment) -> None:
        """Another deployment: what runs follows live, and what is started later begins with it."""
        self._deployment = deployment
        if self.process.alive and self.server is not None and self.core is not None:
            state = self.core.state
            self.server.configuration_changed(state.settings, deployment, state.strategies)

    @property
    def linked(self) -> int:
        """With how many nodes it works, or whether with a proxy."""
        if self.core is None or not self.process.alive:
            return 0
        return sum(link.linked for link in self.core.state.links.values())

    def kill(self) -> None:
        """The program dies."""
        self.process.kill()
        self._network.vanish(self.name)


def deployment_of(nodes: Sequence[MemoryNode], tenants: Sequence[TenantPlan]) -> Deployment:
    """The cluster as its proxies must know it."""
    return _deployment(
        tenants,
        [
            NodeFacts(
                name=NodeName(node.name),
                dbid=node.dbid,
                tenants=frozenset(tenant.id for tenant in tenants),
                pairs=(node.servers,),
            )
            for node in nodes
        ],
    )


def deployment_behind(proxies: Sequence[MemoryProxy], tenants: Sequence[TenantPlan]) -> Deployment:
    """The cluster as proxies in front of these must know it: one upstream."""
    upstream = NodeFacts(
        name=NodeName("proxies"),
        dbid=0,
        tenants=frozenset(tenant.id for tenant in tenants),
        pairs=tuple((Server(each.name, proxy_address(each.name)),) for each in proxies),
    )
    return _deployment(tenants, [upstream])


def _deployment(tenants: Sequence[TenantPlan], upstreams: Sequence[NodeFacts]) -> Deployment:
    return Deployment(
        tenants={tenant.id: facts_of(tenant) for tenant in tenants},
        nodes={upstream.name: upstream for upstream in upstreams},
    )
