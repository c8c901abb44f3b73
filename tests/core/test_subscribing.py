"""Topics through a proxy: listened to on every node, published on one."""

from __future__ import annotations

import pytest

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventError,
    EventExternalServiceRequested,
    RequestAgentAvailable,
    RequestNotify,
    RequestPublish,
    RequestRegisterClient,
    RequestStartExternalServiceReporting,
    RequestStopExternalServiceReporting,
)
from ixproxy.messages.message import Request
from ixproxy.values import rendezvous
from ixproxy.wire.codec import encode
from ixproxy.wire.names import Kind, code_of
from ixproxy.wire.prefix import Flag, write_frame
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, decode, only
from tests.core.test_standing import subscribe, unsubscribe

NODES = (EAST, NORTH, WEST)


def accepted(rig: Rig, expected: Request, *nodes: str) -> None:
    for node in nodes or NODES:
        frame = only(rig.sent(node))  # type: ignore[arg-type]
        assert decode(frame) == expected
        rig.answer(node, frame, EventAck())  # type: ignore[arg-type]


def subscribed(*topics: str) -> tuple[Rig, int]:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, subscribe(*topics))
    accepted(rig, subscribe(*topics))
    assert isinstance(only(rig.got(peer)), EventAck)
    return rig, peer


def test_a_subscription_is_made_on_all_nodes_and_told_to_one_that_returns() -> None:
    rig, peer = subscribed("1@p1", "1@p2")
    rig.ask(peer, unsubscribe("1@p1"))
    accepted(rig, unsubscribe("1@p1"))
    rig.got(peer)
    rig.lose(WEST)
    rig.link(WEST)
    assert not rig.core.link(WEST).linked, "it is not offered before it knows who listens"
    accepted(rig, subscribe("1@p2"), WEST)
    assert rig.core.link(WEST).linked


def test_one_node_that_refuses_undoes_what_was_new() -> None:
    rig, peer = subscribed("1@p1")
    rig.ask(peer, subscribe("1@p1", "1@p2"))
    rig.refuse(WEST, only(rig.sent(WEST)), Code.LIMIT_REACHED)
    accepted(rig, subscribe("1@p1", "1@p2"), EAST, NORTH)
    assert only(rig.got(peer)).error_code == Code.LIMIT_REACHED
    for node in (EAST, NORTH):
        assert decode(only(rig.sent(node))) == unsubscribe("1@p2")
    assert not rig.sent(WEST)


def test_an_end_that_one_node_refuses_is_an_end() -> None:
    rig, peer = subscribed("1@p1")
    rig.ask(peer, unsubscribe())
    rig.refuse(WEST, only(rig.sent(WEST)), Code.BUSY)
    accepted(rig, unsubscribe(), EAST, NORTH)
    assert only(rig.got(peer)).error_code == Code.BUSY
    assert not len(rig.core._agents.sessions.standing)


def test_a_node_lost_on_the_way_is_away_and_with_all_lost_it_is_in_doubt() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, subscribe("1@p1"))
    rig.lose(WEST)
    accepted(rig, subscribe("1@p1"), EAST, NORTH)
    assert isinstance(only(rig.got(peer)), EventAck)
    rig.ask(peer, subscribe("1@p2"))
    for node in (EAST, NORTH):
        rig.lose(node)
    assert only(rig.got(peer)).error_code == Code.LOST_CONNECTION
    rig.ask(peer, subscribe("1@p3"))
    assert only(rig.got(peer)).error_code == Code.NOT_ACCESSIBLE


def test_a_node_that_came_meanwhile_is_told_too() -> None:
    rig = Rig()
    peer = rig.client()
    rig.lose(WEST)
    rig.ask(peer, subscribe("1@p1"))
    rig.link(WEST)
    assert rig.core.link(WEST).linked
    accepted(rig, subscribe("1@p1"), EAST, NORTH)
    assert decode(only(rig.sent(WEST))) == subscribe("1@p1")


def test_a_full_node_is_busy_and_nobody_is_asked() -> None:
    rig = Rig()
    peer = rig.client()
    rig.core.link(WEST).full = True
    rig.ask(peer, subscribe("1@p1"))
    assert only(rig.got(peer)).error_code == Code.BUSY
    assert not any(rig.to_node.values())


def test_too_many_topics_are_refused_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ixproxy.core.standing.MOST_TOPICS", 1)
    rig, peer = subscribed("1@p1")
    rig.ask(peer, subscribe("1@p2"))
    assert only(rig.got(peer)).error_code == Code.LIMIT_REACHED


@pytest.mark.parametrize("how", ["hang up", "again"])
def test_a_subscription_ends_with_the_connection(how: str) -> None:
    rig = Rig()
    session = b"s" * 16
    peer = rig.client(session=session, incarnation=1)
    rig.ask(peer, subscribe("1@p1"))
    accepted(rig, subscribe("1@p1"))
    if how == "hang up":
        rig.hang_up(peer)
    else:
        rig.ask(
            rig.peer(),
            RequestRegisterClient(
                client_name="a", client_type="AgentApplication", session=session, incarnation=2
            ),
        )
    assert not len(rig.core._agents.sessions.standing)


@pytest.mark.parametrize("kind", [RequestPublish, RequestNotify])
def test_publishing_goes_to_one_node_which_is_the_same_for_a_topic(kind: type[Request]) -> None:
    rig = Rig()
    peer, other = rig.client(), rig.client()
    request = kind(tenant_id=TENANT, topic="1@p1", user_data={"k": 1})  # type: ignore[call-arg]
    first, second, _ = rendezvous(f"{TENANT}/1@p1", NODES)
    for each in (peer, other):
        rig.ask(each, request)
        accepted(rig, request, first)
        assert isinstance(only(rig.got(each)), EventAck)
    rig.lose(first)
    rig.ask(peer, request)
    accepted(rig, request, second)


def test_publishing_without_a_node_is_refused() -> None:
    rig = Rig(link=False)
    peer = rig.client()
    rig.ask(peer, RequestPublish(tenant_id=TENANT, topic="1@p1"))
    assert only(rig.got(peer)).error_code == Code.NOT_ACCESSIBLE


def test_an_agent_who_works_elsewhere_is_told_to_a_node_that_returns() -> None:
    rig = Rig()
    peer = rig.client()
    request = RequestAgentAvailable(tenant_id=TENANT, agent_id="ann")
    rig.ask(peer, request)
    home, *others = rendezvous(f"{TENANT}/ann", NODES)
    accepted(rig, request, home)
    accepted(rig, request, *others)
    assert isinstance(only(rig.got(peer)), EventAck)
    rig.lose(WEST)
    rig.link(WEST)
    accepted(rig, request, WEST)
    assert rig.core.link(WEST).linked


@pytest.mark.parametrize("fast_path", [True, False])
def test_a_refusal_that_cannot_be_read_is_its_nodes_fault_and_for_no_client(
    fast_path: bool,
) -> None:
    rig = Rig(fast_path=fast_path)
    peer = rig.client()
    rig.ask(peer, subscribe("1@p1"))
    frame = only(rig.sent(WEST))
    nonsense = write_frame(
        Kind.ERROR, code_of(EventError), client=frame.client, reference=frame.reference,
        body=b"\x81\xc0\xc0",
    )  # fmt: skip
    rig.from_node(WEST, nonsense)
    accepted(rig, subscribe("1@p1"), EAST, NORTH)
    assert isinstance(only(rig.got(peer)), EventAck)


def test_publishing_without_waiting_is_never_too_much_on_the_way() -> None:
    """Who asks for no reply has nothing in flight, however often."""
    rig = Rig(max_pending_per_client=3)
    peer = rig.client()
    for _ in range(10):
        publish = RequestPublish(tenant_id=TENANT, topic="news")
        rig.ask(peer, publish, flags=Flag.NO_REPLY)
    assert sum(len(rig.sent(node)) for node in NODES) == 10
    (client,) = rig.core.state.clients
    assert not client.inflight


START, STOP = RequestStartExternalServiceReporting, RequestStopExternalServiceReporting


def test_reporting_of_calls_is_asked_for_on_all_nodes_and_on_one_that_returns() -> None:
    rig = Rig()
    peer = rig.client("ReportingEngine")
    rig.ask(peer, START(servers=["mail", "chat"]))
    accepted(rig, START(servers=["mail", "chat"]))
    rig.ask(peer, STOP(servers=["chat"]))
    accepted(rig, STOP(servers=["chat"]))
    assert len(rig.got(peer)) == 2
    rig.lose(WEST)
    rig.link(WEST)
    assert not rig.core.link(WEST).linked, "it is not offered before it knows who listens"
    accepted(rig, START(servers=["mail"]), WEST)
    assert rig.core.link(WEST).linked


@pytest.mark.parametrize(
    ("before", "wanted", "undone"),
    [
        ([], START(servers=["mail"]), STOP(servers=["mail"])),
        ([START(servers=["mail"])], START(servers=["mail"]), None),
        ([START(servers=["mail"])], START(servers=["chat", "mail"]), STOP(servers=["chat"])),
        ([], START(), STOP()),
        ([START()], START(servers=["mail"]), None),
        ([START(servers=["mail"])], START(), None),
    ],
)
def test_where_one_node_refuses_what_is_new_is_undone_on_the_others(
    before: list[Request], wanted: Request, undone: Request | None
) -> None:
    rig = Rig()
    peer = rig.client("ReportingEngine")
    for request in before:
        rig.ask(peer, request)
        accepted(rig, request)
    rig.got(peer)
    rig.ask(peer, wanted)
    rig.refuse(WEST, only(rig.sent(WEST)), Code.LIMIT_REACHED)
    accepted(rig, wanted, EAST, NORTH)
    assert only(rig.got(peer)).error_code == Code.LIMIT_REACHED
    for node in (EAST, NORTH):
        assert [decode(frame) for frame in rig.sent(node)] == ([undone] if undone else [])


def test_an_end_of_reporting_that_one_node_refuses_is_an_end() -> None:
    rig = Rig()
    peer = rig.client("ReportingEngine")
    rig.ask(peer, START())
    accepted(rig, START())
    rig.got(peer)
    rig.ask(peer, STOP())
    rig.refuse(WEST, only(rig.sent(WEST)), Code.BUSY)
    accepted(rig, STOP(), EAST, NORTH)
    assert only(rig.got(peer)).error_code == Code.BUSY
    assert not len(rig.core._agents.sessions.standing)


def test_so_many_external_servers_are_refused_before_any_node_is_asked() -> None:
    rig = Rig()
    peer = rig.client("ReportingEngine")
    rig.ask(peer, START(servers=[f"server-{number}" for number in range(1001)]))
    assert only(rig.got(peer)).error_code == Code.LIMIT_REACHED
    assert not any(rig.to_node.values())


def test_calls_are_told_by_whichever_node_made_them() -> None:
    rig = Rig()
    peer = rig.client("ReportingEngine")
    number = rig.core.state.clients.peers[peer].clients[0].numbers[WEST]
    event = EventExternalServiceRequested(tenant_id=TENANT, esp_server="mail", dbid=103)
    rig.from_node(WEST, encode(event, client=number))
    assert only(rig.got(peer)) == event
