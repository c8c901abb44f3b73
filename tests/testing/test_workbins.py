"""Workbins of a whole cluster: listened to, counted and listed as those of one server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.client import Client
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import Workbin
from ixproxy.node.model import NodeSettings
from ixproxy.testing.cluster import Cluster

TEAM = Workbin(workbin_type_id="Team", workbin_group_id="loans")
OTHER = Workbin(workbin_type_id="Team", workbin_group_id="cards")
STOPS = {"event_processing_stopped": 1}


@pytest.fixture(params=[0, 2], ids=["proxies", "a chain of proxies"])
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    settings = NodeSettings(agent_session_restore_timeout=20.0)
    made = Cluster(9, outer=request.param, node_settings=settings)
    yield made
    made.close()


class Watcher:
    """A desktop that listens to a workbin, and what it heard, by interaction."""

    def __init__(self, cluster: Cluster, name: str = "desk", **where: Any) -> None:
        self.cluster = cluster
        self.client: Client = cluster.client(name, "AgentApplication", **where)
        self.heard: list[tuple[str, str]] = []
        self.client.on_event(self._told)

    def _told(self, event: Any) -> None:
        assert isinstance(event, m.EventWorkbinContentChanged)
        assert event.workbin == TEAM
        self.heard.append((event.workbin_content_operation, event.interaction_id))

    def listen(self, **more: Any) -> Watcher:
        request = m.RequestWorkbinNotifications(tenant_id=1, workbin=TEAM, **more)
        assert self.cluster.finish(self.client.request(request)) == m.EventAck()
        return self

    def cancel(self) -> None:
        request = m.RequestWorkbinCancelNotifications(tenant_id=1, workbin=TEAM)
        assert self.cluster.finish(self.client.request(request)) == m.EventAck()

    def take(self) -> list[tuple[str, str]]:
        self.cluster.run(1.0)
        heard, self.heard = self.heard, []
        return heard


def placed(cluster: Cluster, client: Client, count: int = 6, workbin: Workbin = TEAM) -> list[str]:
    """Interactions in a workbin, on all nodes."""
    ids = []
    for number in range(count):
        request = m.RequestSubmit(
            tenant_id=1, media_type="email", workbin=workbin, user_data={"n": number}
        )
        ids.append(cluster.finish(client.request(request)).interaction_id)
    return ids


def ask(cluster: Cluster, client: Client, kind: type[Any], identifier: str, **more: Any) -> Any:
    request = kind(tenant_id=1, interaction_id=identifier, **more)
    return cluster.finish(client.request(request))


def listened_to(cluster: Cluster) -> list[int]:
    """How many listeners each node believes to have: sessions by workbin."""
    counts = []
    for node in cluster.nodes:
        server = node.server
        assert server is not None
        memory = server.core._standing.memory
        counts.append(sum(len(each) for each in memory.workbins._of.values()))
    return counts


def each(operation: str, ids: list[str]) -> list[tuple[str, str]]:
    return sorted((operation, identifier) for identifier in ids)


def test_everybody_hears_once_of_what_happens_on_all_nodes(cluster: Cluster) -> None:
    watchers = [Watcher(cluster, f"desk-{n}", proxy=n % 2).listen() for n in range(6)]
    mail = cluster.client("mail-1", "MediaServer", proxy=1)
    ids = placed(cluster, mail)
    placed(cluster, mail, 2, OTHER)
    for watcher in watchers:
        assert sorted(watcher.take()) == each("PlacedIn", ids)
    for identifier in ids:
        ask(cluster, mail, m.RequestPlaceInQueue, identifier, queue="In")
    for watcher in watchers:
        assert sorted(watcher.take()) == each("TakenOut", ids)


def test_a_node_has_one_listener_for_all_clients_of_a_proxy_and_none_when_they_left(
    cluster: Cluster,
) -> None:
    watchers = [Watcher(cluster, f"desk-{n}", proxy=n % 2).listen() for n in range(6)]
    found = listened_to(cluster)
    assert len(set(found)) == 1
    assert 1 <= found[0] <= len(cluster.proxies)
    for watcher in watchers[:2]:
        watcher.cancel()
    cluster.finish(watchers[2].client.close())
    for watcher in watchers[3:]:
        cluster.kill_client(watcher.client)
    cluster.run(5)
    assert listened_to(cluster) == [0, 0, 0]


def test_each_hears_what_it_asked_for(cluster: Cluster) -> None:
    plain = Watcher(cluster, "plain", proxy=0).listen()
    curious = Watcher(cluster, "curious", proxy=0).listen(notify_property_changes=1)
    all_ears = Watcher(cluster, "all", proxy=1).listen(notify_property_changes=1, extension=STOPS)
    mail = cluster.client("mail-1", "MediaServer", proxy=1)
    (identifier,) = placed(cluster, mail, 1)
    ask(cluster, mail, m.RequestChangeProperties, identifier, changed_properties={"k": 1})
    ask(cluster, mail, m.RequestStopProcessing, identifier)
    ways = [("PlacedIn", identifier), ("TakenOut", identifier)]
    change, end = ("PropertiesChanged", identifier), ("ProcessingStopped", identifier)
    assert plain.take() == ways
    assert curious.take() == [ways[0], change, ways[1]]
    assert all_ears.take() == [ways[0], change, ways[1], end]


def test_a_node_that_returns_tells_again(cluster: Cluster) -> None:
    watcher = Watcher(cluster, proxy=0).listen()
    mail = cluster.client("mail-1", "MediaServer", proxy=1)
    ids = placed(cluster, mail)
    watcher.take()
    cluster.kill_node(0)
    cluster.run(3)
    cluster.restart_node(0)
    cluster.settled()
    cluster.run(5)
    for identifier in ids:
        ask(cluster, mail, m.RequestStopProcessing, identifier)
    assert sorted(watcher.take()) == each("TakenOut", ids)


def test_a_client_whose_connection_broke_listens_again(cluster: Cluster) -> None:
    watcher = Watcher(cluster, proxy=0).listen(notify_property_changes=1)
    mail = cluster.client("mail-1", "MediaServer", proxy=1)
    (identifier,) = placed(cluster, mail, 1)
    watcher.take()
    cluster.lose_client(watcher.client)
    cluster.run(5)
    assert watcher.client.connected
    ask(cluster, mail, m.RequestChangeProperties, identifier, changed_properties={"k": 1})
    assert watcher.take() == [("PropertiesChanged", identifier)]


def test_a_client_that_goes_to_another_proxy_listens_there(cluster: Cluster) -> None:
    watcher = Watcher(cluster, proxy=[0, 1]).listen(extension=STOPS)
    mail = cluster.client("mail-1", "MediaServer", proxy=1)
    ids = placed(cluster, mail, 3)
    watcher.take()
    (cluster.kill_outer if cluster.outers else cluster.kill_proxy)(0)
    cluster.run(5)
    assert watcher.client.server.name == cluster.fronts[1].name
    for identifier in ids:
        ask(cluster, mail, m.RequestStopProcessing, identifier)
    ends = [one for one in watcher.take() if one[0] == "ProcessingStopped"]
    assert sorted(ends) == each("ProcessingStopped", ids)


def test_inner_proxies_may_change_behind_the_listeners_backs() -> None:
    """An outer proxy that goes from one inner proxy to another listens there, too."""
    cluster = Cluster(4, outer=1)
    watcher = Watcher(cluster, proxy=0).listen()
    mail = cluster.client("mail-1", "MediaServer", node=1)
    placed(cluster, mail, 1)
    assert len(watcher.take()) == 1
    for number, proxy in enumerate(cluster.proxies):
        core = proxy.core
        if core is not None and len(core._workbins.listeners):
            cluster.kill_proxy(number)
            break
    cluster.run(20)
    placed(cluster, mail, 1)
    assert len(watcher.take()) == 1
    cluster.close()


def test_who_places_it_there_hears_it_after_the_answer(cluster: Cluster) -> None:
    watcher = Watcher(cluster, proxy=0).listen()
    login = m.RequestAgentLogin(tenant_id=1, agent_id="anna", media_list={"email": 1})
    told: list[str] = []
    cluster.finish(watcher.client.request(login))
    mail = cluster.client("mail-1", "MediaServer", proxy=1)
    (identifier,) = placed(cluster, mail, 1)
    watcher.take()
    pull = m.RequestPull(tenant_id=1, view_id="_system_", pull_parameters={identifier: ""})
    answered = watcher.client.request(pull)
    watcher.client.on_event(lambda event: told.append("event"))
    answered.addCallback(lambda answer: told.append("answer"))
    cluster.finish(answered)
    assert watcher.take() == [("TakenOut", identifier)]
    assert told == ["answer", "event"]
    ask(cluster, watcher.client, m.RequestPlaceInWorkbin, identifier, workbin=TEAM)
    assert watcher.take() == [("PlacedIn", identifier)]
    assert cluster.problems() == []


def test_what_is_wrong_is_refused_as_by_one_server(cluster: Cluster) -> None:
    one = Cluster(9, nodes=1, proxies=0)
    nothing = Workbin(workbin_type_id="Nothing", workbin_group_id="loans")
    nobody = Workbin(workbin_type_id="Team")
    begin, end = m.RequestWorkbinNotifications, m.RequestWorkbinCancelNotifications
    found = []
    for servers in (one, cluster):
        client = servers.client("desk", "AgentApplication")
        codes = []
        for kind in (begin, end, m.RequestWorkbinStatistic):
            for workbin in (nothing, nobody, TEAM):
                try:
                    servers.finish(client.request(kind(tenant_id=1, workbin=workbin)))
                    codes.append(0)
                except RequestRefused as refusal:
                    codes.append(refusal.code)
        found.append(codes)
    one.close()
    assert found[0] == found[1]
    assert found[0] == [
        Code.UNKNOWN_WORKBIN, Code.UNKNOWN_OWNER, 0,
        Code.UNKNOWN_WORKBIN, Code.UNKNOWN_OWNER, 0,
        Code.UNKNOWN_WORKBIN, Code.UNKNOWN_OWNER, 0,
    ]  # fmt: skip


def test_who_does_not_listen_is_told_so(cluster: Cluster) -> None:
    client = cluster.client("desk", "AgentApplication")
    request = m.RequestWorkbinCancelNotifications(tenant_id=1, workbin=TEAM)
    with pytest.raises(RequestRefused) as refused:
        cluster.finish(client.request(request))
    assert refused.value.code == Code.NOT_SUBSCRIBED


def test_statistics_are_those_of_all_nodes_together(cluster: Cluster) -> None:
    mail = cluster.client("mail-1", "MediaServer", proxy=1)
    desk = cluster.client("desk", "AgentApplication", proxy=0)
    login = m.RequestAgentLogin(tenant_id=1, agent_id="anna", media_list={"email": 1})
    cluster.finish(desk.request(login))
    ids = placed(cluster, mail, 9)
    placed(cluster, mail, 2, OTHER)
    for identifier in ids[:4]:
        pull = m.RequestPull(tenant_id=1, view_id="_system_", pull_parameters={identifier: ""})
        cluster.finish(desk.request(pull))
    request = m.RequestWorkbinStatistic(tenant_id=1, workbin=TEAM)
    answer = cluster.finish(desk.request(request))
    assert answer.statistics == {
        "Total": 9, "InWorkbin": 5, "Handling": 4, "Routing": 0, "Type.Team": 5, "HeldBy.anna": 4,
    }  # fmt: skip


def test_content_in_an_order_is_whole_and_says_by_what_it_can_be_sorted(cluster: Cluster) -> None:
    """Test idea 20: the union of all nodes, each interaction once; limits are each node's own."""
    mail = cluster.client("mail-1", "MediaServer", proxy=1)
    ids = placed(cluster, mail, 7)
    request = m.RequestGetWorkbinContent(tenant_id=1, workbin=TEAM, order="submitted_at DESC")
    answer = cluster.finish(mail.request(request))
    assert answer.interactions.keys() == answer.sort_keys.keys() == set(ids)
    by_key = sorted(answer.sort_keys, key=lambda identifier: answer.sort_keys[identifier])
    assert by_key == ids[::-1]


def test_limits_of_a_workbins_content_multiply_and_it_says_that_there_is_more() -> None:
    """Test idea 20: the limit multiplies, and the more-flag is right."""
    cluster = Cluster(9, node_settings=NodeSettings(max_workbin_interactions=2))
    mail = cluster.client("mail-1", "MediaServer")
    placed(cluster, mail, 6)
    request = m.RequestGetWorkbinContent(tenant_id=1, workbin=TEAM)
    answer = cluster.finish(mail.request(request))
    assert (len(answer.interactions), answer.have_more) == (6, False)
    placed(cluster, mail, 1)
    answer = cluster.finish(mail.request(request))
    assert (len(answer.interactions), answer.have_more) == (6, True)
    cluster.close()


def test_a_node_whose_backup_takes_over_tells_on() -> None:
    cluster = Cluster(7, nodes=2, pairs=True)
    watcher = Watcher(cluster, proxy=0).listen(notify_property_changes=1, extension=STOPS)
    mail = cluster.client("mail-1", "MediaServer", proxy=1)
    ids = placed(cluster, mail, 4)
    watcher.take()
    cluster.kill_node(0)
    cluster.run(20)
    cluster.settled()
    for identifier in ids:
        ask(cluster, mail, m.RequestStopProcessing, identifier)
    heard = watcher.take()
    for operation in ("TakenOut", "ProcessingStopped"):
        assert sorted(one for one in heard if one[0] == operation) == each(operation, ids)
    cluster.close()
