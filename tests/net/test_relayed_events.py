"""Events that clients send to a node: relayed, or counted, and never answered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ixproxy import messages as m
from ixproxy.net.node_limits import NodeLimits
from ixproxy.wire.codec import encode
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Flag, write_frame
from tests.net.node_rig import NodeRig, RawPeer

STATUS = m.EventCurrentAgentStatus(
    tenant_id=1, agent_id="kim", media_capacity_list={"email": 1}, donot_disturb=1
)


@pytest.fixture
def rig() -> Iterator[NodeRig]:
    made = NodeRig().start()
    yield made
    made.stop()


def desk(rig: NodeRig) -> RawPeer:
    """A desktop with an agent."""
    peer = rig.client("AgentApplication")
    peer.ask(m.RequestAgentLogin(tenant_id=1, agent_id="kim", place_id="desk-1"))
    return peer


def send(rig: NodeRig, peer: RawPeer, raw: bytes) -> None:
    peer.write(raw)
    rig.settle()


def test_a_status_goes_from_a_reporting_client_to_the_agents_client(rig: NodeRig) -> None:
    kim, stat = desk(rig), rig.client("ReportingEngine")
    number = len(stat.frames)
    send(rig, stat, encode(STATUS))
    (event,) = kim.events()
    assert event.media_capacity_list == {"email": 1}
    assert event.donot_disturb == 1
    assert len(stat.frames) == number, "an event has no answer"


def test_and_so_it_does_behind_a_proxy(rig: NodeRig) -> None:
    proxy = rig.proxy()
    kim = proxy.number("AgentApplication")
    login = m.RequestAgentLogin(tenant_id=1, agent_id="kim", provisional=True)
    stamp = proxy.ask(login, client=kim).agent_session
    proxy.ask(
        m.RequestConfirmSession(tenant_id=1, agent_id="kim", agent_session=stamp), client=kim
    )
    stat = proxy.number("ReportingEngine")
    send(rig, proxy, encode(STATUS, client=stat))
    assert [type(event) for event in proxy.events(kim)] == [m.EventCurrentAgentStatus]


@pytest.mark.parametrize(
    ("counter", "raw"),
    [
        ("bad frames", write_frame(Kind.EVENT, 1106, tenant=1, agent=b"kim", body=b"\xc1")),
        ("bad frames", encode(STATUS, flags=Flag.COMPRESSED)),
        ("events refused", write_frame(Kind.EVENT, 65_000)),
        ("events refused", encode(m.EventAgentLogin(tenant_id=1, agent_id="kim"))),
        ("events refused", encode(STATUS, client=9)),
        ("events refused", write_frame(Kind.EVENT, 10, tenant=1, agent=b"kim")),
    ],
)
def test_what_is_wrong_is_counted_and_nothing_else(
    rig: NodeRig, counter: str, raw: bytes
) -> None:
    kim, stat = desk(rig), rig.client("ReportingEngine")
    number = len(stat.frames)
    send(rig, stat, raw)
    assert rig.server.state.counters[counter] == 1
    assert kim.events() == []
    assert stat.open
    assert len(stat.frames) == number


def test_who_may_not_send_it_or_is_not_registered_is_not_heard(rig: NodeRig) -> None:
    kim = desk(rig)
    for peer in (rig.client("MediaServer"), rig.peer(), kim):
        send(rig, peer, encode(STATUS))
    assert rig.server.state.counters["events refused"] == 3
    assert kim.events() == []


def test_a_tenant_that_is_not_the_clients_is_none(rig: NodeRig) -> None:
    kim, stat = desk(rig), rig.client("ReportingEngine")
    send(rig, stat, encode(m.EventCurrentAgentStatus(tenant_id=9, agent_id="kim")))
    assert kim.events() == []
    assert stat.open


def test_a_flood_of_them_is_left_unread_and_keeps_nobody_from_asking() -> None:
    rig = NodeRig(NodeLimits(client_window=10, max_current_request_queue_size=50)).start()
    kim, stat = desk(rig), rig.client("ReportingEngine")
    rig.writer.paused = True
    for _ in range(500):
        stat.write(encode(STATUS))
    rig.settle()
    assert rig.server.writer.waiting <= 50
    assert rig.server.state.counters["events dropped"] == 0
    reference = kim.send(m.RequestPing())
    rig.settle()
    rig.writer.resume()
    rig.run(5)
    assert len(kim.answers(reference)) == 1
    assert len(kim.events()) == 500
    rig.stop()


def test_a_lost_proxy_is_one_loss_by_its_name_and_a_lost_client_by_its_own(rig: NodeRig) -> None:
    proxy = rig.proxy("proxy7")
    numbers = [
        proxy.number("AgentApplication", client_name="desk", session=bytes([at]) * 16)
        for at in range(3)
    ]
    alone = rig.client("AgentApplication", client_name="alone", session=b"a" * 16)
    gone = m.RequestClientsGone(clients=numbers[:1], application_name="proxy0")
    proxy.ask(gone)
    batches = rig.server.writer.works
    proxy.lose()
    assert rig.server.writer.works == batches + 2, "the proxy's own client cannot come back"
    alone.lose()
    lost = {row["client_name"]: row["lost_with"] for row in rig.rows("sessions")}
    names = sorted(row["lost_with"] for row in rig.rows("sessions"))
    assert names == ["alone", "proxy0", "proxy7", "proxy7"]
    assert lost["alone"] == "alone"


def test_a_proxy_that_says_goodbye_loses_its_clients_by_its_name(rig: NodeRig) -> None:
    proxy = rig.proxy("proxy7")
    proxy.number("AgentApplication", client_name="desk", session=b"s" * 16)
    proxy.ask(m.RequestUnregisterClient())
    assert [row["lost_with"] for row in rig.rows("sessions")] == ["proxy7"]
