"""Rules of the proxy that a client sees, on whole clusters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.core.settings import ProxySettings
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages.message import Message
from ixproxy.testing.cluster import Cluster

TENANT = 1
GRACE = 5.0


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    settings = ProxySettings(node_loss_grace=GRACE, mark_internal_requests=True)
    made = Cluster(seed=9, nodes=3, proxies=2, proxy_settings=settings)
    yield made
    made.close()


def refused(cluster: Cluster, asked: Any) -> RequestRefused:
    with pytest.raises(RequestRefused) as problem:
        cluster.finish(asked)
    return problem.value


def test_ping_is_refused_by_a_proxy_and_answered_by_a_node(cluster: Cluster) -> None:
    """Test idea 61: whatever monitors a node must be connected to that node."""
    through = cluster.client("monitor", "AgentApplication", proxy=0)
    problem = refused(cluster, through.request(m.RequestPing()))
    assert problem.code == Code.UNSUPPORTED_OPERATION == 2000
    assert not problem.in_doubt
    direct = cluster.client("monitor", "AgentApplication", node=0)
    cluster.finish(direct.request(m.RequestPing()))


class Desktop:
    """An agent who holds something of every node, and what was revoked."""

    def __init__(self, cluster: Cluster) -> None:
        self.client = cluster.client("desk", "AgentApplication", proxy=0)
        self.revoked: list[m.EventRevoked] = []
        self.client.on_event(self._heard)
        login = m.RequestAgentLogin(
            tenant_id=TENANT, agent_id="kim", place_id="desk-1", media_list={"email": 1}
        )
        cluster.finish(self.client.request(login))
        media = cluster.client("mail", "MediaServer", proxy=1)
        for _ in range(3):
            submit = m.RequestSubmit(tenant_id=TENANT, media_type="email", queue="In")
            cluster.finish(media.request(submit))
        for _ in range(3):
            cluster.finish(
                self.client.request(
                    m.RequestPull(tenant_id=TENANT, view_id="In/All", number_of_interactions=1)
                )
            )
        parties = cluster.rows("parties")
        self.held = {row["node"]: row["interaction_id"] for row in parties}
        assert len(self.held) == 3

    def _heard(self, event: Message) -> None:
        if isinstance(event, m.EventRevoked):
            self.revoked.append(event)


def test_what_a_lost_node_has_is_revoked_from_the_desktop_after_the_grace(
    cluster: Cluster,
) -> None:
    """Test idea 56: not before, marked as the proxy's, and only what was there."""
    desk = Desktop(cluster)
    cluster.kill_node(1)
    cluster.run(GRACE - 1)
    assert desk.revoked == []
    assert desk.held["node2"] in desk.client.holding
    cluster.run(2)
    (event,) = desk.revoked
    assert event.interaction_id == desk.held["node2"]
    assert event.reason is not None
    assert event.reason.reason_system_name == "NodeLost"
    assert event.extension == {"Proxy": "proxy1"}
    assert set(desk.client.holding) == {desk.held["node1"], desk.held["node3"]}
    cluster.run(4 * GRACE)
    assert len(desk.revoked) == 1
    # The node finds, when it is back, that nobody has it: it is where it was before.
    cluster.restart_node(1)
    cluster.run(120)
    assert cluster.problems() == []
    assert [row["node"] for row in cluster.rows("interactions") if row["state"] == 0] == ["node2"]


def test_a_node_that_is_back_within_the_grace_takes_nothing_from_the_desktop(
    cluster: Cluster,
) -> None:
    """Test idea 56, the other half: it came back, and the agent never noticed."""
    desk = Desktop(cluster)
    cluster.kill_node(1)
    cluster.run(GRACE - 2)
    cluster.restart_node(1)
    cluster.settled()
    cluster.run(4 * GRACE)
    assert desk.revoked == []
    assert set(desk.client.holding) == set(desk.held.values())
    for identifier in desk.held.values():
        stop = m.RequestStopProcessing(tenant_id=TENANT, interaction_id=identifier)
        cluster.finish(desk.client.request(stop))


def test_nothing_that_clients_get_tells_of_the_proxys_own_requests(cluster: Cluster) -> None:
    """Test idea 62: marking is on, and neither answers nor events nor rows show it."""
    desk = Desktop(cluster)
    heard: list[Message] = []
    desk.client.on_event(heard.append)
    for identifier in desk.held.values():
        found = m.RequestGetInteractionProperties(tenant_id=TENANT, interaction_id=identifier)
        heard.append(cluster.finish(desk.client.request(found)))
        leave = m.RequestLeaveInteraction(tenant_id=TENANT, interaction_id=identifier)
        heard.append(cluster.finish(desk.client.request(leave)))
    cluster.run(10)
    assert "InternalRequestReason" not in repr(heard)
    assert "InternalRequestReason" not in repr(cluster.rows("interactions"))


def test_codes_of_nodes_come_through_to_whoever_asked_though_references_are_equal(
    cluster: Cluster,
) -> None:
    """Test idea 12: all clients count their references from the same number."""
    clients = [cluster.client(f"mail-{n}", "MediaServer", proxy=n % 2) for n in range(8)]
    queues = ("In", "Nowhere")
    asked = [
        (client, queue, client.request(_submit(queue))) for client in clients for queue in queues
    ]
    for client, queue, each in asked:
        if queue == "In":
            assert cluster.finish(each).interaction_id, client
        else:
            assert refused(cluster, each).code == Code.UNKNOWN_QUEUE
    assert all(client.in_flight == 0 for client in clients)


def _submit(queue: str) -> m.RequestSubmit:
    return m.RequestSubmit(tenant_id=TENANT, media_type="email", queue=queue)
