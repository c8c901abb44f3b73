from __future__ import annotations

import pytest
from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall
from zope.interface.verify import verifyObject

from ixproxy.testing.clock import SteppingClock


def test_it_is_what_the_framework_calls_a_clock() -> None:
    clock = SteppingClock()
    assert verifyObject(IReactorTime, clock)
    assert verifyObject(IDelayedCall, clock.callLater(1, print))


def test_a_call_sees_the_very_time_it_was_due_at() -> None:
    clock = SteppingClock(100.0)
    seen: list[float] = []
    for delay in (0.3, 0.1, 0.2):
        clock.callLater(delay, lambda: seen.append(clock.seconds()))
    clock.run(10)
    assert seen == [100.1, 100.2, 100.3]
    assert clock.seconds() == 110.0


def test_calls_at_one_time_run_in_the_order_in_which_they_were_made() -> None:
    clock = SteppingClock()
    seen: list[int] = []
    for number in range(5):
        clock.callLater(1, seen.append, number)
    clock.run(1)
    assert seen == [0, 1, 2, 3, 4]


def test_what_a_call_makes_due_at_once_runs_at_the_same_time() -> None:
    clock = SteppingClock()
    seen: list[float] = []
    clock.callLater(1, lambda: clock.callLater(0, lambda: seen.append(clock.seconds())))
    clock.run(1)
    assert seen == [1.0]


def test_a_cancelled_call_is_never_made_and_cannot_be_touched_again() -> None:
    clock = SteppingClock()
    call = clock.callLater(1, print, "never")
    call.cancel()
    assert not call.active()
    assert clock.getDelayedCalls() == []
    assert clock.next_time() is None
    with pytest.raises(AlreadyCancelled):
        call.reset(1)


def test_a_call_that_was_made_cannot_be_cancelled() -> None:
    clock = SteppingClock()
    call = clock.callLater(0, list)
    clock.run(0)
    with pytest.raises(AlreadyCalled):
        call.cancel()


def test_a_call_can_be_moved_both_ways_and_is_made_once() -> None:
    clock = SteppingClock()
    seen: list[float] = []
    late, early = (clock.callLater(5, lambda: seen.append(clock.seconds())) for _ in "12")
    late.delay(3)
    early.reset(1)
    late.delay(1)
    clock.run(20)
    assert seen == [1.0, 9.0]


def test_very_many_cancelled_calls_leave_nothing_behind() -> None:
    clock = SteppingClock()
    kept = clock.callLater(50, list)
    for _ in range(10_000):
        clock.callLater(60, list).cancel()
    assert clock.getDelayedCalls() == [kept]
    assert len(clock._heap) < 300


def test_running_until_something_is_done_stops_there_or_at_the_limit() -> None:
    clock = SteppingClock()
    seen: list[int] = []
    clock.callLater(1, seen.append, 1)
    clock.callLater(2, seen.append, 2)
    assert clock.run_until(lambda: bool(seen), 10)
    assert (seen, clock.seconds()) == ([1], 1.0)
    assert not clock.run_until(lambda: len(seen) == 3, 10)
    assert (seen, clock.seconds()) == ([1, 2], 11.0)


def test_calls_that_run_in_circles_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ixproxy.testing.clock.MOST_AT_ONE_TIME", 50)
    clock = SteppingClock()

    def again() -> None:
        clock.callLater(0, again)

    again()
    with pytest.raises(RuntimeError, match="time stands still"):
        clock.run(1)


def test_a_looping_call_runs_on_it() -> None:
    clock = SteppingClock()
    seen: list[float] = []
    loop = LoopingCall(lambda: seen.append(clock.seconds()))
    loop.clock = clock
    loop.start(0.25)
    clock.run(2.1)
    loop.stop()
    assert seen == [number * 0.25 for number in range(9)]


def test_a_delay_below_zero_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="a delay of -1 seconds"):
        SteppingClock().callLater(-1, print)
