"""Reporting through proxies in front of real nodes: one stream, whatever is behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from ixproxy import messages as m
from ixproxy.client import Client
from ixproxy.core.composing import Composer
from ixproxy.errors import RequestRefused
from ixproxy.messages.message import Event
from ixproxy.node.model import NodeSettings
from ixproxy.testing.cluster import Cluster

ALL = m.RequestStartPlaceAgentStateReportingAll()
NO_MORE = m.RequestStopPlaceAgentStateReportingAll()
SUBMIT = m.RequestSubmit(tenant_id=1, media_type="email", queue="In", user_data={"x": 1})
PULL = m.RequestPull(tenant_id=1, view_id="In/All")
TENANT = frozenset({1})
LONG = NodeSettings(agent_session_restore_timeout=600.0)


class Watcher:
    """
    A reporting client that keeps all it was told, and what follows from it.

    :ivar composer: says what agents are like by what was told; it counts gaps.
    """

    def __init__(self, cluster: Cluster, name: str, **where: Any) -> None:
        self.client = cluster.client(name, "ReportingEngine", **where)
        self.events: list[Event] = []
        self.composer = Composer()
        self.client.on_event(self._heard)
        cluster.finish(self.client.request(ALL))

    def _heard(self, event: Any) -> None:
        self.events.append(event)
        if isinstance(event, m.EventActivityReport) and event.activity == "Begin":
            self.composer.source_joined("", 0)
        self.composer.event_received("", event)

    def named(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def happened(self) -> Counter[tuple[Any, ...]]:
        """What the events are about, whatever their order."""
        return Counter(
            about(event)
            for event in self.events
            if event.reporting_event_sequence_number
            and not isinstance(event, m.EventActivityReport)
        )

    @property
    def agents(self) -> list[Any]:
        return agents_of(self.composer)


def about(event: Any) -> tuple[Any, ...]:
    return (
        type(event).__name__,
        getattr(event, "agent_id", ""),
        getattr(event, "interaction_id", ""),
        getattr(event, "agent_session", None),
    )


def agents_of(composer: Composer) -> list[Any]:
    """All agents as they are, but for when and by which event."""
    return [
        (each.agent_id, each.place_id, each.agent_session, each.media_list, set(each.interactions))
        for each in composer.states(TENANT)
    ]


def desk(cluster: Cluster, agent: str, proxy: int, **more: Any) -> Client:
    client = cluster.client(f"desk-{agent}", "AgentApplication", proxy=proxy)
    login(cluster, client, agent, **more)
    return client


def login(cluster: Cluster, client: Client, agent: str, **more: Any) -> None:
    request = m.RequestAgentLogin(tenant_id=1, agent_id=agent, media_list={"email": 1}, **more)
    cluster.finish(client.request(request))


def submit(cluster: Cluster, client: Client, number: int) -> list[str]:
    return [cluster.finish(client.request(SUBMIT)).interaction_id for _ in range(number)]


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    made = Cluster(11, nodes=3, proxies=2, node_settings=LONG)
    yield made
    made.close()


def test_agents_of_two_proxies_are_seen_alike_at_both(cluster: Cluster) -> None:
    """Test idea 40: no login twice, no event before the login, none after the logout."""
    watchers = [Watcher(cluster, f"stat-{number}", proxy=number) for number in range(2)]
    mail = cluster.client("mail", "MediaServer", proxy=0)
    desks = {name: desk(cluster, name, number % 2) for number, name in enumerate("abcd")}
    submit(cluster, mail, 6)
    for client in desks.values():
        for identifier in cluster.finish(client.request(PULL)).interactions:
            stop = m.RequestStopProcessing(tenant_id=1, interaction_id=identifier)
            cluster.finish(client.request(stop))
    for name, client in desks.items():
        cluster.finish(client.request(m.RequestAgentLogout(tenant_id=1, agent_id=name)))
    cluster.run(1.0)
    assert watchers[0].happened == watchers[1].happened
    for watcher in watchers:
        numbers = [event.reporting_event_sequence_number for event in watcher.events[2:]]
        assert numbers == list(range(1, len(numbers) + 1))
        for name in desks:
            mine = [event for event in watcher.events if getattr(event, "agent_id", "") == name]
            kinds = [type(event) for event in mine]
            assert (kinds[0], kinds[-1]) == (m.EventAgentLogin, m.EventAgentLogout)
            assert (kinds.count(m.EventAgentLogin), kinds.count(m.EventAgentLogout)) == (1, 1)


def test_who_comes_in_mid_flight_knows_what_who_was_there_knows(cluster: Cluster) -> None:
    """Test idea 43."""
    early = Watcher(cluster, "early", proxy=0)
    mail = cluster.client("mail", "MediaServer", proxy=0)
    anna = desk(cluster, "anna", 0)
    submit(cluster, mail, 3)
    cluster.finish(anna.request(PULL))
    late = Watcher(cluster, "late", proxy=0)
    other = Watcher(cluster, "other", proxy=1)
    desk(cluster, "bert", 1)
    cluster.finish(anna.request(PULL))
    cluster.run(1.0)
    assert early.agents
    assert early.agents == late.agents == other.agents
    assert len(early.agents[0][4]) == 2, "with what she has in hand"


def test_a_minute_without_a_node_logs_nobody_out_and_nobody_in_again(cluster: Cluster) -> None:
    """Test idea 45."""
    watcher = Watcher(cluster, "stat", proxy=0)
    desk(cluster, "anna", 0)
    desk(cluster, "bert", 1)
    cluster.run(1.0)
    before = watcher.agents
    cluster.kill_node(0)
    cluster.run(60.0)
    cluster.start_node(0)
    cluster.run(5.0)
    assert watcher.agents == before
    assert not watcher.named(m.EventAgentLogout)
    assert len(watcher.named(m.EventAgentLogin)) == 2
    mail = cluster.client("mail", "MediaServer", proxy=0)
    mine = submit(cluster, mail, 6)
    cluster.run(1.0)
    submitted = {event.interaction_id for event in watcher.named(m.EventInteractionSubmitted)}
    assert submitted == set(mine), "the node that came back is heard again"


def test_the_same_through_a_proxy_and_of_all_nodes_directly(cluster: Cluster) -> None:
    """Test idea 48."""
    through = Watcher(cluster, "stat", proxy=0)
    direct = Composer()
    for number, node in enumerate(cluster.nodes):
        client = cluster.client(f"direct-{number}", "ReportingEngine", node=number)

        def heard(event: Any, name: str = node.name, dbid: int = 101 + number) -> None:
            if isinstance(event, m.EventActivityReport) and event.activity == "Begin":
                direct.source_joined(name, dbid)
            direct.event_received(name, event)

        client.on_event(heard)
        cluster.finish(client.request(ALL))
    mail = cluster.client("mail", "MediaServer", proxy=1)
    anna = desk(cluster, "anna", 0)
    desk(cluster, "bert", 1)
    cluster.finish(
        anna.request(
            m.RequestNotReadyForMedia(tenant_id=1, agent_id="anna", media_type_name="email")
        )
    )
    submit(cluster, mail, 4)
    cluster.finish(anna.request(PULL))
    cluster.run(1.0)
    assert through.agents
    assert through.agents == agents_of(direct)
    assert not direct.wants_restart


def test_nodes_tell_nothing_when_nobody_reports(cluster: Cluster) -> None:
    """Test idea 44: the last subscriber gone, the upstream dropped."""
    first = Watcher(cluster, "stat", proxy=0)
    cluster.run(1.0)
    core = cluster.proxies[0].core
    assert core is not None
    cluster.finish(first.client.request(NO_MORE))
    desk(cluster, "anna", 0)
    cluster.run(1.0)
    assert len(first.events) == 2
    assert not core.state.counters["composed events"]
    again = Watcher(cluster, "again", proxy=0)
    cluster.run(1.0)
    assert [agent[0] for agent in again.agents] == ["anna"]


def test_a_filter_that_makes_no_sense_is_refused_by_node_and_proxy_alike(
    cluster: Cluster,
) -> None:
    wrong = replace(ALL, filter={"Colour": {"red": 1}})
    said = []
    for where in ({"proxy": 0}, {"node": 0}):
        client = cluster.client("stat", "ReportingEngine", **where)
        with pytest.raises(RequestRefused) as refused:
            cluster.finish(client.request(wrong))
        said.append((refused.value.code, refused.value.description))
    assert said[0] == said[1]
    assert "Colour" in said[0][1]


def test_a_reporting_client_that_lost_its_proxy_gets_its_stream_of_another(
    cluster: Cluster,
) -> None:
    watcher = Watcher(cluster, "stat", proxy=[0, 1])
    desk(cluster, "anna", 1)
    cluster.run(1.0)
    cluster.kill_proxy(0)
    desk(cluster, "bert", 1)
    cluster.run(30.0)
    assert [agent[0] for agent in watcher.agents] == ["anna", "bert"]


@pytest.fixture
def chained() -> Iterator[Cluster]:
    made = Cluster(5, nodes=2, proxies=2, outer=2, node_settings=LONG)
    yield made
    made.close()


def test_a_proxy_behind_a_proxy_composes_what_is_composed(chained: Cluster) -> None:
    watchers = [Watcher(chained, f"stat-{number}", proxy=number) for number in range(2)]
    mail = chained.client("mail", "MediaServer", proxy=0)
    anna = desk(chained, "anna", 0)
    desk(chained, "bert", 1)
    submit(chained, mail, 3)
    chained.finish(anna.request(PULL))
    chained.run(1.0)
    one, other = watchers
    assert [agent[0] for agent in one.agents] == ["anna", "bert"]
    assert one.agents == other.agents
    assert one.happened == other.happened
    assert len(one.named(m.EventAgentLogin)) == 2


def test_an_inner_proxy_that_dies_changes_nothing_for_who_reports(chained: Cluster) -> None:
    watcher = Watcher(chained, "stat", proxy=0)
    desk(chained, "anna", 0)
    desk(chained, "bert", 1)
    chained.run(1.0)
    before = watcher.agents
    assert len(before) == 2
    core = chained.outers[0].core
    assert core is not None
    (link,) = core.state.links.values()
    chained.kill_proxy([proxy.name for proxy in chained.proxies].index(link.server.name))
    chained.run(60.0)
    assert watcher.agents == before
    assert not watcher.named(m.EventAgentLogout)
    assert len(watcher.named(m.EventAgentLogin)) == 2


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_all_know_the_same_in_the_end(seed: int) -> None:
    """Test ideas 40, 41 and 43, by chance."""
    cluster, random = Cluster(seed, nodes=3, proxies=2, node_settings=LONG), Random(seed)
    try:
        watchers = [Watcher(cluster, "stat-0", proxy=0), Watcher(cluster, "stat-1", proxy=1)]
        mail = cluster.client("mail", "MediaServer")
        desks = {name: desk(cluster, name, number % 2) for number, name in enumerate("abc")}
        away: list[int] = []
        for step in range(25):
            name = random.choice(sorted(desks))
            try:
                match random.randrange(7):
                    case 0 | 1:
                        submit(cluster, mail, 1)
                    case 2:
                        cluster.finish(desks[name].request(PULL))
                    case 3:
                        out = m.RequestAgentLogout(tenant_id=1, agent_id=name)
                        cluster.finish(desks[name].request(out))
                    case 4:
                        login(cluster, desks[name], name)
                    case 5 if not away:
                        away.append(random.randrange(3))
                        cluster.kill_node(away[0])
                    case 6 if away:
                        cluster.start_node(away.pop())
                    case _:
                        watchers.append(Watcher(cluster, f"late-{step}", proxy=random.randrange(2)))
            except RequestRefused:
                pass
            cluster.run(random.choice((0.0, 0.1, 2.0)))
        if away:
            cluster.start_node(away.pop())
        cluster.run(30.0)
        for watcher in watchers:
            assert watcher.agents == watchers[0].agents
            assert not watcher.composer.wants_restart, watcher.composer.counters
            open_sessions: set[Any] = set()
            for event in watcher.named(m.EventAgentLogin) + watcher.named(m.EventAgentLogout):
                key = type(event), event.agent_id, event.agent_session
                assert key not in open_sessions, "told twice"
                open_sessions.add(key)
    finally:
        cluster.close()
