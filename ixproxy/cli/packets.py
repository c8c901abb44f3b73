"""
Packet captures (pcap, pcapng) as TCP segments.

What is no TCP over IP is left out; what is cut off or not understood is told
as a `Problem` beside the segments, and reading goes on where that is possible.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import NamedTuple

PCAP_MAGICS = {
    b"\xa1\xb2\xc3\xd4": (">", 1e-6),
    b"\xd4\xc3\xb2\xa1": ("<", 1e-6),
    b"\xa1\xb2\x3c\x4d": (">", 1e-9),
    b"\x4d\x3c\xb2\xa1": ("<", 1e-9),
}
PCAPNG_MAGIC = b"\x0a\x0d\x0d\x0a"

# Link type to the bytes before the IP header, where that is all there is to know.
_NO_TYPE = {12: 0, 14: 0, 101: 0, 228: 0, 229: 0, 0: 4, 108: 4}
# Link type to where its EtherType stands, and from there to what it is the type of.
_ETHER_TYPE_AT = {1: 12, 113: 14, 276: 0}
_BEHIND_TYPE = {1: 2, 113: 2, 276: 20}
_VLAN = {0x8100, 0x88A8, 0x9100}
_IP_TYPES = {0x0800, 0x86DD}
_TCP = 6
# IPv6 headers that may stand before TCP's: hop-by-hop, routing, destination options.
_IPV6_OPTIONS = {0, 43, 60}


@dataclass(frozen=True, slots=True)
class Segment:
    """
    One TCP segment.

    :ivar at: when it was captured, in seconds since the epoch.
    :ivar cut: how many of its bytes the capture left out.
    """

    at: float
    source: str
    target: str
    sequence: int
    opens: bool
    payload: bytes
    cut: int = 0


class Problem(NamedTuple):
    """Something in the capture that could not be used."""

    text: str


class _Packet(NamedTuple):
    at: float
    link_type: int
    content: bytes


def is_capture(content: bytes) -> bool:
    """Whether `content` begins like a capture of packets."""
    return content[:4] in PCAP_MAGICS or content[:4] == PCAPNG_MAGIC


def segments(capture: bytes) -> Iterator[Segment | Problem]:
    """The TCP segments of a capture, in the order in which they were captured."""
    packets = _pcapng(capture) if capture[:4] == PCAPNG_MAGIC else _pcap(capture)
    for packet in packets:
        if isinstance(packet, Problem):
            yield packet
            continue
        try:
            yield from _segment(packet)
        except (IndexError, struct.error, ValueError):
            yield Problem("a packet is cut off within its headers")


def _pcap(capture: bytes) -> Iterator[_Packet | Problem]:
    if capture[:4] not in PCAP_MAGICS or len(capture) < 24:
        yield Problem("the capture's header is cut off or not known")
        return
    order, fraction = PCAP_MAGICS[capture[:4]]
    (link_type,) = struct.unpack_from(order + "I", capture, 20)
    head = struct.Struct(order + "IIII")
    position = 24
    while position < len(capture):
        if position + head.size > len(capture):
            yield Problem("the capture ends within a packet's header")
            return
        seconds, part, size, _ = head.unpack_from(capture, position)
        position += head.size
        if position + size > len(capture):
            yield Problem("the capture ends within a packet")
            return
        # The upper bits of the link type say something of checksums.
        yield _Packet(
            seconds + part * fraction, link_type & 0xFFFF, capture[position : position + size]
        )
        position += size


def _pcapng(capture: bytes) -> Iterator[_Packet | Problem]:
    order, interfaces, position = "<", list[tuple[int, float]](), 0
    while position + 12 <= len(capture):
        kind = capture[position : position + 4]
        if kind == PCAPNG_MAGIC:
            order = ">" if capture[position + 8 : position + 12] == b"\x1a\x2b\x3c\x4d" else "<"
            interfaces = []
        number, length = struct.unpack_from(order + "II", capture, position)
        block = capture[position + 8 : position + length - 4]
        if length < 12 or length % 4 or position + length > len(capture):
            break
        position += length
        try:
            if number == 1:
                (link_type,) = struct.unpack_from(order + "H", block)
                interfaces.append((link_type, _tick(block[8:], order)))
            elif number == 6:
                interface, high, low, size = struct.unpack_from(order + "IIII", block)
                link_type, tick = interfaces[interface]
                yield _Packet((high << 32 | low) * tick, link_type, block[20 : 20 + size])
            elif number == 3:
                (size,) = struct.unpack_from(order + "I", block)
                yield _Packet(0.0, interfaces[0][0], block[4 : 4 + size])
        except (IndexError, struct.error):
            yield Problem("a block of the capture is not whole, or names no interface")
    if position < len(capture):
        yield Problem("the capture ends within a block")


def _tick(options: bytes, order: str) -> float:
    """Seconds to a tick of an interface's clock (option 9), 1e-6 unless said."""
    position = 0
    while position + 4 <= len(options):
        code, size = struct.unpack_from(order + "HH", options, position)
        if code == 9 and size == 1:
            value = options[position + 4]
            return 2.0 ** -(value & 0x7F) if value & 0x80 else 10.0**-value
        if code == 0:
            break
        position += 4 + (size + 3) // 4 * 4
    return 1e-6


def _segment(packet: _Packet) -> Iterator[Segment | Problem]:
    content = packet.content
    if packet.link_type in _NO_TYPE:
        at = _NO_TYPE[packet.link_type]
    elif packet.link_type in _ETHER_TYPE_AT:
        at = _ETHER_TYPE_AT[packet.link_type]
        (ether_type,) = struct.unpack_from(">H", content, at)
        at += _BEHIND_TYPE[packet.link_type]
        while ether_type in _VLAN:
            (ether_type,) = struct.unpack_from(">H", content, at + 2)
            at += 4
        if ether_type not in _IP_TYPES:
            return
    else:
        yield Problem(f"link type {packet.link_type} is not known")
        return
    version = content[at] >> 4
    if version == 4:
        total, fragment = struct.unpack_from(">H2xH", content, at + 2)
        protocol = content[at + 9]
        source, target = content[at + 12 : at + 16], content[at + 16 : at + 20]
        # A length of 0 is how network cards that cut packets themselves leave it.
        end = at + total if total else len(content)
        if protocol == _TCP and fragment & 0x3FFF:
            yield Problem("a TCP segment is spread over several IP fragments")
            return
        at += (content[at] & 0x0F) * 4
    elif version == 6:
        (total, protocol) = struct.unpack_from(">HB", content, at + 4)
        source, target = content[at + 8 : at + 24], content[at + 24 : at + 40]
        at += 40
        end = at + total if total else len(content)
        while protocol in _IPV6_OPTIONS:
            protocol, length = content[at], content[at + 1]
            at += 8 + length * 8
    else:
        return
    if protocol == _TCP:
        yield _tcp(packet.at, content, at, end, str(ip_address(source)), str(ip_address(target)))


def _tcp(at: float, content: bytes, start: int, end: int, source: str, target: str) -> Segment:
    from_port, to_port, sequence = struct.unpack_from(">HHI", content, start)
    offset, flags = struct.unpack_from(">BB", content, start + 12)
    behind = start + (offset >> 4) * 4
    return Segment(
        at=at,
        source=_address(source, from_port),
        target=_address(target, to_port),
        sequence=sequence,
        opens=bool(flags & 2),
        payload=content[behind:end],
        cut=max(0, end - max(len(content), behind)),
    )


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
