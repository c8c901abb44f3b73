"""
Long reads: a few connections, a thread for each, and a limit in time.

Each lane opens its connection when it is first needed, and a new one after a
failure. What waits is bounded by the requests that clients may have without
an answer, and by `limit`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from ixproxy.errors import Code, RequestRefused
from ixproxy.interfaces import IStore, IStoreReader
from ixproxy.net.executors import Executor

Job = Callable[[IStoreReader], Any]
Done = Callable[[Any], None]


class LongReaders:
    """
    :param lanes: an executor for each connection; at least one.
    :param seconds: how long one read may take.
    :param limit: reads that may wait.
    """

    def __init__(
        self,
        clock: IReactorTime,
        store: IStore,
        lanes: list[Executor],
        seconds: float,
        limit: int,
    ) -> None:
        self._clock = clock
        self._store = store
        self._all = [_Lane(executor) for executor in lanes]
        self._free = list(self._all)
        self._waiting: deque[tuple[Job, Done]] = deque()
        self._stopped = False
        self.seconds = seconds
        self.limit = limit

    @property
    def full(self) -> bool:
        """Whether no more reads may wait."""
        return len(self._waiting) >= self.limit

    @property
    def waiting(self) -> int:
        """How many wait for a lane."""
        return len(self._waiting)

    @property
    def lanes(self) -> int:
        """How many can be under way at once."""
        return len(self._all)

    @property
    def busy(self) -> int:
        """How many are."""
        return len(self._all) - len(self._free)

    def read(self, job: Job, done: Done) -> None:
        """
        Have `job` done with a reader, in its thread.

        :param done: is given what it returned, or a Failure: of StorageError
            where the read failed or took too long.
        """
        self._waiting.append((job, done))
        self._begin()

    def stop(self) -> Deferred[Any]:
        """End all reads, and refuse those that wait; fires when all is closed."""
        self._stopped = True
        waiting, self._waiting = self._waiting, deque()
        for _, done in waiting:
            done(Failure(RequestRefused(Code.STOPPING)))
        ends = []
        for lane in self._all:
            if lane.reader is not None:
                lane.reader.interrupt()
            lane.executor.submit(lane.close, lambda _: None)
            ends.append(lane.executor.stop())
        return DeferredList(ends)

    def _begin(self) -> None:
        while self._waiting and self._free and not self._stopped:
            self._start(self._free.pop(), *self._waiting.popleft())

    def _start(self, lane: _Lane, job: Job, done: Done) -> None:
        limit = self._clock.callLater(self.seconds, lane.interrupt)

        def finished(result: Any) -> None:
            if limit.active():
                limit.cancel()
            self._free.append(lane)
            done(result)
            self._begin()

        lane.executor.submit(lambda: lane.run(self._store, job), finished)


class _Lane:
    """One reader and its thread."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self.reader: IStoreReader | None = None

    def run(self, store: IStore, job: Job) -> Any:
        """In the lane's thread: one read."""
        if self.reader is None:
            self.reader = store.reader()
        try:
            return job(self.reader)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """In the lane's thread: close the connection."""
        reader, self.reader = self.reader, None
        if reader is not None:
            reader.close()

    def interrupt(self) -> None:
        """In the reactor thread: end what is being read."""
        reader = self.reader
        if reader is not None:
            reader.interrupt()
