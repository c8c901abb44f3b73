"""
Long reads: a few connections, a thread for each, and a limit in time.

Each lane opens its connection when it is first needed, and a new one after a
failure. Those who ask have turns, and nobody has all lanes; what waits is
bounded by `limit`, of which nobody has more than a part. What nobody waits
for any more when its turn comes is not read.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from ixproxy.errors import Code, RequestRefused
from ixproxy.interfaces import IStore, IStoreReader
from ixproxy.net.executors import Executor

Job = Callable[[IStoreReader], Any]
Done = Callable[[Any], None]

ONE_IN = 4
"""Who asks may have one in so many of the reads that may wait."""


class _Read(NamedTuple):
    job: Job
    done: Done
    unwanted: Callable[[], int]


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
        self._waiting: dict[Hashable, deque[_Read]] = {}
        self._number = 0
        self._running: Counter[Hashable] = Counter()
        self._most_lanes = max(1, len(lanes) // 2)
        self._stopped = False
        self.seconds = seconds
        self.limit = limit

    @property
    def waiting(self) -> int:
        """How many wait for a lane."""
        return self._number

    @property
    def lanes(self) -> int:
        """How many can be under way at once."""
        return len(self._all)

    @property
    def busy(self) -> int:
        """How many are."""
        return len(self._all) - len(self._free)

    def full(self, asker: Hashable) -> bool:
        """Whether no more reads may wait, or no more of this asker."""
        own = len(self._waiting.get(asker, ()))
        return self._number >= self.limit or own >= max(1, self.limit // ONE_IN)

    def read(
        self,
        job: Job,
        done: Done,
        asker: Hashable = None,
        unwanted: Callable[[], int] = lambda: 0,
    ) -> None:
        """
        Have `job` done with a reader, in its thread.

        :param done: is given what it returned, or a Failure: of StorageError
            where the read failed or took too long, of RequestRefused where it
            was not begun.
        :param asker: those who ask have turns.
        :param unwanted: asked when its turn has come: the code of a refusal,
            0 where it is still wanted.
        """
        self._waiting.setdefault(asker, deque()).append(_Read(job, done, unwanted))
        self._number += 1
        self._begin()

    def stop(self) -> Deferred[Any]:
        """End all reads, and refuse those that wait; fires when all is closed."""
        self._stopped = True
        waiting, self._waiting = self._waiting, {}
        self._number = 0
        for reads in waiting.values():
            for read in reads:
                read.done(Failure(RequestRefused(Code.STOPPING)))
        ends = []
        for lane in self._all:
            if lane.reader is not None:
                lane.reader.interrupt()
            lane.executor.submit(lane.close, lambda _: None)
            ends.append(lane.executor.stop())
        return DeferredList(ends)

    def _begin(self) -> None:
        while self._free and not self._stopped:
            asker = next((a for a in self._waiting if self._running[a] < self._most_lanes), _NOBODY)
            if asker is _NOBODY:
                return
            reads = self._waiting.pop(asker)
            read = reads.popleft()
            self._number -= 1
            if reads:
                self._waiting[asker] = reads
            if code := read.unwanted():
                read.done(Failure(RequestRefused(code)))
            else:
                self._start(self._free.pop(), asker, read)

    def _start(self, lane: _Lane, asker: Hashable, read: _Read) -> None:
        limit = self._clock.callLater(self.seconds, lane.interrupt)
        self._running[asker] += 1

        def finished(result: Any) -> None:
            if limit.active():
                limit.cancel()
            self._free.append(lane)
            self._running[asker] -= 1
            if not self._running[asker]:
                del self._running[asker]
            read.done(result)
            self._begin()

        lane.executor.submit(lambda: lane.run(self._store, read.job), finished)


_NOBODY = object()


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
