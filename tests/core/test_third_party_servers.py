"""ESP calls: an interaction's owner has those that name it, any node may have the others."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from ixproxy.errors import Code
from ixproxy.messages import Event3rdServerFault, Event3rdServerResponse, Request3rdServer
from ixproxy.messages.message import Message
from ixproxy.values import NodeName, TenantFacts
from ixproxy.wire.codec import encode, error_frame
from ixproxy.wire.prefix import Flag, Frame, readdress
from tests.core.rig import EAST, MEDIA, NORTH, TENANT, WEST, Rig, decode, facts, only

NO_SERVER = 34
"""A code of the node's own: it has no server of that type."""


def call(interaction_id: str = "a") -> Request3rdServer:
    return Request3rdServer(
        tenant_id=TENANT,
        media_type="email",
        interaction_id=interaction_id,
        envelope3rd_server={"AppType": "ClassificationServer", "Method": "Classify"},
    )


@pytest.mark.parametrize("fast_path", [True, False])
@pytest.mark.parametrize("known", [True, False], ids=["known", "located"])
def test_where_the_owner_has_no_server_the_error_is_its_own_and_nobody_else_is_asked(
    known: bool, fast_path: bool
) -> None:
    """Test idea 60: asymmetric ESP: east, the owner, has no such server; west has one."""
    rig = Rig(fast_path=fast_path)
    peer = rig.client("RoutingEngine")
    if known:
        rig.core.state.owners.confirm(b"a", EAST)
    reference = rig.ask(peer, call())
    if not known:
        for node in (EAST, NORTH, WEST):
            rig.located(node, found=node == EAST)
    frame = only(rig.sent(EAST))
    assert decode(frame) == call()
    error = error_frame(
        NO_SERVER, "No server of this type", client=frame.client, reference=frame.reference
    )
    rig.from_node(EAST, error)
    assert only(rig.got_frames(peer)).raw == readdress(error, 0, reference)
    assert not rig.sent(WEST)
    assert not rig.sent(NORTH)


@pytest.mark.parametrize(
    "answer",
    [
        Event3rdServerResponse(envelope3rd_server={"Parameters": {"Category": "spam"}}),
        Event3rdServerFault(envelope3rd_server={"FaultCode": 7}),
    ],
    ids=["response", "fault"],
)
def test_what_the_server_says_passes_unchanged(answer: Message) -> None:
    rig = Rig()
    peer = rig.client("RoutingEngine")
    rig.core.state.owners.confirm(b"a", EAST)
    reference = rig.ask(peer, call())
    frame = only(rig.sent(EAST))
    raw = encode(answer, client=frame.client, reference=frame.reference)
    rig.from_node(EAST, raw)
    assert only(rig.got_frames(peer)).raw == readdress(raw, 0, reference)


def chosen(rig: Rig) -> tuple[NodeName, Frame]:
    """The one node that was asked, and with what."""
    (found,) = [(node, frame) for node in NODES if node in rig.to_node for frame in rig.sent(node)]
    return found


NODES = (EAST, NORTH, WEST)


@pytest.mark.parametrize("fast_path", [True, False])
def test_calls_that_name_no_interaction_go_to_the_nodes_in_turn(fast_path: bool) -> None:
    rig = Rig(fast_path=fast_path)
    peer = rig.client("RoutingEngine")
    asked = []
    for _ in range(4):
        reference = rig.ask(peer, call(""))
        node, frame = chosen(rig)
        asked.append(node)
        raw = encode(Event3rdServerResponse(), client=frame.client, reference=frame.reference)
        rig.from_node(node, raw)
        assert only(rig.got_frames(peer)).raw == readdress(raw, 0, reference)
    assert asked == [EAST, NORTH, WEST, EAST]


def test_only_nodes_that_take_the_media_type_are_asked() -> None:
    rig = Rig(
        [
            facts(EAST, media_types=frozenset({"chat"})),
            facts(NORTH, enable_submit=False),
            facts(WEST, media_types=frozenset({"email"})),
        ]
    )
    peer = rig.client("RoutingEngine")
    for _ in range(2):
        rig.ask(peer, call(""))
        assert chosen(rig)[0] == WEST
    rig.ask(peer, replace(call(""), media_type=""))
    assert chosen(rig)[0] == EAST


def test_without_a_node_it_is_2001() -> None:
    rig = Rig([facts(EAST, media_types=frozenset({"chat"}))])
    peer = rig.client("RoutingEngine")
    rig.ask(peer, call(""))
    assert only(rig.got(peer)).error_code == Code.NO_SERVERS


@pytest.mark.parametrize("interaction_id", ["a", ""])
@pytest.mark.parametrize(
    "wrong", [{"tenant_id": 0}, {"tenant_id": 99}, {"media_type": "carrier pigeon"}]
)
def test_wrong_routing_attributes_are_2003_and_nobody_is_asked(
    interaction_id: str, wrong: dict[str, Any]
) -> None:
    """Test idea 6: a missing or unknown tenant, an unknown media type, of an ESP request."""
    rig = Rig()
    rig.core.state.owners.confirm(b"a", EAST)
    peer = rig.client("RoutingEngine")
    rig.ask(peer, replace(call(interaction_id), **wrong))
    assert only(rig.got(peer)).error_code == Code.NOT_ACCESSIBLE
    assert not any(rig.to_node.values())


def test_another_clients_tenant_is_2003() -> None:
    """Test idea 6: a tenant that is not this client's."""
    tenants = {1: TenantFacts(1, "One", MEDIA), 2: TenantFacts(2, "Two", MEDIA)}
    rig = Rig(tenants=tenants)
    peer = rig.client("RoutingEngine", tenants=[2])
    rig.ask(peer, call(""))
    assert only(rig.got(peer)).error_code == Code.NOT_ACCESSIBLE


@pytest.mark.parametrize("code", [Code.BUSY, Code.STOPPING])
def test_a_node_that_is_full_or_stops_passes_the_call_on(code: int) -> None:
    rig = Rig()
    peer = rig.client("RoutingEngine")
    rig.ask(peer, call(""))
    for expected in (EAST, NORTH, WEST):
        node, frame = chosen(rig)
        assert node == expected
        rig.refuse(node, frame, code)
    assert only(rig.got(peer)).error_code == code


@pytest.mark.parametrize(
    "code",
    [
        Code.SERVICE_UNKNOWN,
        Code.SERVICE_NOT_CONNECTED,
        Code.SERVICE_QUEUE_FULL,
        Code.SERVICE_TIMED_OUT,
        Code.SERVICE_LOST,
    ],
)
def test_what_a_node_says_of_its_servers_is_the_answer(code: int) -> None:
    """Test idea 60: where a node lacks the server the error is its own, and no other is asked."""
    rig = Rig()
    peer = rig.client("RoutingEngine")
    rig.ask(peer, call(""))
    node, frame = chosen(rig)
    rig.refuse(node, frame, code)
    assert only(rig.got(peer)).error_code == code
    assert not any(rig.to_node.values())


def test_a_node_lost_with_a_call_is_in_doubt_and_no_other_is_asked() -> None:
    rig = Rig()
    peer = rig.client("RoutingEngine")
    rig.ask(peer, call(""))
    node, _ = chosen(rig)
    rig.lose(node)
    answer = only(rig.got(peer))
    assert (answer.error_code, answer.in_doubt) == (Code.LOST_CONNECTION, True)
    assert not any(rig.to_node.values())


def test_a_strategy_that_fails_costs_the_call() -> None:
    class Broken:
        def rank(self, draft: object, nodes: object) -> list[str]:
            raise ZeroDivisionError

    rig = Rig(routing=Broken())
    peer = rig.client("RoutingEngine")
    rig.ask(peer, call(""))
    assert only(rig.got(peer)).error_code == Code.STRATEGY_FAILED


def test_a_call_waits_as_long_as_a_node_may_take_and_a_little_more() -> None:
    rig = Rig(third_party_server_timeout=90.0)
    peer = rig.client("RoutingEngine")
    rig.ask(peer, call(""))
    node, _ = chosen(rig)
    rig.tick(90.0)
    assert not rig.got(peer)
    rig.tick(5.5)
    assert only(rig.got(peer)).error_code == Code.LOST_CONNECTION
    assert node in NODES


def test_a_call_without_a_reply_is_sent_once() -> None:
    rig = Rig()
    peer = rig.client("RoutingEngine")
    rig.ask(peer, call(""), flags=Flag.NO_REPLY)
    _, frame = chosen(rig)
    assert frame.flags & Flag.NO_REPLY
    assert not rig.got(peer)


def test_a_client_that_is_gone_is_told_nothing() -> None:
    rig = Rig()
    peer = rig.client("RoutingEngine")
    rig.ask(peer, call(""))
    node, frame = chosen(rig)
    rig.hang_up(peer)
    raw = encode(Event3rdServerResponse(), client=frame.client, reference=frame.reference)
    rig.from_node(node, raw)
    assert not rig.got(peer)
