"""ESP calls that name an interaction: they are its owner's, whoever else has the server."""

from __future__ import annotations

import pytest

from ixproxy.errors import Code
from ixproxy.messages import Event3rdServerFault, Event3rdServerResponse, Request3rdServer
from ixproxy.messages.message import Message
from ixproxy.wire.codec import encode, error_frame
from ixproxy.wire.prefix import readdress
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, decode, only

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


def test_a_call_that_names_no_interaction_is_not_served_yet() -> None:
    rig = Rig()
    peer = rig.client("RoutingEngine")
    rig.ask(peer, call(""))
    assert only(rig.got(peer)).error_code == Code.UNSUPPORTED_YET
    assert not any(rig.to_node.values())
