"""The wire between hosts: what it drops, and what it keeps for a while."""

from __future__ import annotations

import json
import os
from ipaddress import IPv4Address
from random import Random
from threading import Thread

import pytest

from ixproxy.testing.chaos_wire import Rule, Wire, run


def packet(source: str, to: str, text: bytes = b"") -> bytes:
    return b"\x45" + bytes(11) + IPv4Address(source).packed + IPv4Address(to).packed + text


A, B, C = "10.231.5.2", "10.231.5.3", "10.231.5.4"


def test_what_nothing_is_said_of_arrives_at_once_and_in_order() -> None:
    wire = Wire(Random(1))
    for text in (b"1", b"2", b"3"):
        wire.carry(packet(A, B, text), 5.0)
    assert [(each.to, each.packet[20:]) for each in wire.arrived(5.0)] == [
        (B, b"1"),
        (B, b"2"),
        (B, b"3"),
    ]
    assert wire.next_due() is None


def test_a_cut_is_between_two_hosts_both_ways_until_it_is_healed() -> None:
    wire = Wire(Random(1))
    wire.between(A, B, Rule(cut=True))
    for way in ((A, B), (B, A), (A, C)):
        wire.carry(packet(*way), 0.0)
    assert [each.to for each in wire.arrived(0.0)] == [C]
    wire.between(B, A, Rule())
    wire.carry(packet(A, B), 0.0)
    assert [each.to for each in wire.arrived(0.0)] == [B]


def test_a_cut_one_way_lets_the_other_way_through() -> None:
    wire = Wire(Random(1))
    wire.between(A, B, Rule(cut=True), one_way=True)
    for way in ((A, B), (B, A)):
        wire.carry(packet(*way), 0.0)
    assert [each.to for each in wire.arrived(0.0)] == [A]
    wire.between(A, B, Rule())
    wire.carry(packet(A, B), 0.0)
    assert [each.to for each in wire.arrived(0.0)] == [B]


def test_a_slow_wire_keeps_packets_for_its_delay() -> None:
    wire = Wire(Random(1))
    wire.between(A, B, Rule(delay=0.25))
    wire.carry(packet(A, B), 1.0)
    assert (wire.arrived(1.2), wire.next_due()) == ([], 1.25)
    assert len(wire.arrived(1.25)) == 1


def test_a_lossy_wire_loses_its_share() -> None:
    wire = Wire(Random(1))
    wire.between(A, B, Rule(loss=0.05))
    for _ in range(2000):
        wire.carry(packet(A, B), 0.0)
    assert 1850 < len(wire.arrived(0.0)) < 1950


@pytest.mark.parametrize("what", [b"", b"\x45short", b"\x60" + bytes(39)])
def test_what_is_no_packet_of_ours_is_dropped(what: bytes) -> None:
    wire = Wire(Random(1))
    wire.carry(what, 0.0)
    assert wire.arrived(0.0) == []


def test_a_wire_that_runs_carries_follows_orders_and_ends_with_them() -> None:
    # Pipes in place of devices: what is written to one end is what a device would have.
    sent, device_of_a = os.pipe()
    got, device_of_b = os.pipe()
    orders, giving = os.pipe()
    taking, answers = os.pipe()
    os.set_blocking(sent, False)
    devices = {A: sent, B: device_of_b}
    thread = Thread(target=run, args=(Wire(Random(1)), devices, orders, answers))
    thread.start()
    os.write(device_of_a, packet(A, B, b"one"))
    assert os.read(got, 100)[20:] == b"one"
    os.write(giving, json.dumps({"one": A, "other": B, "cut": True}).encode() + b"\n")
    assert os.read(taking, 100) == b"done\n"
    os.write(device_of_a, packet(A, B, b"lost"))
    os.close(giving)
    thread.join()
    os.close(device_of_b)
    assert os.read(got, 100) == b""
    for each in (sent, device_of_a, got, orders, taking, answers):
        os.close(each)
