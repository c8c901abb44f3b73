"""A node comes back as its backup: another server, a newer lease, the same database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.client import Client
from ixproxy.core.links import Link
from ixproxy.core.proxy import ProxyCore
from ixproxy.core.settings import Deployment, ProxySettings
from ixproxy.node.model import NodeSettings
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.members import MemoryProxy, usual_strategies
from ixproxy.testing.memory_nodes import MemoryNode
from ixproxy.testing.memory_servers import node_address
from ixproxy.testing.tenants import TENANT, facts_of
from ixproxy.values import NodeFacts, NodeName, Server
from tests.testing.spare_servers import spare_of

PULL = m.RequestPull(tenant_id=1, view_id="In/All")
SETTINGS = NodeSettings(agent_session_restore_timeout=30.0)


def submit(number: int) -> m.RequestSubmit:
    return m.RequestSubmit(tenant_id=1, media_type="email", queue="In", user_data={"n": number})


def stop(identifier: str) -> m.RequestStopProcessing:
    return m.RequestStopProcessing(tenant_id=1, interaction_id=identifier)


class Pair:
    """A cluster of two nodes, the first of which has a backup that does not run yet."""

    def __init__(self, **settings: Any) -> None:
        self.cluster = cluster = Cluster(12, nodes=2, proxies=0, node_settings=SETTINGS)
        self.primary, self.other = cluster.nodes
        self.backup = spare_of(cluster)
        nodes = [
            self._facts(self.primary, self.primary.name, self.backup.name),
            self._facts(self.other, self.other.name),
        ]
        self.deployment = Deployment(
            {1: facts_of(TENANT)}, {NodeName(node.name): node for node in nodes}
        )
        for number in range(2):
            name = f"proxy{number + 1}"
            options = ProxySettings(name=name, **settings)
            cluster.proxies.append(
                MemoryProxy(
                    name,
                    cluster.clock,
                    cluster.network,
                    options,
                    self.deployment,
                    usual_strategies,
                )
            )
            cluster.start_proxy(number)

    def _facts(self, node: MemoryNode, *servers: str) -> NodeFacts:
        pair = tuple(Server(name, node_address(name)) for name in servers)
        return NodeFacts(NodeName(node.name), node.dbid, frozenset({1}), pairs=(pair,))

    def core(self, proxy: int = 0) -> ProxyCore:
        core = self.cluster.proxies[proxy].core
        assert core is not None
        return core

    def link(self, proxy: int = 0) -> Link:
        return self.core(proxy).link(NodeName(self.primary.name))

    def switch_over(self, gap: float = 2.0) -> None:
        """The primary dies, and its backup takes over after a while."""
        self.primary.kill()
        self.cluster.run(gap)
        self.backup.start()
        self.cluster.run_until(
            lambda: all(self.link(proxy).linked for proxy in range(2)), "nobody is linked again"
        )
        assert self.link().server.name == "node1-b"
        self.cluster.run(1)

    def ids(self, client: Client, count: int = 4) -> list[str]:
        request = self.cluster.finish
        return [request(client.request(submit(n))).interaction_id for n in range(count)]

    def of_pair(self, ids: list[str]) -> list[str]:
        """Those that are on the node of the pair."""
        rows = {row["id"]: row["node"] for row in self.cluster.rows("interactions")}
        return [each for each in ids if rows[each] == self.primary.name]


@pytest.fixture
def pair() -> Iterator[Pair]:
    made = Pair()
    yield made
    close(made)


def close(pair: Pair) -> None:
    pair.backup.kill()
    pair.cluster.close()


def test_what_is_held_stays_held_and_its_clients_notice_nothing(pair: Pair) -> None:
    cluster = pair.cluster
    mail = cluster.client("mail-1", "MediaServer", proxy=0)
    router = cluster.client("router-1", "RoutingEngine", proxy=1)
    ids = pair.ids(mail)
    while len(router.holding) < len(ids):
        cluster.finish(router.request(PULL))
    held = dict(router.holding)
    pair.switch_over()
    assert dict(router.holding) == held
    assert (mail.incarnation, router.incarnation) == (1, 1)
    cluster.run(40)
    assert dict(router.holding) == held, "no session has ended unnoticed"
    for identifier in ids:
        cluster.finish(router.request(stop(identifier)))
    assert cluster.rows("interactions") == []
    assert cluster.problems() == []


def test_owners_are_remembered_and_nothing_is_located_anew(pair: Pair) -> None:
    cluster = pair.cluster
    mail = cluster.client("mail-1", "MediaServer", proxy=0)
    ids = pair.ids(mail)
    pair.switch_over()
    for identifier in ids:
        cluster.finish(mail.request(stop(identifier)))
    assert pair.core().state.counters["located"] == 0
    fresh = pair.ids(mail)
    assert not set(fresh) & set(ids), "ids of the new lease are other ids"
    assert len(pair.of_pair(fresh)) == 2


def test_event_numbers_go_on_where_the_primary_stopped(pair: Pair) -> None:
    cluster = pair.cluster
    mail = cluster.client("mail-1", "MediaServer", proxy=0)
    pair.ids(mail)
    server = pair.primary.server
    assert server is not None
    before = server.state.writer.last_event_number
    epoch = pair.link().server.epoch
    pair.switch_over()
    assert pair.link().server.last_event_number >= before > 0
    assert pair.link().server.epoch == epoch + 1


def test_an_agent_is_logged_in_at_the_backup_and_gets_work_there(pair: Pair) -> None:
    cluster = pair.cluster
    desk = cluster.client("desk-1", "AgentApplication", proxy=0)
    forced: list[Any] = []
    desk.on_event(
        lambda event: (
            forced.append(event) if isinstance(event, m.EventForcedAgentStateChange) else None
        )
    )
    login = m.RequestAgentLogin(tenant_id=1, agent_id="anna", media_list={"email": 1})
    cluster.finish(desk.request(login))
    pair.switch_over()
    rows = cluster.rows("agents")
    assert [row["node"] for row in rows] == ["node1", "node2"]
    assert len({(row["number"], row["dbid"], str(row["media"])) for row in rows}) == 1
    assert len(pair.core()._agents.sessions.lacking) == 0
    mail = cluster.client("mail-1", "MediaServer", proxy=1)
    ids = pair.ids(mail)
    named = m.RequestPull(tenant_id=1, view_id="_system_", pull_parameters=dict.fromkeys(ids, ""))
    assert sorted(cluster.finish(desk.request(named)).interactions) == sorted(ids)
    cluster.run(40)
    assert sorted(desk.holding) == sorted(ids)
    assert forced == []
    assert cluster.problems() == []


def test_a_stream_goes_on_and_tells_nothing_twice(pair: Pair) -> None:
    cluster = pair.cluster
    told: list[Any] = []
    reporter = cluster.client("stat-1", "ReportingEngine", proxy=0)
    reporter.on_event(told.append)
    cluster.finish(reporter.request(m.RequestStartPlaceAgentStateReportingAll()))
    desk = cluster.client("desk-1", "AgentApplication", proxy=1)
    login = m.RequestAgentLogin(tenant_id=1, agent_id="anna", media_list={"email": 1})
    cluster.finish(desk.request(login))
    mail = cluster.client("mail-1", "MediaServer", proxy=0)
    before = pair.ids(mail)
    pair.switch_over()
    after = pair.ids(mail)
    cluster.run(2)
    submitted = [
        each.interaction_id for each in told if isinstance(each, m.EventInteractionSubmitted)
    ]
    assert submitted == before + after
    assert len([each for each in told if isinstance(each, m.EventAgentLogin)]) == 1
    numbers = [
        each.reporting_event_sequence_number
        for each in told
        if getattr(each, "reporting_event_sequence_number", 0)
    ]
    assert numbers == sorted(set(numbers))


def test_statuses_of_agents_reach_who_listens_by_way_of_the_backup(pair: Pair) -> None:
    cluster = pair.cluster
    heard: list[Any] = []
    router = cluster.client("router-1", "RoutingEngine", proxy=0)
    router.on_event(heard.append)
    names = [f"agent-{number}" for number in range(6)]
    topics = {f"{TENANT.id}@place of {name}": 1 for name in names}
    cluster.finish(router.request(m.RequestSubscribe(tenant_id=1, ps_topic_list=topics)))
    for name in names:
        desk = cluster.client(f"desk of {name}", "AgentApplication", proxy=1)
        login = m.RequestAgentLogin(tenant_id=1, agent_id=name, place_id=f"place of {name}")
        cluster.finish(desk.request(login))
    reporter = cluster.client("stat-1", "ReportingEngine", proxy=1)
    pair.switch_over()
    heard.clear()
    for name in names:
        status = m.EventCurrentAgentStatus(
            tenant_id=1,
            agent_id=name,
            place_id=f"place of {name}",
            media_state_list={"email": 4},
        )
        reporter.send(status)
    cluster.run(1)
    assert sorted(event.agent_id for event in heard) == names


def test_with_parking_the_backup_does_what_was_asked_of_the_primary() -> None:
    pair = Pair(parking_window=10.0)
    cluster = pair.cluster
    mail = cluster.client("mail-1", "MediaServer", proxy=0)
    ids = pair.ids(mail, 6)
    mine = pair.of_pair(ids)
    pair.primary.kill()
    cluster.run(0.5)
    found: list[Any] = []
    for identifier in ids:
        mail.request(stop(identifier)).addBoth(found.append)
    cluster.run(1)
    assert len(found) == len(ids) - len(mine)
    pair.switch_over(1.0)
    assert [type(each) for each in found] == [m.EventAck] * len(ids)
    assert cluster.rows("interactions") == []
    close(pair)
