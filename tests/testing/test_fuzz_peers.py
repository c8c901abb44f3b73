from __future__ import annotations

import pytest
from twisted.internet.testing import StringTransport

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventProcessingStopped,
    EventPulledInteractions,
    RequestPing,
    RequestPull,
    RequestRegisterClient,
)
from ixproxy.testing.fuzz_peers import PONG, FuzzPeer, Report
from ixproxy.wire.codec import encode, error_frame
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Flag, write_frame

PULL = RequestPull(tenant_id=1, view_id="In/All")


class Rig:
    def __init__(self, role: str = "MediaServer") -> None:
        self.report = Report()
        self.peer = FuzzPeer(role, self.report, 1 << 16)
        self.transport = StringTransport()
        self.peer.makeConnection(self.transport)  # type: ignore[no-untyped-call]

    def sent(self) -> bytes:
        self.peer.flush()
        sent: bytes = self.transport.value()
        self.transport.clear()
        return sent


@pytest.fixture
def rig() -> Rig:
    return Rig()


def ping(reference: int, flags: int = 0) -> bytes:
    return encode(RequestPing(), reference=reference, flags=flags)


def test_an_answered_request_is_right_and_counted_once(rig: Rig) -> None:
    rig.peer.give(ping(1) + ping(2)[:20])
    assert rig.sent() == ping(1) + ping(2)[:20]
    rig.peer.dataReceived(encode(EventAck(), reference=1))
    rig.peer.check()
    assert rig.report.wrong == []
    assert (rig.report.requests, rig.report.checked) == (1, 1)
    rig.peer.give(ping(2)[20:])
    rig.peer.check()
    assert rig.report.wrong == [
        "MediaServer: 0 answers to client 0, reference 2, 1 expected",
    ]


def test_an_answer_too_many_is_wrong_whenever_it_comes(rig: Rig) -> None:
    rig.peer.give(ping(1))
    rig.peer.dataReceived(encode(EventAck(), reference=1))
    rig.peer.check()
    rig.peer.dataReceived(encode(EventAck(), reference=1) + encode(EventAck(), reference=7))
    assert len(rig.report.wrong) == 2


def test_two_requests_of_one_reference_get_two_answers(rig: Rig) -> None:
    rig.peer.give(ping(1) + ping(1))
    rig.peer.dataReceived(error_frame(Code.BAD_FRAME, reference=1))
    rig.peer.dataReceived(encode(EventAck(), reference=1))
    rig.peer.check()
    assert rig.report.wrong == []
    assert rig.report.codes == {Code.BAD_FRAME: 1}


@pytest.mark.parametrize(
    "raw",
    [
        ping(1, flags=int(Flag.NO_REPLY)),
        write_frame(Kind.PING, 0, reference=1),
        write_frame(Kind.CANCEL, 0, reference=1),
        encode(EventProcessingStopped(), reference=1),
        b"\x00\x00\x00\x05\xe1\x01\x00\x00\x00",
    ],
)
def test_what_needs_no_answer_must_not_get_one(rig: Rig, raw: bytes) -> None:
    rig.peer.give(raw)
    rig.peer.check()
    assert rig.report.wrong == []
    rig.peer.dataReceived(encode(EventAck(), reference=1))
    assert len(rig.report.wrong) == 1


def test_what_cannot_be_read_must_be_answered(rig: Rig) -> None:
    too_long = bytearray(ping(3))
    too_long[:4] = (1 << 20).to_bytes(4, "big")
    bad_string = bytearray(ping(4))
    bad_string[25] = 200
    rig.peer.give(bytes(bad_string) + bytes(too_long))
    rig.peer.dataReceived(error_frame(Code.BAD_FRAME, reference=4))
    rig.peer.dataReceived(error_frame(Code.TOO_LARGE, reference=3))
    rig.peer.check()
    assert rig.report.wrong == []
    assert rig.report.requests == 2


def test_held_pulls_are_waited_for_but_not_for_ever(rig: Rig) -> None:
    rig.peer.give(encode(PULL, reference=1))
    rig.peer.check()
    assert rig.report.wrong == []
    rig.peer.check(at_last=True)
    assert len(rig.report.wrong) == 1


def test_an_answer_in_parts_is_one_answer(rig: Rig) -> None:
    rig.peer.give(encode(PULL, reference=1))
    pulled = EventPulledInteractions(errors={"a": Code.LOCKED})
    rig.peer.dataReceived(encode(pulled, reference=1, flags=int(Flag.MORE)))
    rig.peer.dataReceived(encode(pulled, reference=1))
    rig.peer.check(at_last=True)
    assert rig.report.wrong == []
    assert rig.report.codes == {Code.LOCKED: 2}


def test_a_part_of_a_registration_may_be_left_unanswered(rig: Rig) -> None:
    part = RequestRegisterClient(client_name="c", client_type="Proxy", holding_continues=True)
    rig.peer.give(encode(part, reference=1))
    rig.peer.check(at_last=True)
    assert rig.report.wrong == []


def test_a_stream_that_ends_is_told_of_and_nothing_more_is_given(rig: Rig) -> None:
    assert not rig.peer.give(ping(1) + b"GET / HTTP/1.1\r\n")
    assert rig.peer.gone
    assert not rig.peer.give(ping(2))
    rig.peer.dataReceived(error_frame(Code.BAD_FRAME))
    rig.peer.check()
    assert rig.report.wrong == []


def test_a_ping_of_the_node_is_answered_behind_what_was_given(rig: Rig) -> None:
    rig.peer.give(ping(1))
    rig.peer.dataReceived(write_frame(Kind.PING, 0))
    assert rig.transport.value() == ping(1) + PONG


def test_frames_of_the_node_that_are_too_long_are_wrong(rig: Rig) -> None:
    rig.peer.dataReceived((1 << 25).to_bytes(4, "big") + b"\xe1" + bytes(40))
    assert len(rig.report.wrong) == 1


def test_a_proxys_clients_are_known_by_their_numbers() -> None:
    rig = Rig("Proxy")
    rig.peer.register("Proxy", b"")
    rig.peer.register("MediaServer", b"s" * 16, 2)
    rig.peer.dataReceived(encode(EventAck(), reference=1))
    rig.peer.dataReceived(encode(EventAck(proxy_client_id=5), reference=2))
    assert rig.peer.types == {0: "Proxy", 5: "MediaServer"}
    rig.sent()
    rig.peer.ask(ping(0), 5)
    assert rig.sent() == encode(RequestPing(), client=5, reference=3)
    rig.peer.leave()
    assert rig.transport.disconnecting
