"""
A thread of a capture point's own, for libraries that block.

Not one of the reactor's pool: what hangs in there keeps the process from
ending, and who waits for ever for a broker is such a thing.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

T = TypeVar("T")


class Works(Protocol):
    """Does jobs one after another, away from the reactor."""

    def do(self, job: Callable[[], T]) -> Deferred[T]:
        """Have `job` done; fires with its result, never in the same turn of the reactor."""

    def stop(self, seconds: float) -> Deferred[bool]:
        """
        Take no more jobs.

        :return: fires with True when those that were given are done, or with False
            after `seconds`; what still runs then is left to itself.
        """


class Worker:
    """
    See `Works`; the thread begins with the first job.

    :param name: of the thread.
    """

    def __init__(self, reactor: Any, name: str) -> None:
        self._reactor = reactor
        self._name = name
        self._jobs: SimpleQueue[tuple[Callable[[], Any], Deferred[Any]] | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._ended: Deferred[bool] | None = None

    def do(self, job: Callable[[], T]) -> Deferred[T]:
        """See `Works`."""
        if self._ended is not None:
            raise RuntimeError(f"{self._name} is stopped")
        if self._thread is None:
            # A daemon: what cannot be ended must not keep the process alive.
            self._thread = Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
        done: Deferred[T] = Deferred()
        self._jobs.put((job, done))
        return done

    def stop(self, seconds: float) -> Deferred[bool]:
        """See `Works`; called once."""
        ended: Deferred[bool] = Deferred()
        self._ended = ended
        if self._thread is None:
            ended.callback(True)
            return ended
        late = self._reactor.callLater(seconds, ended.callback, False)

        def over() -> None:
            if not ended.called:
                late.cancel()
                ended.callback(True)

        self._over = over
        self._jobs.put(None)
        return ended

    def _work(self) -> None:
        call = self._reactor.callFromThread
        while (task := self._jobs.get()) is not None:
            job, done = task
            try:
                result = job()
            except BaseException:
                call(done.errback, Failure())
            else:
                call(done.callback, result)
                del result
            # Nothing of the last job may stay alive while the next is awaited.
            del task, job, done
        call(self._over)
