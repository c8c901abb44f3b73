"""
The wire between the hosts of a chaos run: between any two of them cut, slow or lossy.

    python -m ixproxy.testing.chaos_wire SEED DEVICE=ADDRESS …

makes a TUN device for each host, says `ready`, and carries the packets of one
to the others. Whoever started it moves the devices into the hosts' namespaces.
Orders come as JSON lines on the standard input:
`{"one": "10.231.5.2", "other": "10.231.5.3", "cut": true, "delay": 0.1, "loss": 0.05}`;
each is acknowledged by a line; with `"one_way": true` it is so from one to the
other only. It ends when its standard input does, and the
devices go with it.

Theory of operation: a packet is looked up by the pair of its addresses. A cut
drops it without a word, as a broken cable does; loss drops it by chance; delay
puts it into a heap by the time at which it is due, so packets of one pair keep
their order. The kernel's own means for this (netem) are not in every kernel.
"""

from __future__ import annotations

import fcntl
import heapq
import json
import os
import select
import struct
import sys
import time
from collections.abc import Mapping
from ipaddress import IPv4Address
from random import Random
from typing import NamedTuple

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 1, 0x1000
MAX_PACKET = 65_536
MOST_WAITING = 10_000
"""Packets under way; more are dropped, as by any wire."""


class Rule(NamedTuple):
    """How it is between two hosts; `delay` in seconds in each direction, `loss` a share."""

    cut: bool = False
    delay: float = 0.0
    loss: float = 0.0


class Carried(NamedTuple):
    """A packet on its way."""

    due: float
    number: int
    to: str
    packet: bytes


class Wire:
    """
    Decides what becomes of packets; touches no device.

    :param random: decides which packets are lost.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._rules: dict[tuple[str, str], Rule] = {}
        self._waiting: list[Carried] = []
        self._number = 0

    def between(self, one: str, other: str, rule: Rule, *, one_way: bool = False) -> None:
        """From now on it is so between two addresses; `one_way`: from the one to the other only."""
        self._rules[one, other] = rule
        if not one_way:
            self._rules[other, one] = rule

    def carry(self, packet: bytes, now: float) -> None:
        """Take a packet; it may be lost at once."""
        if len(packet) < 20 or packet[0] >> 4 != 4 or len(self._waiting) >= MOST_WAITING:
            return
        source, to = str(IPv4Address(packet[12:16])), str(IPv4Address(packet[16:20]))
        rule = self._rules.get((source, to), Rule())
        if rule.cut or (rule.loss and self._random.random() < rule.loss):
            return
        self._number += 1
        heapq.heappush(self._waiting, Carried(now + rule.delay, self._number, to, packet))

    def arrived(self, now: float) -> list[Carried]:
        """What is due by now, in order."""
        found = []
        while self._waiting and self._waiting[0].due <= now:
            found.append(heapq.heappop(self._waiting))
        return found

    def next_due(self) -> float | None:
        """When the next packet is due."""
        return self._waiting[0].due if self._waiting else None


def open_device(name: str) -> int:
    """
    A TUN device, which is there for as long as this file is open.

    :raise OSError: there can be none here.
    """
    opened = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        request = struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI)
        fcntl.ioctl(opened, TUNSETIFF, request)
    except OSError:
        os.close(opened)
        raise
    return opened


def run(wire: Wire, devices: Mapping[str, int], orders: int, answers: int) -> None:
    """
    Carry packets until the orders end.

    :param devices: address to the open device of the host that has it.
    :param orders: the file that orders come from; `answers`: where they are acknowledged.
    """
    poll = select.poll()
    for each in (orders, *devices.values()):
        poll.register(each, select.POLLIN)
    unread = b""
    while True:
        due = wire.next_due()
        wait = None if due is None else max(0.0, due - time.monotonic()) * 1000
        for opened, _ in poll.poll(wait):
            if opened == orders:
                read = os.read(orders, 65_536)
                if not read:
                    return
                *lines, unread = (unread + read).split(b"\n")
                for line in lines:
                    _follow(wire, line)
                    os.write(answers, b"done\n")
            elif not _read(wire, opened):
                poll.unregister(opened)
        for carried in wire.arrived(time.monotonic()):
            if carried.to in devices:
                _write(devices[carried.to], carried.packet)


def _follow(wire: Wire, line: bytes) -> None:
    order = json.loads(line)
    one_way = order.pop("one_way", False)
    wire.between(order.pop("one"), order.pop("other"), Rule(**order), one_way=one_way)


def _read(wire: Wire, device: int) -> bool:
    """Take what a device has; whether it is still there."""
    try:
        while True:
            wire.carry(os.read(device, MAX_PACKET), time.monotonic())
    except BlockingIOError:
        return True
    except OSError as problem:
        print(f"a device is gone: {problem}", file=sys.stderr)  # noqa: T201
        return False


def _write(device: int, packet: bytes) -> None:
    try:
        os.write(device, packet)
    except OSError:
        # The device is not up, or full: the packet is lost, as packets are.
        return


def main(arguments: list[str]) -> None:
    """Make the devices, and carry packets."""
    seed, *places = arguments
    devices = {}
    for place in places:
        name, _, address = place.partition("=")
        devices[address] = open_device(name)
    os.write(1, b"ready\n")
    run(Wire(Random(int(seed))), devices, 0, 1)


if __name__ == "__main__":
    main(sys.argv[1:])
