"""How a term stands with its lease: beats that come back, that do not, and the clock."""

from __future__ import annotations

from typing import Any, cast

import pytest

from ixproxy.errors import LeaseLost, StorageError
from ixproxy.net.reign import Reign, Term
from ixproxy.testing.clock import SteppingClock
from ixproxy.testing.memory_lease import MemoryLease, MemoryLeases
from tests.net.node_rig import ManualExecutor

LIMIT = 10.0


class Rig:
    def __init__(self, now: float = 100.0, limit: float = LIMIT) -> None:
        self.clock = SteppingClock(now)
        self.lost: list[str] = []
        self.executor = ManualExecutor(self.clock)
        self.lease: MemoryLease = MemoryLeases().lease("node1")
        nothing = cast(Any, None)
        self.reign = Reign(
            self.clock,
            "node1",
            Term(nothing, nothing, self.lease),
            self.executor,
            self.clock.seconds,
            lambda: limit,
            self.lost.append,
        )
        taken: list[Any] = []
        self.reign.take(taken.append)
        self.clock.run(0)
        assert taken == [None]


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.reign.live()
    return rig


def test_it_shows_that_it_lives_some_times_in_each_limit(rig: Rig) -> None:
    rig.clock.run(10 * LIMIT)
    assert rig.executor.ran == 1 + 50
    assert rig.lost == []


def test_what_a_clock_cannot_tell_does_not_make_it_run_in_circles() -> None:
    """With these numbers something is left of the limit, and no time passes by adding it."""
    rig = Rig(now=0.32255727089276776, limit=2.0)
    rig.reign.good = 0.14520393787433972
    rig.executor.paused = True
    rig.reign.live()
    rig.clock.run(2.0)
    assert rig.lost == ["it could not show that it lives for 2 s"]


def test_beats_that_do_not_come_back_end_it_in_time(rig: Rig) -> None:
    rig.clock.run(5)
    rig.executor.paused = True
    rig.clock.run(8.5)
    assert rig.lost == []
    rig.clock.run(0.5)
    assert rig.lost == ["it could not show that it lives for 10 s"]
    assert len(rig.executor.jobs) == 1


def test_a_beat_counts_from_when_it_was_sent(rig: Rig) -> None:
    rig.executor.paused = True
    rig.clock.run(9)
    rig.executor.resume()
    rig.clock.run(0)
    assert rig.reign.good == 102.0


def test_a_beat_that_says_that_the_lease_is_lost_ends_it_at_once(rig: Rig) -> None:
    rig.lease.broken = LeaseLost("another has it")
    rig.clock.run(2)
    assert rig.lost == ["another has it"]


def test_a_beat_that_fails_is_tried_again(rig: Rig) -> None:
    rig.lease.broken = StorageError("no network")
    rig.clock.run(7)
    rig.lease.broken = None
    rig.clock.run(2 * LIMIT)
    assert rig.lost == []


def test_whoever_looks_at_the_clock_too_late_hears_that_it_is_over(rig: Rig) -> None:
    rig.executor.paused = True
    rig.clock.run(LIMIT - 1)
    rig.reign.look()
    assert rig.lost == []
    rig.reign.good -= 1
    rig.reign.look()
    assert len(rig.lost) == 1


def test_one_that_does_not_live_yet_or_any_more_loses_nothing() -> None:
    rig = Rig()
    rig.clock.run(2 * LIMIT)
    rig.reign.look()
    rig.reign.live()
    assert len(rig.lost) == 1
    rig.reign.stop()
    rig.clock.run(2 * LIMIT)
    rig.reign.look()
    assert len(rig.lost) == 1
    assert rig.clock.getDelayedCalls() == []


def test_a_beat_that_comes_back_after_the_end_means_nothing(rig: Rig) -> None:
    rig.executor.paused = True
    rig.clock.run(2)
    rig.lease.broken = LeaseLost("late")
    rig.reign.stop()
    rig.executor.resume()
    rig.clock.run(1)
    assert rig.lost == []


def test_a_released_lease_is_back_and_its_executor_stops(rig: Rig) -> None:
    done: list[Any] = []
    rig.reign.release(done.append)
    rig.clock.run(0)
    assert done == [None]
    assert rig.reign.released
    assert rig.executor.stopped
    assert MemoryLeases().owner is None
    assert rig.clock.getDelayedCalls() == []
