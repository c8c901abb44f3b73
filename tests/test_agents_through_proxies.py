"""Agents through real proxies, on real nodes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.tenants import TENANT

ANN: Any = {"tenant_id": TENANT.id, "agent_id": "ann"}
LOGIN = m.RequestAgentLogin(**ANN, place_id="p1", media_list={"email": 1})
LUNCH = m.Reason(reason_system_name="lunch")


@pytest.fixture(params=[0, 1], ids=["one level", "two levels"])
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    made = Cluster(seed=4, nodes=3, proxies=2, outer=request.param)
    yield made
    made.close()


def agents(cluster: Cluster) -> list[dict[str, Any]]:
    return [row for row in cluster.rows("agents") if row["agent_id"] == "ann"]


def test_a_node_that_was_away_hears_of_a_logout(cluster: Cluster) -> None:
    """Test idea 30: the node returns still believing the agent logged in."""
    desk = cluster.client("desk", "AgentApplication", proxy=0)
    cluster.finish(desk.request(LOGIN))
    assert len(agents(cluster)) == 3
    cluster.kill_node(1)
    cluster.run(1)
    cluster.finish(desk.request(m.RequestAgentLogout(**ANN)))
    cluster.start_node(1)
    cluster.settled()
    cluster.run(5)
    assert agents(cluster) == []


def test_a_node_that_was_away_hears_of_all_that_changed(cluster: Cluster) -> None:
    desk = cluster.client("desk", "AgentApplication", proxy=0)
    cluster.finish(desk.request(LOGIN))
    cluster.kill_node(2)
    cluster.run(1)
    for request in (
        m.RequestNotReadyForMedia(**ANN, media_type_name="email", reason=LUNCH),
        m.RequestDoNotDisturbOn(**ANN),
        m.RequestChangeAgentStateReason(**ANN, reason=LUNCH),
    ):
        cluster.finish(desk.request(request))
    cluster.start_node(2)
    cluster.settled()
    cluster.run(5)
    rows = agents(cluster)
    assert len(rows) == 3
    for column in ("media", "donot_disturb", "reasons", "number", "confirmed"):
        assert len({repr(row[column]) for row in rows}) == 1, column
    assert rows[0]["donot_disturb"] == 1


def test_a_status_reaches_who_listens_through_any_proxy(cluster: Cluster) -> None:
    heard: list[Any] = []
    desk = cluster.client("desk", "AgentApplication", proxy=0)
    cluster.finish(desk.request(LOGIN))
    router = cluster.client("router", "RoutingEngine", proxy=0)
    router.on_event(heard.append)
    topics = {f"{TENANT.id}@p1": 1}
    cluster.finish(router.request(m.RequestSubscribe(tenant_id=TENANT.id, ps_topic_list=topics)))
    reporter = cluster.client("reporter", "ReportingEngine", proxy=len(cluster.fronts) - 1)
    reporter.send(m.EventCurrentAgentStatus(**ANN, place_id="p1", media_state_list={"email": 4}))
    cluster.run(1)
    assert [event.media_state_list for event in heard] == [{"email": 4}]


def test_a_place_that_only_a_node_that_was_away_believes_occupied_is_given_to_the_newer() -> None:
    """The logout that freed it comes through another proxy, and later than the session."""
    cluster = Cluster(seed=4, nodes=3, proxies=2)
    bob: Any = {"tenant_id": TENANT.id, "agent_id": "bob"}
    there = cluster.client("desk-2", "AgentApplication", proxy=1)
    cluster.finish(there.request(m.RequestAgentLogin(**bob, place_id="p1")))
    cluster.kill_node(1)
    cluster.run(1)
    cluster.finish(there.request(m.RequestAgentLogout(**bob)))
    desk = cluster.client("desk", "AgentApplication", proxy=0)
    cluster.finish(desk.request(LOGIN))
    cluster.cut("proxy2", "node2")
    cluster.start_node(1)
    cluster.run(3)
    assert len(agents(cluster)) == 3, "the newer session has the place"
    cluster.finish(desk.request(m.RequestDoNotDisturbOn(**ANN)))
    cluster.heal("proxy2", "node2")
    cluster.run(30)
    rows = agents(cluster)
    assert [row["donot_disturb"] for row in rows] == [1, 1, 1]
    cluster.finish(desk.request(m.RequestAgentLogout(**ANN)))
    assert cluster.rows("agents") == []
    cluster.close()


@pytest.mark.parametrize("proxy", [0, 1])
def test_a_program_that_goes_on_with_an_earlier_ones_session_stays_logged_in(proxy: int) -> None:
    """It cannot say in which agent sessions it is, and what it does not know it is not out of."""
    cluster = Cluster(seed=3, nodes=3, proxies=2)
    session = b"s" * 16
    earlier = cluster.client("desk", "AgentApplication", proxy=0, session=session)
    cluster.finish(earlier.request(LOGIN))
    cluster.kill_client(earlier)
    cluster.run(0.5)
    later = cluster.client(
        "desk", "AgentApplication", proxy=proxy, session=session, incarnation=earlier.incarnation
    )
    assert len(agents(cluster)) == 3
    cluster.lose_client(later)
    cluster.run(5)
    assert len(agents(cluster)) == 3, "nor does it know them when it comes back itself"
    cluster.finish(later.request(m.RequestDoNotDisturbOn(**ANN)))
    cluster.close()
