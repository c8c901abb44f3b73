"""Pulls: one node after another, holds, ids on several nodes, and nothing stranded."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from ixproxy.core.pulling import takes_in
from ixproxy.errors import Code, RemoteProtocolError
from ixproxy.messages import (
    EventAck,
    EventPulledInteractions,
    RequestCancelTake,
    RequestPull,
)
from ixproxy.values import NodeName
from ixproxy.wire.codec import encode, encode_map
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Flag, read_frame
from tests.core.chained import UPSTREAM, Outer
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, decode, facts, only


def pull(**more: Any) -> RequestPull:
    return RequestPull(tenant_id=TENANT, view_id="Q1/All", number_of_interactions=1, **more)


def gives(*identifiers: str) -> EventPulledInteractions:
    return EventPulledInteractions(
        interactions={name: {"MediaType": "email"} for name in identifiers},
        take_numbers={name: number for number, name in enumerate(identifiers, 1)},
    )


def by_ids(*identifiers: str) -> RequestPull:
    parameters = dict.fromkeys(identifiers, 1)
    return RequestPull(tenant_id=TENANT, view_id="_system_", pull_parameters=parameters)


def asked(rig: Rig) -> NodeName:
    """The one node that has something to answer."""
    return NodeName(only([node for node, frames in rig.to_node.items() if frames]))


def test_an_empty_node_is_passed_over_and_the_first_that_gives_is_the_answer() -> None:
    """Test idea 13: empty node first, full node second."""
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, pull())
    first = asked(rig)
    rig.answer(first, only(rig.sent(first)), EventPulledInteractions())
    second = asked(rig)
    assert second != first
    rig.answer(second, only(rig.sent(second)), gives("i1"))
    answer = only(rig.got(peer))
    assert answer.take_numbers == {"i1": 1}
    assert not any(rig.to_node.values()), "the answer was topped up"


def test_all_empty_is_an_empty_answer() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, pull())
    for _ in range(3):
        node = asked(rig)
        rig.answer(node, only(rig.sent(node)), EventPulledInteractions())
    assert only(rig.got(peer)) == EventPulledInteractions()


def test_only_a_pull_for_a_strategy_gets_the_proxys_hold() -> None:
    """Test idea 14: the client's own hold is replaced, its other keys stay."""
    rig = Rig(pull_hold_timeout=2.0)
    peer = rig.client("RoutingEngine")
    extension = {"before": 1, "pull-hold-timeout": 99, "pull-for-strategy": 1, "after": [1, "x"]}
    rig.ask(peer, pull(extension=extension))
    node = asked(rig)
    sent = decode(only(rig.sent(node)))
    assert sent.extension == {**extension, "pull-hold-timeout": 2.0}
    rig.ask(peer, pull(extension={"pull-hold-timeout": 99}))
    node = asked(rig)
    assert decode(only(rig.sent(node))).extension == {"pull-hold-timeout": 99}


def test_no_hold_is_longer_than_the_time_that_is_left() -> None:
    rig = Rig()
    peer = rig.client("RoutingEngine")
    rig.ask(peer, pull(extension={"pull-for-strategy": 1}), ttl=1500)
    node = asked(rig)
    hold = decode(only(rig.sent(node))).extension["pull-hold-timeout"]
    assert 0 < hold <= 1.5 - 0.25


def test_a_pull_whose_time_is_spent_gets_an_empty_answer() -> None:
    rig = Rig()
    peer = rig.client("RoutingEngine")
    rig.ask(peer, pull(extension={"pull-for-strategy": 1}), ttl=1000)
    node = asked(rig)
    rig.now += 0.9
    rig.answer(node, only(rig.sent(node)), EventPulledInteractions())
    assert only(rig.got(peer)) == EventPulledInteractions()


def test_no_node_starves_whatever_the_backlogs_are() -> None:
    """Test idea 15: 10,000 pulls over three nodes that always have work."""
    rig = Rig()
    peer = rig.client()
    served: Counter[NodeName] = Counter()
    for number in range(10_000):
        rig.ask(peer, pull())
        node = asked(rig)
        served[node] += 1
        rig.answer(node, only(rig.sent(node)), gives(f"i{number}"))
        rig.to_peer[peer].clear()
    assert max(served.values()) - min(served.values()) <= 1


def test_a_queue_on_one_node_keeps_its_order() -> None:
    """Test idea 16: answers arrive in the order of the node's takes."""
    rig = Rig([facts(EAST)])
    peer = rig.client()
    for _ in range(50):
        rig.ask(peer, pull())
    frames = rig.sent(EAST)
    for number, frame in enumerate(frames):
        rig.answer(EAST, frame, gives(f"i{number:03}"))
    order = [next(iter(answer.interactions)) for answer in rig.got(peer)]
    assert order == sorted(order)
    assert len(order) == 50


def test_a_client_that_leaves_while_its_pull_is_held_strands_nothing() -> None:
    """Test idea 17: the node is told to cancel; what it gave all the same goes back."""
    rig = Rig()
    peer = rig.client("RoutingEngine")
    rig.ask(peer, pull(extension={"pull-for-strategy": 1}))
    node = asked(rig)
    frame = only(rig.sent(node))
    rig.hang_up(peer)
    kinds = [(each.kind, each.reference) for each in rig.to_node[node]]
    assert (Kind.CANCEL, frame.reference) in kinds
    rig.sent(node)
    rig.answer(node, frame, gives("i1", "i2"))
    cancelled = [decode(each) for each in rig.sent(node)]
    assert cancelled == [
        RequestCancelTake(tenant_id=TENANT, interaction_id="i1", take_number=1),
        RequestCancelTake(tenant_id=TENANT, interaction_id="i2", take_number=2),
    ]


def test_a_node_lost_after_it_was_asked_is_in_doubt() -> None:
    """Test idea 18: 2002; the take comes back through the next registration's holdings."""
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, pull())
    node = asked(rig)
    rig.lose(node)
    error = only(rig.got(peer))
    assert (error.error_code, error.in_doubt) == (Code.LOST_CONNECTION, True)
    rig.core.node_connected(node, rig.now)
    rig.pump()
    greeting = only(rig.sent(node))
    rig.to_node[node].append(greeting)
    rig.accept(node)
    assert "i1" not in only(list(rig.core.state.clients)).holding


def test_a_late_answer_to_a_pull_that_timed_out_goes_back() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, pull())
    node = asked(rig)
    frame = only(rig.sent(node))
    rig.tick(31.0)
    assert only(rig.got(peer)).error_code == Code.LOST_CONNECTION
    rig.sent(node)
    rig.answer(node, frame, gives("i1"))
    assert not rig.got(peer)
    assert isinstance(decode(only(rig.sent(node))), RequestCancelTake)


def test_what_an_answer_hands_over_is_read_from_its_body() -> None:
    assert takes_in(read_frame(encode(gives("a", "b"))).body) == {"a": 1, "b": 2}
    assert takes_in(read_frame(encode(EventAck())).body) == {}


def test_a_strategy_that_fails_refuses_the_pull_and_the_proxy_lives() -> None:
    class Broken:
        def order(self, pull: object, nodes: object) -> object:
            raise RuntimeError("broken")

    rig = Rig(pull=Broken())
    peer = rig.client()
    rig.ask(peer, pull())
    assert only(rig.got(peer)).error_code == Code.STRATEGY_FAILED
    rig.core.state.owners.confirm(b"a", EAST)
    rig.ask(peer, by_ids("a"))
    rig.answer(EAST, only(rig.sent(EAST)), gives("a"))
    assert only(rig.got(peer)).take_numbers == {"a": 1}


def test_an_empty_answer_is_partial_where_a_node_could_not_be_asked() -> None:
    rig = Rig()
    peer = rig.client()
    for lost in (False, True):
        if lost:
            rig.lose(WEST)
        rig.ask(peer, pull())
        for _ in range(2 if lost else 3):
            node = asked(rig)
            rig.answer(node, only(rig.sent(node)), EventPulledInteractions())
        assert bool(only(rig.got_frames(peer)).flags & Flag.PARTIAL) == lost


def test_where_every_link_is_full_a_pull_is_busy_and_not_empty() -> None:
    rig = Rig()
    peer = rig.client()
    for node in (EAST, NORTH):
        rig.core.link(node).full = True
    rig.ask(peer, pull())
    rig.answer(WEST, only(rig.sent(WEST)), EventPulledInteractions())
    frame = only(rig.got_frames(peer))
    assert decode(frame) == EventPulledInteractions()
    assert frame.flags & Flag.PARTIAL
    rig.core.link(WEST).full = True
    rig.ask(peer, pull())
    assert only(rig.got(peer)).error_code == Code.BUSY


@pytest.mark.parametrize("plan", [None, 7, ["east"], [("east", 1.0)]])
def test_a_strategy_that_plans_something_else_costs_one_pull_only(plan: object) -> None:
    class Broken:
        def order(self, pull: object, nodes: object) -> object:
            return plan

    rig = Rig(pull=Broken())
    peer = rig.client()
    rig.ask(peer, pull())
    assert only(rig.got(peer)).error_code == Code.STRATEGY_FAILED


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_take_that_could_not_be_given_back_is_the_nodes_fault(key: str) -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, pull())
    node = asked(rig)
    rig.answer(node, only(rig.sent(node)), gives(key))
    assert not rig.core.link(node).linked
    assert only(rig.got(peer)).error_code == Code.LOST_CONNECTION
    assert only(list(rig.core.state.clients)).holding == {}
    with pytest.raises(RemoteProtocolError):
        takes_in(encode_map({"TakeNumbers": {"a": -1}}))


def test_an_empty_answer_of_an_upstream_proxy_is_partial_if_it_says_so() -> None:
    for flags in (Flag.PARTIAL, Flag(0)):
        rig = Outer()
        peer = rig.client("RoutingEngine")
        rig.ask(peer, pull())
        frame = only(rig.sent(UPSTREAM))
        rig.answer(UPSTREAM, frame, EventPulledInteractions(), flags=flags)
        assert only(rig.got_frames(peer)).flags & Flag.PARTIAL == flags


def test_an_upstream_proxy_is_given_the_time_that_is_left_and_sets_the_holds_itself() -> None:
    rig = Outer(request_timeout=20.0)
    peer = rig.client("RoutingEngine")
    rig.ask(peer, pull(extension={"pull-for-strategy": 1}))
    frame = only(rig.sent(UPSTREAM))
    assert frame.ttl == 20_000
    assert decode(frame).extension == {"pull-for-strategy": 1}
