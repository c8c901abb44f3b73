"""Peers that have not registered: few, not for long, saying little."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from ixproxy.errors import Code
from ixproxy.net.connection import FrameConnection
from ixproxy.net.turn import TurnEnd
from ixproxy.net.waiting_room import MOST_FRAMES, WaitingRoom
from ixproxy.wire.codec import decode
from ixproxy.wire.frames import FrameReader
from ixproxy.wire.prefix import read_frame


def is_closed(transport: StringTransport) -> bool:
    return bool(transport.disconnecting)


class Owner:
    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: None


class Room:
    def __init__(self) -> None:
        self.clock = Clock()
        self.turn = TurnEnd(self.clock)
        self.counters: Counter[str] = Counter()
        self.registered: set[FrameConnection] = set()
        self.room = WaitingRoom(self.counters, self.registered.__contains__)

    def peer(self) -> tuple[FrameConnection, StringTransport]:
        connection = FrameConnection(self.turn, Owner())
        transport = StringTransport()
        connection.makeConnection(transport)  # type: ignore[no-untyped-call]
        return connection, transport

    def enter(self, now: float = 0.0, most: int = 3) -> tuple[FrameConnection, StringTransport]:
        connection, transport = self.peer()
        self.room.enter(connection, now, most)
        return connection, transport


def told(transport: StringTransport) -> Any:
    (raw,) = FrameReader().feed(transport.value())
    assert isinstance(raw, bytes)
    return decode(read_frame(raw))


def test_who_has_stood_about_longest_makes_room_for_who_comes() -> None:
    room = Room()
    peers = [room.enter() for _ in range(4)]
    assert [transport.disconnecting for _, transport in peers] == [True, False, False, False]
    assert told(peers[0][1]).error_code == Code.NOT_REGISTERED
    assert len(room.room) == 3
    assert room.counters["unregistered closed"] == 1


def test_who_registered_takes_no_place_and_is_never_closed() -> None:
    room = Room()
    registered, transport = room.enter()
    room.room.leave(registered)
    for _ in range(10):
        room.enter()
    room.room.ticked(1000.0, 10.0)
    assert not is_closed(transport)
    assert len(room.room) == 0


def test_who_does_not_register_in_time_is_told_so_and_closed() -> None:
    room = Room()
    _, early = room.enter(0.0)
    _, late = room.enter(6.0)
    room.room.ticked(10.0, 10.0)
    assert early.disconnecting
    assert "in time" in told(early).error_description
    assert not late.disconnecting


def test_who_sends_much_without_registering_is_closed() -> None:
    room = Room()
    connection, transport = room.enter()
    room.room.heard(connection, MOST_FRAMES)
    assert not is_closed(transport)
    room.room.heard(connection, 1)
    assert is_closed(transport)
    assert len(room.room) == 0


def test_halves_of_long_frames_are_kept_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ixproxy.net.waiting_room.MOST_KEPT", 1000)
    room = Room()
    peers = [room.enter(most=10) for _ in range(3)]
    head = (100_000).to_bytes(4, "big") + b"\xe1\x01"
    for size, (connection, _) in zip((300, 600, 400), peers, strict=True):
        connection.dataReceived(head + bytes(size))
    room.room.ticked(1.0, 10.0)
    assert [transport.disconnecting for _, transport in peers] == [False, True, False]


def test_long_frames_are_read_a_piece_at_a_time_while_much_is_kept_of_all_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ixproxy.net.waiting_room.READ_FREELY", 100_000)
    room = Room()
    (first, one), (second, other), (third, short) = (room.enter() for _ in range(3))
    head = (1_000_000).to_bytes(4, "big") + b"\xe1\x01"
    for connection in (first, second):
        connection.dataReceived(head + bytes(40_000))
    assert [str(each.producerState) for each in (one, other)] == ["producing", "producing"]
    first.dataReceived(bytes(30_000))
    third.dataReceived(head + bytes(5_000))
    states = [str(each.producerState) for each in (one, other, short)]
    assert states == ["paused", "producing", "producing"], "a short frame of a third is read"
    room.room.ticked(1.0, 10.0)
    assert str(one.producerState) == "paused"
    room.room.leave(second)
    room.room.ticked(2.0, 10.0)
    assert str(one.producerState) == "producing"
    second.dataReceived(bytes(400_000))
    assert str(other.producerState) == "producing", "it has registered"
    room.room.leave(first)
    assert (room.room._all_kept, list(room.room._kept)) == (5_006, [third])


def test_one_too_many_is_told_so_and_the_log_says_it_once(caplog: Any) -> None:
    room = Room()
    for _ in range(100):
        connection, transport = room.peer()
        room.room.refuse(connection, "max-connections is reached")
        assert told(transport).error_code == Code.TOO_MANY_CLIENTS
        assert is_closed(transport)
    assert room.counters["connections refused"] == 100
    room.room.ticked(1.0, 10.0)
    room.room.ticked(2.0, 10.0)


def test_who_was_let_in_late_and_says_nothing_stays() -> None:
    room = Room()
    peers = [room.enter(now=number) for number in range(3)]
    quiet, transport = peers[0]
    room.registered.add(quiet)
    room.enter(now=4.0)
    assert not is_closed(transport), "makes no room for others"
    assert quiet not in room.room.since
    second, other = peers[1]
    room.registered.add(second)
    room.room.ticked(100.0, 10.0)
    assert not is_closed(other)
    assert room.counters["unregistered closed"] == 2
