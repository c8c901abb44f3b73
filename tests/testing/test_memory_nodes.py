from __future__ import annotations

from ixproxy import messages as m
from ixproxy.interfaces import IStore
from ixproxy.testing.cluster import PAIR_LIMIT, Cluster
from ixproxy.testing.faults import FaultyStore

SUBMIT = m.RequestSubmit(tenant_id=1, media_type="email", queue="In", user_data={"x": 1})


def test_a_lone_node_has_one_server_of_its_own_name() -> None:
    cluster = Cluster(nodes=1, proxies=0)
    (node,) = cluster.nodes
    assert [each.name for each in node.members] == ["node1"]
    assert node.primary is node.members[0]
    assert node.backup is None
    cluster.kill_node(0)
    assert (node.alive, node.listening) == (False, False)
    assert node.host == "node1"
    cluster.close()


def test_a_pair_has_two_on_hosts_of_their_own_and_the_first_is_primary() -> None:
    cluster = Cluster(nodes=2, proxies=1, pairs=True)
    for number, node in enumerate(cluster.nodes, 1):
        assert [each.name for each in node.members] == [f"node{number}", f"node{number}-b"]
        assert node.primary is node.members[0]
        assert node.backup is node.members[1]
        facts = cluster.deployment.nodes[node.name]  # type: ignore[index]
        assert facts.servers == node.servers
    assert cluster.proxies[0].linked == 2
    cluster.close()


def test_killing_a_node_of_two_is_a_takeover_and_killing_it_again_is_its_end() -> None:
    cluster = Cluster(nodes=1, proxies=1, pairs=True)
    (node,) = cluster.nodes
    client = cluster.client("mail-1", "MediaServer")
    first = cluster.finish(client.request(SUBMIT)).interaction_id
    cluster.kill_node(0)
    assert node.host == "node1"
    cluster.run(PAIR_LIMIT)
    assert (node.host, node.primary) == ("node1-b", node.members[1])
    cluster.settled()
    second = cluster.finish(client.request(SUBMIT)).interaction_id
    assert {row["id"] for row in cluster.rows("interactions")} == {first, second}
    cluster.kill_node(0)
    assert not node.alive
    cluster.start_node(0)
    assert node.host == "node1"
    assert node.primary is not None
    assert node.primary.epoch == 4
    cluster.close()


def test_both_servers_follow_a_change() -> None:
    cluster = Cluster(nodes=1, proxies=0, pairs=True)
    (node,) = cluster.nodes
    settings = node.settings
    node.change(node.model, settings)
    cluster.run(1)
    assert node.primary is node.members[0]
    cluster.kill_node(0)
    cluster.run(1)
    assert node.primary is node.members[1]
    cluster.close()


def test_a_program_may_have_something_around_its_store() -> None:
    cluster = Cluster(nodes=1, proxies=0, start=False)
    (node,) = cluster.nodes
    made: list[FaultyStore] = []

    def around(store: IStore) -> IStore:
        made.append(FaultyStore(store))
        return made[-1]

    node.around_store = around
    cluster.start_node(0)
    assert made[0].calls["open"] == 1
    cluster.close()
