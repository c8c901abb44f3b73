from __future__ import annotations

import struct

import pytest

from ixproxy.cli.packets import Problem, Segment, is_capture, segments
from tests.cli.captured import CLIENT, SERVER, SYN, block, ethernet, ip, pcap, pcapng, tcp

PACKET = tcp(CLIENT, SERVER, 7, b"frame", options=3)


def segment(at: float, payload: bytes = b"frame") -> Segment:
    return Segment(at, "10.0.0.1:40000", "10.0.0.2:7101", 7, False, payload)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nanoseconds", [False, True])
def test_a_classic_capture_is_read_in_either_byte_order(order: str, nanoseconds: bool) -> None:
    capture = pcap([PACKET, PACKET], order=order, nanoseconds=nanoseconds)
    assert is_capture(capture)
    assert list(segments(capture)) == [segment(0.5), segment(1.5)]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("tick", [None, 3, 6, 9, 0x80 | 10])
def test_the_newer_capture_is_read_in_either_byte_order(order: str, tick: int | None) -> None:
    capture = pcapng([PACKET], order=order, tick=tick)
    assert is_capture(capture)
    assert list(segments(capture)) == [segment(1.5)]


def test_a_simple_packet_block_has_no_time_and_others_are_passed_over() -> None:
    capture = (
        pcapng([]) + block(5, b"statistics") + block(3, struct.pack("<I", len(PACKET)) + PACKET)
    )
    assert list(segments(capture)) == [segment(0.0)]


@pytest.mark.parametrize(
    ("link_type", "packet"),
    [
        (1, ethernet(PACKET)),
        (1, ethernet(PACKET, vlan=True)),
        (1, ethernet(PACKET, padding=9)),
        (0, b"\x02\0\0\0" + PACKET),
        (12, PACKET),
        (101, PACKET),
        (108, b"\0\0\0\x02" + PACKET),
        (113, bytes(14) + b"\x08\x00" + PACKET),
        (228, PACKET),
        (276, b"\x08\x00" + bytes(18) + PACKET),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else "",
)
def test_packets_are_found_behind_every_usual_link_header(link_type: int, packet: bytes) -> None:
    assert list(segments(pcap([packet], link_type=link_type))) == [segment(0.5)]


def test_segments_travel_over_ip_version_6_too() -> None:
    packet = tcp(("fe80::1", 40000), ("::1", 7101), 1, b"x", SYN)
    expected = Segment(0.5, "[fe80::1]:40000", "[::1]:7101", 1, True, b"x")
    assert list(segments(pcap([packet]))) == [expected]
    assert list(segments(pcap([ethernet(packet)], link_type=1))) == [expected]


def test_what_is_no_tcp_is_passed_over() -> None:
    udp = ip("10.0.0.1", "10.0.0.2", b"\0" * 20, protocol=17)
    arp = bytes(12) + b"\x08\x06" + bytes(28)
    assert list(segments(pcap([ethernet(udp), arp, ethernet(PACKET)], link_type=1))) == [
        segment(2.5)
    ]
    assert list(segments(pcap([b"\x50" + bytes(40)]))) == []


def test_a_segment_that_the_capture_cut_off_says_by_how_much() -> None:
    capture = pcap([tcp(CLIENT, SERVER, 7, b"x" * 100)], snap=40 + 30)
    (cut,) = segments(capture)
    assert isinstance(cut, Segment)
    assert (len(cut.payload), cut.cut) == (30, 70)


@pytest.mark.parametrize(
    ("capture", "says"),
    [
        (pcap([PACKET])[:20], "header is cut off"),
        (pcap([PACKET])[:30], "ends within a packet's header"),
        (pcap([PACKET])[:-1], "ends within a packet"),
        (pcapng([PACKET])[:-1], "ends within a block"),
        (pcapng([]) + block(6, struct.pack("<IIIII", 5, 0, 0, 0, 0)), "names no interface"),
        (pcapng([]) + block(6, b"\0"), "not whole"),
        (pcap([PACKET], link_type=147), "link type 147 is not known"),
        (pcap([PACKET[:15]]), "cut off within its headers"),
        (pcap([PACKET[:30]]), "cut off within its headers"),
        (pcap([ip("10.0.0.1", "10.0.0.2", b"x", fragment=0x2000)]), "several IP fragments"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_used_is_told(capture: bytes, says: str) -> None:
    problems = [each.text for each in segments(capture) if isinstance(each, Problem)]
    assert len(problems) == 1
    assert says in problems[0]


def test_what_is_no_capture_is_told_apart() -> None:
    assert not is_capture(b"")
    assert not is_capture(b"\x00\x00\x00\x1d\xe1")


def test_every_truncation_ends_in_a_word_and_never_in_a_traceback() -> None:
    for whole in (pcap([ethernet(PACKET)], link_type=1), pcapng([PACKET], tick=9)):
        for end in range(len(whole)):
            list(segments(whole[:end]))
        for at in range(len(whole)):
            list(segments(whole[:at] + b"\xff" + whole[at + 1 :]))
