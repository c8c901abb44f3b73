"""A cluster of one node that has a second server, on the same database."""

from __future__ import annotations

from random import Random

from ixproxy.core.settings import Deployment, ProxySettings
from ixproxy.net.node_limits import NodeLimits
from ixproxy.node.model import NodeModel, NodeSettings
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.members import MemoryNode, MemoryProxy, node_address, usual_strategies
from ixproxy.testing.tenants import CUSTOM_PROPERTIES, TENANT, facts_of
from ixproxy.values import NodeFacts, NodeName, Server

SPARE = "node1-b"


def with_a_pair(cluster: Cluster) -> MemoryNode:
    """A second server for the cluster's node, on the same database; proxies know both."""
    first = cluster.nodes[0]
    spare = MemoryNode(
        0,
        cluster.clock,
        cluster.network,
        Random(1),
        NodeModel((TENANT,), dict(CUSTOM_PROPERTIES)),
        NodeSettings(),
        NodeLimits(),
        CUSTOM_PROPERTIES,
    )
    spare.name, spare.place = SPARE, first.place
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
