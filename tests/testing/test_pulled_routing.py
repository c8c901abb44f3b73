"""A router that pulls what it routes: what it sees of a node that goes and comes back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from ixproxy import messages as m
from ixproxy.client import Client
from ixproxy.core.settings import ProxySettings
from ixproxy.errors import Code, RequestRefused
from ixproxy.node.model import NodeSettings
from ixproxy.testing.cluster import Cluster

GRACE, RESTORE = 8.0, 20.0
PULL = m.RequestPull(tenant_id=1, view_id="In/All", number_of_interactions=10)


def submit(number: int) -> m.RequestSubmit:
    return m.RequestSubmit(tenant_id=1, media_type="email", queue="In", user_data={"n": number})


def move(identifier: str) -> m.RequestPlaceInQueue:
    return m.RequestPlaceInQueue(tenant_id=1, interaction_id=identifier, queue="Second")


def clustered(outer: int, parking: float = 0.0) -> Cluster:
    return Cluster(
        8,
        outer=outer,
        node_settings=NodeSettings(agent_session_restore_timeout=RESTORE),
        proxy_settings=ProxySettings(
            node_loss_grace=GRACE, parking_window=parking, pull_hold_timeout=1.0
        ),
    )


@pytest.fixture(params=[0, 1], ids=["a proxy", "a chain of proxies"])
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    made = clustered(request.param)
    yield made
    made.close()


class Router:
    """A routing client, and what is revoked from it."""

    def __init__(self, cluster: Cluster) -> None:
        self.client: Client = cluster.client("router-1", "RoutingEngine", proxy=0)
        self.revoked: list[m.EventRevoked] = []
        self.client.on_event(self._told)

    def _told(self, event: Any) -> None:
        if isinstance(event, m.EventRevoked):
            self.revoked.append(event)


def routing(cluster: Cluster) -> tuple[Router, str]:
    """A router that has three interactions, one of each node; and that of the first."""
    server = cluster.client("mail-1", "MediaServer")
    for number in range(3):
        cluster.finish(server.request(submit(number)))
    router = Router(cluster)
    while len(router.client.holding) < 3:
        cluster.finish(router.client.request(PULL))
    (row,) = [row for row in cluster.rows("interactions") if row["node"] == "node1"]
    return router, row["id"]


def refused(cluster: Cluster, asked: Deferred[Any]) -> RequestRefused:
    with pytest.raises(RequestRefused) as caught:
        cluster.finish(asked)
    return caught.value


def place(cluster: Cluster, identifier: str) -> tuple[str, str]:
    (row,) = [row for row in cluster.rows("interactions") if row["id"] == identifier]
    return row["queue"], row["state"]


def test_what_was_under_way_is_in_doubt_and_what_comes_then_is_not_done(cluster: Cluster) -> None:
    """Test idea 59: loss of control, first half: the router's own requests say so."""
    router, identifier = routing(cluster)
    cluster.network.pause("node1")
    asked = router.client.request(move(identifier))
    cluster.run(0.1)
    cluster.kill_node(0)
    cluster.network.resume("node1")
    lost = refused(cluster, asked)
    assert (lost.code, lost.in_doubt) == (Code.LOST_CONNECTION, True)
    cluster.run(0.5)
    away = refused(cluster, router.client.request(move(identifier)))
    assert (away.code, away.in_doubt) == (Code.NOT_ACCESSIBLE, False)


def test_a_node_that_is_back_in_time_leaves_the_interaction_with_its_router(
    cluster: Cluster,
) -> None:
    """Test idea 59: a short switchover: the interaction is present again, and still its own."""
    router, identifier = routing(cluster)
    take = router.client.holding[identifier]
    cluster.kill_node(0)
    cluster.run(GRACE / 2)
    cluster.restart_node(0)
    cluster.run(RESTORE + GRACE)
    assert router.revoked == []
    assert router.client.holding[identifier] == take
    cluster.finish(router.client.request(move(identifier)))
    assert place(cluster, identifier)[0] == "Second"
    assert cluster.problems() == []


def test_after_the_grace_it_is_told_that_it_lost_control_and_later_finds_it_in_the_queue(
    cluster: Cluster,
) -> None:
    """Test idea 59: a long one: lost once, with the reason; then there again, for anybody."""
    router, identifier = routing(cluster)
    take = router.client.holding[identifier]
    cluster.kill_node(0)
    cluster.run(GRACE + 1)
    (event,) = router.revoked
    assert event.interaction_id == identifier
    assert event.reason is not None
    assert event.reason.reason_system_name == "NodeLost"
    assert len(router.client.holding) == 2
    cluster.restart_node(0)
    cluster.run(3)
    assert place(cluster, identifier)[0] == "In"
    again = cluster.finish(router.client.request(PULL))
    assert list(again.interactions) == [identifier]
    assert router.client.holding[identifier] > take
    assert len(router.revoked) == 1
    cluster.finish(router.client.request(move(identifier)))
    assert cluster.problems() == []


@pytest.mark.parametrize("outer", [0, 1])
def test_with_parking_a_short_switchover_is_a_long_answer(outer: int) -> None:
    """Test idea 59: what comes while the node is away is done when it is back."""
    cluster = clustered(outer, parking=GRACE)
    router, identifier = routing(cluster)
    cluster.kill_node(0)
    cluster.run(0.5)
    asked = router.client.request(move(identifier))
    cluster.run(2)
    assert not asked.called
    cluster.restart_node(0)
    assert isinstance(cluster.finish(asked), m.EventAck)
    assert place(cluster, identifier)[0] == "Second"
    assert identifier not in router.client.holding
    cluster.run(RESTORE + GRACE)
    assert router.revoked == []
    assert cluster.problems() == []
    cluster.close()
