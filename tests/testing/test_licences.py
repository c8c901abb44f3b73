"""Agent seats of a whole cluster: the smallest share is its capacity."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.client import Client
from ixproxy.errors import Code, RequestRefused
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
