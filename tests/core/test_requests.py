"""A client's frame on the slow path: checked, then sent along its route."""

from __future__ import annotations

import pytest

from ixproxy.core.routing import ROUTES, Route
from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    RequestAgentLogin,
    RequestGetInteractionProperties,
    RequestLocate,
    RequestPing,
    RequestPull,
    RequestSubmit,
)
from ixproxy.wire.codec import encode
from ixproxy.wire.frames import Skipped
from ixproxy.wire.names import BY_NAME, Kind
from ixproxy.wire.prefix import Flag, write_frame
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, decode, only
from tests.core.test_attributes import sender_of, whole

PROPERTIES = RequestGetInteractionProperties(tenant_id=TENANT, interaction_id="a")


def test_ping_is_refused() -> None:
    """Test idea 61."""
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, RequestPing())
    assert only(rig.got(peer)).error_code == Code.UNSUPPORTED_OPERATION


@pytest.mark.parametrize(
    "name", [n for n, row in ROUTES.items() if row.route not in (Route.LOCAL, Route.RELAY)]
)
def test_no_request_of_the_catalogue_is_unsupported_yet(name: str) -> None:
    rig = Rig()
    row = BY_NAME[name]
    peer = rig.client(sender_of(row))
    rig.ask(peer, row.message(**whole(row)))
    codes = [getattr(answer, "error_code", 0) for answer in rig.got(peer)]
    assert Code.UNSUPPORTED_YET not in codes
    assert codes or any(rig.to_node.values())


@pytest.mark.parametrize(
    "name",
    [n for n, row in ROUTES.items() if row.route is Route.LOCAL and n != "RequestRegisterClient"],
)
def test_what_the_proxy_does_itself_is_supported(name: str) -> None:
    rig = Rig()
    row = BY_NAME[name]
    peer = rig.client(sender_of(row))
    rig.ask(peer, row.message(**whole(row)))
    codes = [getattr(answer, "error_code", 0) for answer in rig.got(peer)]
    assert not {Code.UNSUPPORTED_YET, Code.UNSUPPORTED_OPERATION} & set(codes)


def test_a_request_of_another_client_type_is_not_allowed() -> None:
    rig = Rig()
    peer = rig.client("ReportingEngine")
    rig.ask(peer, RequestSubmit(tenant_id=TENANT, media_type="email", queue="Q1"))
    error = only(rig.got(peer))
    assert error.error_code == Code.NOT_ALLOWED
    assert "RequestSubmit" in error.error_description
    rig.ask(peer, RequestLocate(tenant_id=TENANT, interaction_id="a"))
    assert only(rig.got(peer)).error_code == Code.NOT_ALLOWED


def test_a_peer_that_has_not_registered_is_told_so() -> None:
    rig = Rig()
    peer = rig.peer()
    rig.ask(peer, PROPERTIES)
    assert only(rig.got(peer)).error_code == Code.NOT_REGISTERED


@pytest.mark.parametrize(
    ("kind", "name", "flags", "word"),
    [
        (Kind.REQUEST, 9999, 0, "9999"),
        (Kind.REQUEST, 1000, 0, "1000"),
        (Kind.REPLY, 1000, 0, "kind"),
        (Kind.REQUEST, 52, Flag.COMPRESSED, "compressed"),
    ],
)
def test_a_frame_that_makes_no_sense_is_answered_with_what_is_wrong(
    kind: int, name: int, flags: int, word: str
) -> None:
    rig = Rig()
    peer = rig.client()
    rig.raw(peer, write_frame(kind, name, flags=flags, tenant=TENANT, interaction=b"a"))
    error = only(rig.got(peer))
    assert error.error_code == Code.BAD_FRAME
    assert word in error.error_description


def test_a_reference_in_use_is_refused_and_the_first_request_keeps_its_answer() -> None:
    rig = Rig()
    peer = rig.client()
    rig.core.state.owners.confirm(b"a", EAST)
    rig.ask(peer, PROPERTIES, reference=5)
    rig.ask(peer, PROPERTIES, reference=5)
    assert only(rig.got(peer)).error_code == Code.BAD_FRAME
    rig.answer(EAST, only(rig.sent(EAST)), EventAck())
    assert isinstance(only(rig.got(peer)), EventAck)


def test_a_client_with_too_many_requests_in_flight_is_busy() -> None:
    rig = Rig(max_pending_per_client=2)
    peer, other = rig.client(), rig.client()
    rig.core.state.owners.confirm(b"a", EAST)
    for _ in range(3):
        rig.ask(peer, PROPERTIES)
    assert only(rig.got(peer)).error_code == Code.BUSY
    rig.ask(other, PROPERTIES)
    assert not rig.got(other), "another client does not feel it"
    for frame in rig.sent(EAST):
        rig.answer(EAST, frame, EventAck())
    assert len(rig.got(peer)) == 2


def test_a_full_link_is_busy_at_once_and_other_nodes_do_not_feel_it() -> None:
    rig = Rig()
    peer = rig.client()
    rig.core.state.owners.confirm(b"a", EAST)
    rig.core.state.owners.confirm(b"b", WEST)
    rig.core.link(EAST).full = True
    rig.ask(peer, PROPERTIES)
    assert only(rig.got(peer)).error_code == Code.BUSY
    rig.ask(peer, RequestGetInteractionProperties(tenant_id=TENANT, interaction_id="b"))
    assert len(rig.sent(WEST)) == 1


def test_a_cancelled_request_that_waits_for_its_owner_runs_no_further() -> None:
    rig = Rig()
    peer = rig.client()
    reference = rig.ask(peer, PROPERTIES)
    rig.raw(peer, write_frame(Kind.CANCEL, 0, reference=reference))
    assert not rig.got(peer)
    for node in (EAST, NORTH, WEST):
        rig.located(node, found=node == EAST)
    assert only(rig.got(peer)).error_code == Code.CANCELLED
    assert not rig.sent(EAST)


def test_a_cancel_follows_the_request_to_its_node_on_both_paths() -> None:
    for fast_path in (True, False):
        rig = Rig(fast_path=fast_path)
        peer = rig.client()
        rig.core.state.owners.confirm(b"a", EAST)
        reference = rig.ask(peer, PROPERTIES)
        sent = only(rig.sent(EAST))
        rig.raw(peer, write_frame(Kind.CANCEL, 0, reference=reference))
        cancel = only(rig.sent(EAST))
        assert (cancel.kind, cancel.client, cancel.reference) == (
            Kind.CANCEL,
            sent.client,
            sent.reference,
        )
        rig.raw(peer, write_frame(Kind.CANCEL, 0, reference=12345))
        assert not rig.sent(EAST), "nobody knows that reference"


def test_no_reply_wanted_means_none_on_any_route() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, PROPERTIES, flags=Flag.NO_REPLY)
    for node in (EAST, NORTH, WEST):
        rig.located(node, found=False)
    rig.ask(peer, RequestPing(), flags=Flag.NO_REPLY)
    assert not rig.got(peer)
    pull = RequestPull(tenant_id=TENANT, view_id="Q1/All")
    rig.ask(peer, pull, flags=Flag.NO_REPLY)
    assert not any(rig.to_node.values()), "a pull without its reply would strand what it takes"
    assert not only(list(rig.core.state.clients)).inflight


def test_a_wrong_type_in_a_body_names_the_attribute() -> None:
    rig = Rig()
    peer = rig.client()
    frame = encode(RequestAgentLogin(tenant_id=TENANT, agent_id="ann"), reference=3)
    body = b"\x81\xa9MediaList\x05"
    rig.raw(peer, (len(frame) - 5 + len(body)).to_bytes(4, "big") + frame[4:-1] + body)
    error = only(rig.got(peer))
    assert error.error_code == Code.BAD_ATTRIBUTE
    assert "MediaList" in error.error_description


def test_keep_alive_is_answered() -> None:
    rig = Rig()
    peer = rig.client()
    rig.raw(peer, write_frame(Kind.PING, 0, reference=8))
    pong = only(rig.got_frames(peer))
    assert (pong.kind, pong.reference) == (Kind.PONG, 8)
    rig.raw(peer, write_frame(Kind.PONG, 0))
    assert not rig.got_frames(peer)


def test_a_frame_held_for_a_while_goes_on_with_what_is_left_of_its_time() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, PROPERTIES, ttl=5000)
    rig.now += 1.0
    for node in (EAST, NORTH, WEST):
        rig.located(node, found=node == EAST)
    frame = only(rig.sent(EAST))
    assert frame.ttl == 4000
    assert decode(frame) == PROPERTIES


def test_a_refused_frame_does_not_free_the_reference_of_the_request_that_has_it() -> None:
    rig = Rig()
    peer = rig.client()
    rig.core.state.owners.confirm(b"a", EAST)
    rig.ask(peer, PROPERTIES, reference=5)
    rig.raw(peer, write_frame(Kind.REQUEST, 9999, reference=5))
    skipped = Skipped(kind=1, client=0, reference=5, length=1 << 21, limit=1 << 20)
    rig.core.frames_received(peer, [skipped], rig.now)
    rig.pump()
    rig.ask(peer, PROPERTIES, reference=5)
    codes = [error.error_code for error in rig.got(peer)]
    assert codes == [Code.BAD_FRAME, Code.TOO_LARGE, Code.BAD_FRAME]
    rig.answer(EAST, only(rig.sent(EAST)), EventAck())
    assert isinstance(only(rig.got(peer)), EventAck)
    rig.ask(peer, PROPERTIES, reference=5)
    assert len(rig.sent(EAST)) == 1


@pytest.mark.parametrize("identifier", ["", "x" * 256, "ü" * 128])
def test_a_pull_by_what_no_frame_can_name_is_refused(identifier: str) -> None:
    rig = Rig()
    peer = rig.client()
    parameters = {"a": 1, identifier: 1}
    pull = RequestPull(tenant_id=TENANT, view_id="_system_", pull_parameters=parameters)
    rig.ask(peer, pull)
    error = only(rig.got(peer))
    assert error.error_code == Code.BAD_ATTRIBUTE
    assert "PullParameters" in error.error_description
    assert not any(rig.to_node.values())
    assert not only(list(rig.core.state.clients)).inflight


def test_a_broken_body_is_its_senders_own_affair() -> None:
    rig = Rig()
    peer, other = rig.client("RoutingEngine"), rig.client()
    name = BY_NAME["RequestPull"].code
    for queue in (b"In/All", b"_system_"):
        for body in (b"\x81\xa1k", b"\x81\xa9Extension\x05", b"\x81\xaePullParameters\x05"):
            raw = write_frame(Kind.REQUEST, name, reference=7, tenant=1, queue=queue, body=body)
            rig.raw(peer, raw)
            assert only(rig.got(peer)).error_code in (Code.BAD_FRAME, Code.BAD_ATTRIBUTE)
    assert not any(rig.to_node.values())
    assert all(link.linked for link in rig.core.state.links.values())
    assert not rig.got(other)
    assert not any(client.inflight for client in rig.core.state.clients)


def test_what_is_broken_and_wants_no_reply_gets_none() -> None:
    rig = Rig()
    peer = rig.client()
    for raw in (
        write_frame(Kind.REQUEST, 9999, flags=Flag.NO_REPLY),
        write_frame(Kind.REQUEST, 44, flags=Flag.NO_REPLY, interaction=b"\xff"),
        write_frame(Kind.REQUEST, 44, client=77, flags=Flag.NO_REPLY),
    ):
        rig.raw(peer, raw)
    assert not rig.got(peer)
