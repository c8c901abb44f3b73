"""The whole of a deployment, and what each of its processes must know of the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ixproxy.config_node_options import NodeSettings
from ixproxy.config_options import ProxySettings
from ixproxy.config_schema import CALLED_TYPES
from ixproxy.config_tables import (
    Application,
    Chosen,
    Cluster,
    NodeApplication,
    ProxyApplication,
    ServerApplication,
    Tenant,
)
from ixproxy.errors import ConfigError, ConfigProblem
from ixproxy.values import NodeFacts, NodeName, Server, TenantFacts

Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class ProxyView:
    """
    All that a proxy takes from the file; two of them compared show a live change.

    :ivar nodes: its upstream nodes in name order, all connected at a time; or,
        behind a proxy, the one upstream through which all of them are reached.
    :ivar delivering_timeout: the longest that any node waits for an invited
        agent, in seconds.
    :ivar third_party_server_timeout: the same for an external server.
    :ivar left_out: what its connections name and is no Interaction Server.
    """

    name: str
    dbid: int
    tenants: tuple[TenantFacts, ...]
    nodes: tuple[NodeFacts, ...]
    settings: ProxySettings
    delivering_timeout: int
    routing: Chosen
    pull: Chosen
    merge: Chosen
    left_out: tuple[str, ...] = ()
    third_party_server_timeout: int = 30


@dataclass(frozen=True, slots=True)
class Deployment:
    """
    A whole deployment file.

    :ivar agent_seats: all agent seat licences; None: not limited.
    """

    tenants: Mapping[str, Tenant]
    applications: Mapping[str, Application]
    agent_seats: int | None = None

    def node(self, name: str) -> NodeApplication:
        """:raise ConfigError: there is no node of this name."""
        return self._application(name, NodeApplication, 'a node (type "Interaction Server")')

    def proxy(self, name: str) -> ProxyApplication:
        """:raise ConfigError: there is no proxy of this name."""
        return self._application(
            name, ProxyApplication, 'a proxy (type "Interaction Server", role "proxy")'
        )

    def cluster(self, name: str) -> Cluster:
        """:raise ConfigError: there is no cluster of this name."""
        return self._application(name, Cluster, 'a cluster (type "Application Cluster")')

    def nodes(self) -> Iterator[NodeApplication]:
        """Every node once, by its primary, in the order of the file."""
        for each in self.applications.values():
            if isinstance(each, NodeApplication) and not each.primary:
                yield each

    def proxies(self) -> Iterator[ProxyApplication]:
        """Every proxy once, by its primary, in the order of the file."""
        for each in self.applications.values():
            if isinstance(each, ProxyApplication) and not each.primary:
                yield each

    def clusters(self) -> Iterator[Cluster]:
        """Every cluster, in the order of the file."""
        for each in self.applications.values():
            if isinstance(each, Cluster):
                yield each

    def tenants_of(self, application: NodeApplication | ProxyApplication) -> tuple[Tenant, ...]:
        """The tenants that an application names."""
        return tuple(self.tenants[name] for name in application.tenants if name in self.tenants)

    def custom_properties(self) -> dict[str, str]:
        """
        The name of every custom property and its type.

        As in the field, one that a tenant has is there for all of them.
        """
        return {
            each.name: each.type
            for tenant in self.tenants.values()
            for each in tenant.custom_properties.values()
        }

    def upstreams_of(self, proxy: str) -> tuple[NodeFacts, ...]:
        """
        What a proxy connects to: its nodes in name order, each once; or its
        one upstream proxy, pair or cluster of proxies.

        The nodes are the members of the clusters that it names, and those that
        it names itself, by their primaries: whatever else is named there is
        left out (`check` has reported it).

        :raise ConfigError: there is no proxy of this name.
        """
        mine = self.proxy(proxy)
        for name in mine.connections:
            members = [self.applications.get(each) for each in self.connected((name,))]
            proxies = [each for each in members if isinstance(each, ProxyApplication)]
            if proxies:
                return (self._behind(NodeName(name), proxies),)
        found = (self.applications.get(name) for name in self.connected(mine.connections))
        nodes = {each.name: each for each in found if isinstance(each, NodeApplication)}
        return tuple(
            self.node_facts(nodes[name]) for name in sorted(nodes) if not nodes[name].primary
        )

    def connected(self, connections: tuple[str, ...]) -> Iterator[str]:
        """The names that a list of connections means: clusters give their members."""
        for name in connections:
            match self.applications.get(name):
                case Cluster() as cluster:
                    yield from cluster.connections
                case _:
                    yield name

    def dialled(self, server: NodeApplication | ProxyApplication) -> str:
        """The endpoint string by which clients reach a server: it says whether to speak TLS."""
        if server.tls is None:
            return server.endpoint
        return f"tls:{server.endpoint.removeprefix('tcp:')}"

    def secured(self) -> frozenset[str]:
        """The endpoints of all servers that listen with TLS."""
        return frozenset(
            each.endpoint
            for each in self.applications.values()
            if not isinstance(each, Cluster) and each.tls and each.endpoint
        )

    def called_by(self, node: NodeApplication) -> tuple[ServerApplication, ...]:
        """The external servers that a node connects to and calls, by their primaries."""
        named = (self.applications.get(name) for name in dict.fromkeys(node.connections))
        return tuple(
            each
            for each in named
            if isinstance(each, ServerApplication)
            and each.type in CALLED_TYPES
            and each.endpoint
            and not each.primary
        )

    def nodes_behind(self, proxy: str) -> tuple[NodeApplication, ...]:
        """Every node that requests of a proxy may reach, through other proxies too."""
        seen: set[str] = set()
        waiting = [proxy]
        found: dict[str, NodeApplication] = {}
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            match self.applications.get(name):
                case NodeApplication(primary="") as node:
                    found[name] = node
                case ProxyApplication() as other:
                    waiting.extend(self.connected(other.connections))
        return tuple(found[name] for name in sorted(found))

    def node_facts(self, node: NodeApplication) -> NodeFacts:
        """What proxies need of one node; for a backup, what they need of its pair."""
        primary = self.node(node.primary) if node.primary else node
        listed = primary.cluster_settings.media_types
        return NodeFacts(
            NodeName(primary.name),
            primary.dbid,
            frozenset(each.id for each in self.tenants_of(primary)),
            frozenset(listed) if listed else None,
            primary.cluster_settings.enable_submit,
            (self._pair(primary),),
        )

    def view_for(self, proxy: str) -> ProxyView:
        """
        All that a proxy takes from the file.

        :raise ConfigError: there is no proxy of this name.
        """
        mine = self.proxy(proxy)
        upstreams = self.upstreams_of(proxy)
        behind = [each.settings for each in self.nodes_behind(proxy)] or [NodeSettings()]
        return ProxyView(
            mine.name,
            mine.dbid,
            tuple(each.facts for each in self.tenants.values()),
            upstreams,
            mine.settings,
            max(each.delivering_timeout for each in behind),
            _informed(mine.routing, upstreams),
            mine.pull,
            mine.merge,
            self._left_out_of(mine),
            max(each.third_party_server_timeout for each in behind),
        )

    def _left_out_of(self, proxy: ProxyApplication) -> tuple[str, ...]:
        return tuple(
            f"{name} ({other.type})"
            for name in self.connected(proxy.connections)
            if isinstance(other := self.applications.get(name), ServerApplication)
        )

    def _behind(self, name: NodeName, proxies: Sequence[ProxyApplication]) -> NodeFacts:
        """The one upstream of a proxy behind others: the tenants of the nodes behind it."""
        nodes = {each.name: each for one in proxies for each in self.nodes_behind(one.name)}
        tenants = {each.id for node in nodes.values() for each in self.tenants_of(node)}
        pairs = tuple(self._pair(each) for each in proxies if not each.primary)
        return NodeFacts(name, 0, frozenset(tenants), pairs=pairs)

    def _pair(self, primary: NodeApplication | ProxyApplication) -> tuple[Server, ...]:
        """Where a server and its backup are reached."""
        backup = self.applications.get(primary.backup)
        both = (primary, backup) if isinstance(backup, type(primary)) else (primary,)
        return tuple(Server(each.name, each.endpoint) for each in both)

    def _application(self, name: str, kind: type[Kind], words: str) -> Kind:
        found = self.applications.get(name)
        if isinstance(found, kind):
            return found
        there = [each for each, made in self.applications.items() if isinstance(made, kind)]
        text = f"expected {words}; there are: {', '.join(there) or 'none'}"
        raise ConfigError([ConfigProblem(f"applications.{name}", "", text)])


def _informed(routing: Chosen, upstreams: tuple[NodeFacts, ...]) -> Chosen:
    """`hash-of-id` must know the configured nodes, also those that are away; the file has them."""
    if routing.use != "hash-of-id" or "nodes" in routing.settings:
        return routing
    nodes = {
        str(each.name): {
            "tenants": sorted(each.tenants),
            "media-types": sorted(each.media_types or ()),
        }
        for each in upstreams
    }
    return Chosen(routing.use, {**routing.settings, "nodes": nodes})
