"""New work goes to one node, and only to one that takes it."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy.errors import Code
from ixproxy.messages import EventAck, RequestGetInteractionProperties, RequestSubmit
from ixproxy.values import NodeName, TenantFacts
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Flag, write_frame
from tests.core.rig import EAST, MEDIA, NORTH, TENANT, WEST, Rig, decode, facts, only


def submit(**more: Any) -> RequestSubmit:
    media_type = more.pop("media_type", "email")
    return RequestSubmit(tenant_id=TENANT, media_type=media_type, queue="Q1", **more)


def asked(rig: Rig) -> NodeName:
    return NodeName(only([node for node, frames in rig.to_node.items() if frames]))


def test_the_owner_of_a_new_interaction_is_known_from_the_answer() -> None:
    rig = Rig()
    peer = rig.client("MediaServer")
    rig.ask(peer, submit())
    node = asked(rig)
    rig.answer(node, only(rig.sent(node)), EventAck(interaction_id="new-1"))
    assert only(rig.got(peer)).interaction_id == "new-1"
    assert rig.core.state.owners.of(b"new-1") == node


def test_a_node_that_is_full_passes_the_submit_on_and_a_silent_one_does_not() -> None:
    rig = Rig()
    peer = rig.client("MediaServer")
    rig.ask(peer, submit())
    first = asked(rig)
    rig.refuse(first, only(rig.sent(first)), Code.BUSY)
    second = asked(rig)
    assert second != first
    rig.sent(second)
    rig.tick(31.0)
    error = only(rig.got(peer))
    assert (error.error_code, error.in_doubt) == (Code.LOST_CONNECTION, True)
    assert {decode(f).__class__ for fs in rig.to_node.values() for f in fs if f.kind == 1} == set()


def test_a_refusal_that_is_about_the_submit_is_the_answer() -> None:
    rig = Rig()
    peer = rig.client("MediaServer")
    rig.ask(peer, submit())
    node = asked(rig)
    rig.refuse(node, only(rig.sent(node)), Code.UNKNOWN_QUEUE)
    assert only(rig.got(peer)).error_code == Code.UNKNOWN_QUEUE
    assert not any(rig.to_node.values())


def test_a_disabled_media_type_is_refused_by_the_proxy() -> None:
    """Test idea 7, the proxy's half."""
    rig = Rig()
    peer = rig.client("MediaServer")
    rig.ask(peer, submit(media_type="fax"))
    error = only(rig.got(peer))
    assert error.error_code == Code.NO_SERVERS
    assert "disabled" in error.error_description
    assert not any(rig.to_node.values())


def test_media_types_changed_live_hold_for_new_work_only() -> None:
    """Test idea 8: the removed type goes elsewhere, and stays routable by id."""
    rig = Rig()
    peer = rig.client("MediaServer")
    rig.core.state.owners.confirm(b"old", EAST)
    nodes = {node.name: node for node in (facts(NORTH), facts(WEST))}
    nodes[EAST] = facts(EAST, media_types=frozenset({"chat"}))
    changed = type(rig.deployment)(rig.deployment.tenants, nodes)
    rig.core.configuration_changed(rig.core.state.settings, changed, rig.strategies, rig.now)
    for _ in range(6):
        rig.ask(peer, submit())
        node = asked(rig)
        assert node != EAST
        rig.answer(node, only(rig.sent(node)), EventAck(interaction_id="new"))
    rig.ask(peer, RequestGetInteractionProperties(tenant_id=TENANT, interaction_id="old"))
    assert asked(rig) == EAST


def test_a_node_that_takes_no_submits_still_serves_what_it_has() -> None:
    """Test idea 9: enable-submit off on some nodes, then on all."""
    rig = Rig([facts(EAST, enable_submit=False), facts(NORTH)])
    peer = rig.client("MediaServer")
    for _ in range(3):
        rig.ask(peer, submit())
        rig.answer(NORTH, only(rig.sent(NORTH)), EventAck(interaction_id="new"))
    rig.core.state.owners.confirm(b"old", EAST)
    rig.ask(peer, RequestGetInteractionProperties(tenant_id=TENANT, interaction_id="old"))
    assert len(rig.sent(EAST)) == 1
    none = Rig([facts(EAST, enable_submit=False), facts(NORTH, enable_submit=False)])
    peer = none.client("MediaServer")
    none.ask(peer, submit())
    assert only(none.got(peer)).error_code == Code.NO_SERVERS


def test_a_receipts_home_is_the_same_whoever_is_linked_and_is_never_passed_over() -> None:
    rig = Rig()
    peer = rig.client("MediaServer", client_name="mail")
    homes = set()
    for _ in range(4):
        rig.ask(peer, submit(submit_receipt="doc-1"), flags=Flag.RECEIPT)
        home = asked(rig)
        homes.add(home)
        rig.answer(home, only(rig.sent(home)), EventAck(interaction_id="new"))
    home = only(list(homes))
    rig.got(peer)
    rig.ask(peer, submit(submit_receipt="doc-1"), flags=Flag.RECEIPT)
    rig.refuse(home, only(rig.sent(home)), Code.BUSY)
    assert only(rig.got(peer)).error_code == Code.BUSY
    rig.lose(home)
    rig.ask(peer, submit(submit_receipt="doc-1"), flags=Flag.RECEIPT)
    error = only(rig.got(peer))
    assert (error.error_code, error.in_doubt) == (Code.RECEIPT_HOME_UNAVAILABLE, False)


def test_requests_for_an_id_whose_submit_is_pending_wait_for_it() -> None:
    rig = Rig()
    peer = rig.client("MediaServer")
    rig.ask(peer, submit(interaction_id="mine"))
    node = asked(rig)
    rig.ask(peer, RequestGetInteractionProperties(tenant_id=TENANT, interaction_id="mine"))
    frame = only(rig.sent(node))
    assert not any(rig.to_node.values())
    rig.answer(node, frame, EventAck(interaction_id="mine"))
    assert isinstance(decode(only(rig.sent(node))), RequestGetInteractionProperties)


def test_what_an_agent_submits_is_in_its_hands() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, submit())
    node = asked(rig)
    rig.answer(node, only(rig.sent(node)), EventAck(interaction_id="new", take_number=9))
    assert only(list(rig.core.state.clients)).holding == {"new": (9, node)}


def test_what_an_agent_submitted_before_it_left_goes_back() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, submit())
    node = asked(rig)
    frame = only(rig.sent(node))
    rig.hang_up(peer)
    rig.sent(node)
    rig.answer(node, frame, EventAck(interaction_id="new", take_number=9))
    cancelled = decode(only(rig.sent(node)))
    assert (cancelled.interaction_id, cancelled.take_number) == ("new", 9)


@pytest.mark.parametrize("broken", ["raises", "names nobody", "names strangers"])
def test_a_strategy_that_fails_costs_one_submit_only(broken: str) -> None:
    class Broken:
        def rank(self, draft: object, nodes: object) -> list[NodeName]:
            if broken == "raises":
                raise ValueError("no idea")
            return [] if broken == "names nobody" else [NodeName("elsewhere")]

    rig = Rig(routing=Broken())
    peer = rig.client("MediaServer")
    rig.ask(peer, submit())
    expected = Code.STRATEGY_FAILED if broken == "raises" else Code.NO_SERVERS
    assert only(rig.got(peer)).error_code == expected


def test_no_configured_node_for_the_media_type_is_a_definite_no() -> None:
    tenants = {TENANT: TenantFacts(TENANT, "Environment", MEDIA)}
    rig = Rig([facts(EAST, media_types=frozenset({"chat"}))], tenants=tenants)
    peer = rig.client("MediaServer")
    rig.ask(peer, submit())
    assert only(rig.got(peer)).error_code == Code.NO_SERVERS


def test_a_late_refusal_passes_nothing_on_for_the_client_was_answered() -> None:
    rig = Rig()
    peer = rig.client("MediaServer")
    rig.ask(peer, submit())
    node = asked(rig)
    frame = only(rig.sent(node))
    rig.tick(31.0)
    assert only(rig.got(peer)).error_code == Code.LOST_CONNECTION
    rig.sent(node)
    rig.refuse(node, frame, Code.BUSY)
    assert not any(rig.to_node.values())
    assert not rig.got(peer)


@pytest.mark.parametrize("how", ["hang up", "cancel"])
def test_nothing_is_passed_on_for_who_no_longer_wants_it(how: str) -> None:
    rig = Rig()
    peer = rig.client("MediaServer")
    reference = rig.ask(peer, submit())
    node = asked(rig)
    frame = only(rig.sent(node))
    if how == "hang up":
        rig.hang_up(peer)
    else:
        rig.raw(peer, write_frame(Kind.CANCEL, 0, reference=reference))
    for each in rig.to_node:
        rig.accept(each)
        rig.sent(each)
    rig.refuse(node, frame, Code.BUSY)
    assert not any(rig.to_node.values())
    assert [e.error_code for e in rig.got(peer)] == ([] if how == "hang up" else [Code.BUSY])


def test_an_id_stays_busy_until_the_last_submit_of_it_is_answered() -> None:
    rig = Rig()
    peer = rig.client("MediaServer")
    for _ in range(2):
        rig.ask(peer, submit(interaction_id="mine"))
    rig.ask(peer, RequestGetInteractionProperties(tenant_id=TENANT, interaction_id="mine"))
    frames = [(node, frame) for node in rig.to_node for frame in rig.sent(node)]
    assert len(frames) == 2
    node, frame = frames[0]
    rig.answer(node, frame, EventAck(interaction_id="mine"))
    assert not any(rig.to_node.values())
    rig.refuse(*frames[1], Code.DUPLICATE_INTERACTION)
    assert isinstance(decode(only(rig.sent(node))), RequestGetInteractionProperties)
    assert not rig.core._locator.in_flight


def test_an_id_stays_busy_while_its_submit_is_passed_on() -> None:
    rig = Rig()
    peer = rig.client("MediaServer")
    rig.ask(peer, submit(interaction_id="mine"))
    rig.ask(peer, RequestGetInteractionProperties(tenant_id=TENANT, interaction_id="mine"))
    first = asked(rig)
    rig.refuse(first, only(rig.sent(first)), Code.BUSY)
    second = asked(rig)
    rig.answer(second, only(rig.sent(second)), EventAck(interaction_id="mine"))
    assert isinstance(decode(only(rig.sent(second))), RequestGetInteractionProperties)


def test_a_submit_without_a_reply_is_followed_all_the_same() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, submit(), flags=Flag.NO_REPLY)
    node = asked(rig)
    frame = only(rig.sent(node))
    assert not frame.flags & Flag.NO_REPLY, "the proxy wants to know who has it"
    rig.answer(node, frame, EventAck(interaction_id="new", take_number=9))
    assert not rig.got(peer)
    client = only(list(rig.core.state.clients))
    assert client.holding == {"new": (9, node)}
    assert not client.inflight
