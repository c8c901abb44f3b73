"""Calls that name no interaction; what nodes make of them is in `test_third_party_servers`."""

from __future__ import annotations

from ixproxy.core.choosing import PASSES_ON
from ixproxy.errors import Code, in_doubt
from ixproxy.messages import EventError, Request3rdServer
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import write_frame
from tests.core.rig import EAST, TENANT, Rig, only


def test_only_what_did_nothing_is_passed_on() -> None:
    assert not any(map(in_doubt, PASSES_ON))


def test_a_node_that_is_full_is_passed_over_at_once() -> None:
    rig = Rig()
    peer = rig.client("RoutingEngine")
    rig.core.link(EAST).full = True
    rig.ask(peer, Request3rdServer(tenant_id=TENANT))
    assert not rig.sent(EAST)
    assert sum(map(len, rig.to_node.values())) == 1


def test_where_all_are_full_the_call_is_refused_as_busy() -> None:
    rig = Rig()
    peer = rig.client("RoutingEngine")
    for node in rig.to_node:
        rig.core.link(node).full = True
    rig.ask(peer, Request3rdServer(tenant_id=TENANT))
    assert only(rig.got(peer)).error_code == Code.BUSY


def test_a_cancelled_call_is_not_passed_on() -> None:
    rig = Rig()
    peer = rig.client("RoutingEngine")
    reference = rig.ask(peer, Request3rdServer(tenant_id=TENANT))
    frame = only(rig.sent(EAST))
    rig.raw(peer, write_frame(Kind.CANCEL, 0, reference=reference))
    rig.refuse(EAST, frame, Code.BUSY)
    assert only(rig.got(peer)).error_code == Code.BUSY


def test_a_call_that_may_have_been_made_is_not_passed_on() -> None:
    rig = Rig()
    peer = rig.client("RoutingEngine")
    rig.ask(peer, Request3rdServer(tenant_id=TENANT))
    frame = only(rig.sent(EAST))
    rig.answer(EAST, frame, EventError(error_code=Code.STOPPING, in_doubt=True))
    error = only(rig.got(peer))
    assert (error.error_code, error.in_doubt) == (Code.STOPPING, True)
    assert not any(rig.to_node.values())
