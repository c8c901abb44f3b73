"""
A clock that stands still between events, and the ways to run one.

Theory of operation: time moves from one delayed call to the next and never
passes over one, so each call sees the very time it was due at. Calls due at
the same time run in the order in which they were made. A heap keeps them, for
a simulation makes and cancels very many; a call that was moved or cancelled
leaves its entry behind, which is known by its number and passed over.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Any

from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer

MOST_AT_ONE_TIME = 1_000_000
"""Calls at one time after which a simulation is taken to run in circles."""


@implementer(IDelayedCall)
class Call:
    """
    Something that a clock will call.

    :ivar entry: the number of its one valid entry in the clock's heap.
    """

    __slots__ = ("_clock", "_state", "args", "at", "called", "entry", "kw")

    def __init__(
        self,
        clock: SteppingClock,
        at: float,
        called: Callable[..., object],
        args: tuple[object, ...],
        kw: dict[str, object],
    ) -> None:
        self._clock = clock
        self._state = ""
        self.at = at
        self.called = called
        self.args = args
        self.kw = kw
        self.entry = 0

    def __repr__(self) -> str:
        name = getattr(self.called, "__qualname__", repr(self.called))
        return f"<call of {name} at {self.at:g}{self._state and ', ' + self._state}>"

    def getTime(self) -> float:
        """When it is due."""
        return self.at

    def active(self) -> bool:
        """Whether it is still to be called."""
        return not self._state

    def cancel(self) -> None:
        """Never call it."""
        self._check()
        self._state = "cancelled"
        self._clock.outdated()

    def reset(self, secondsFromNow: float) -> None:
        """Call it so many seconds from now."""
        self._move(self._clock.seconds() + secondsFromNow)

    def delay(self, secondsLater: float) -> None:
        """Call it so many seconds later."""
        self._move(self.at + secondsLater)

    def run(self) -> None:
        """Its time has come."""
        self._state = "called"
        self.called(*self.args, **self.kw)

    def _move(self, at: float) -> None:
        self._check()
        self.at = at
        self._clock.push(self)
        self._clock.outdated()

    def _check(self) -> None:
        if self._state == "called":
            raise AlreadyCalled
        if self._state:
            raise AlreadyCancelled


@implementer(IReactorTime)
class SteppingClock:
    """Keeps delayed calls for tests and simulations; nothing runs by itself."""

    def __init__(self, now: float = 0.0) -> None:
        self._now = now
        self._heap: list[tuple[float, int, Call]] = []
        self._entries = 0
        self._outdated = 0

    def seconds(self) -> float:
        """The time now, in seconds."""
        return self._now

    def callLater(
        self, delay: float, callable: Callable[..., Any], *args: object, **kw: object
    ) -> Call:
        """Have something called when time has moved on by `delay` seconds, 0 or more."""
        if delay < 0:
            raise ValueError(f"a delay of {delay} seconds")
        call = Call(self, self._now + delay, callable, args, kw)
        self.push(call)
        return call

    def getDelayedCalls(self) -> list[Call]:
        """What is still to be called, earliest first."""
        return [call for _, entry, call in sorted(self._heap) if _valid(call, entry)]

    def next_time(self) -> float | None:
        """When the earliest call is due; None: there is none."""
        heap = self._heap
        while heap:
            at, entry, call = heap[0]
            if call.entry == entry and not call._state:
                return at
            heappop(heap)
            self._outdated -= 1
        return None

    def step(self) -> bool:
        """Move to the earliest call and run it; whether there was one."""
        at = self.next_time()
        if at is None:
            return False
        _, _, call = heappop(self._heap)
        if at > self._now:
            self._now = at
        call.run()
        return True

    def run(self, seconds: float) -> None:
        """Run everything that is due within the next `seconds`."""
        self.run_until(None, seconds)

    def run_until(self, done: Callable[[], bool] | None, seconds: float) -> bool:
        """
        Run until `done` says so; it is asked before the first call and after each.

        :param done: None: nothing ends it but the time.
        :param seconds: when to give up: time has moved on by as many then.
        :return: whether `done` said so.
        :raise RuntimeError: calls follow one another without an end and
            without time moving.
        """
        heap = self._heap
        end = self._now + seconds
        before, here = self._now, 0
        # Written out, for simulations spend their time here.
        while done is None or not done():
            while heap:
                at, entry, call = heap[0]
                if at > end:
                    break
                heappop(heap)
                if call.entry == entry and not call._state:
                    break
                self._outdated -= 1
            else:
                self._now = end
                return False
            if at > end:
                self._now = end
                return False
            if at > before:
                self._now = before = at
                here = 0
            else:
                here += 1
                if here > MOST_AT_ONE_TIME:
                    raise RuntimeError(f"time stands still at {before}")
            call.run()
        return True

    def push(self, call: Call) -> None:
        """Enter a call at its time; an older entry of it no longer counts."""
        self._entries += 1
        call.entry = self._entries
        heappush(self._heap, (call.at, call.entry, call))

    def outdated(self) -> None:
        """One entry no longer counts."""
        self._outdated += 1
        if self._outdated > 100 and self._outdated > len(self._heap) // 2:
            # In place, for somebody may be running through it.
            self._heap[:] = [entry for entry in self._heap if _valid(entry[2], entry[1])]
            heapify(self._heap)
            self._outdated = 0


def _valid(call: Call, entry: int) -> bool:
    return call.entry == entry and call.active()
