"""Where blocking work is done: in a thread of its own, one job after another."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python.failure import Failure

T = TypeVar("T")


class Executor(Protocol):
    """
    Does jobs in the order in which they are given.

    `done` is called in the reactor thread with the job's result, or with a
    Failure of what it raised, and never before `submit` has returned.
    """

    def submit(self, job: Callable[[], T], done: Callable[[T | Failure], None]) -> None:
        """Have `job` done."""

    def stop(self) -> Deferred[None]:
        """Take no more jobs; fires when those that were given are done."""


class ThreadExecutor:
    """
    An executor with a thread of its own, which begins with the first job.

    :param name: of the thread.
    """

    def __init__(self, reactor: IReactorFromThreads, name: str) -> None:
        self._reactor = reactor
        self._name = name
        self._jobs: SimpleQueue[tuple[Callable[[], Any], Callable[[Any], None]] | None]
        self._jobs = SimpleQueue()
        self._thread: Thread | None = None
        self._stopped: Deferred[None] | None = None

    def submit(self, job: Callable[[], T], done: Callable[[T | Failure], None]) -> None:
        """See `Executor`."""
        if self._stopped is not None:
            raise RuntimeError(f"{self._name} is stopped")
        if self._thread is None:
            # A daemon: what cannot be ended must not keep the process alive.
            self._thread = Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
        self._jobs.put((job, done))

    def stop(self) -> Deferred[None]:
        """See `Executor`."""
        stopped: Deferred[None] = Deferred()
        if self._stopped is not None:
            self._stopped.chainDeferred(stopped)
            return stopped
        self._stopped = Deferred()
        self._stopped.chainDeferred(stopped)
        if self._thread is None:
            self._stopped.callback(None)
        else:
            self._jobs.put(None)
        return stopped

    def _work(self) -> None:
        call = self._reactor.callFromThread
        while True:
            task = self._jobs.get()
            if task is None:
                call(self._end)
                return
            job, done = task
            try:
                result = job()
            except BaseException:
                result = Failure()
            call(done, result)
            # Nothing of the last job may stay alive while the next is awaited.
            del task, job, done, result

    def _end(self) -> None:
        if self._thread is not None:
            self._thread.join()
        if self._stopped is not None and not self._stopped.called:
            self._stopped.callback(None)
