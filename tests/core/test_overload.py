"""Too much of everything: who is told so, who does not feel it, and what is never refused."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy.core.locating_turns import AT_ONCE
from ixproxy.effects import ResetLink
from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventInteractionProperties,
    EventInteractionsFound,
    EventPulledInteractions,
    RequestCancelTake,
    RequestChangeProperties,
    RequestClientsGone,
    RequestFindInteractions,
    RequestGetInteractionProperties,
    RequestLocate,
    RequestPull,
    RequestRegisterClient,
    RequestSubmit,
    RequestUnregisterClient,
)
from ixproxy.values import NodeName
from ixproxy.wire.codec import encode
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import write_frame
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, decode, only

FIND = RequestFindInteractions(tenant_id=TENANT, condition="state = 0")
HELD = RequestPull(tenant_id=TENANT, view_id="In/All", extension={"pull-for-strategy": 1})


def get(identifier: str) -> RequestGetInteractionProperties:
    return RequestGetInteractionProperties(tenant_id=TENANT, interaction_id=identifier)


def know(rig: Rig, *owners: tuple[str, NodeName]) -> None:
    """The proxy has learned who owns what."""
    for identifier, node in owners:
        rig.core.state.owners.confirm(identifier.encode(), node)


def codes(answers: list[Any]) -> list[int]:
    return [getattr(answer, "error_code", 0) for answer in answers]


@pytest.mark.parametrize("fast_path", [True, False])
@pytest.mark.parametrize("how", ["too many requests", "it does not read"])
def test_a_full_link_is_busy_at_once_and_other_nodes_traffic_does_not_feel_it(
    how: str, fast_path: bool
) -> None:
    """Test idea 63: a node's queue is full."""
    rig = Rig(fast_path=fast_path, max_pending_per_node=3)
    peer = rig.client()
    know(rig, ("e", EAST), ("n", NORTH))
    if how == "too many requests":
        for number in range(3):
            rig.ask(peer, get("e"), reference=100 + number)
    else:
        rig.core.link(EAST).full = True
    assert codes(rig.got(peer)) == []
    for number in range(5):
        rig.ask(peer, get("e"), reference=200 + number)
        assert codes(rig.got(peer)) == [Code.BUSY], "nothing is sent, and it is said at once"
        rig.ask(peer, get("n"), reference=300 + number)
        rig.answer(NORTH, only(rig.sent(NORTH)), EventInteractionProperties())
        assert codes(rig.got(peer)) == [0]
    assert len(rig.sent(EAST)) == (3 if how == "too many requests" else 0)


def test_submits_go_elsewhere_and_pulls_ask_the_others_while_one_link_is_full() -> None:
    """Test idea 63: work that may go anywhere goes where there is room."""
    rig = Rig()
    peer = rig.client("RoutingEngine")
    media = rig.client("MediaServer")
    rig.core.link(EAST).full = True
    for _ in range(6):
        rig.ask(media, RequestSubmit(tenant_id=TENANT, media_type="email", queue="In"))
    assert rig.sent(EAST) == []
    assert len(rig.sent(NORTH)) + len(rig.sent(WEST)) == 6
    rig.ask(peer, RequestPull(tenant_id=TENANT, view_id="In/All"))
    for _ in range(2):
        (node,) = (name for name in (NORTH, WEST) if rig.to_node[name])
        rig.answer(node, only(rig.sent(node)), EventPulledInteractions())
    assert codes(rig.got(peer)) == [0]


def test_each_request_has_one_answer_when_everything_is_full_and_a_node_is_lost() -> None:
    """Test idea 53: exactly one answer, under overload too."""
    rig = Rig(max_pending_per_node=4, max_pending_per_client=6, max_waiting_per_id=2)
    peers = [rig.client("RoutingEngine") for _ in range(4)]
    know(rig, ("e", EAST), ("n", NORTH))
    asked: dict[int, list[int]] = {peer: [] for peer in peers}
    answered: dict[int, list[int]] = {peer: [] for peer in peers}
    requests = [get("e"), get("n"), get("unknown"), HELD, FIND, get("e")]
    for turn in range(3):
        for peer in peers:
            asked[peer] += [rig.ask(peer, request) for request in requests]
        if turn == 1:
            rig.lose(EAST)
    rig.tick(100.0)
    rig.tick(100.0)
    for peer in peers:
        answered[peer] = [frame.reference for frame in rig.got_frames(peer)]
        assert sorted(answered[peer]) == asked[peer]
    assert all(not client.inflight and not client.patient for client in rig.core.state.clients)
    assert rig.core.state.fan_outs.number == rig.core.state.fan_outs.kept == 0
    assert rig.core._locator.in_flight == {}


def test_one_client_of_a_downstream_proxy_is_told_so_and_its_others_are_not() -> None:
    rig = Rig(max_pending_per_client=2)
    proxy = rig.client("Proxy")
    for number in range(2):
        registration = RequestRegisterClient(
            client_name=f"c{number}", client_type="AgentApplication"
        )
        rig.ask(proxy, registration)
        for node in (EAST, NORTH, WEST):
            rig.accept(node)
    rig.got(proxy)
    know(rig, ("e", EAST))
    for _ in range(3):
        rig.ask(proxy, get("e"), client=1)
    assert codes(rig.got(proxy)) == [Code.BUSY]
    rig.ask(proxy, get("e"), client=2)
    assert rig.got(proxy) == []


def full(**settings: Any) -> tuple[Rig, int]:
    """A proxy whose links are full, with a downstream proxy that has too much in flight."""
    rig = Rig(max_pending_per_client=1, max_pending_per_node=1, max_waiting_per_id=1, **settings)
    proxy = rig.client("Proxy")
    for number in range(3):
        rig.ask(proxy, RequestRegisterClient(client_name=f"c{number}", client_type="RoutingEngine"))
        for node in (EAST, NORTH, WEST):
            rig.accept(node)
    rig.got(proxy)
    know(rig, ("e", EAST), ("n", NORTH), ("w", WEST))
    for client, identifier in enumerate("enw", 1):
        rig.ask(proxy, get(identifier), client=client)
    rig.ask(proxy, RequestLocate(tenant_id=TENANT, interaction_id="e"))
    for node in (EAST, NORTH, WEST):
        rig.core.link(node).full = True
        rig.sent(node)
    rig.got(proxy)
    for client in range(1, 4):
        rig.ask(proxy, get("e"), client=client)
    assert codes(rig.got(proxy)) == [Code.BUSY] * 3
    return rig, proxy


def test_a_cancelled_take_goes_on_with_everything_full() -> None:
    rig, proxy = full()
    rig.ask(proxy, RequestCancelTake(tenant_id=TENANT, interaction_id="e", take_number=7))
    assert decode(only(rig.sent(EAST))).take_number == 7
    assert codes(rig.got(proxy)) == [0]


def test_a_cancelled_take_waits_for_its_owner_with_everything_full() -> None:
    rig, proxy = full(max_locating=1)
    take = RequestCancelTake(tenant_id=TENANT, interaction_id="x", take_number=7)
    for node in (EAST, NORTH, WEST):
        rig.core.link(node).full = False
        rig.core.state.links[node].pending.clear()
    router = rig.client("RoutingEngine")
    rig.ask(router, get("x"))
    other = rig.client("RoutingEngine")
    rig.ask(other, get("x"))
    for _ in range(3):
        rig.ask(proxy, take)
    assert codes(rig.got(proxy)) == []
    (asked,) = (frame for frame in rig.sent(EAST) if isinstance(decode(frame), RequestLocate))
    rig.answer(EAST, asked, EventAck())
    for node in (NORTH, WEST):
        for frame in rig.sent(node):
            if isinstance(decode(frame), RequestLocate):
                rig.refuse(node, frame, Code.UNKNOWN_INTERACTION)
    takes = [frame for frame in rig.sent(EAST) if isinstance(decode(frame), RequestCancelTake)]
    assert len(takes) == 3


def test_clients_gone_is_passed_on_with_everything_full() -> None:
    rig, proxy = full()
    rig.ask(proxy, RequestClientsGone(clients=[1, 2, 3], application_name="desk"))
    for node in (EAST, NORTH, WEST):
        gone = [
            decode(frame)
            for frame in rig.sent(node)
            if frame.kind == Kind.REQUEST and isinstance(decode(frame), RequestClientsGone)
        ]
        assert [len(each.clients) for each in gone] == [3]


def test_a_goodbye_is_passed_on_with_everything_full() -> None:
    rig, proxy = full()
    rig.ask(proxy, RequestUnregisterClient(), client=1)
    assert 0 in codes(rig.got(proxy))
    for node in (EAST, NORTH, WEST):
        names = [type(decode(f)) for f in rig.sent(node) if f.kind == Kind.REQUEST]
        assert RequestUnregisterClient in names


def test_a_cancel_is_passed_on_with_everything_full() -> None:
    rig, proxy = full()
    client = rig.core.state.clients.peers[proxy].clients[1]
    (reference,) = client.inflight
    rig.raw(proxy, write_frame(Kind.CANCEL, 0, client=1, reference=reference))
    assert only(rig.sent(EAST)).kind == Kind.CANCEL


def test_a_take_that_reaches_nobody_is_given_back_over_a_full_link() -> None:
    rig = Rig()
    peer = rig.client("RoutingEngine")
    rig.ask(peer, RequestPull(tenant_id=TENANT, view_id="In/All"))
    (node,) = (name for name in rig.to_node if rig.to_node[name])
    frame = only(rig.sent(node))
    rig.hang_up(peer)
    rig.accept(node)
    rig.sent(node)
    rig.core.link(node).full = True
    taken = EventPulledInteractions(interactions={"x": {}}, take_numbers={"x": 9})
    rig.answer(node, frame, taken)
    assert decode(only(rig.sent(node))).take_number == 9


def test_fan_outs_are_bounded_and_one_client_has_a_part_of_them() -> None:
    rig = Rig(max_fan_outs=8)
    greedy, other = rig.client(), rig.client()
    for _ in range(4):
        rig.ask(greedy, FIND)
    assert codes(rig.got(greedy)) == [Code.BUSY] * 2
    rig.ask(other, FIND)
    assert rig.got(other) == []
    for node in (EAST, NORTH, WEST):
        for frame in rig.sent(node):
            rig.answer(node, frame, EventInteractionsFound())
    assert codes(rig.got(greedy)) == [0, 0]
    assert rig.core.state.fan_outs.number == 0


def test_what_fan_outs_keep_is_bounded_and_the_one_too_large_is_told_that_it_is() -> None:
    rig = Rig(max_gathered=4000)
    peer, other = rig.client(), rig.client()
    large = EventInteractionsFound(interactions={"x": {"t": "x" * 600}})
    rig.ask(peer, FIND)
    rig.answer(EAST, only(rig.sent(EAST)), large)
    rig.answer(NORTH, only(rig.sent(NORTH)), large)
    assert codes(rig.got(peer)) == [Code.LIMIT_REACHED]
    rig.answer(WEST, only(rig.sent(WEST)), large)
    assert rig.got(peer) == []
    assert rig.core.state.fan_outs.kept == 0
    for _ in range(2):
        rig.ask(peer, FIND)
    for frame in rig.sent(EAST):
        rig.answer(EAST, frame, large)
    assert codes(rig.got(peer)) == [Code.BUSY], "another of its own is in the way"
    rig.ask(other, FIND)
    for node in (EAST, NORTH, WEST):
        for frame in rig.sent(node):
            rig.answer(node, frame, EventInteractionsFound())
    assert codes(rig.got(other)) == [0]
    assert codes(rig.got(peer)) == [0]


def test_what_was_gathered_for_a_client_that_is_gone_is_not_kept() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, FIND)
    frames = {node: only(rig.sent(node)) for node in (EAST, NORTH, WEST)}
    rig.answer(EAST, frames[EAST], EventInteractionsFound(interactions={"x": {}}))
    assert rig.core.state.fan_outs.kept > 0
    rig.hang_up(peer)
    rig.answer(NORTH, frames[NORTH], EventInteractionsFound())
    assert (rig.core.state.fan_outs.number, rig.core.state.fan_outs.kept) == (0, 0)


def test_a_client_that_names_one_unknown_interaction_after_the_other_asks_some_at_a_time() -> None:
    rig = Rig()
    flooding, other = rig.client(), rig.client()
    for number in range(3 * AT_ONCE):
        rig.ask(flooding, get(f"u{number}"))
    assert len(rig.sent(EAST)) == AT_ONCE
    rig.ask(other, get("mine"))
    assert only(rig.sent(EAST)).interaction == "mine"
    rig.tick(40.0)
    assert codes(rig.got(flooding)) == [Code.EXPIRED] * (3 * AT_ONCE)
    assert rig.sent(EAST) == [], "dead work is not asked for"
    assert rig.core._locator.in_flight == {}
    assert rig.core._locator.turns.waiting == {}


def test_what_waits_for_an_owner_goes_on_in_order_and_a_learned_owner_is_not_asked_for() -> None:
    rig = Rig()
    peer = rig.client()
    for number in range(AT_ONCE + 2):
        rig.ask(peer, get(f"u{number}"))
    first = {node: rig.sent(node)[0] for node in (EAST, NORTH, WEST)}
    know(rig, (f"u{AT_ONCE}", EAST))
    for node, frame in first.items():
        rig.refuse(node, frame, Code.UNKNOWN_INTERACTION)
    sent = [(type(decode(frame)), frame.interaction) for frame in rig.sent(EAST)]
    assert sent == [
        (RequestGetInteractionProperties, f"u{AT_ONCE}"),
        (RequestLocate, f"u{AT_ONCE + 1}"),
    ]


def test_ids_being_located_are_bounded_and_one_client_has_a_part_of_them() -> None:
    rig = Rig(max_locating=4 * 8)
    greedy, other = rig.client(), rig.client()
    for number in range(AT_ONCE + 8 + 5):
        rig.ask(greedy, get(f"u{number}"))
    assert codes(rig.got(greedy)) == [Code.BUSY] * 5
    rig.ask(other, get("mine"))
    assert rig.got(other) == []


def test_requests_that_wait_for_people_or_for_work_are_not_on_the_way() -> None:
    rig = Rig()
    router = rig.client("RoutingEngine")
    client = rig.core.state.clients.peers[router].clients[0]
    know(rig, ("e", EAST))
    for _ in range(300):
        rig.ask(router, HELD)
    assert (len(client.inflight), client.on_the_way) == (300, 0)
    rig.ask(router, get("e"))
    assert client.on_the_way == 1
    rig.tick(31.0)
    assert (len(client.inflight), len(client.patient), client.on_the_way) == (0, 0, 0)
    assert len(rig.got(router)) == 301


@pytest.mark.parametrize("fast_path", [True, False])
def test_frames_that_cost_much_are_few_in_one_turn(fast_path: bool) -> None:
    rig = Rig(fast_path=fast_path)
    peer = rig.client()
    know(rig, ("e", EAST))
    change = RequestChangeProperties(tenant_id=TENANT, interaction_id="e")
    known = [encode(change, reference=reference) for reference in range(100, 200)]
    other = [encode(FIND, reference=reference) for reference in range(300, 400)]
    assert rig.core.frames_received(peer, known, rig.now, 64) == (64 if fast_path else 8)
    assert rig.core.frames_received(peer, other, rig.now, 64) == 3, "each goes to three nodes"
    assert rig.core.frames_received(peer, known[64:], rig.now) == 36, "all, where none is said"


def test_parted_answers_without_an_end_cost_the_link_and_nothing_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ixproxy.core.answers.MAX_PARTS_BYTES", 1000)
    rig = Rig()
    peer = rig.client()
    for _ in range(3):
        rig.ask(peer, FIND)
    part = EventInteractionsFound(interactions={"x": {"t": "x" * 400}})
    frames = rig.sent(EAST)
    for frame in frames[:2]:
        rig.answer(EAST, frame, part, flags=8)
    assert len(rig.core.link(EAST).unfinished) == 2
    rig.answer(EAST, frames[2], part, flags=8)
    assert [each.node for each in rig.effects if isinstance(each, ResetLink)] == [EAST]
    assert rig.core.link(EAST).unfinished == {}
