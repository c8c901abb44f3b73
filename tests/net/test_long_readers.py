from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from ixproxy.errors import Code, RequestRefused, StorageError
from ixproxy.net.long_readers import LongReaders
from tests.deferreds import result_of
from tests.net.node_rig import ManualExecutor


class Reader:
    def __init__(self) -> None:
        self.interrupted = self.closed = 0

    def interrupt(self) -> None:
        self.interrupted += 1

    def close(self) -> None:
        self.closed += 1


class Rig:
    """Two lanes over a store that only opens readers."""

    def __init__(self, limit: int = 100) -> None:
        self.clock = Clock()
        self.lanes = [ManualExecutor(self.clock) for _ in range(2)]
        self.opened: list[Reader] = []
        self.heard: list[Any] = []
        store: Any = self
        self.readers = LongReaders(self.clock, store, list(self.lanes), 3.0, limit)

    def reader(self) -> Reader:
        self.opened.append(Reader())
        return self.opened[-1]

    def read(self, result: Any, asker: object = None) -> None:
        """Each read asked by another, unless it is said by whom."""

        def job(reader: Any) -> Any:
            assert reader in self.opened
            if isinstance(result, Exception):
                raise result
            return result

        self.readers.read(job, self.heard.append, asker or object())

    def pause(self) -> None:
        for lane in self.lanes:
            lane.paused = True

    def resume(self) -> None:
        for lane in self.lanes:
            lane.resume()
        self.clock.pump([0] * 10)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_reads_run_on_so_many_connections_which_stay_open(rig: Rig) -> None:
    for number in range(9):
        rig.read(number)
    rig.clock.pump([0] * 10)
    assert sorted(rig.heard) == list(range(9))
    assert len(rig.opened) == 2
    assert rig.clock.getDelayedCalls() == []


def test_more_wait_their_turn_up_to_a_limit() -> None:
    rig = Rig(limit=1)
    rig.pause()
    rig.read(1)
    rig.read(2)
    full = [rig.readers.full(None)]
    rig.read(3)
    full.append(rig.readers.full(None))
    rig.resume()
    full.append(rig.readers.full(None))
    assert sorted(rig.heard) == [1, 2, 3]
    assert full == [False, True, False]


def test_one_that_takes_too_long_is_interrupted_and_its_neighbour_is_not(rig: Rig) -> None:
    rig.read(0)
    rig.read(0)
    rig.clock.pump([0] * 5)
    rig.pause()
    rig.read(1)
    rig.clock.advance(2)
    rig.read(2)
    rig.clock.advance(1)
    assert sorted(reader.interrupted for reader in rig.opened) == [0, 1]
    rig.resume()


def test_a_connection_that_failed_is_closed_and_another_opened(rig: Rig) -> None:
    rig.read(StorageError("by plan"))
    rig.clock.pump([0] * 5)
    assert isinstance(rig.heard[0], Failure)
    assert rig.heard[0].check(StorageError)
    assert rig.opened[0].closed == 1
    rig.read("fine")
    rig.clock.pump([0] * 5)
    assert rig.heard[1] == "fine"
    assert len(rig.opened) == 2


def test_a_lane_that_has_not_begun_when_all_stops_asks_nobody_anything(rig: Rig) -> None:
    """Its connection could not be interrupted before it is known, and may take long."""
    rig.pause()
    asked: list[Any] = []
    rig.readers.read(asked.append, rig.heard.append)
    rig.readers.stop()
    rig.resume()
    assert not asked
    (refusal,) = rig.heard
    assert refusal.value.code == Code.STOPPING
    assert [reader.closed for reader in rig.opened] == [1]


def test_stopping_interrupts_refuses_what_waits_and_closes_all(rig: Rig) -> None:
    rig.read(0)
    rig.read(0)
    rig.clock.pump([0] * 5)
    rig.heard.clear()
    rig.pause()
    for number in range(3):
        rig.read(number)
    stopped = rig.readers.stop()
    assert len(rig.heard) == 1
    refusal = rig.heard[0].value
    assert isinstance(refusal, RequestRefused)
    assert refusal.code == Code.STOPPING
    assert [reader.interrupted for reader in rig.opened] == [1, 1]
    rig.resume()
    result_of(stopped)
    assert [reader.closed for reader in rig.opened] == [1, 1]
    assert all(lane.stopped for lane in rig.lanes)


def test_those_who_ask_have_turns_and_nobody_has_all_lanes(rig: Rig) -> None:
    rig.pause()
    for number in range(5):
        rig.read(f"greedy {number}", "greedy")
    rig.read("other", "other")
    assert sum(len(lane.jobs) for lane in rig.lanes) == 2
    rig.resume()
    assert rig.heard.index("other") <= 1
    assert len(rig.heard) == 6
    assert rig.readers.waiting == 0


def test_one_who_asks_much_is_told_so_before_others() -> None:
    rig = Rig(limit=8)
    rig.pause()
    for number in range(3):
        rig.read(number, "greedy")
    assert rig.readers.full("greedy")
    assert not rig.readers.full("other")


def test_what_nobody_wants_any_more_is_not_read(rig: Rig) -> None:
    rig.pause()
    done: list[int] = []
    for number in range(3):
        rig.readers.read(
            lambda reader, number=number: done.append(number),  # type: ignore[misc]
            rig.heard.append,
            "asker",
            lambda number=number: Code.EXPIRED if number == 1 else 0,  # type: ignore[misc]
        )
    rig.resume()
    assert done == [0, 2]
    (refused,) = (each.value for each in rig.heard if isinstance(each, Failure))
    assert isinstance(refused, RequestRefused)
    assert refused.code == Code.EXPIRED
