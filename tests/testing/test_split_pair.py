"""Both servers of a pair serve at the same time: proxies find out, and go to the right one."""

from __future__ import annotations

from ixproxy import messages as m
from ixproxy.node.leading import State
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.memory_nodes import MemoryNode

SUBMIT = m.RequestSubmit(tenant_id=1, media_type="email", queue="In", user_data={"x": 1})
PULL = m.RequestPull(tenant_id=1, view_id="In/All")

UNNOTICED = 600.0
"""Seconds for which a lease lasts that is looked at a few times in it."""


def both_lead(node: MemoryNode) -> bool:
    return all(each.member and each.member.state is State.PRIMARY for each in node.members)


def epoch_of(cluster: Cluster) -> int:
    core = cluster.proxies[0].core
    assert core is not None
    (link,) = core.state.links.values()
    return link.server.epoch if link.linked else 0


def test_clients_go_on_at_the_server_with_the_newer_lease_and_lose_nothing() -> None:
    """Test idea 51: both servers of a pair claim to be primary."""
    cluster = Cluster(2, nodes=1, proxies=1, pairs=True, lease_limit=UNNOTICED)
    (node,) = cluster.nodes
    server = cluster.client("mail-1", "MediaServer")
    router = cluster.client("router-1", "RoutingEngine")
    ids = [cluster.finish(server.request(SUBMIT)).interaction_id for _ in range(3)]
    taken = list(cluster.finish(router.request(PULL)).interactions)
    older = epoch_of(cluster)

    # Somebody has removed the lease under the primary, which does not notice for a while.
    node.leases.die("node1")
    cluster.run_until(lambda: both_lead(node), "the other server never listens", 5.0)
    cluster.run_until(lambda: epoch_of(cluster) == older + 1, "the proxy does not move", 20.0)
    cluster.run(1)
    assert node.primary is node.members[1], "what it would commit tells the older that it is none"
    assert list(router.holding) == taken
    assert server.incarnation == 1, "clients noticed nothing"
    ids.append(cluster.finish(server.request(SUBMIT)).interaction_id)
    for identifier in taken:
        stop = m.RequestStopProcessing(tenant_id=1, interaction_id=identifier)
        cluster.finish(router.request(stop))
    assert {row["id"] for row in cluster.rows("interactions")} == set(ids) - set(taken)
    assert cluster.problems() == []
    cluster.close()
