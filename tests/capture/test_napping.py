"""Coroutines wait for time, for something, or until they are woken."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from ixproxy.capture.napping import Nap
from tests.deferreds import no_result, result_of


def test_who_sleeps_is_woken_by_time_or_by_others() -> None:
    clock = Clock()
    nap = Nap(clock)
    short, long = (Deferred.fromCoroutine(nap.rest(each)) for each in (1, 5))
    clock.advance(1)
    result_of(short)
    nap.wake()
    result_of(no_result(long) if not long.called else long)
    assert clock.getDelayedCalls() == []
    nap.wake()


def test_who_waits_for_something_may_be_told_at_once_later_or_too_late() -> None:
    nap = Nap(Clock())
    told: list[Callable[[], None]] = []
    result_of(Deferred.fromCoroutine(nap.until(lambda tell: tell())))
    waiting = no_result(Deferred.fromCoroutine(nap.until(told.append)))
    told[0]()
    result_of(waiting)
    woken = no_result(Deferred.fromCoroutine(nap.until(told.append)))
    nap.wake()
    result_of(woken)
    told[1]()
    told[0]()
