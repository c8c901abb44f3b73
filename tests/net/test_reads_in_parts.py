"""Reads whose result comes in parts: one lane each, for a bounded time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from ixproxy.errors import Code, RequestRefused, StorageError
from ixproxy.net.long_readers import LongReaders, PartsRead
from tests.deferreds import result_of
from tests.net.node_rig import ManualExecutor

SECONDS = 3.0


class Reader:
    def __init__(self) -> None:
        self.interrupted = self.closed = 0
        self.moments: list[str] = []

    def interrupt(self) -> None:
        self.interrupted += 1

    def close(self) -> None:
        self.closed += 1


class Rig:
    """Lanes over a store that only opens readers."""

    def __init__(self, lanes: int = 2) -> None:
        self.clock = Clock()
        self.lanes = [ManualExecutor(self.clock) for _ in range(lanes)]
        self.opened: list[Reader] = []
        self.heard: list[Any] = []
        store: Any = self
        self.readers = LongReaders(self.clock, store, list(self.lanes), SECONDS, 100)

    def reader(self) -> Reader:
        self.opened.append(Reader())
        return self.opened[-1]

    def read(self, *parts: Any, asker: object = None) -> PartsRead:
        def made(reader: Any) -> Iterator[Any]:
            reader.moments.append("begun")
            try:
                for part in parts:
                    if isinstance(part, Exception):
                        raise part
                    yield part
            finally:
                reader.moments.append("ended")

        return self.readers.read_parts(made, self.heard.append, self.heard.append, asker)

    def pause(self) -> None:
        for lane in self.lanes:
            lane.paused = True

    def turn(self) -> None:
        self.clock.pump([0] * 10)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_each_part_comes_when_it_is_asked_for_and_at_last_that_it_was_all(rig: Rig) -> None:
    read = rig.read(1, 2)
    rig.turn()
    assert rig.heard == [1]
    read.more()
    rig.turn()
    assert rig.heard == [1, 2]
    assert rig.readers.busy == 1
    read.more()
    rig.turn()
    read.more()
    rig.turn()
    assert rig.heard == [1, 2, None]
    assert rig.readers.busy == 0
    assert rig.opened[0].moments == ["begun", "ended"]
    assert rig.clock.getDelayedCalls() == []


def test_a_part_that_is_asked_for_twice_is_read_once(rig: Rig) -> None:
    read = rig.read(1, 2, 3)
    rig.turn()
    read.more()
    read.more()
    rig.turn()
    assert rig.heard == [1, 2]


def test_one_who_asks_reads_on_half_of_the_lanes_and_others_on_the_rest(rig: Rig) -> None:
    first, second = rig.read(1, asker="a"), rig.read(2, asker="a")
    rig.turn()
    assert rig.heard == [1]
    rig.readers.read(lambda _: "short", rig.heard.append, "b")
    rig.turn()
    assert rig.heard == [1, "short"]
    first.more()
    rig.turn()
    assert rig.heard == [1, "short", None, 2]
    second.stop()


def test_who_wants_no_more_frees_the_lane_and_hears_nothing(rig: Rig) -> None:
    read = rig.read(1, 2)
    rig.turn()
    read.stop()
    read.stop()
    rig.turn()
    assert rig.heard == [1]
    assert rig.readers.busy == 0
    assert rig.opened[0].moments == ["begun", "ended"]
    read.more()
    rig.turn()
    assert rig.heard == [1]
    assert rig.clock.getDelayedCalls() == []


def test_what_is_being_read_when_nobody_wants_it_is_interrupted(rig: Rig) -> None:
    read = rig.read(1, 2)
    rig.turn()
    rig.pause()
    read.more()
    read.stop()
    assert rig.opened[0].interrupted == 1
    rig.lanes[1].run_one()
    rig.lanes[0].run_one()
    for lane in rig.lanes:
        lane.resume()
    rig.turn()
    assert rig.heard == [1]
    assert rig.readers.busy == 0
    assert rig.opened[0].moments == ["begun", "ended"]


def test_what_was_stopped_before_its_turn_is_not_begun(rig: Rig) -> None:
    first = rig.read(1, asker="a")
    rig.read(2, asker="a").stop()
    rig.turn()
    first.more()
    rig.turn()
    assert rig.heard == [1, None]
    assert rig.opened[0].moments == ["begun", "ended"]


@pytest.mark.parametrize("reading", [True, False], ids=["while it reads", "while nobody asks"])
def test_the_whole_of_it_has_a_limit_in_time(rig: Rig, reading: bool) -> None:
    read = rig.read(1, 2)
    rig.turn()
    if reading:
        rig.pause()
        read.more()
    rig.clock.advance(SECONDS)
    assert rig.heard[0] == 1
    assert isinstance(rig.heard[1], Failure)
    assert rig.heard[1].check(StorageError)
    assert "3 seconds" in rig.heard[1].getErrorMessage()
    assert rig.opened[0].interrupted == int(reading)
    for lane in rig.lanes:
        lane.resume()
    rig.turn()
    assert len(rig.heard) == 2
    assert rig.readers.busy == 0
    assert rig.opened[0].moments == ["begun", "ended"]


def test_a_part_that_fails_ends_it_and_the_connection_with_it(rig: Rig) -> None:
    read = rig.read(1, StorageError("gone"))
    rig.turn()
    read.more()
    rig.turn()
    assert rig.heard[1].check(StorageError)
    assert (rig.opened[0].closed, rig.readers.busy) == (1, 0)
    assert rig.clock.getDelayedCalls() == []


def test_a_stop_of_the_readers_ends_what_is_under_way_and_what_waits(rig: Rig) -> None:
    read = rig.read(1, 2, asker="a")
    rig.read(3, asker="a")
    rig.turn()
    result_of(rig.readers.stop())
    rig.turn()
    codes = [each.value.code for each in rig.heard[1:]]
    assert codes == [Code.STOPPING] * 2
    assert all(each.check(RequestRefused) for each in rig.heard[1:])
    read.more()
    read.stop()
    rig.turn()
    assert len(rig.heard) == 3
    assert rig.opened[0].closed == 1
    assert rig.clock.getDelayedCalls() == []
