"""
Long reads: a few connections, a thread for each, and a limit in time.

Each lane opens its connection when it is first needed, and a new one after a
failure. Those who ask have turns, and nobody has all lanes; what waits is
bounded by `limit`, of which nobody has more than a part. What nobody waits
for any more when its turn comes is not read.

What is too much for one answer is read in parts, by a reader that sees one
moment of the database. It keeps its lane until it is over, which the limit in
time makes sure of, however slowly the parts are asked for.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterator
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from ixproxy.errors import Code, RequestRefused, StorageError
from ixproxy.interfaces import IStore, IStoreReader
from ixproxy.net.executors import Executor

Job = Callable[[IStoreReader], Any]
Done = Callable[[Any], None]

ONE_IN = 4
"""Who asks may have one in so many of the reads that may wait."""


class _Read(NamedTuple):
    start: Callable[[_Lane, Callable[[], None]], None]
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
        self._in_parts: set[PartsRead] = set()
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

        def start(lane: _Lane, free: Callable[[], None]) -> None:
            limit = self._clock.callLater(self.seconds, lane.interrupt)

            def finished(result: Any) -> None:
                if limit.active():
                    limit.cancel()
                free()
                done(result)
                self._begin()

            lane.executor.submit(lambda: lane.run(self._store, job), finished)

        self._wait(_Read(start, done, unwanted), asker)

    def read_parts(
        self,
        parts: Callable[[IStoreReader], Iterator[Any]],
        part: Callable[[Any], None],
        done: Callable[[Failure | None], None],
        asker: Hashable = None,
    ) -> PartsRead:
        """
        Have what `parts` makes of a reader gone through in its thread, step by step.

        :param part: is given each part; the next one is read when
            `PartsRead.more` says so.
        :param done: is told once that it was all, or what went wrong, as by
            `read`; not told when it was stopped.
        """
        made = PartsRead(self._clock, self._store, parts, part, done)

        def start(lane: _Lane, free: Callable[[], None]) -> None:
            self._in_parts.add(made)

            def freed() -> None:
                self._in_parts.discard(made)
                free()
                self._begin()

            made.start(lane, self.seconds, freed)

        self._wait(_Read(start, made.refused, made.unwanted), asker)
        return made

    def _wait(self, read: _Read, asker: Hashable) -> None:
        self._waiting.setdefault(asker, deque()).append(read)
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
        for parts in list(self._in_parts):
            parts.give_up(Failure(RequestRefused(Code.STOPPING)))
        ends = []
        for lane in self._all:
            # First: a lane that has no reader yet must not begin to connect.
            lane.stopped = True
            lane.interrupt()
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
        self._running[asker] += 1

        def free() -> None:
            self._free.append(lane)
            self._running[asker] -= 1
            if not self._running[asker]:
                del self._running[asker]

        read.start(lane, free)


_NOBODY = object()


class PartsRead:
    """A read whose result comes in parts; see `LongReaders.read_parts`."""

    def __init__(
        self,
        clock: IReactorTime,
        store: IStore,
        parts: Callable[[IStoreReader], Iterator[Any]],
        part: Callable[[Any], None],
        done: Callable[[Failure | None], None],
    ) -> None:
        self._clock = clock
        self._store = store
        self._make = parts
        self._part = part
        self._done = done
        self._parts: Iterator[Any] | None = None
        self._lane: _Lane | None = None
        self._free: Callable[[], None] = lambda: None
        self._limit: Any = None
        self._reading = False
        self._over = False

    def more(self) -> None:
        """Read the next part; one at a time."""
        lane = self._lane
        if self._over or self._reading or lane is None or lane.stopped:
            return
        self._reading = True
        lane.executor.submit(lambda: lane.run(self._store, self._step), self._stepped)

    def stop(self) -> None:
        """Nobody wants the rest; harmless when it is over."""
        if self._over:
            return
        self._over = True
        if self._limit is not None and self._limit.active():
            self._limit.cancel()
        lane = self._lane
        if lane is None:
            return
        if self._reading:
            lane.interrupt()
        else:
            self._let_go(lane)

    def start(self, lane: _Lane, seconds: float, free: Callable[[], None]) -> None:
        """Its turn has come; `free` is to be called when it needs the lane no more."""
        self._lane, self._free = lane, free
        self._limit = self._clock.callLater(seconds, self._expired, seconds)
        self.more()

    def unwanted(self) -> int:
        """A code when it was stopped before its turn came."""
        return Code.CANCELLED if self._over else 0

    def refused(self, problem: Failure) -> None:
        """It will not have a turn."""
        if not self._over:
            self._over = True
            self._done(problem)

    def give_up(self, problem: Failure) -> None:
        """It cannot go on; the readers end."""
        if not self._over:
            self._over = True
            if self._limit.active():
                self._limit.cancel()
            self._done(problem)

    def _step(self, reader: IStoreReader) -> Any:
        """In the lane's thread."""
        if self._parts is None:
            self._parts = self._make(reader)
        return next(self._parts, _NO_MORE)

    def _stepped(self, result: Any) -> None:
        self._reading = False
        lane = self._lane
        assert lane is not None
        if isinstance(result, Failure) or result is _NO_MORE:
            over, self._over = self._over, True
            if self._limit.active():
                self._limit.cancel()
            self._free()
            if not over:
                self._done(result if isinstance(result, Failure) else None)
        elif self._over:
            self._let_go(lane)
        else:
            self._part(result)

    def _let_go(self, lane: _Lane) -> None:
        """Have the reader see again what is committed, for whoever is next."""
        parts: Any = self._parts

        def close(_: IStoreReader) -> None:
            if parts is not None:
                parts.close()

        if lane.stopped:
            return
        lane.executor.submit(lambda: lane.run(self._store, close), lambda _: self._free())

    def _expired(self, seconds: float) -> None:
        problem = Failure(StorageError(f"it took longer than {seconds:g} seconds"))
        self.stop()
        self._done(problem)


_NO_MORE = object()


class _Lane:
    """One reader and its thread."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self.reader: IStoreReader | None = None
        self.stopped = False

    def run(self, store: IStore, job: Job) -> Any:
        """In the lane's thread: one read."""
        if self.reader is None:
            self.reader = store.reader()
        if self.stopped:
            raise RequestRefused(Code.STOPPING)
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
