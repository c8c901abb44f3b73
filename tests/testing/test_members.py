from __future__ import annotations

from ixproxy import messages as m
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.members import proxy_address, usual_strategies
from ixproxy.testing.memory_servers import node_address

SUBMIT = m.RequestSubmit(tenant_id=1, media_type="email", queue="In", user_data={"x": 1})


def test_a_node_that_is_killed_keeps_what_it_acknowledged_and_raises_its_epoch() -> None:
    cluster = Cluster(nodes=1, proxies=0)
    client = cluster.client("mail-1", "MediaServer")
    epoch = client.server.epoch
    ack = cluster.finish(client.request(SUBMIT))
    cluster.kill_node(0)
    assert not cluster.nodes[0].listening
    cluster.run(1)
    assert [client.connected] == [False]
    cluster.restart_node(0)
    cluster.run(5)
    assert [client.connected] == [True]
    assert client.server.epoch == epoch + 1
    assert [row["id"] for row in cluster.rows("interactions")] == [ack.interaction_id]
    cluster.close()


def test_a_node_that_dies_at_any_moment_of_a_submit_keeps_it_whole_or_not_at_all() -> None:
    outcomes = set()
    for seed in range(60):
        cluster = Cluster(seed, nodes=1, proxies=0)
        client = cluster.client("mail-1", "MediaServer")
        asked = client.request(SUBMIT)
        answers: list[object] = []
        asked.addBoth(answers.append)
        cluster.run(cluster.random.random() * 0.006)
        cluster.kill_node(0)
        cluster.run(1)
        stored = len(cluster.rows("interactions"))
        acknowledged = isinstance(answers[0], m.EventAck)
        assert stored or not acknowledged
        outcomes.add((stored, acknowledged))
        cluster.close()
    assert outcomes == {(0, False), (1, False), (1, True)}


def test_a_proxy_that_is_killed_forgets_everything_and_is_linked_again() -> None:
    cluster = Cluster(nodes=3, proxies=1)
    proxy = cluster.proxies[0]
    assert proxy.linked == 3
    first = proxy.core
    cluster.kill_proxy(0)
    assert proxy.linked == 0
    cluster.restart_proxy(0)
    assert proxy.linked == 3
    assert proxy.core is not first
    cluster.close()


def test_hosts_and_addresses_follow_the_names() -> None:
    cluster = Cluster(nodes=2, proxies=1)
    assert [node.name for node in cluster.nodes] == ["node1", "node2"]
    assert [node.dbid for node in cluster.nodes] == [101, 102]
    assert node_address("node1").startswith("node1:")
    assert proxy_address("proxy1").startswith("proxy1:")
    assert len(cluster.network.ends("node1", "proxy1")) == 1
    cluster.close()


def test_the_usual_strategies_are_new_for_each_proxy() -> None:
    assert usual_strategies().routing is not usual_strategies().routing
