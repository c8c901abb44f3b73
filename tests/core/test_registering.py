"""Clients become known on all nodes, and nodes with all clients."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy.core.registering import server_facts
from ixproxy.effects import ClosePeer
from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventRevoked,
    RequestClientsGone,
    RequestRegisterClient,
    RequestUnregisterClient,
    ServerFacts,
)
from ixproxy.wire.codec import encode
from tests.core.chained import INNER, UPSTREAM, Inner, Outer
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, decode, only

SESSION = b"s" * 16
GONE = RequestClientsGone(clients=[9], application_name="desk-1")
SERVER = ServerFacts(name="west", role="node", dbid=103, epoch=2, tenants=[TENANT])


def registration(**more: Any) -> RequestRegisterClient:
    return RequestRegisterClient(
        client_name="desk-1", client_type="AgentApplication", session=SESSION, **more
    )


def test_a_client_is_answered_when_all_nodes_know_it() -> None:
    rig = Rig()
    peer = rig.peer()
    rig.ask(peer, registration(holding={"a": 4, "b": 5}, incarnation=3))
    for node, held in ((EAST, {"a": 4}), (NORTH, {}), (WEST, {"b": 5})):
        frame = only(rig.sent(node))
        sent = decode(frame)
        assert sent.session == SESSION
        assert sent.incarnation == 3
        assert sent.holding == {"a": 4, "b": 5}
        assert sent.path == ["proxy"]
        assert not rig.got(peer)
        rig.answer(node, frame, EventAck(proxy_client_id=9, held=held))
    answer = only(rig.got(peer))
    assert answer.held == {"a": 4, "b": 5}
    assert answer.server.role == "proxy"
    assert rig.core.state.owners.of(b"b") == WEST


def test_what_no_node_confirms_is_dropped_once_all_have_answered() -> None:
    rig = Rig()
    rig.client(session=SESSION, holding={"a": 4})
    client = only(list(rig.core.state.clients))
    assert client.holding == {"a": (4, EAST)} or "a" in client.holding
    peer = rig.peer()
    rig.ask(peer, registration(holding={"gone": 4}, incarnation=2))
    for node in (EAST, NORTH, WEST):
        rig.answer(node, only(rig.sent(node)), EventAck(proxy_client_id=9))
    assert only(rig.got(peer)).held == {}
    assert only([c for c in rig.core.state.clients if not c.gone]).holding == {}


def test_a_node_that_is_away_keeps_unconfirmed_holdings_listed() -> None:
    rig = Rig()
    rig.lose(WEST)
    peer = rig.peer()
    rig.ask(peer, registration(holding={"there": 4}))
    for node in (EAST, NORTH):
        rig.answer(node, only(rig.sent(node)), EventAck(proxy_client_id=9))
    assert only(rig.got(peer)).held == {"there": 4}
    assert only(list(rig.core.state.clients)).holding == {"there": (4, None)}
    rig.core.node_connected(WEST, rig.now)
    rig.pump()
    rig.accept(WEST)
    assert only(list(rig.core.state.clients)).holding == {"there": (4, WEST)}


def test_one_nodes_refusal_is_the_answer() -> None:
    rig = Rig()
    peer = rig.peer()
    rig.ask(peer, registration())
    rig.answer(EAST, only(rig.sent(EAST)), EventAck(proxy_client_id=9))
    rig.answer(WEST, only(rig.sent(WEST)), EventAck(proxy_client_id=9))
    rig.refuse(NORTH, only(rig.sent(NORTH)), Code.SUPERSEDED)
    assert only(rig.got(peer)).error_code == Code.SUPERSEDED
    assert not list(rig.core.state.clients), "a refused client is registered nowhere"
    for node in (EAST, WEST):
        assert decode(only(rig.sent(node))) == GONE


def test_a_client_gone_before_a_node_knew_it_is_gone_there_too() -> None:
    rig = Rig()
    peer = rig.peer()
    rig.ask(peer, registration())
    frame = only(rig.sent(EAST))
    rig.hang_up(peer)
    rig.answer(EAST, frame, EventAck(proxy_client_id=9))
    assert decode(only(rig.sent(EAST))) == GONE


def test_one_that_went_with_its_proxy_before_a_node_knew_it_is_counted_with_the_others() -> None:
    """What is lost together is reported together, however late it was known."""
    rig = Inner(clients=0)
    rig.ask(rig.edge, registration(path=["edge"]))
    frame = only(rig.sent(EAST))
    rig.hang_up(rig.edge)
    rig.sent(EAST)
    rig.answer(EAST, frame, EventAck(proxy_client_id=9))
    gone = decode(only(rig.sent(EAST)))
    assert gone == RequestClientsGone(clients=[9], application_name="edge")


def test_a_joining_node_learns_every_client_before_it_is_offered() -> None:
    rig = Rig()
    for _ in range(3):
        rig.client()
    rig.lose(WEST)
    rig.core.node_connected(WEST, rig.now)
    rig.pump()
    rig.accept(WEST)
    assert rig.core.link(WEST).linked
    assert len(rig.core.link(WEST).clients) == 3


def test_a_joining_node_has_so_many_registrations_before_it_at_a_time() -> None:
    rig = Rig(register_window=3)
    for _ in range(8):
        rig.client()
    rig.lose(WEST)
    rig.core.node_connected(WEST, rig.now)
    rig.pump()
    rig.answer(WEST, only(rig.sent(WEST)), EventAck(server=SERVER))
    first = rig.sent(WEST)
    assert len(first) == 3
    rig.answer(WEST, first[0], EventAck(proxy_client_id=1000))
    one_more = only(rig.sent(WEST))
    rig.hang_up(next(iter(rig.core.state.clients)).peer.id)
    for number, frame in enumerate([*first[1:], one_more], 1):
        rig.answer(WEST, frame, EventAck(proxy_client_id=1000 + number))
    assert not rig.core.link(WEST).linked
    rig.accept(WEST)
    assert rig.core.link(WEST).linked
    assert len(rig.core.link(WEST).clients) == 7


def test_a_node_lost_while_clients_register_does_not_keep_them_waiting() -> None:
    rig = Rig()
    peer = rig.peer()
    rig.ask(peer, registration())
    for node in (EAST, NORTH):
        rig.answer(node, only(rig.sent(node)), EventAck(proxy_client_id=9))
    assert not rig.got(peer)
    rig.lose(WEST)
    assert isinstance(only(rig.got(peer)), EventAck)


def test_the_proxy_says_what_it_is() -> None:
    facts = server_facts(Rig().core.state)
    assert (facts.name, facts.role, facts.tenants) == ("proxy", "proxy", [TENANT])


@pytest.mark.parametrize("number", [0, 1, 1 << 32])
def test_a_number_that_cannot_be_a_new_clients_breaks_the_link(number: int) -> None:
    rig = Rig()
    rig.client()  # number 1 everywhere
    peer = rig.peer()
    rig.ask(peer, registration())
    rig.answer(EAST, only(rig.sent(EAST)), EventAck(proxy_client_id=number))
    assert not rig.core.link(EAST).linked
    for node in (NORTH, WEST):
        rig.accept(node)
    assert isinstance(only(rig.got(peer)), EventAck)


def test_ids_that_no_frame_can_name_break_the_link_of_the_node_that_lists_them() -> None:
    rig = Rig()
    peer = rig.peer()
    rig.ask(peer, registration())
    rig.answer(EAST, only(rig.sent(EAST)), EventAck(proxy_client_id=9, held={"x" * 300: 1}))
    assert not rig.core.link(EAST).linked
    assert not rig.got(peer)


def test_a_registration_too_long_for_a_node_is_refused_and_nobody_else_suffers() -> None:
    rig = Rig(min_peer_frame=2000)
    rig.core.link(EAST).max_frame = 2000
    peer = rig.peer()
    rig.ask(peer, registration(extension={"long": "x" * 4000}))
    for node in (NORTH, WEST):
        rig.accept(node)
    assert only(rig.got(peer)).error_code == Code.TOO_LARGE
    assert not list(rig.core.state.clients)
    rig.client()


def test_a_registration_in_flight_when_its_node_goes_is_sent_again_when_it_is_back() -> None:
    rig = Rig()
    peer = rig.peer()
    rig.ask(peer, registration())
    rig.accept(EAST)
    rig.accept(NORTH)
    rig.lose(WEST)
    assert isinstance(only(rig.got(peer)), EventAck)
    rig.link(WEST)
    assert only(list(rig.core.state.clients)).numbers.keys() == {EAST, NORTH, WEST}
    assert rig.core.link(WEST).linked


def test_clients_that_come_and_go_while_a_node_joins_do_not_hold_it_up() -> None:
    rig = Rig()
    stays, leaves = rig.client(), rig.client()
    rig.lose(WEST)
    rig.core.node_connected(WEST, rig.now)
    rig.pump()
    greeting = only(rig.sent(WEST))
    rig.answer(WEST, greeting, rig._registered(WEST, decode(greeting)))
    waiting = rig.sent(WEST)
    rig.hang_up(leaves)
    comes = rig.peer()
    rig.ask(comes, registration())
    for node in (EAST, NORTH):
        rig.accept(node)
    assert not rig.got(comes), "it is known everywhere before it is answered"
    rig.to_node[WEST] += waiting
    rig.accept(WEST)
    assert isinstance(only(rig.got(comes)), EventAck)
    assert rig.core.link(WEST).linked
    clients = {client.peer.id for client in rig.core.link(WEST).clients.values()}
    assert clients == {stays, comes}
    assert not rig.core.link(WEST).joining


def test_a_superseded_client_is_not_registered_on_a_node_that_comes_back() -> None:
    rig = Rig()
    rig.client(session=SESSION, incarnation=1)
    rig.client(session=SESSION, incarnation=1)
    rig.lose(WEST)
    rig.core.node_connected(WEST, rig.now)
    rig.pump()
    greeting = only(rig.sent(WEST))
    rig.answer(WEST, greeting, rig._registered(WEST, decode(greeting)))
    assert len(rig.sent(WEST)) == 1, "its session must stay on the newer one"


def test_a_goodbye_said_while_a_node_registers_reaches_it_too() -> None:
    rig = Rig()
    peer = rig.peer()
    reference = rig.ask(peer, registration())
    frame = only(rig.sent(EAST))
    rig.ask(peer, RequestUnregisterClient())
    assert isinstance(only(rig.got(peer)), EventAck)
    rig.answer(EAST, frame, EventAck(proxy_client_id=9))
    goodbye = only(rig.sent(EAST))
    assert decode(goodbye) == RequestUnregisterClient(proxy_client_id=9)
    for node in (NORTH, WEST):
        rig.accept(node)
    answer = only(rig.got_frames(peer))
    assert answer.reference == reference
    assert decode(answer).error_code == Code.CANCELLED


def test_proxy_made_registrations_are_marked_too() -> None:
    rig = Rig(mark_internal_requests=True)
    peer = rig.peer()
    rig.ask(peer, registration(extension={"mine": 1}))
    sent = decode(only(rig.sent(EAST)))
    assert sent.extension == {"mine": 1, "InternalRequestReason": "register"}


def test_the_path_grows_by_one_proxy_and_so_do_the_moves() -> None:
    rig = Inner(clients=0)
    rig.lose(EAST)
    rig.link(EAST)
    message = RequestRegisterClient(
        client_name="desk", client_type="AgentApplication", path=["edge"], moves=[3]
    )
    rig.ask(rig.edge, message)
    sent = {node: decode(only(rig.sent(node))) for node in (EAST, NORTH, WEST)}
    assert {tuple(each.path) for each in sent.values()} == {("edge", "proxy")}
    assert [sent[node].moves for node in (EAST, NORTH, WEST)] == [[3, 4], [3, 2], [3, 3]]
    assert sent[EAST].generation == (1, 3, 4)


def test_the_proxys_path_has_those_behind_it_and_nodes_add_nothing() -> None:
    outer, inner = Outer(), Rig(name="proxy1")
    inner.core.link(EAST).server = ServerFacts(name="east", path=["nonsense"])
    assert server_facts(outer.core.state).path == ["edge", "proxy1"]
    assert server_facts(inner.core.state).path == ["proxy1"]


def test_a_client_keeps_what_a_node_confirmed_while_others_were_awaited() -> None:
    """The node joins between the client's registration and the other nodes' answers."""
    rig = Rig()
    rig.lose(WEST)
    peer = rig.peer()
    message = RequestRegisterClient(
        client_name="desk", client_type="AgentApplication", session=b"s" * 16, holding={"a": 7}
    )
    rig.ask(peer, message)
    waiting = {node: only(rig.sent(node)) for node in (EAST, NORTH)}
    rig.link(WEST)
    for node, frame in waiting.items():
        rig.answer(node, frame, EventAck(proxy_client_id=9))
    assert only(rig.got(peer)).held == {"a": 7}
    assert not rig.core.state.unconfirmed


@pytest.mark.parametrize("late", [False, True])
def test_what_is_revoked_while_other_nodes_are_awaited_is_not_in_the_answer(late: bool) -> None:
    rig = Rig()
    peer = rig.peer()
    rig.ask(peer, registration(holding={"a": 7, "b": 8}))
    waiting = {node: only(rig.sent(node)) for node in (EAST, NORTH, WEST)}
    known = EventAck(proxy_client_id=9, held={"a": 7, "b": 8})
    rig.answer(EAST, waiting.pop(EAST), known)
    rig.from_node(EAST, encode(EventRevoked(interaction_id="a"), client=9))
    assert isinstance(only(rig.got(peer)), EventRevoked)
    for node, frame in waiting.items():
        if late:
            rig.lose(node)
        else:
            rig.answer(node, frame, EventAck(proxy_client_id=9))
    assert only(rig.got(peer)).held == {"b": 8}
    (client,) = rig.core.state.clients
    assert client.holding == {"b": (8, EAST)}


def test_a_client_that_the_one_upstream_refuses_after_a_move_must_come_again() -> None:
    rig = Outer()
    peer = rig.client()
    rig.lose(UPSTREAM)
    rig.core.node_connected(UPSTREAM, rig.now)
    rig.pump()
    rig.answer(UPSTREAM, only(rig.sent(UPSTREAM)), EventAck(server=INNER))
    rig.refuse(UPSTREAM, only(rig.sent(UPSTREAM)), Code.TOO_MANY_CLIENTS)
    assert ClosePeer(peer, "Too many clients") in rig.effects
    assert rig.core.link(UPSTREAM).linked


def test_nodes_are_told_in_which_agent_sessions_a_client_is_by_now() -> None:
    rig = Rig()
    rig.ask(rig.peer(), registration(agent_sessions=[(5, 101)]))
    for node in (EAST, NORTH, WEST):
        frame = only(rig.sent(node))
        assert decode(frame).agent_sessions == [(5, 101)]
        rig.answer(node, frame, EventAck(proxy_client_id=9))
    (client,) = rig.core.state.clients
    client.entered((6, 102))
    client.left((5, 101))
    rig.lose(WEST)
    rig.core.node_connected(WEST, rig.now)
    rig.pump()
    rig.answer(WEST, only(rig.sent(WEST)), EventAck(server=SERVER))
    assert decode(only(rig.sent(WEST))).agent_sessions == [(6, 102)]
