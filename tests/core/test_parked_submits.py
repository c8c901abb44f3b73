"""Submits with a receipt wait for their home as what names an interaction does for its owner."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy.errors import Code
from ixproxy.messages import EventAck, RequestSubmit
from ixproxy.values import NodeName, rendezvous
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Flag, write_frame
from tests.core.parked import WINDOW, asking, codes, known, line_of, sent_ids
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, only


def submit_at(rig: Rig, peer: int, node: NodeName = EAST, **more: Any) -> int:
    """Send a submit whose home is `node`; its reference."""
    receipt = next(
        f"r{number}"
        for number in range(100)
        if rendezvous(f"{TENANT}/client-{peer}/r{number}", [EAST, NORTH, WEST])[0] == node
    )
    prefix = {"ttl": more.pop("ttl", 0)}
    message = RequestSubmit(
        tenant_id=TENANT, media_type="email", queue="Q1", submit_receipt=receipt, **more
    )
    return rig.ask(peer, message, flags=Flag.RECEIPT, **prefix)


def test_a_submit_with_a_receipt_waits_for_its_home() -> None:
    rig, peer = known()
    rig.lose(EAST)
    submit_at(rig, peer)
    submit_at(rig, peer, WEST)
    assert len(rig.sent(WEST)) == 1
    rig.link(EAST)
    rig.answer(EAST, only(rig.sent(EAST)), EventAck(interaction_id="new"))
    assert only(rig.got(peer)).interaction_id == "new"
    assert rig.core.state.owners.of(b"new") == EAST


def test_one_that_can_go_elsewhere_does() -> None:
    rig, peer = known()
    for node in (EAST, NORTH):
        rig.lose(node)
    rig.ask(peer, RequestSubmit(tenant_id=TENANT, media_type="email", queue="Q1"))
    assert len(rig.sent(WEST)) == 1
    assert not rig.core.parking.lines


def test_a_home_that_does_not_come_back_is_unavailable_and_nothing_was_done() -> None:
    rig, peer = known()
    rig.lose(EAST)
    submit_at(rig, peer)
    rig.tick(WINDOW)
    error = only(rig.got(peer))
    assert (error.error_code, error.in_doubt) == (Code.RECEIPT_HOME_UNAVAILABLE, False)
    assert line_of(rig).given_up == 1


def test_submits_and_requests_by_id_go_in_the_order_in_which_they_came() -> None:
    rig, peer = known()
    rig.lose(EAST)
    rig.ask(peer, asking("a"))
    submit_at(rig, peer, interaction_id="mine")
    rig.ask(peer, asking("b"))
    rig.link(EAST)
    assert sent_ids(rig) == ["a", "mine", "b"]


def test_what_names_the_same_id_waits_with_its_submit() -> None:
    rig, peer = known()
    other = rig.client()
    rig.lose(EAST)
    submit_at(rig, peer, interaction_id="mine")
    rig.ask(other, asking("mine"))
    assert not any(rig.to_node.values()), "it is not looked for elsewhere"
    rig.link(EAST)
    rig.answer(EAST, only(rig.sent(EAST)), EventAck(interaction_id="mine"))
    assert sent_ids(rig) == ["mine"]


@pytest.mark.parametrize("end", ["cancel", "ttl", "client", "window"])
def test_however_it_ends_what_waits_with_it_goes_on(end: str) -> None:
    rig, peer = known()
    other = rig.client()
    rig.lose(EAST)
    reference = submit_at(rig, peer, interaction_id="mine", ttl=1000 if end == "ttl" else 0)
    rig.ask(other, asking("mine"))
    if end == "cancel":
        rig.raw(peer, write_frame(Kind.CANCEL, 0, reference=reference))
    elif end == "client":
        rig.hang_up(peer)
    rig.tick(WINDOW if end == "window" else 1)
    assert rig.core.parking.count == 0
    for node in (NORTH, WEST):
        rig.located(node, found=False)
    assert codes(rig, other) == [Code.NOT_ACCESSIBLE]
    expected = {
        "cancel": [Code.CANCELLED],
        "ttl": [Code.EXPIRED],
        "client": [],
        "window": [Code.RECEIPT_HOME_UNAVAILABLE],
    }
    assert codes(rig, peer) == expected[end]
