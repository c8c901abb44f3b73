"""Both servers of a pair serve at the same time: proxies find out, and go to the right one."""

from __future__ import annotations

from random import Random

from ixproxy import messages as m
from ixproxy.core.link_times import LinkTimes
from ixproxy.core.settings import Deployment, ProxySettings
from ixproxy.net.node_limits import NodeLimits
from ixproxy.node.model import NodeModel, NodeSettings
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.members import MemoryNode, MemoryProxy, node_address, usual_strategies
from ixproxy.testing.tenants import CUSTOM_PROPERTIES, TENANT, facts_of
from ixproxy.values import NodeFacts, NodeName, Server

INTERVAL = LinkTimes().probe
SUBMIT = m.RequestSubmit(tenant_id=1, media_type="email", queue="In", user_data={"x": 1})
PULL = m.RequestPull(tenant_id=1, view_id="In/All")


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
    spare.name, spare.place = "node1-b", first.place
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


def epoch_of(cluster: Cluster) -> int:
    core = cluster.proxies[0].core
    assert core is not None
    (link,) = core.state.links.values()
    return link.server.epoch if link.linked else 0


def test_clients_go_on_at_the_server_with_the_newer_lease_and_lose_nothing() -> None:
    """Test idea 51: both servers of a pair claim to be primary."""
    cluster = Cluster(2, nodes=1, proxies=0)
    spare = with_a_pair(cluster)
    server = cluster.client("mail-1", "MediaServer", proxy=0)
    router = cluster.client("router-1", "RoutingEngine", proxy=0)
    ids = [cluster.finish(server.request(SUBMIT)).interaction_id for _ in range(3)]
    taken = list(cluster.finish(router.request(PULL)).interactions)
    older = epoch_of(cluster)

    spare.start()
    cluster.run_until(lambda: spare.listening, "the other server never listens")
    cluster.run(INTERVAL + 1)
    assert epoch_of(cluster) == older + 1
    assert list(router.holding) == taken
    assert server.incarnation == 1, "clients noticed nothing"
    ids.append(cluster.finish(server.request(SUBMIT)).interaction_id)
    for identifier in taken:
        stop = m.RequestStopProcessing(tenant_id=1, interaction_id=identifier)
        cluster.finish(router.request(stop))
    assert {row["id"] for row in cluster.rows("interactions")} == set(ids) - set(taken)
    assert cluster.problems() == []

    spare.kill()
    cluster.close()
