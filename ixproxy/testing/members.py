"""The programs of a cluster in memory: nodes and proxies that start, die and start again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from random import Random
from typing import Any

from ixproxy.core.proxy import ProxyCore
from ixproxy.core.settings import Deployment, ProxySettings, Strategies
from ixproxy.core.warm_standby import USUAL, WarmStandby
from ixproxy.net.keep_alive import KeepAlive
from ixproxy.net.node_limits import NodeLimits
from ixproxy.net.node_server import NodeServer
from ixproxy.net.proxy_server import ProxyServer
from ixproxy.net.surroundings import Surroundings
from ixproxy.node.model import NodeModel, NodeSettings, TenantPlan
from ixproxy.node.properties import custom_column
from ixproxy.storage.sqlite import SqliteStore
from ixproxy.storage.sqlite_places import SqliteMemory
from ixproxy.strategies import merge_union, pull_in_turn, round_robin
from ixproxy.testing.clock import SteppingClock
from ixproxy.testing.executor import SimulatedExecutor
from ixproxy.testing.network import MemoryNetwork
from ixproxy.testing.process import ProcessClock
from ixproxy.testing.tenants import facts_of
from ixproxy.values import NodeFacts, NodeName, Server

TIME_OF_DAY = 1_700_000_000.0
"""What clocks on the wall show when a simulation begins."""

FIRST_DBID = 101

KEEP_ALIVE = (10.0, 30.0)
"""Seconds between looks at connections, and of silence after which one is given up."""


def node_address(name: str) -> str:
    """Where a node listens."""
    return f"{name}:7101"


def proxy_address(name: str) -> str:
    """Where a proxy listens."""
    return f"{name}:7001"


def usual_strategies() -> Strategies:
    """What a proxy uses when its deployment says nothing."""
    return Strategies(
        routing=round_robin.make({}), pull=pull_in_turn.make({}), merge=merge_union.make({})
    )


def _time_of_day(clock: SteppingClock) -> Callable[[], float]:
    return lambda: TIME_OF_DAY + clock.seconds()


def _surroundings(clock: SteppingClock) -> Surroundings:
    """What is around a program in memory: no process of its own."""
    return Surroundings(clock, _time_of_day(clock), lambda: None)


class MemoryNode:
    """
    One node: its database outlives its program.

    :param image: a database to begin with.
    :param keep_alive: seconds between looks at connections, and of silence.
    :ivar server: the program that runs now, or ran last.
    """

    def __init__(
        self,
        number: int,
        clock: SteppingClock,
        network: MemoryNetwork,
        random: Random,
        model: NodeModel,
        settings: NodeSettings,
        limits: NodeLimits,
        custom_properties: Mapping[str, str],
        image: bytes | None = None,
        keep_alive: tuple[float, float] = KEEP_ALIVE,
    ) -> None:
        self.name = f"node{number + 1}"
        self.dbid = FIRST_DBID + number
        self.place = SqliteMemory(image)
        self._clock = clock
        self._network = network
        self._random = random
        self._model = model
        self._settings = settings
        self._limits = limits
        self._keep_alive = keep_alive
        self._columns = {custom_column(name): kind for name, kind in custom_properties.items()}
        self.process = ProcessClock(clock)
        self.server: NodeServer | None = None

    def start(self) -> None:
        """Start the program; a new lease on the same database."""
        self.process = process = ProcessClock(self._clock)
        random = self._random
        self.server = NodeServer(
            process,
            self._network.server_endpoint(node_address(self.name)),
            SqliteStore(self.place, self._columns),
            self._model,
            self._settings,
            self._limits,
            name=self.name,
            dbid=self.dbid,
            now=_time_of_day(self._clock),
            new_session=lambda: random.randbytes(16),
            executors=lambda _: SimulatedExecutor(process, Random(random.random())),
            keep_alive=KeepAlive(process, *self._keep_alive),
            surroundings=_surroundings(self._clock),
            store_kind="sqlite",
        )
        self.server.startService()

    @property
    def model(self) -> NodeModel:
        """The tenants that its program is started with."""
        return self._model

    @property
    def settings(self) -> NodeSettings:
        """What its program is started with."""
        return self._settings

    def change(self, model: NodeModel, settings: NodeSettings | None = None) -> None:
        """
        Other tenants, and other settings if they are given: what runs follows
        live, and what is started later begins with them.
        """
        self._model = model
        self._settings = settings or self._settings
        if self.process.alive and self.server is not None:
            self.server.configuration_changed(model, self._settings, self._limits)

    @property
    def listening(self) -> bool:
        """Whether clients can come in."""
        return self.process.alive and self.server is not None and self.server.listening.called

    def kill(self) -> None:
        """The program dies; what it had committed stays."""
        self.process.kill()
        self._network.vanish(self.name)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table, as the database has them."""
        cursor = self.place.connect().execute(f"SELECT * FROM {table}")
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


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
        self.core = ProxyCore(self._settings, self._deployment, self._strategies())

        def connect(server: Server) -> Any:
            return self._network.client_endpoint(server.endpoint, self.name)

        self.server = ProxyServer(
            process,
            self.core,
            self._network.server_endpoint(proxy_address(self.name)),
            connect,
            keep_alive=KeepAlive(process, *self._keep_alive),
            surroundings=_surroundings(self._clock),
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
                pairs=((Server(node.name, node_address(node.name)),),),
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


@lru_cache(maxsize=8)
def _made(key: str) -> list[Any]:
    """A place to keep what is made once for all clusters alike."""
    return []


def prepared(
    tenants: tuple[TenantPlan, ...],
    custom: tuple[tuple[str, str], ...],
    settings: NodeSettings,
) -> tuple[NodeModel, bytes]:
    """The compiled tenants, and a database with their views that nodes begin with."""
    kept = _made(repr((tenants, custom)))
    if not kept:
        model = NodeModel(tenants, dict(custom))
        clock = SteppingClock()
        first = MemoryNode(
            -FIRST_DBID,
            clock,
            MemoryNetwork(clock, Random(0)),
            Random(0),
            model,
            settings,
            NodeLimits(),
            dict(custom),
        )
        first.start()
        clock.run(1.0)
        first.kill()
        kept += [model, first.place.image()]
        first.place.discard()
    return kept[0], kept[1]
