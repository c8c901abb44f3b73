"""
A whole cluster in one process, on one seed: nodes, proxies, and clients.

    cluster = Cluster(seed=7, nodes=3, proxies=2)
    client = cluster.client("mail-1", "MediaServer")
    ack = cluster.finish(client.request(RequestSubmit(…)))
    cluster.kill_node(0)
    cluster.run(5)
    assert cluster.problems() == []
    cluster.close()

Everything is the real thing but for what touches the world: the network, the
clock, the databases and their threads are in memory and do nothing by
themselves. The same seed and the same calls give the same run. A cluster
without proxies is one server, or several that know nothing of one another.
With outer proxies clients come in through these, and the others are behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.python.failure import Failure

from ixproxy.client import Backoff, Client, Settings, connect
from ixproxy.client.places import Where
from ixproxy.core.settings import Deployment, ProxySettings, Strategies
from ixproxy.core.warm_standby import USUAL, WarmStandby
from ixproxy.net.node_limits import NodeLimits
from ixproxy.node.model import NodeSettings, TenantPlan
from ixproxy.testing.clock import SteppingClock
from ixproxy.testing.inspection import doubled, imagined, stranded
from ixproxy.testing.members import (
    MemoryProxy,
    deployment_behind,
    deployment_of,
    proxy_address,
    usual_strategies,
)
from ixproxy.testing.memory_nodes import KEEP_ALIVE, LEASE_LIMIT, MemoryNode
from ixproxy.testing.memory_servers import MemoryServer
from ixproxy.testing.memory_services import MemoryService
from ixproxy.testing.network import MemoryNetwork
from ixproxy.testing.places import Places, SqlitePlaces
from ixproxy.testing.process import ProcessClock
from ixproxy.testing.pushed_routers import PushedRouter
from ixproxy.testing.steps import ScriptClient
from ixproxy.testing.tenants import CUSTOM_PROPERTIES, TENANT

CLIENT_SETTINGS = Settings(backoff=Backoff(first=0.1, most=2.0, spread=0.2))
PAIR_LIMIT = 2.0
"""Seconds without a beat after which the lease of a pair may be taken away."""

LONGEST = 600.0
"""Seconds after which something that has no result never will."""


class Cluster:
    """
    Nodes, proxies in front of them, and clients of either.

    :param seed: decides every delay, every cut of a stream, every name by chance.
    :param nodes: how many, named `node1`, `node2`, …; their hosts are called alike.
    :param proxies: how many, named `proxy1`, …; each is linked to every node.
    :param outer: how many proxies stand in front of those, named `outer1`, …;
        each is linked to one of those at a time.
    :param standby: how an outer proxy goes from one to another.
    :ivar fronts: the proxies that clients use: the outer ones, if there are any.
    :param keep_alive: how often servers look after their connections, and
        after how much silence they give one up; clients have it by their
        settings.
    :param delay: seconds that something is on its way, on average.
    :param stores: where the nodes' databases lie; SQLite in memory by default.
    :param pairs: each node has two servers, `node1` and `node1-b`, on hosts of
        the same names.
    :param lease_limit: seconds without a beat after which a lease may be taken away.
    :param ends: what is done to a silent holder; see `MemoryNode`.
    :param services: external servers, which all nodes connect to.
    :param start: False: nothing runs until `start_node`, `start_proxy` and `start_outer`.
    """

    def __init__(
        self,
        seed: int = 1,
        nodes: int = 3,
        proxies: int = 2,
        *,
        outer: int = 0,
        fast_path: bool = True,
        tenants: Sequence[TenantPlan] = (TENANT,),
        custom_properties: Mapping[str, str] | None = None,
        node_settings: NodeSettings | None = None,
        limits: NodeLimits | None = None,
        proxy_settings: ProxySettings | None = None,
        strategies: Callable[[], Strategies] = usual_strategies,
        client_settings: Settings = CLIENT_SETTINGS,
        keep_alive: tuple[float, float] = KEEP_ALIVE,
        standby: WarmStandby = USUAL,
        delay: float = 0.001,
        stores: Places | None = None,
        pairs: bool = False,
        lease_limit: float | None = None,
        ends: Callable[[MemoryServer], None] = MemoryServer.kill,
        services: Sequence[MemoryService] = (),
        start: bool = True,
    ) -> None:
        self.random = random = Random(seed)
        self.pairs = pairs
        self.clock = clock = SteppingClock()
        self.network = MemoryNetwork(clock, Random(random.random()), delay)
        for service in services:
            service.live_in(clock, self.network)
        custom = CUSTOM_PROPERTIES if custom_properties is None else custom_properties
        settings = node_settings or NodeSettings()
        model, new_place = (stores or SqlitePlaces()).prepared(tuple(tenants), custom)

        def new_node(number: int) -> MemoryNode:
            return MemoryNode(
                number,
                clock,
                self.network,
                Random(random.random()),
                new_place(),
                model,
                settings,
                limits or NodeLimits(),
                keep_alive,
                pair=pairs,
                lease_limit=lease_limit or (PAIR_LIMIT if pairs else LEASE_LIMIT),
                ends=ends,
                servers=tuple(each.known for each in services),
            )

        self.new_node = new_node
        """Makes a node by its number, which is in no deployment yet and does not run."""
        self.nodes = [new_node(number) for number in range(nodes)]
        self.deployment = deployment_of(self.nodes, tenants)
        """What proxies are told; `change` tells them something else."""

        def made(name: str, deployment: Deployment) -> MemoryProxy:
            options = replace(proxy_settings or ProxySettings(), name=name, fast_path=fast_path)
            return MemoryProxy(
                name,
                clock,
                self.network,
                options,
                deployment,
                strategies,
                keep_alive,
                standby,
                Random(f"{seed} {name}"),
            )

        self.proxies = [made(f"proxy{number + 1}", self.deployment) for number in range(proxies)]
        front = deployment_behind(self.proxies, tenants)
        self.outers = [made(f"outer{number + 1}", front) for number in range(outer)]
        self.fronts = self.outers or self.proxies
        self.clients: dict[str, Client] = {}
        """Every client that was connected, by its host."""
        self._processes: dict[str, ProcessClock] = {}
        self._client_settings = client_settings
        if start:
            for number in range(nodes):
                self.start_node(number)
            for number in range(proxies):
                self.start_proxy(number)
            for number in range(outer):
                self.start_outer(number)

    def start_node(self, number: int) -> None:
        """Start a node, or whichever of its servers is dead; runs until clients can come in."""
        node = self.nodes[number]
        if not node.alive:
            # Only who is late is backup.
            node.members[0].start()
            self.run_until(lambda: node.listening, f"{node.name} never listens")
        node.start()
        self.run_until(lambda: node.listening, f"{node.name} never listens")

    restart_node = start_node

    def kill_node(self, number: int) -> None:
        """A node's primary dies; its database keeps what was committed."""
        self.nodes[number].kill()

    def start_proxy(self, number: int) -> None:
        """Start a proxy; runs until it works with every node that listens."""
        proxy = self.proxies[number]
        proxy.start()
        self.run_until(lambda: self._linked(proxy), f"{proxy.name} is never linked")

    restart_proxy = start_proxy

    def _linked(self, proxy: MemoryProxy) -> bool:
        alive = [node.name for node in self.nodes if node.listening]
        return proxy.linked >= sum(name in alive for name in self.deployment.nodes)

    def change(self, deployment: Deployment) -> None:
        """
        The deployment changes: every proxy follows, as after SIGHUP.

        `ixproxy.testing.live_changes` has the usual changes. Does not run the
        clock; see `settled`.
        """
        self.deployment = deployment
        for proxy in self.proxies:
            proxy.change(deployment)

    def settled(self) -> None:
        """Run until every proxy that runs works with every node that listens."""
        for proxy in self.proxies:
            if proxy.process.alive and proxy.core is not None:
                self.run_until(
                    lambda proxy=proxy: self._linked(proxy),  # type: ignore[misc]
                    f"{proxy.name} is never linked",
                )

    def kill_proxy(self, number: int) -> None:
        """A proxy dies with everything it knew."""
        self.proxies[number].kill()

    def start_outer(self, number: int) -> None:
        """Start an outer proxy; runs until it works with one of the others."""
        outer = self.outers[number]
        outer.start()
        alive = any(proxy.process.alive for proxy in self.proxies)
        self.run_until(lambda: outer.linked >= alive, f"{outer.name} is never linked")

    def kill_outer(self, number: int) -> None:
        """An outer proxy dies with everything it knew."""
        self.outers[number].kill()

    def connecting(
        self,
        name: str,
        client_type: str,
        *,
        proxy: int | Sequence[int] | None = None,
        node: int | None = None,
        where: Callable[[list[IStreamClientEndpoint]], Where] = list,
        **arguments: Any,
    ) -> tuple[str, Deferred[Client]]:
        """
        Begin to connect a client.

        :param proxy: through which of `fronts`, or which in turn; None (and no
            `node`): all, beginning by chance; without proxies the first node.
        :param where: makes of their endpoints what the client connects to, such
            as a `ProxyCluster`; by default a list.
        :param arguments: for `ixproxy.client.connect`.
        :return: the client's host, and what fires with the client.
        """
        host = f"client{len(self._processes) + 1}"
        process = self._processes[host] = ProcessClock(self.clock)
        addresses = self._addresses(proxy, node)
        connected = connect(
            process,
            where([self.network.client_endpoint(address, host) for address in addresses]),
            name=name,
            client_type=client_type,
            **{
                "session": self.random.randbytes(16),
                "random": Random(self.random.random()),
                "settings": self._client_settings,
                **arguments,
            },
        )
        connected.addCallback(self._keep, host)
        return host, connected

    def client(self, name: str, client_type: str, **arguments: Any) -> Client:
        """Connect a client, and run until it is; see `connecting`."""
        _, connected = self.connecting(name, client_type, **arguments)
        found: Client = self.finish(connected)
        return found

    def host_of(self, client: Client) -> str:
        """The host that a client is on."""
        return next(host for host, each in self.clients.items() if each is client)

    def lose_client(self, client: Client) -> None:
        """Break a client's connection; it will connect again."""
        self.network.lose(self.host_of(client))

    def kill_client(self, client: Client) -> None:
        """A client's program dies."""
        self._processes[host := self.host_of(client)].kill()
        self.network.vanish(host)

    def alive(self, client: Client) -> bool:
        """Whether a client's program runs and is not closed."""
        return self._processes[self.host_of(client)].alive and not client.closing

    def script_client(self, number: int, client: ScriptClient) -> Client:
        """Connect a client of a script, each through the next proxy."""
        return self.client(
            client.name,
            client.client_type,
            proxy=number % len(self.fronts) if self.fronts else None,
            extension={"event_properties_changed": 1} if client.interested else {},
        )

    def pushed_router(self, node: int = 0, **arguments: Any) -> PushedRouter:
        """Connect a router that a node pushes to; see `ixproxy.testing.pushed_routers`."""
        return PushedRouter(self, node, **arguments)

    def cut(self, one: str, other: str) -> None:
        """Let nothing through between two hosts, and tell nobody."""
        self.network.cut(one, other)

    def heal(self, one: str, other: str) -> None:
        """End a cut."""
        self.network.heal(one, other)

    def seconds(self) -> float:
        """The time now; a cluster begins at 0."""
        return self.clock.seconds()

    def run(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.run(seconds)

    def run_until(self, done: Callable[[], bool], otherwise: str, seconds: float = LONGEST) -> None:
        """
        Run until something is so.

        :raise AssertionError: it never is; `otherwise` says so.
        """
        if not self.clock.run_until(done, seconds):
            raise AssertionError(otherwise)

    def finish(self, awaited: Deferred[Any]) -> Any:
        """
        Run until there is a result, and return it.

        :raise AssertionError: there never is one.
        :raise Exception: the result is a failure; its exception is raised.
        """
        results: list[Any] = []
        awaited.addBoth(results.append)
        self.run_until(lambda: bool(results), f"no result after {LONGEST:g} seconds")
        if isinstance(results[0], Failure):
            results[0].raiseException()
        return results[0]

    result = finish

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table of all nodes, straight from their databases; `node` says whose."""
        return [{"node": node.name, **row} for node in self.nodes for row in node.rows(table)]

    def stranded(self) -> list[str]:
        """Interactions that are taken by a client that does not have them."""
        rows = self.rows
        return stranded(rows("interactions"), rows("parties"), self.living(), rows("invitations"))

    def doubled(self) -> list[str]:
        """Interactions that are on two nodes, or held by two clients."""
        return doubled(self.rows("interactions"), self.living(), self.rows("parties"))

    def imagined(self) -> list[str]:
        """Interactions that a connected client believes it has, and no node knows of."""
        return imagined(self.rows("parties"), self.living(), self.rows("invitations"))

    def living(self) -> list[Client]:
        """The clients whose programs run, and that are not closed."""
        return [client for client in self.clients.values() if self.alive(client)]

    def problems(self) -> list[str]:
        """What is stranded, doubled or imagined at this moment."""
        return self.stranded() + self.doubled() + self.imagined()

    def close(self) -> None:
        """End every program and free the databases."""
        for process in self._processes.values():
            process.kill()
        for proxy in (*self.outers, *self.proxies):
            proxy.kill()
        for node in self.nodes:
            node.end()

    def _keep(self, client: Client, host: str) -> Client:
        self.clients[host] = client
        return client

    def _addresses(self, proxy: int | Sequence[int] | None, node: int | None) -> list[str]:
        if node is not None:
            return [server.endpoint for server in self.nodes[node].servers]
        if proxy is not None:
            chosen = [proxy] if isinstance(proxy, int) else proxy
            return [proxy_address(self.fronts[each].name) for each in chosen]
        if not self.fronts:
            return [server.endpoint for server in self.nodes[0].servers]
        names = [each.name for each in self.fronts]
        first = self.random.randrange(len(names))
        return [proxy_address(name) for name in names[first:] + names[:first]]
