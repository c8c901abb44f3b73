"""Both servers of a pair serve at the same time: proxies find out, and go to the right one."""

from __future__ import annotations

from ixproxy import messages as m
from ixproxy.core.link_times import LinkTimes
from ixproxy.testing.cluster import Cluster
from tests.testing.spare_servers import with_a_pair

INTERVAL = LinkTimes().probe
SUBMIT = m.RequestSubmit(tenant_id=1, media_type="email", queue="In", user_data={"x": 1})
PULL = m.RequestPull(tenant_id=1, view_id="In/All")


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
