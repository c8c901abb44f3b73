"""Agent seats of a whole cluster: the smallest share is its capacity."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.client import Client
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages.agents import NO_SEAT
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.live_changes import change_settings
from tests.test_config_licences import given

TENANT = 1


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """The worked example of the guide: 100 seats, and four nodes that ask for 30 each."""
    made = Cluster(seed=5, nodes=4, proxies=2, start=False)
    shares = list(given(100, 30, 30, 30, 30).values())
    for number, seats in enumerate(shares):
        change_settings(made, number, agent_seats=seats)
        made.start_node(number)
    for number in range(2):
        made.start_proxy(number)
    yield made
    made.close()


def log_in(cluster: Cluster, client: Client, number: int) -> Any:
    login = m.RequestAgentLogin(
        tenant_id=TENANT, agent_id=f"agent{number}", media_list={"email": 1}
    )
    return cluster.finish(client.request(login))


def seats_taken(cluster: Cluster) -> list[int]:
    """How many agents each node has."""
    rows = cluster.rows("agents")
    return [sum(row["node"] == node.name for row in rows) for node in cluster.nodes]


def test_the_smallest_share_is_how_many_agents_can_log_in_through_a_proxy(
    cluster: Cluster,
) -> None:
    """30/30/30/10: ten agents, and a refused one is on no node afterwards."""
    assert [node.settings.agent_seats for node in cluster.nodes] == [30, 30, 30, 10]
    clients = [cluster.client(f"desk{at}", "AgentApplication", proxy=at % 2) for at in range(11)]
    for number in range(10):
        log_in(cluster, clients[number], number)
    assert seats_taken(cluster) == [10] * 4
    with pytest.raises(RequestRefused) as refused:
        log_in(cluster, clients[10], 10)
    assert refused.value.code == Code.NO_LICENCE
    cluster.run(1)
    assert seats_taken(cluster) == [10] * 4
    logout = m.RequestAgentLogout(tenant_id=TENANT, agent_id="agent3")
    cluster.finish(clients[3].request(logout))
    log_in(cluster, clients[10], 10)
    assert seats_taken(cluster) == [10] * 4


def test_fewer_seats_on_one_node_log_its_newest_agents_out_and_their_desktops_are_told(
    cluster: Cluster,
) -> None:
    """Test idea 33, live: the changed node alone decides, and says that it did."""
    told: dict[int, list[m.EventForcedAgentStateChange]] = {}

    def listen(number: int, event: object) -> None:
        if isinstance(event, m.EventForcedAgentStateChange):
            told.setdefault(number, []).append(event)

    for number in range(5):
        client = cluster.client(f"desk{number}", "AgentApplication", proxy=number % 2)
        client.on_event(lambda event, number=number: listen(number, event))  # type: ignore[misc]
        log_in(cluster, client, number)
        cluster.run(0.1)
    change_settings(cluster, 1, agent_seats=3)
    cluster.run(1)
    left = {row["agent_id"] for row in cluster.rows("agents") if row["node"] == "node2"}
    assert left == {"agent0", "agent1", "agent2"}
    assert told.keys() == {3, 4}
    for events in told.values():
        first = events[0]
        assert (first.agent_state_change_operation, first.by_server) == ("Logout", True)
        assert first.reason is not None
        assert first.reason.reason_system_name == "Licence"


def test_nodes_that_did_not_hear_of_each_other_keep_the_agents_who_came_first() -> None:
    """Each let in one, for the one seat that there is: then both know of both."""
    cluster = Cluster(seed=6, nodes=2, proxies=2, start=False)
    try:
        for number in range(2):
            change_settings(cluster, number, agent_seats=1)
            cluster.start_node(number)
        for number in range(2):
            cluster.start_proxy(number)
        clients = [cluster.client(f"desk{at}", "AgentApplication", proxy=at) for at in range(2)]
        told: list[m.EventForcedAgentStateChange] = []
        for client in clients:
            client.on_event(told.append)  # type: ignore[arg-type]
        for proxy, node in ((1, 2), (2, 1)):
            cluster.cut(f"proxy{proxy}", f"node{node}")
            cluster.network.lose(f"proxy{proxy}", f"node{node}")
        cluster.run(1)
        for number, client in enumerate(clients):
            log_in(cluster, client, number)
            cluster.run(1)
        assert seats_taken(cluster) == [1, 1]
        for proxy, node in ((1, 2), (2, 1)):
            cluster.heal(f"proxy{proxy}", f"node{node}")
        cluster.run(20)
        assert [row["agent_id"] for row in cluster.rows("agents")] == ["agent0", "agent0"]
        (event,) = told
        assert (event.agent_id, event.agent_state_change_operation) == ("agent1", "Logout")
        assert event.reason == NO_SEAT
        with pytest.raises(RequestRefused) as refused:
            log_in(cluster, clients[1], 1)
        assert refused.value.code == Code.NO_LICENCE
    finally:
        cluster.close()
