"""
A writer thread that is none: jobs run on a clock, each after a delay by chance.

A job takes effect at one moment, and whoever gave it hears of it at a later
one. So a program that is killed may die before a job, or after it and before
anybody knows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

T = TypeVar("T")

Heard = Callable[[Any], None]
"""Is given a job's result, or a Failure of what it raised."""


def outcome_of(job: Callable[[], Any]) -> Any:
    """What a job comes to: its result, or a Failure."""
    try:
        return job()
    except BaseException:
        return Failure()


def _at_once(job: Callable[[], Any], heard: Heard) -> None:
    heard(outcome_of(job))


class SimulatedExecutor:
    """
    See `ixproxy.net.executors.Executor`.

    :param clock: the clock of the program whose thread this stands for.
    :param delay: seconds that a job takes on average, and again its result.
    :param run: runs a job and says what came of it; by default at one moment.
    """

    def __init__(
        self,
        clock: IReactorTime,
        random: Random,
        delay: float = 0.0005,
        run: Callable[[Callable[[], Any], Heard], None] = _at_once,
    ) -> None:
        self._clock = clock
        self._random = random
        self._delay = delay
        self._run = run
        self._jobs: deque[tuple[Callable[[], Any], Callable[[Any], None]]] = deque()
        self._working = False
        self._unheard = 0
        self._waiting: list[Deferred[None]] = []
        self._stopped = False
        self.finished = 0
        """How many jobs have taken effect."""

    def submit(self, job: Callable[[], T], done: Callable[[T | Failure], None]) -> None:
        """See `Executor`."""
        if self._stopped:
            raise RuntimeError("the executor is stopped")
        self._jobs.append((job, done))
        self._unheard += 1
        if not self._working:
            self._working = True
            self._clock.callLater(self._pause(), self._work)

    def stop(self) -> Deferred[None]:
        """See `Executor`."""
        self._stopped = True
        stopped: Deferred[None] = Deferred()
        self._waiting.append(stopped)
        if not self._unheard:
            self._end()
        return stopped

    def _work(self) -> None:
        job, done = self._jobs.popleft()
        self._run(job, lambda result: self._worked(done, result))

    def _worked(self, done: Callable[[Any], None], result: Any) -> None:
        self.finished += 1
        self._clock.callLater(self._pause(), self._tell, done, result)

    def _tell(self, done: Callable[[Any], None], result: Any) -> None:
        self._unheard -= 1
        if self._jobs:
            self._clock.callLater(self._pause(), self._work)
        else:
            self._working = False
        try:
            done(result)
        finally:
            if self._stopped and not self._unheard:
                self._end()

    def _pause(self) -> float:
        return self._delay * 2 * self._random.random()

    def _end(self) -> None:
        waiting, self._waiting = self._waiting, []
        for stopped in waiting:
            stopped.callback(None)


class InstantExecutor:
    """
    An executor whose jobs take no time: of what cannot be slow, such as a lease of one's own.

    :param clock: of the program; it is told in another turn all the same.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock

    def submit(self, job: Callable[[], T], done: Callable[[T | Failure], None]) -> None:
        """See `Executor`."""
        self._clock.callLater(0, done, outcome_of(job))

    def stop(self) -> Deferred[None]:
        """See `Executor`."""
        stopped: Deferred[None] = Deferred()
        self._clock.callLater(0, stopped.callback, None)
        return stopped
