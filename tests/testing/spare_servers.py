"""A cluster of one node that has a second server, on the same database."""

from __future__ import annotations

from random import Random

from ixproxy.core.settings import Deployment, ProxySettings
from ixproxy.net.node_limits import NodeLimits
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.members import MemoryProxy, usual_strategies
from ixproxy.testing.memory_nodes import MemoryNode
from ixproxy.testing.memory_servers import node_address
from ixproxy.testing.tenants import TENANT, facts_of
from ixproxy.values import NodeFacts, NodeName, Server

SPARE = "node1-b"


def spare_of(cluster: Cluster) -> MemoryNode:
    """A second server for the cluster's first node, on the same database, whoever has its lease."""
    first = cluster.nodes[0]
    spare = MemoryNode(
        0,
        cluster.clock,
        cluster.network,
        Random(1),
        first.place,
        first.model,
        first.settings,
        NodeLimits(),
    )
    spare.name = spare.members[0].name = SPARE
    return spare


def with_a_pair(cluster: Cluster) -> MemoryNode:
    """A second server for the cluster's node, for the same lease; proxies know both."""
    first, spare = cluster.nodes[0], spare_of(cluster)
    spare._common.leases = first.leases
    pair = tuple(Server(name, node_address(name)) for name in (first.name, spare.name))
    facts = NodeFacts(NodeName(first.name), first.dbid, frozenset({1}), pairs=(pair,))
    deployment = Deployment({1: facts_of(TENANT)}, {facts.name: facts})
    cluster.proxies.append(
        MemoryProxy(
            "proxy1",
            cluster.clock,
            cluster.network,
            ProxySettings(name="proxy1"),
            deployment,
            usual_strategies,
        )
    )
    cluster.start_proxy(0)
    return spare
