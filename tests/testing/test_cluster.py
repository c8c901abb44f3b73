from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred

from ixproxy import messages as m
from ixproxy.errors import Code, RequestRefused
from ixproxy.testing.cluster import Cluster

SUBMIT = m.RequestSubmit(tenant_id=1, media_type="email", queue="In", user_data={"x": 1})
PULL = m.RequestPull(tenant_id=1, view_id="In/All")


def stop(identifier: str) -> m.RequestStopProcessing:
    return m.RequestStopProcessing(tenant_id=1, interaction_id=identifier)


def test_work_goes_in_through_one_proxy_and_out_through_another() -> None:
    cluster = Cluster(nodes=3, proxies=2)
    server = cluster.client("mail-1", "MediaServer", proxy=0)
    router = cluster.client("router-1", "RoutingEngine", proxy=1)
    ids = [cluster.finish(server.request(SUBMIT)).interaction_id for _ in range(6)]
    assert sorted(row["node"] for row in cluster.rows("interactions")) == [
        "node1", "node1", "node2", "node2", "node3", "node3",
    ]  # fmt: skip
    taken = []
    for _ in ids:
        taken += cluster.finish(router.request(PULL)).interactions
    assert sorted(taken) == sorted(ids) == sorted(router.holding)
    assert cluster.problems() == []
    for identifier in taken:
        cluster.finish(router.request(stop(identifier)))
    assert router.holding == {}
    assert cluster.rows("interactions") == []
    cluster.close()


def test_a_client_may_talk_to_a_node_directly() -> None:
    cluster = Cluster(nodes=2, proxies=0)
    for number in range(2):
        client = cluster.client("mail-1", "MediaServer", node=number)
        assert (client.server.role, client.server.dbid) == ("node", 101 + number)
    cluster.close()


def test_the_same_seed_is_the_same_run() -> None:
    def run(seed: int) -> tuple[float, list[str]]:
        cluster = Cluster(seed)
        client = cluster.client("mail-1", "MediaServer")
        ids = [cluster.finish(client.request(SUBMIT)).interaction_id for _ in range(5)]
        at = cluster.clock.seconds()
        cluster.close()
        return at, ids

    assert run(3) == run(3)
    assert run(3)[0] != run(4)[0]


def test_a_client_goes_to_the_other_proxy_when_its_own_dies_and_keeps_what_it_holds() -> None:
    cluster = Cluster()
    server = cluster.client("mail-1", "MediaServer", proxy=1)
    router = cluster.client("router-1", "RoutingEngine", proxy=[0, 1])
    ack = cluster.finish(server.request(SUBMIT))
    cluster.finish(router.request(PULL))
    cluster.kill_proxy(0)
    cluster.run(5)
    assert router.connected
    assert router.server.name == "proxy2"
    assert list(router.holding) == [ack.interaction_id]
    assert cluster.problems() == []
    cluster.finish(router.request(stop(ack.interaction_id)))
    cluster.close()


def test_a_node_that_comes_back_knows_an_agent_whose_client_had_come_back_before() -> None:
    cluster = Cluster(nodes=3, proxies=1)
    desktop = cluster.client("desktop-1", "AgentApplication")
    cluster.kill_node(2)
    cluster.run(1)
    login = m.RequestAgentLogin(tenant_id=1, agent_id="anna", media_list={"email": 1})
    cluster.finish(desktop.request(login))
    cluster.lose_client(desktop)
    cluster.run(3)
    cluster.restart_node(2)
    cluster.run(5)
    agents = cluster.rows("agents")
    assert [row["node"] for row in agents] == ["node1", "node2", "node3"]
    assert len({(row["number"], row["dbid"]) for row in agents}) == 1
    cluster.close()


def test_what_a_killed_client_holds_is_stranded_until_its_session_ends() -> None:
    cluster = Cluster()
    server = cluster.client("mail-1", "MediaServer")
    router = cluster.client("router-1", "RoutingEngine")
    ack = cluster.finish(server.request(SUBMIT))
    cluster.finish(router.request(PULL))
    cluster.kill_client(router)
    cluster.run(10)
    assert cluster.stranded() == [f"{ack.interaction_id} on node1 is taken by one who is gone"]
    cluster.run(70)
    assert cluster.stranded() == []
    again = cluster.client("router-2", "RoutingEngine")
    assert list(cluster.finish(again.request(PULL)).interactions) == [ack.interaction_id]
    cluster.close()


def test_a_client_that_closes_gives_back_at_once() -> None:
    cluster = Cluster()
    server = cluster.client("mail-1", "MediaServer")
    router = cluster.client("router-1", "RoutingEngine")
    cluster.finish(server.request(SUBMIT))
    cluster.finish(router.request(PULL))
    cluster.finish(router.close())
    cluster.run(1)
    assert [row["state"] for row in cluster.rows("interactions")] == [0]
    assert not cluster.alive(router)
    cluster.close()


def test_stranded_and_doubled_are_found_where_they_are() -> None:
    cluster = Cluster(nodes=2, proxies=0)
    server = cluster.client("mail-1", "MediaServer", node=0)
    other = cluster.client("mail-1", "MediaServer", node=1)
    routers = [cluster.client("router", "RoutingEngine", node=number) for number in range(2)]
    same = m.RequestSubmit(tenant_id=1, media_type="email", queue="In", interaction_id="same")
    cluster.finish(server.request(same))
    cluster.finish(other.request(same))
    for router in routers:
        cluster.finish(router.request(PULL))
    assert cluster.stranded() == []
    assert len(cluster.doubled()) == 2
    routers[0]._conversation.held.drop("same")
    assert len(cluster.stranded()) == 1
    assert len(cluster.problems()) == 2
    cluster.close()


def test_a_cut_leaves_by_id_requests_without_access_and_heals() -> None:
    cluster = Cluster(nodes=1, proxies=1)
    server = cluster.client("mail-1", "MediaServer")
    ack = cluster.finish(server.request(SUBMIT))
    cluster.cut("proxy1", "node1")
    cluster.run(60)
    with pytest.raises(RequestRefused) as refusal:
        cluster.finish(server.request(stop(ack.interaction_id)))
    assert refusal.value.code == Code.NOT_ACCESSIBLE
    cluster.heal("proxy1", "node1")
    cluster.run(10)
    cluster.finish(server.request(stop(ack.interaction_id)))
    cluster.close()


def test_what_never_comes_is_said_so() -> None:
    cluster = Cluster(nodes=1, proxies=0)
    with pytest.raises(AssertionError, match="no result after 600 seconds"):
        cluster.finish(Deferred())
    cluster.close()


def test_with_outer_proxies_clients_come_in_through_these() -> None:
    cluster = Cluster(nodes=3, proxies=2, outer=2)
    assert [front.name for front in cluster.fronts] == ["outer1", "outer2"]
    assert [outer.linked for outer in cluster.outers] == [1, 1]
    server = cluster.client("mail-1", "MediaServer", proxy=1)
    assert server.server.path[0] == "outer2"
    assert server.server.path[1] in ("proxy1", "proxy2")
    ids = [cluster.finish(server.request(SUBMIT)).interaction_id for _ in range(3)]
    assert len({row["node"] for row in cluster.rows("interactions")}) == 3
    cluster.kill_outer(1)
    cluster.run(1)
    assert not server.connected
    cluster.start_outer(1)
    cluster.run(5)
    for identifier in ids:
        cluster.finish(server.request(stop(identifier)))
    cluster.close()
