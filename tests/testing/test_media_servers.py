"""What media servers hear and are heard of, whichever proxies they and others are on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.client import Client
from ixproxy.node.model import NodeSettings
from ixproxy.testing.cluster import Cluster

LOGIN = m.RequestAgentLogin(tenant_id=1, agent_id="anna", media_list={"chat": 1})
PULL = m.RequestPull(tenant_id=1, view_id="In/All")


def submit(number: int) -> m.RequestSubmit:
    return m.RequestSubmit(
        tenant_id=1, media_type="chat", queue="In", user_data={"n": number, "ChatServer": "host-a"}
    )


def stop(identifier: str) -> m.RequestStopProcessing:
    return m.RequestStopProcessing(tenant_id=1, interaction_id=identifier)


class Server:
    """A client, and the events of one kind that it hears of, by interaction."""

    def __init__(self, client: Client, kind: type[Any]) -> None:
        self.client = client
        self.heard: list[str] = []
        self.events: list[Any] = []
        client.on_event(lambda event: self._told(event, kind))

    def _told(self, event: Any, kind: type[Any]) -> None:
        if isinstance(event, kind):
            self.heard.append(event.interaction_id)
            self.events.append(event)

    def take(self) -> list[str]:
        heard, self.heard = self.heard, []
        return heard


def submitted(cluster: Cluster, client: Client, count: int = 4) -> list[str]:
    return [cluster.finish(client.request(submit(n))).interaction_id for n in range(count)]


@pytest.fixture(params=[0, 2], ids=["proxies", "a chain of proxies"])
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    settings = NodeSettings(agent_session_restore_timeout=20.0)
    made = Cluster(6, outer=request.param, node_settings=settings)
    yield made
    made.close()


def pair(cluster: Cluster) -> tuple[Server, Server]:
    """Two media servers of one name, each on a proxy of its own; both can go to the other."""
    first = cluster.client("chat", "MediaServer", proxy=[0, 1])
    second = cluster.client("chat", "MediaServer", proxy=[1, 0])
    return Server(first, m.EventProcessingStopped), Server(second, m.EventProcessingStopped)


def kill_front(cluster: Cluster, number: int) -> None:
    (cluster.kill_outer if cluster.outers else cluster.kill_proxy)(number)


def work_off(cluster: Cluster, router: Client, ids: list[str]) -> None:
    """Somebody else ends the interactions."""
    while taken := cluster.finish(router.request(PULL)).interactions:
        for identifier in taken:
            assert identifier in ids
            cluster.finish(router.request(stop(identifier)))
    cluster.run(1)


def test_both_of_a_pair_hear_that_an_interaction_of_theirs_was_stopped(cluster: Cluster) -> None:
    """Test idea 57: the stop event goes to all with the same submitted-by name."""
    first, second = pair(cluster)
    other = Server(cluster.client("mail", "MediaServer"), m.EventProcessingStopped)
    router = cluster.client("router-1", "RoutingEngine", proxy=1)
    ids = submitted(cluster, first.client)
    work_off(cluster, router, ids)
    assert sorted(first.take()) == sorted(second.take()) == sorted(ids)
    assert other.take() == []


def test_they_do_so_after_one_had_to_go_to_another_proxy(cluster: Cluster) -> None:
    """Test idea 57: after a proxy switchover, too; before and after it, each hears once."""
    first, second = pair(cluster)
    router = cluster.client("router-1", "RoutingEngine", proxy=1)
    before = submitted(cluster, first.client)
    kill_front(cluster, 0)
    cluster.run(5)
    assert first.client.connected
    assert first.client.server.name == cluster.fronts[1].name
    after = submitted(cluster, second.client)
    work_off(cluster, router, before + after)
    assert sorted(first.take()) == sorted(second.take()) == sorted(before + after)
    assert cluster.problems() == []


def test_who_of_a_pair_stops_it_has_its_answer_and_the_other_one_the_event(
    cluster: Cluster,
) -> None:
    """Test idea 57: one of the pair is who asks."""
    first, second = pair(cluster)
    ids = submitted(cluster, first.client)
    for identifier in ids:
        assert isinstance(cluster.finish(second.client.request(stop(identifier))), m.EventAck)
    cluster.run(1)
    assert sorted(first.take()) == sorted(ids)
    assert second.take() == []


def test_what_one_submitted_is_heard_of_by_the_one_that_is_left(cluster: Cluster) -> None:
    """Test idea 57: one of the pair dies, and its proxy with it."""
    first, second = pair(cluster)
    router = cluster.client("router-1", "RoutingEngine", proxy=1)
    ids = submitted(cluster, first.client)
    cluster.kill_client(first.client)
    kill_front(cluster, 0)
    cluster.run(5)
    work_off(cluster, router, ids)
    assert sorted(second.take()) == sorted(ids)
    assert first.take() == []


def test_all_of_one_name_hear_it_however_many_are_on_a_proxy(cluster: Cluster) -> None:
    """Test idea 57: two on each proxy, and each hears once."""
    servers = [
        Server(cluster.client("chat", "MediaServer", proxy=n % 2), m.EventProcessingStopped)
        for n in range(4)
    ]
    router = cluster.client("router-1", "RoutingEngine", proxy=1)
    ids = [each for server in servers for each in submitted(cluster, server.client, 2)]
    work_off(cluster, router, ids)
    for server in servers:
        assert sorted(server.take()) == sorted(ids)


def test_they_hear_of_what_a_node_has_when_it_is_back(cluster: Cluster) -> None:
    """Test idea 57: a node restarts in between, and knows who has the name from its clients."""
    first, second = pair(cluster)
    router = cluster.client("router-1", "RoutingEngine", proxy=1)
    ids = submitted(cluster, first.client, 6)
    cluster.kill_node(0)
    cluster.run(2)
    cluster.restart_node(0)
    cluster.settled()
    cluster.run(3)
    work_off(cluster, router, ids)
    assert sorted(first.take()) == sorted(second.take()) == sorted(ids)


def test_they_hear_of_what_the_backup_of_a_node_has_when_it_took_over() -> None:
    """Test idea 57: a node's backup takes over in between."""
    cluster = Cluster(6, pairs=True)
    first, second = pair(cluster)
    router = cluster.client("router-1", "RoutingEngine", proxy=1)
    ids = submitted(cluster, first.client, 6)
    cluster.kill_node(1)
    cluster.run(20)
    cluster.settled()
    work_off(cluster, router, ids)
    assert sorted(first.take()) == sorted(second.take()) == sorted(ids)
    cluster.close()


def interested(cluster: Cluster, proxies: list[int], name: str = "chat") -> Server:
    """A media server that asked for changed properties of what its name submitted."""
    client = cluster.client(
        name, "MediaServer", proxy=proxies, extension={"event_properties_changed": 1}
    )
    return Server(client, m.EventPropertiesChanged)


def change(cluster: Cluster, client: Client, identifier: str, value: int) -> None:
    request = m.RequestChangeProperties(
        tenant_id=1, interaction_id=identifier, changed_properties={"k": value}
    )
    cluster.finish(client.request(request))
    cluster.run(1)


def test_changed_properties_are_for_the_media_servers_of_the_name_that_asked(
    cluster: Cluster,
) -> None:
    """Test idea 58: each once, whichever proxy it is on; no others, and not who changed it."""
    asked = [interested(cluster, [0, 1]), interested(cluster, [1, 0])]
    plain = Server(cluster.client("chat", "MediaServer", proxy=0), m.EventPropertiesChanged)
    other = interested(cluster, [0, 1], "mail")
    router = cluster.client("router-1", "RoutingEngine", proxy=1)
    ids = submitted(cluster, plain.client)
    for number, identifier in enumerate(ids):
        change(cluster, router, identifier, number)
    for server in asked:
        assert sorted(server.take()) == sorted(ids)
        assert sorted(event.changed_properties["k"] for event in server.events) == [0, 1, 2, 3]
    assert plain.take() == other.take() == []
    change(cluster, asked[0].client, ids[0], 9)
    assert asked[0].take() == []
    assert asked[1].take() == [ids[0]]


def test_they_hear_of_changes_after_they_had_to_go_to_another_proxy(cluster: Cluster) -> None:
    """Test idea 58: what was asked for at registration is asked for there, too."""
    first, second = interested(cluster, [0, 1]), interested(cluster, [1, 0])
    router = cluster.client("router-1", "RoutingEngine", proxy=1)
    ids = submitted(cluster, first.client)
    kill_front(cluster, 0)
    cluster.run(5)
    assert first.client.server.name == cluster.fronts[1].name
    for number, identifier in enumerate(ids):
        change(cluster, router, identifier, number)
    assert sorted(first.take()) == sorted(second.take()) == sorted(ids)


@pytest.mark.parametrize("pairs", [False, True], ids=["it restarts", "its backup takes over"])
def test_they_hear_of_changes_when_a_node_has_begun_anew(pairs: bool) -> None:
    """Test idea 58: a node keeps in memory who asked, and proxies say so again."""
    cluster = Cluster(6, pairs=pairs)
    server = interested(cluster, [0, 1])
    router = cluster.client("router-1", "RoutingEngine", proxy=1)
    ids = submitted(cluster, server.client, 6)
    cluster.kill_node(0)
    cluster.run(20 if pairs else 2)
    if not pairs:
        cluster.restart_node(0)
    cluster.settled()
    cluster.run(3)
    for number, identifier in enumerate(ids):
        change(cluster, router, identifier, number)
    assert sorted(server.take()) == sorted(ids)
    cluster.close()


@pytest.mark.parametrize("meanwhile", [0.0, 30.0], ids=["at once", "after its session has ended"])
def test_a_restored_chat_changes_what_a_desktop_behind_another_proxy_handles(
    cluster: Cluster, meanwhile: float
) -> None:
    """Test idea 58: the changed property reaches the desktop once, through the other proxy."""
    desktop = Server(
        cluster.client("desktop-1", "AgentApplication", proxy=0), m.EventPropertiesChanged
    )
    cluster.finish(desktop.client.request(LOGIN))
    chat = cluster.client("chat", "MediaServer", proxy=0)
    (identifier,) = submitted(cluster, chat, 1)
    pull = m.RequestPull(tenant_id=1, view_id="_system_", pull_parameters={identifier: ""})
    assert list(cluster.finish(desktop.client.request(pull)).interactions) == [identifier]
    cluster.kill_client(chat)
    cluster.run(meanwhile)

    restored = cluster.client(
        "chat", "MediaServer", proxy=1, session=chat.session, incarnation=chat.incarnation
    )
    address = m.RequestChangeProperties(
        tenant_id=1, interaction_id=identifier, changed_properties={"ChatServer": "host-b"}
    )
    cluster.finish(restored.request(address))
    cluster.run(2)
    (event,) = desktop.events
    assert event.interaction_id == identifier
    assert event.changed_properties == {"ChatServer": "host-b"}
    assert list(desktop.client.holding) == [identifier]
    assert cluster.problems() == []
