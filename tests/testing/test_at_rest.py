from __future__ import annotations

from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.testing.at_rest import agents_of_nodes, grown, remembered, wrong_at_rest
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.watching import StreamWatch
from ixproxy.values import ClientType


@pytest.fixture
def cluster() -> Any:
    made = Cluster(1, nodes=2, proxies=1)
    yield made
    made.close()


def watch_of(cluster: Cluster, name: str) -> StreamWatch:
    client = cluster.client(name, ClientType.REPORTING_ENGINE)
    watch = StreamWatch(name)
    client.on_event(watch.event_received)
    cluster.finish(client.request(m.RequestStartPlaceAgentStateReportingAll()))
    cluster.run(1.0)
    return watch


def log_in(cluster: Cluster, agent: str, **where: int) -> None:
    desk = cluster.client("desk", ClientType.AGENT_APPLICATION, **where)
    cluster.finish(desk.request(m.RequestAgentLogin(tenant_id=1, agent_id=agent)))


def test_all_is_well_where_all_agree(cluster: Cluster) -> None:
    running = watch_of(cluster, "one")
    log_in(cluster, "anna")
    cluster.run(1.0)
    assert wrong_at_rest(cluster, [running], watch_of(cluster, "other")) == []
    agents, unlike = agents_of_nodes(cluster)
    assert list(agents) == [(1, "anna")]
    assert unlike == []


def test_an_agent_whom_only_one_node_knows_is_found(cluster: Cluster) -> None:
    log_in(cluster, "anna", node=0)
    _, unlike = agents_of_nodes(cluster)
    assert unlike == ["anna is logged in on some node, but not on node2"]


def test_a_stream_that_says_otherwise_is_found(cluster: Cluster) -> None:
    watch = watch_of(cluster, "one")
    log_in(cluster, "anna")
    cluster.run(1.0)
    fresh = watch_of(cluster, "other")
    fresh.agents[1, "anna"].donot_disturb = 1
    problems = wrong_at_rest(cluster, [watch, StreamWatch("third")], fresh)
    assert problems == [
        "other believes that do not disturb of anna is 1, the nodes' tables says 0",
        "one believes that do not disturb of anna is 0, other says 1",
        "third has no stream",
    ]


def test_what_is_remembered_of_a_client_is_seen(cluster: Cluster) -> None:
    before = remembered(cluster)
    assert grown(before, before) == []
    log_in(cluster, "anna")
    after = grown(before, remembered(cluster))
    assert "node1: rows of agents: 1 are left, of 0" in after
    assert "proxy1: agents: 1 are left, of 0" in after
