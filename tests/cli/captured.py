"""Packet captures made by hand."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from ipaddress import ip_address

CLIENT, SERVER = ("10.0.0.1", 40000), ("10.0.0.2", 7101)
SYN, ACK = 2, 16
End = tuple[str, int]


def tcp(
    source: End,
    target: End,
    sequence: int,
    payload: bytes = b"",
    flags: int = ACK,
    options: int = 0,
) -> bytes:
    """An IP packet with one TCP segment; `options` words of no-operations."""
    head = struct.pack(
        ">HHIIBBHHH", source[1], target[1], sequence % 2**32, 0, 5 + options << 4, flags, 99, 0, 0
    )
    return ip(source[0], target[0], head + b"\x01\x01\x01\x01" * options + payload)


def ip(source: str, target: str, content: bytes, protocol: int = 6, fragment: int = 0) -> bytes:
    """An IPv4 or IPv6 packet."""
    one, other = ip_address(source), ip_address(target)
    if one.version == 4:
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(content), 1, fragment, 64, protocol, 0)
        return head + one.packed + other.packed + content
    # With a hop-by-hop header between, as routers' options have it.
    between = bytes((protocol, 0)) + bytes(6)
    head = struct.pack(">IHBB", 0x60000000, len(between) + len(content), 0, 64)
    return head + one.packed + other.packed + between + content


def ethernet(packet: bytes, *, vlan: bool = False, padding: int = 0) -> bytes:
    kind = 0x0800 if packet[0] >> 4 == 4 else 0x86DD
    tag = b"\x81\x00\x00\x05" if vlan else b""
    return bytes(12) + tag + struct.pack(">H", kind) + packet + bytes(padding)


def pcap(
    packets: Iterable[bytes],
    *,
    link_type: int = 101,
    order: str = "<",
    nanoseconds: bool = False,
    snap: int = 65535,
) -> bytes:
    """A classic capture: packet n is taken n and a half seconds after the epoch."""
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    capture = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snap, link_type)
    half = 500_000_000 if nanoseconds else 500_000
    for number, packet in enumerate(packets):
        kept = packet[:snap]
        capture += struct.pack(order + "IIII", number, half, len(kept), len(packet)) + kept
    return capture


def block(number: int, content: bytes, order: str = "<") -> bytes:
    content += bytes(-len(content) % 4)
    length = struct.pack(order + "I", len(content) + 12)
    return struct.pack(order + "I", number) + length + content + length


def pcapng(
    packets: Iterable[bytes], *, link_type: int = 101, order: str = "<", tick: int | None = None
) -> bytes:
    """The newer form, with every packet at 1.5 seconds; `tick` is the if_tsresol byte."""
    capture = block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)
    options = b"" if tick is None else struct.pack(order + "HHBxxxI", 9, 1, tick, 0)
    capture += block(1, struct.pack(order + "HHI", link_type, 0, 0) + options, order)
    ticks = (
        1_500_000 if tick is None else round(1.5 * (2 ** (tick & 127) if tick & 128 else 10**tick))
    )
    for packet in packets:
        head = (0, ticks >> 32, ticks & 0xFFFFFFFF, len(packet), len(packet))
        capture += block(6, struct.pack(order + "IIIII", *head) + packet, order)
    return capture
