"""Who may register, as what, and instead of whom."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy.effects import ClosePeer, Note
from ixproxy.errors import Code
from ixproxy.messages import (
    Credentials,
    EventAck,
    RequestClientsGone,
    RequestGetInteractionProperties,
    RequestRegisterClient,
    RequestUnregisterClient,
)
from ixproxy.wire.codec import encode
from ixproxy.wire.prefix import Flag, read_frame
from tests.core.chained import Inner
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, decode, only

SESSION = b"s" * 16


def registration(**more: Any) -> RequestRegisterClient:
    values = {"client_name": "desk", "client_type": "AgentApplication", **more}
    return RequestRegisterClient(**values)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"client_name": ""}, Code.INVALID_CLIENT),
        ({"client_name": "x" * 256}, Code.INVALID_CLIENT),
        ({"client_type": "Toaster"}, Code.INVALID_CLIENT),
        ({"versions": (7,)}, Code.UNSUPPORTED_VERSION),
        ({"session": b"short"}, Code.INVALID_CLIENT),
        ({"path": ["other", "proxy"]}, Code.PATH_LOOP),
        ({"max_frame": 1000}, Code.INVALID_CLIENT),
        ({"tenants": [77]}, Code.UNKNOWN_TENANT),
    ],
)
def test_a_client_that_is_not_valid_gets_an_error_and_is_disconnected(
    wrong: dict[str, Any], code: int
) -> None:
    rig = Rig()
    peer = rig.peer()
    rig.ask(peer, registration(**wrong))
    error = only(rig.got(peer))
    assert error.error_code == code
    assert ClosePeer(peer, error.error_description) in rig.effects
    assert not any(rig.to_node.values())


def test_too_many_clients_are_refused() -> None:
    rig = Rig(max_clients=1)
    rig.client()
    peer = rig.peer()
    rig.ask(peer, registration())
    assert only(rig.got(peer)).error_code == Code.TOO_MANY_CLIENTS


def test_the_newest_registration_of_a_session_wins_and_the_older_is_refused_for_good() -> None:
    rig = Rig()
    old = rig.client(session=SESSION, incarnation=1)
    new = rig.client(session=SESSION, incarnation=2)
    rig.core.state.owners.confirm(b"a", EAST)
    request = RequestGetInteractionProperties(tenant_id=TENANT, interaction_id="a")
    rig.ask(old, request)
    assert only(rig.got(old)).error_code == Code.SUPERSEDED
    assert not rig.sent(EAST)
    rig.ask(new, request)
    assert len(rig.sent(EAST)) == 1
    late = rig.peer()
    rig.ask(late, registration(session=SESSION, incarnation=1))
    assert only(rig.got(late)).error_code == Code.SUPERSEDED


def test_holdings_may_come_in_parts() -> None:
    rig = Rig()
    peer = rig.peer()
    first = registration(session=SESSION, holding={"a": 1}, holding_continues=True)
    rig.ask(peer, first, reference=5)
    assert not any(rig.to_node.values())
    rig.ask(peer, registration(session=SESSION, holding={"b": 2}), reference=5)
    assert decode(only(rig.sent(NORTH))).holding == {"a": 1, "b": 2}


def test_a_session_cannot_list_without_end() -> None:
    rig = Rig()
    peer = rig.peer()
    for number in range(1_002):
        session = b"%016d" % number
        rig.ask(peer, registration(session=session, holding={"a": 1}, holding_continues=True))
    assert rig.got(peer)[-1].error_code == Code.LIMIT_REACHED


def test_clients_of_a_downstream_proxy_get_numbers_of_their_own() -> None:
    rig = Rig()
    peer = rig.peer()
    rig.ask(peer, registration(client_name="proxy-2", client_type="Proxy", path=["proxy-2"]))
    assert only(rig.got(peer)).proxy_client_id == 0
    assert not any(rig.to_node.values()), "a proxy itself is no client of the nodes"
    numbers = []
    for name in ("one", "two"):
        rig.ask(peer, registration(client_name=name, path=["proxy-2"]))
        for node in (EAST, NORTH, WEST):
            assert decode(rig.to_node[node][0]).path == ["proxy-2", "proxy"]
            rig.accept(node)
        numbers.append(only(rig.got(peer)).proxy_client_id)
    assert len(set(numbers)) == 2
    rig.core.state.owners.confirm(b"a", EAST)
    request = RequestGetInteractionProperties(tenant_id=TENANT, interaction_id="a")
    rig.ask(peer, request, client=numbers[1])
    frame = only(rig.sent(EAST))
    rig.answer(EAST, frame, EventAck())
    assert only(rig.got_frames(peer)).client == numbers[1]
    rig.ask(peer, registration(client_name="deep", client_type="Proxy"))
    assert only(rig.got(peer)).error_code == Code.INVALID_CLIENT


def test_a_plain_client_cannot_name_another() -> None:
    rig = Rig()
    peer = rig.client()
    request = RequestGetInteractionProperties(tenant_id=TENANT, interaction_id="a")
    rig.ask(peer, request, client=5)
    frame = only(rig.got_frames(peer))
    assert frame.client == 5
    assert decode(frame).error_code == Code.NOT_REGISTERED


def test_a_goodbye_reaches_every_node_and_the_client_may_come_again() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, RequestUnregisterClient())
    assert isinstance(only(rig.got(peer)), EventAck)
    for node in (EAST, NORTH, WEST):
        goodbye = only(rig.sent(node))
        assert isinstance(decode(goodbye), RequestUnregisterClient)
        rig.answer(node, goodbye, EventAck())
    assert not list(rig.core.state.clients)
    rig.ask(peer, registration())
    for node in (EAST, NORTH, WEST):
        rig.accept(node)
    assert isinstance(only(rig.got(peer)), EventAck)


def test_an_unregister_of_an_unknown_client_is_harmless() -> None:
    """Test idea 52."""
    rig = Rig()
    peer = rig.client()
    rig.raw(peer, encode(RequestUnregisterClient(), client=99, reference=3))
    assert only(rig.got(peer)).error_code == Code.NOT_REGISTERED
    assert read_frame(encode(EventAck())).client == 0


def test_a_registration_that_is_replaced_before_it_is_answered_is_answered_all_the_same() -> None:
    rig = Rig()
    peer = rig.peer()
    first = rig.ask(peer, registration())
    second = rig.ask(peer, registration())
    for node in (EAST, NORTH, WEST):
        rig.accept(node)
    answers = {frame.reference: decode(frame) for frame in rig.got_frames(peer)}
    assert answers[first].error_code == Code.SUPERSEDED
    assert isinstance(answers[second], EventAck)
    assert len(list(rig.core.state.clients)) == 1
    assert all(len(link.clients) == 1 for link in rig.core.state.links.values())


@pytest.mark.parametrize("session", [b"", SESSION])
def test_a_connection_registered_anew_tells_the_nodes_of_the_newer_before_the_older_is_gone(
    session: bytes,
) -> None:
    rig = Rig()
    peer = rig.client(session=session)
    rig.ask(peer, registration(session=session, incarnation=2))
    first, second = (decode(frame) for frame in rig.sent(EAST))
    assert isinstance(first, RequestRegisterClient)
    assert second == RequestClientsGone(clients=[1], application_name="client-1")
    assert all(not link.clients for link in rig.core.state.links.values())


def test_requests_of_a_superseded_client_are_cancelled_and_answered() -> None:
    rig = Rig()
    old = rig.client(session=SESSION, incarnation=1)
    rig.core.state.owners.confirm(b"a", EAST)
    rig.ask(old, RequestGetInteractionProperties(tenant_id=TENANT, interaction_id="a"))
    frame = only(rig.sent(EAST))
    rig.client(session=SESSION, incarnation=2)
    error = only(rig.got(old))
    assert (error.error_code, error.in_doubt) == (Code.SUPERSEDED, True)
    assert [each.reference for each in rig.sent(EAST)] == [frame.reference], "its cancel"
    rig.answer(EAST, frame, EventAck())
    assert not rig.got(old)


def test_who_is_superseded_before_it_is_known_everywhere_is_taken_off_the_nodes() -> None:
    """Behind a proxy, for which the refusal is the end of it; its connection stays."""
    rig = Rig()
    first, second = (rig.client("Proxy", client_name=name) for name in ("outer-1", "outer-2"))
    rig.ask(first, registration(session=SESSION, incarnation=1))
    rig.accept(EAST)
    rig.accept(NORTH)
    rig.ask(second, registration(session=SESSION, incarnation=2))
    rig.sent(EAST)
    rig.accept(WEST)
    assert only(rig.got(first)).error_code == Code.SUPERSEDED
    assert decode(only(rig.sent(EAST))) == RequestClientsGone(
        clients=[1], application_name="desk"
    )
    assert [client.generation for client in rig.core.state.clients if client.session] == [
        rig.core.state.clients.newest(SESSION).generation  # type: ignore[union-attr]
    ]


def test_a_goodbye_of_a_downstream_proxy_takes_its_clients_with_it() -> None:
    rig = Rig()
    peer = rig.client("Proxy", client_name="proxy-2")
    rig.ask(peer, registration())
    for node in (EAST, NORTH, WEST):
        rig.accept(node)
    rig.got(peer)
    rig.ask(peer, RequestUnregisterClient())
    assert isinstance(only(rig.got(peer)), EventAck)
    for node in (EAST, NORTH, WEST):
        gone = decode(only(rig.sent(node)))
        assert gone == RequestClientsGone(clients=[1], application_name="proxy-2")
    assert not list(rig.core.state.clients)
    assert len(rig.core.state.clients) == 0


def test_a_registration_that_wants_no_reply_gets_none_whether_or_not_it_is_refused() -> None:
    rig = Rig()
    peer = rig.peer()
    rig.ask(peer, registration(), flags=Flag.NO_REPLY)
    for node in (EAST, NORTH, WEST):
        rig.accept(node)
    other = rig.peer()
    rig.ask(other, registration(client_name=""), flags=Flag.NO_REPLY)
    assert not rig.got(peer)
    assert not rig.got(other)
    assert len(rig.core.state.clients) == 1
    assert ClosePeer(other, "ClientName must have 1 to 255 characters") in rig.effects


@pytest.mark.parametrize(
    ("wrong", "prefix", "code"),
    [
        ({"holding": {"x" * 256: 1}}, {}, Code.BAD_ATTRIBUTE),
        ({"holding": {"": 1}}, {}, Code.BAD_ATTRIBUTE),
        ({}, {"client": 4}, Code.INVALID_CLIENT),
    ],
)
def test_what_could_not_be_named_later_is_refused_now(
    wrong: dict[str, Any], prefix: dict[str, int], code: int
) -> None:
    rig = Rig()
    peer = rig.peer()
    rig.ask(peer, registration(**wrong), **prefix)
    assert only(rig.got(peer)).error_code == code


def test_parts_are_of_one_session_and_of_one_registration() -> None:
    rig = Rig()
    peer = rig.peer()
    rig.ask(peer, registration(holding={"a": 1}, holding_continues=True), reference=5)
    rig.ask(peer, registration(holding={"b": 1}, holding_continues=True), reference=6)
    rig.ask(peer, registration(session=SESSION, holding={"c": 1}), reference=5)
    assert only(rig.got(peer)).error_code == Code.BAD_ATTRIBUTE
    rig.ask(peer, registration(), reference=6)
    assert decode(only(rig.sent(NORTH))).holding == {"b": 1}
    assert rig.core.state.clients.peers[peer].holding_parts == {}


def test_unfinished_registrations_of_one_peer_list_only_so_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ixproxy.core.registrations.MAX_HOLDING", 5)
    rig = Rig()
    peer = rig.peer()
    some = {str(number): 1 for number in range(3)}
    rig.ask(peer, registration(holding=some, holding_continues=True), reference=5)
    rig.ask(peer, registration(holding=some, holding_continues=True), reference=6)
    assert only(rig.got(peer)).error_code == Code.LIMIT_REACHED


def test_a_refusal_quotes_only_so_much_of_what_was_sent() -> None:
    rig = Rig()
    peer = rig.peer()
    rig.ask(peer, registration(client_type="x" * 100_000))
    assert len(only(rig.got(peer)).error_description) <= 300


def registered_again(first: dict[str, Any], second: dict[str, Any]) -> int:
    """The code that the second registration of a session is answered with."""
    rig = Rig()
    for more in (first, second):
        peer = rig.client("Proxy", client_name="edge", path=["edge"])
        message = RequestRegisterClient(
            client_name="desk", client_type="AgentApplication", session=SESSION, **more
        )
        rig.ask(peer, message)
        for node in rig.to_node:
            rig.accept(node)
    return getattr(only(rig.got(peer)), "error_code", 0)


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        ({"incarnation": 1, "moves": [1]}, {"incarnation": 1, "moves": [2]}, 0),
        ({"incarnation": 1, "moves": [2]}, {"incarnation": 1, "moves": [1]}, Code.SUPERSEDED),
        ({"incarnation": 1, "moves": [1]}, {"incarnation": 1, "moves": [1]}, 0),
        ({"incarnation": 1, "moves": [9]}, {"incarnation": 2, "moves": [1]}, 0),
        ({"incarnation": 2, "moves": [1]}, {"incarnation": 1, "moves": [9]}, Code.SUPERSEDED),
        ({"incarnation": 1, "moves": [1, 9]}, {"incarnation": 1, "moves": [2, 1]}, 0),
    ],
)
def test_of_two_registrations_that_proxies_made_the_later_move_is_the_newer(
    first: dict[str, Any], second: dict[str, Any], code: int
) -> None:
    assert registered_again(first, second) == code


def test_a_registration_that_has_been_here_already_is_refused_with_its_path() -> None:
    rig = Rig(name="proxy1")
    peer = rig.client("Proxy", client_name="edge", path=["edge"])
    message = RequestRegisterClient(
        client_name="desk", client_type="AgentApplication", path=["edge", "proxy1", "inner"]
    )
    rig.ask(peer, message)
    error = only(rig.got(peer))
    assert error.error_code == Code.PATH_LOOP
    assert "proxy1" in error.error_description
    assert "Client desk through edge, proxy1, inner was refused: 3014" in said(rig)[-1]


def said(rig: Rig) -> list[str]:
    return [e.format.format(**e.fields) for e in rig.effects if isinstance(e, Note)]


def test_who_comes_and_goes_stands_in_the_log_with_its_path_and_without_its_secrets() -> None:
    rig = Inner(clients=0)
    secret = Credentials(user="ann", password="hunter2")
    rig.enter("desk-1", session=SESSION, credentials=secret)
    rig.enter("desk-2")
    number = rig.enter("desk-3")
    rig.ask(rig.edge, RequestClientsGone(clients=[number]))
    rig.ask(rig.edge, RequestUnregisterClient(proxy_client_id=2))
    desk = rig.client(client_name="direct")
    rig.hang_up(desk)
    rig.hang_up(rig.edge)
    levels = [(e.level, e.format.format(**e.fields)) for e in rig.effects if isinstance(e, Note)]
    assert levels[3:] == [
        ("info", "Proxy edge is registered"),
        ("debug", "Client desk-1 through edge is registered"),
        ("debug", "Client desk-2 through edge is registered"),
        ("debug", "Client desk-3 through edge is registered"),
        ("debug", "Client desk-3 through edge is lost"),
        ("debug", "Client desk-2 through edge has left"),
        ("debug", "Client direct is registered"),
        ("debug", "Client direct is lost"),
        ("info", "Proxy edge is lost, with 1 clients"),
    ]
    assert "hunter2" not in repr(rig.effects)
    assert "ssss" not in repr(rig.effects)


def test_a_client_that_is_no_proxy_does_not_say_which_proxies_it_came_through() -> None:
    rig = Rig()
    peer = rig.peer()
    rig.ask(peer, registration(path=["edge", "other"], moves=[9, 9]))
    sent = decode(only(rig.sent(EAST)))
    assert (sent.path, sent.moves) == (["proxy"], [1])
