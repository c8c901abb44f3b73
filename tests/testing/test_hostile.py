"""Whatever broken and hostile peers send to a whole node: it answers, forgets, and serves on."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventInteractionProperties,
    EventPulledInteractions,
    RequestGetInteractionProperties,
    RequestPull,
    RequestRegisterClient,
)
from ixproxy.messages.message import Reason
from ixproxy.net.node_limits import NodeLimits
from ixproxy.node.model import NodeSettings
from ixproxy.testing import hostile
from ixproxy.testing.node_checks import sizes
from ixproxy.wire.codec import encode
from ixproxy.wire.parts import encode_parts
from tests.failures import LoggedFailures
from tests.net.node_rig import NodeRig
from tests.net.node_surviving import SUBMIT, surviving_node

ONE = b"1" * 16
PULL = RequestPull(tenant_id=1, view_id="In/All")


@pytest.fixture
def rig(logged_failures: LoggedFailures) -> Iterator[NodeRig]:
    yield from surviving_node()


@pytest.mark.parametrize("registered", [False, True])
@pytest.mark.parametrize("stream", hostile.STREAMS, ids=lambda stream: stream.name)
def test_another_protocol_is_told_so_in_version_1_and_closed(
    rig: NodeRig, stream: hostile.Stream, registered: bool
) -> None:
    peer = rig.client("MediaServer") if registered else rig.peer()
    peer.frames.clear()
    peer.write(stream.raw)
    rig.settle()
    assert peer.answer(0).error_code == stream.code
    assert peer.closed
    (frame,) = peer.frames
    assert frame.raw[4] == 0xE1


@pytest.mark.parametrize("client_type", ["", "MediaServer", "Proxy"])
def test_half_a_frame_and_then_nothing(rig: NodeRig, client_type: str) -> None:
    raw = encode(SUBMIT, reference=50)
    for size in (1, 4, 5, 31, 32, len(raw) - 1):
        peer = rig.client(client_type) if client_type else rig.peer()
        peer.write(raw[:size])
        rig.settle()
        peer.lose()
    assert rig.rows("interactions") == []
    silent = rig.client("MediaServer")
    silent.write(raw[:20])
    rig.settle()
    transport: Any = silent.transport
    transport.pauseProducing()
    rig.run(50)
    assert rig.server.listener.peers == 0


def test_one_byte_at_a_time(rig: NodeRig) -> None:
    peer = rig.peer()
    register = RequestRegisterClient(client_name="slow", client_type="MediaServer")
    raw = encode(register, reference=1)
    for byte in raw:
        peer.write(bytes((byte,)))
        rig.settle()
    assert isinstance(peer.answer(1), EventAck)
    long = encode(replace(SUBMIT, user_data={"text": "x" * 20_000}), reference=2)
    for byte in long:
        peer.write(bytes((byte,)))
    rig.settle()
    assert isinstance(peer.answer(2), EventAck)


@pytest.mark.parametrize("length", [(1 << 20) + 1, 1 << 31, 2**32 - 1])
def test_a_frame_that_announces_too_much_is_answered_at_once_and_never_kept(
    rig: NodeRig, length: int
) -> None:
    peer = rig.client("MediaServer")
    peer.write(hostile.announcement(length, 9))
    rig.settle()
    assert peer.answer(9).error_code == Code.TOO_LARGE
    piece = bytes(1 << 20)
    peer.write(piece)
    rig.settle()
    tracemalloc.start()
    try:
        for _ in range(8):
            peer.write(piece)
            rig.settle()
        assert tracemalloc.get_traced_memory()[0] < 1 << 20
    finally:
        tracemalloc.stop()
    # What it announced is skipped; behind it begins something that is no frame.
    assert bool(peer.closed) == (length < 9 << 20)


def test_what_is_behind_a_frame_too_long_is_read(rig: NodeRig) -> None:
    peer = rig.client("MediaServer")
    length = (1 << 20) + 100
    peer.write(hostile.announcement(length, 9) + bytes(length - 28) + encode(SUBMIT, reference=10))
    rig.settle()
    assert peer.answer(9).error_code == Code.TOO_LARGE
    assert isinstance(peer.answer(10), EventAck)


@pytest.mark.parametrize("body", list(hostile.deep_bodies()), ids=lambda body: body[0])
def test_bodies_nested_too_deep_are_refused(rig: NodeRig, body: tuple[str, bytes]) -> None:
    peer = rig.client("MediaServer")
    peer.write(hostile.submit_with(body[1], 9))
    rig.settle()
    assert peer.answer(9).error_code in (Code.BAD_ATTRIBUTE, Code.BAD_FRAME)
    assert len(peer.frames[-1].raw) < 5000
    assert not peer.closed


@pytest.mark.parametrize("body", list(hostile.lying_bodies()), ids=lambda body: body[0])
def test_bodies_that_lie_about_their_size_are_refused_and_take_no_memory(
    rig: NodeRig, body: tuple[str, bytes]
) -> None:
    peer = rig.client("MediaServer")
    tracemalloc.start()
    try:
        peer.write(hostile.submit_with(body[1], 9))
        rig.settle()
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()
    assert peer.answer(9).error_code in (Code.BAD_ATTRIBUTE, Code.BAD_FRAME)


def test_a_hundred_thousand_ids_in_parts_are_taken(rig: NodeRig) -> None:
    holding = {f"{number:016}": number for number in range(100_000)}
    message = RequestRegisterClient(
        client_name="r", client_type="RoutingEngine", session=ONE, holding=holding
    )
    peer = rig.peer()
    parts = encode_parts(message, 64 << 10, reference=7)
    assert len(parts) > 30
    for raw in parts:
        peer.write(raw)
        rig.settle()
    assert isinstance(peer.answer(7), EventAck)


def test_parts_without_an_end_cost_what_they_list_and_end_at_a_limit(rig: NodeRig) -> None:
    peer = rig.peer()
    # Copied with every part they would cost the square: 10**10 entries.
    peer.write(b"".join(hostile.endless_registration(7, 100_000)))
    rig.settle()
    found = sizes(rig.server)
    assert found["ids in unfinished registrations"] == 100_000
    assert found["sessions"] == found["clients"] == 0
    for raw in hostile.endless_registration(8, 200_000, 10_000):
        peer.write(raw)
    rig.settle()
    assert peer.answer(8).error_code == Code.LIMIT_REACHED
    assert peer.closed


def test_user_data_above_the_limit_is_refused_and_at_the_limit_comes_back() -> None:
    limit = 100 << 10
    for rig in surviving_node(
        NodeLimits(max_userdata_size=limit), NodeSettings(max_userdata_size=limit)
    ):
        peer = rig.client("MediaServer", max_frame=limit + (64 << 10))
        exact = {"t": "x" * (limit - 1 - 2 - 5)}
        more = replace(SUBMIT, user_data={"t": f"{exact['t']}x"})
        assert peer.ask(more).error_code == Code.USER_DATA_TOO_LARGE
        wide = "日" * 255
        longest: dict[str, Any] = {
            "interaction_type": wide, "interaction_subtype": wide, "parent_interaction_id": wide,
            "reason": Reason(reason_system_name=wide, reason_description="日" * 1000),
            "interaction_id": "i" * 255, "in_queues": {"q": "x" * 16_000},
            "out_queues": {"q": "x" * 16_000},
        }  # fmt: skip
        whole = replace(SUBMIT, user_data=exact, **longest)
        assert isinstance(peer.ask(whole), EventAck)
        # Whoever has the shortest allowed frames can take it, and be told of it.
        router = rig.client("RoutingEngine", max_frame=limit + (64 << 10))
        pull = replace(PULL, extension={"StrategyId": wide})
        pulled = router.ask(pull)
        assert isinstance(pulled, EventPulledInteractions)
        assert pulled.interactions["i" * 255]["UserData"] == exact
        get = RequestGetInteractionProperties(tenant_id=1, interaction_id="i" * 255)
        assert isinstance(peer.ask(get), EventInteractionProperties)


@pytest.mark.parametrize(
    "attributes",
    [
        {"interaction_type": "x" * 256},
        {"parent_interaction_id": "x" * 1_000_000},
        {"submit_receipt": "x" * 256},
        {"reason": Reason(reason_description="x" * 1001)},
    ],
)
def test_names_and_reasons_without_an_end_are_refused(
    rig: NodeRig, attributes: dict[str, Any]
) -> None:
    error = rig.client("MediaServer").ask(replace(SUBMIT, **attributes))
    assert error.error_code == Code.BAD_ATTRIBUTE


def test_a_registration_that_names_a_hundred_thousand_versions_is_refused_in_short(
    rig: NodeRig,
) -> None:
    peer = rig.peer()
    peer.write(hostile.many_versions(3))
    rig.settle()
    assert peer.answer(3).error_code == Code.UNSUPPORTED_VERSION
    assert len(peer.frames[0].raw) < 5000
