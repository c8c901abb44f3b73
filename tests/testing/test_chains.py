"""Proxies behind proxies: what goes through, what is lost with one of them, and what is found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent
from twisted.python.failure import Failure

from ixproxy import messages as m
from ixproxy.client import Client
from ixproxy.core.settings import ProxySettings
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages.message import Message
from ixproxy.node.model import NodeSettings
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.members import MemoryProxy, deployment_behind, usual_strategies
from ixproxy.testing.tenants import TENANT
from ixproxy.wire.codec import decode
from ixproxy.wire.frames import FrameReader
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import read_frame

SUBMIT = m.RequestSubmit(tenant_id=1, media_type="email", queue="In", user_data={"x": 1})
PULL = m.RequestPull(tenant_id=1, view_id="In/All")
LOGIN = m.RequestAgentLogin(tenant_id=1, agent_id="anna", media_list={"email": 1})
SOON = NodeSettings(agent_session_restore_timeout=20.0)


def stop(identifier: str) -> m.RequestStopProcessing:
    return m.RequestStopProcessing(tenant_id=1, interaction_id=identifier)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    made = Cluster(5, nodes=3, proxies=2, outer=2, node_settings=SOON)
    yield made
    made.close()


def behind(cluster: Cluster, outer: int = 0) -> int:
    """Which of the inner proxies an outer one is linked with."""
    core = cluster.outers[outer].core
    assert core is not None
    (link,) = core.state.links.values()
    return [proxy.name for proxy in cluster.proxies].index(link.server.name)


class Heard:
    """All requests that are written from one host to others."""

    def __init__(self, cluster: Cluster, source: Callable[[str], bool]) -> None:
        self.requests: list[tuple[str, str, Message]] = []
        self._readers: dict[tuple[str, str], FrameReader] = {}
        self._source = source
        cluster.network.tap = self._wrote

    def _wrote(self, one: str, other: str, raw: bytes) -> None:
        if self._source(one):
            for each in self._readers.setdefault((one, other), FrameReader()).feed(raw):
                assert isinstance(each, bytes)
                frame = read_frame(each)
                if frame.kind == Kind.REQUEST:
                    self.requests.append((one, other, decode(frame)))

    def of(self, kind: type[Message]) -> list[tuple[str, Message]]:
        return [(other, each) for _, other, each in self.requests if isinstance(each, kind)]


def outcome(asked: Deferred[Any]) -> list[Any]:
    """What a request comes to, and how often."""
    outcomes: list[Any] = []
    asked.addBoth(outcomes.append)
    return outcomes


def code_of(result: Any) -> int:
    if isinstance(result, Failure):
        assert isinstance(result.value, RequestRefused)
        return result.value.code
    return 0


def test_ids_errors_and_traces_pass_two_levels_as_they_are(cluster: Cluster) -> None:
    """Test idea 55: two levels, ids, errors and tracing."""
    heard = Heard(cluster, lambda host: host.startswith("proxy"))
    trace = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    server = cluster.client("mail-1", "MediaServer")
    submit = m.RequestSubmit(tenant_id=1, media_type="email", queue="In", extension=trace)
    ids = [cluster.finish(server.request(submit)).interaction_id for _ in range(6)]
    assert {each.extension["traceparent"] for _, each in heard.of(m.RequestSubmit)} == {
        trace["traceparent"]
    }
    for request, code in (
        (stop("nobody"), Code.UNKNOWN_INTERACTION),
        (stop(""), Code.NOT_ACCESSIBLE),
        (m.RequestPing(), Code.UNSUPPORTED_OPERATION),
        (m.RequestSubmit(tenant_id=1, media_type="email", queue="Nowhere"), Code.UNKNOWN_QUEUE),
        (m.RequestSubmit(tenant_id=1, media_type="telex", queue="In"), Code.NOT_ACCESSIBLE),
        (m.RequestSubmit(tenant_id=9, media_type="email", queue="In"), Code.NOT_ACCESSIBLE),
    ):
        with pytest.raises(RequestRefused) as refusal:
            cluster.finish(server.request(request))
        assert refusal.value.code == code, request
    for identifier in ids:
        cluster.finish(server.request(stop(identifier)))
    assert cluster.rows("interactions") == []


def test_registrations_and_logs_name_all_proxies_on_the_way(cluster: Cluster) -> None:
    inner = cluster.proxies[behind(cluster, 1)].name
    heard = Heard(cluster, lambda host: host.startswith("proxy"))
    with capturedLogs() as captured:
        client = cluster.client("mail-1", "MediaServer", proxy=1)
    paths = {tuple(each.path) for _, each in heard.of(m.RequestRegisterClient)}  # type: ignore[attr-defined]
    assert paths == {("outer2", inner)}
    assert client.server.path == ["outer2", inner]
    said = Counter(str(formatEvent(event)) for event in captured)
    assert said[f"Client mail-1 through outer2, {inner} is registered"] == 3, "on each node"
    assert said["Client mail-1 through outer2 is registered"] == 1, "on the inner proxy"
    assert said["Client mail-1 is registered"] == 1
    assert client.session.hex() not in str(said)


def test_the_loss_of_an_outer_proxy_reaches_each_node_as_one_message(cluster: Cluster) -> None:
    """Test idea 55: the panic shield of the nodes sees one loss, and who was in it."""
    clients = [cluster.client(f"desk-{n}", "AgentApplication", proxy=0) for n in range(5)]
    heard = Heard(cluster, lambda host: host.startswith("proxy"))
    cluster.kill_outer(0)
    cluster.run(0.02)
    gone = heard.of(m.RequestClientsGone)
    assert sorted(node for node, _ in gone) == ["node1", "node2", "node3"]
    for _, message in gone:
        assert isinstance(message, m.RequestClientsGone)
        assert len(message.clients) == len(clients)
        assert message.application_name == "outer1"


def test_the_loss_of_an_inner_proxy_moves_all_that_its_clients_have(cluster: Cluster) -> None:
    """Test idea 55: clients, holdings and agents are on the other one, and nothing is doubled."""
    server = cluster.client("mail-1", "MediaServer", proxy=0)
    for _ in range(6):
        cluster.finish(server.request(SUBMIT))
    router = cluster.client("router-1", "RoutingEngine", proxy=0)
    desk = cluster.client("desk-1", "AgentApplication", proxy=0)
    stamp = cluster.finish(desk.request(LOGIN)).agent_session
    for client in (router, desk):
        for _ in range(2):
            cluster.finish(client.request(PULL))
    held = [dict(router.holding), dict(desk.holding)]
    used = behind(cluster)
    heard = Heard(cluster, lambda host: host.startswith("outer"))
    cluster.kill_proxy(used)
    cluster.run(6)
    assert behind(cluster) == 1 - used
    assert heard.of(m.RequestConfirmSession)
    assert [dict(router.holding), dict(desk.holding)] == held
    assert (router.incarnation, desk.incarnation) == (1, 1), "clients notice nothing"
    assert cluster.problems() == []
    rows = cluster.rows("agents")
    assert {(row["number"], row["dbid"]) for row in rows} == {stamp}
    assert len(rows) == 3
    assert len(cluster.finish(desk.request(PULL)).interactions) == 1, "still logged in"
    cluster.run(30)
    assert cluster.problems() == [], "no session has expired"
    for client in (router, desk):
        for identifier in list(client.holding):
            cluster.finish(client.request(stop(identifier)))


@pytest.mark.parametrize("outer", [0, 2], ids=["one level", "two levels"])
def test_what_is_in_flight_when_a_proxy_is_lost_is_answered_once(outer: int) -> None:
    """Test idea 53: each request of each client gets exactly one answer."""
    for seed in range(12):
        cluster = Cluster(seed, nodes=3, proxies=2, outer=outer)
        clients = [cluster.client(f"mail-{n}", "MediaServer", proxy=0) for n in range(3)]
        asked = [outcome(client.request(SUBMIT)) for client in clients for _ in range(20)]
        cluster.run(Random(seed).random() * 0.012)
        cluster.kill_proxy(behind(cluster) if outer else 0)
        cluster.run(20)
        assert [len(outcomes) for outcomes in asked] == [1] * len(asked)
        codes = Counter(code_of(outcomes[0]) for outcomes in asked)
        assert codes.keys() <= {0, Code.LOST_CONNECTION, Code.NO_SERVERS, Code.NOT_ACCESSIBLE}
        stored = len(cluster.rows("interactions"))
        assert codes[0] <= stored <= codes[0] + codes[Code.LOST_CONNECTION]
        assert all(client.in_flight == 0 for client in clients)
        cluster.close()


def test_a_cancelled_pull_is_cancelled_on_the_node_and_a_held_one_gives_up_its_place(
    cluster: Cluster,
) -> None:
    router = cluster.client("router-1", "RoutingEngine")
    server = cluster.client("mail-1", "MediaServer")
    held = m.RequestPull(tenant_id=1, view_id="In/All", extension={"pull-for-strategy": 1})
    asked = router.request(held)
    outcomes = outcome(asked)
    cluster.run(0.5)
    asked.cancel()
    cluster.run(0.5)
    assert len(outcomes) == 1
    cluster.finish(server.request(SUBMIT))
    cluster.run(1)
    assert [row["state"] for row in cluster.rows("interactions")] == [0], "nobody took it"


def test_a_goodbye_through_two_levels_returns_all_at_once(cluster: Cluster) -> None:
    server = cluster.client("mail-1", "MediaServer")
    router = cluster.client("router-1", "RoutingEngine")
    cluster.finish(server.request(SUBMIT))
    cluster.finish(router.request(PULL))
    cluster.finish(router.close())
    cluster.run(1)
    assert [row["state"] for row in cluster.rows("interactions")] == [0]


def test_a_client_that_goes_to_another_outer_proxy_leaves_its_older_self_refused(
    cluster: Cluster,
) -> None:
    server = cluster.client("mail-1", "MediaServer")
    router = cluster.client("router-1", "RoutingEngine", proxy=[0, 1])
    cluster.finish(server.request(SUBMIT))
    cluster.finish(router.request(PULL))
    before = router.server.name
    cluster.kill_outer([outer.name for outer in cluster.outers].index(before))
    cluster.run(3)
    assert router.server.name != before
    assert router.incarnation == 2
    assert len(router.holding) == 1
    assert cluster.problems() == []


def test_an_inner_proxy_that_was_left_behind_cannot_take_its_clients_back(
    cluster: Cluster,
) -> None:
    """It has not noticed that the outer one is gone, and registers its clients on a node anew."""
    server = cluster.client("mail-1", "MediaServer", proxy=0)
    router = cluster.client("router-1", "RoutingEngine", proxy=0)
    for _ in range(3):
        cluster.finish(server.request(SUBMIT))
    for _ in range(3):
        cluster.finish(router.request(PULL))
    left = behind(cluster)
    _half_open(cluster, "outer1", cluster.proxies[left].name)
    cluster.run(9)
    assert behind(cluster) == 1 - left
    for node in cluster.nodes:
        cluster.network.lose(cluster.proxies[left].name, node.name)
    cluster.run(1)
    assert cluster.problems() == []
    for identifier in list(router.holding)[:2]:
        cluster.finish(router.request(stop(identifier)))
    cluster.heal("outer1", cluster.proxies[left].name)
    # Long enough for the one that was left behind to notice, and for sessions to end.
    cluster.run(60)
    assert len(router.holding) == 1
    assert cluster.problems() == []


def _half_open(cluster: Cluster, one: str, other: str) -> None:
    """The first of two hosts loses the connection, and the other hears of nothing."""
    cluster.cut(one, other)
    for end in cluster.network.ends(one, other):
        end.break_now()


@pytest.mark.parametrize("who", ["the first", "the last"])
def test_proxies_in_a_circle_find_it_and_the_others_go_on(who: str) -> None:
    """Test idea 55, the loop guard: two proxies that name each other, and nodes behind one."""
    cluster = Cluster(3, nodes=1, proxies=1)
    one, two = (_proxy(cluster, name) for name in ("left", "right"))
    for proxy, other in ((one, two), (two, one)):
        proxy._deployment = deployment_behind([other], [TENANT])
    with capturedLogs() as captured:
        for proxy in (one, two) if who == "the first" else (two, one):
            proxy.start()
            cluster.run(2)
        cluster.run(20)
    said = [str(formatEvent(event)) for event in captured]
    assert any("leads back to" in line and "form a loop" in line for line in said), said
    assert one.linked + two.linked == 1, "one may stand behind the other, but not the reverse"
    server = cluster.client("mail-1", "MediaServer")
    cluster.finish(server.request(SUBMIT))
    one.kill()
    two.kill()
    cluster.close()


def test_three_levels_serve_as_two_do() -> None:
    cluster = Cluster(4, nodes=2, proxies=1, outer=1)
    top = _proxy(cluster, "top")
    top._deployment = deployment_behind(cluster.outers, [TENANT])
    top.start()
    cluster.run(2)
    cluster.fronts = [top]
    server = cluster.client("mail-1", "MediaServer")
    assert server.server.path == ["top", "outer1", "proxy1"]
    ack = cluster.finish(server.request(SUBMIT))
    desk = cluster.client("desk-1", "AgentApplication")
    cluster.finish(desk.request(LOGIN))
    assert list(cluster.finish(desk.request(PULL)).interactions) == [ack.interaction_id]
    cluster.network.lose("top", "outer1")
    cluster.network.lose("outer1", "proxy1")
    cluster.run(10)
    assert cluster.problems() == []
    cluster.finish(desk.request(stop(ack.interaction_id)))
    top.kill()
    cluster.close()


def _proxy(cluster: Cluster, name: str) -> MemoryProxy:
    """A proxy in the cluster's network, whose upstream is named afterwards."""
    return MemoryProxy(
        name,
        cluster.clock,
        cluster.network,
        ProxySettings(name=name),
        deployment_behind(cluster.proxies, [TENANT]),
        usual_strategies,
    )


def test_what_waits_is_known_in_front_of_all_proxies(cluster: Cluster) -> None:
    server: Client = cluster.client("mail-1", "MediaServer")
    for _ in range(6):
        cluster.finish(server.request(SUBMIT))
    cluster.run(3)
    for outer in cluster.outers:
        assert outer.core is not None
        (link,) = outer.core.state.links.values()
        assert link.loads[1].queues == {"In": 6}
        assert link.loads[1].media_types == {"email"}
