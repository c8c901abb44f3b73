"""
The way to the writer thread: work in, batches there, outcomes back.

Theory of operation: while a batch is in flight the next one gathers, so the
more there is to do the more share one commit. Of each session some works go
into a batch, in the order in which they came (`fair_batches`). The queue is
bounded: who asks too much is told so at once, but for what gives things back,
which is never refused. What nobody waits for any more is not run. Timers that
fall due make a tick. Where something that is due fails by itself it is due
still, so the next tick has a pause: a full disk must not make the node run in
circles. After a batch that broke, or that lost the store, no other
is begun; jobs between batches are done all the same, for one of them closes the
store, and it may wait already.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeGuard

from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from ixproxy.errors import StorageError
from ixproxy.net.executors import Executor
from ixproxy.net.failure_log import by_itself
from ixproxy.net.fair_batches import FairBatches
from ixproxy.net.node_peers import Asking, Waiting
from ixproxy.net.turn import TurnEnd
from ixproxy.node.batch import NodeCore, People
from ixproxy.node.work import Asked, Outcome, PullRetried, Relayed, Tick, Work

FLOOD_FACTOR = 2
"""So many times the queue's limit of works may wait before peers are left unread."""

ASK_AGAIN = 1.0
"""
Seconds after which a store that could not say when something is due is asked
again, and after which what was due and failed is tried again.
"""

SHORTEST_TICK = 0.01
"""Seconds until the next tick at least, whatever is overdue."""


Ran = tuple[Outcome, float | None, int, People]
"""What a batch came to, when the next is due, its last event's number, who is there now."""


class Receiver(Protocol):
    """Who is told what became of the work."""

    def expired(self, asking: Asking) -> None:
        """A request's time was up before it was run, or run again; nothing was done."""

    def not_retried(self, works: Sequence[Work]) -> None:
        """Held pulls that expired did not get into the batch."""

    def batch_begins(self) -> None:
        """Some of what waited does so no more."""

    def batch_done(self, works: Sequence[Work], outcome: Outcome) -> None:
        """A batch is done; the next one has not begun."""

    def batch_settled(self, works: Sequence[Work], outcome: Outcome) -> None:
        """The same batch again, once the next one is under way."""

    def batch_failed(self, works: Sequence[Work], failure: Failure) -> None:
        """A batch broke in a way that nobody foresaw; nothing is known of it."""


class BatchWriter:
    """
    :param now: the time of day, in seconds since the epoch.
    :param limit: works that may wait before `full`.
    :ivar batches: batches so far, and `works` in them.
    :ivar longest: seconds of the longest of them.
    :ivar people: who was there after the last one.
    :ivar due: when the next tick is, in seconds since the epoch; None: not known to be.
    """

    def __init__(
        self,
        clock: IReactorTime,
        turn: TurnEnd,
        executor: Executor,
        core: NodeCore,
        receiver: Receiver,
        now: Callable[[], float],
        limit: int,
    ) -> None:
        self._clock = clock
        self._turn = turn
        self._executor = executor
        self._core = core
        self._receiver = receiver
        self._now = now
        self.limit = limit
        self.last_event_number = 0
        self.batches = 0
        self.works = 0
        self.longest = 0.0
        self.people = People()
        self.due: float | None = None
        self._began = 0.0
        self._under_way = 0
        self._first: list[Work] = []
        self._waiting: list[Work] = []
        self._between: list[tuple[Callable[[], Any], Callable[[Any], None]]] = []
        self._busy = False
        self._marked = False
        self._stopped = False
        self._broken = False
        self._earliest = float("inf")
        self._paused_until = float("-inf")
        self._cancelled = False
        self.fair = FairBatches(_no_room)
        self._call: Any = None

    @property
    def full(self) -> bool:
        """Whether work that may be refused should be."""
        return len(self._waiting) >= self.limit

    @property
    def flooded(self) -> bool:
        """Whether so much waits, of what is never refused too, that no more should be read."""
        return len(self._waiting) >= FLOOD_FACTOR * self.limit

    @property
    def waiting(self) -> int:
        """Works that wait for the next batches."""
        return len(self._waiting) + len(self._first)

    @property
    def under_way(self) -> int:
        """Works of the batch under way."""
        return self._under_way if self._busy else 0

    @property
    def busy_seconds(self) -> float:
        """For how long the batch under way has lasted; 0: none is."""
        return max(0.0, self._clock.seconds() - self._began) if self._busy else 0.0

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is under way."""
        return not (self._busy or self._waiting or self._first or self._between)

    def ask(self, asking: Asking, work: Asked | Relayed) -> None:
        """Add a request, or an event that is to be relayed, to the next batch."""
        asking.waits(Waiting.WRITER)
        if asking.due < self._earliest:
            self._earliest = asking.due
        self.add(work)

    def add(self, work: Work) -> None:
        """Add work to the next batch."""
        if not self._stopped:
            self._waiting.append(work)
            if not self._busy and not self._marked:
                self._marked = True
                self._turn.mark(self)

    def add_first(self, works: Sequence[Work]) -> None:
        """Add work to the head of the next batch."""
        if not self._stopped:
            self._first += works
            if not self._busy and not self._marked:
                self._marked = True
                self._turn.mark(self)

    def between(self, job: Callable[[], Any], done: Callable[[Any], None]) -> None:
        """Have a job done in the writer thread, between two batches."""
        self._between.append((job, done))
        self._begin()

    def cancel(self, asking: Asking) -> bool:
        """
        Take a request that is marked as cancelled out of the queue.

        :return: whether it was there: it will not be run.
        """
        if asking.waiting is not Waiting.WRITER:
            return False
        self._cancelled = True
        return True

    def stop(self) -> list[Work]:
        """Begin no more batches; returns the work that was not done."""
        self._stopped = True
        left = [*self._first, *self._waiting]
        self._first, self._waiting = [], []
        if self._call is not None and self._call.active():
            self._call.cancel()
        return left

    def wake(self) -> None:
        """What may be run has changed without new work: begin a batch at the end of the turn."""
        if self._waiting and not (self._busy or self._marked or self._stopped):
            self._marked = True
            self._turn.mark(self)

    def flush(self) -> None:
        """The turn ends: begin a batch with all that came in it."""
        self._marked = False
        self._begin()

    def _begin(self) -> None:
        if self._busy:
            return
        if self._between:
            self._busy = True
            self._began = self._clock.seconds()
            self._under_way = 0
            job, done = self._between.pop(0)
            self._executor.submit(job, lambda result: self._did(done, result))
            return
        works = [] if self._broken else self._next_batch()
        if works:
            self._busy = True
            self._began = self._clock.seconds()
            self._under_way = len(works)
            core, now = self._core, self._now

            def run() -> Ran:
                outcome = core.run(works, now())
                due = None if outcome.store_lost else self._due_after()
                return outcome, due, core.last_event_number, core.people()

            self._executor.submit(run, lambda result: self._ran(works, result))

    def _due_after(self) -> float | None:
        """In the writer's thread: when the next tick is; a store that cannot say is asked again."""
        try:
            return self._core.next_due()
        except StorageError:
            # What the batch came to stands all the same, and its answers must leave.
            return self._now() + ASK_AGAIN

    def _next_batch(self) -> list[Work]:
        waiting = self._waiting
        if not (waiting or self._first):
            return []
        if self._cancelled or self._earliest <= self._clock.seconds():
            waiting = self._waiting = self._still_wanted()
        works, self._waiting = self.fair.next(waiting, self._clock.seconds())
        for work in works:
            if isinstance(work, Asked | Relayed) and isinstance(work.token, Asking):
                work.token.waits(Waiting.NO)
        if not self._waiting:
            self._earliest = float("inf")
        while late := [work for work in self._first if self._is_late(work)]:
            self._first = [work for work in self._first if not self._is_late(work)]
            for work in late:
                self._receiver.expired(work.token)
            self._receiver.not_retried(late)
        if self._first:
            works, self._first = [*self._first, *works], []
        if works:
            self._receiver.batch_begins()
        return works

    def _is_late(self, work: Work) -> TypeGuard[PullRetried]:
        """Whether a held pull would be tried again, and take, after its requester's time."""
        return (
            type(work) is PullRetried
            and isinstance(work.token, Asking)
            and work.token.due <= self._clock.seconds()
        )

    def _still_wanted(self) -> list[Work]:
        """Drop requests that were cancelled, and answer those whose time is up."""
        now = self._clock.seconds()
        wanted: list[Work] = []
        earliest = float("inf")
        for work in self._waiting:
            asking = work.token if type(work) is Asked else None
            if isinstance(asking, Asking):
                if asking.cancelled:
                    asking.waits(Waiting.NO)
                    continue
                if asking.due <= now:
                    asking.waits(Waiting.NO)
                    self._receiver.expired(asking)
                    continue
                earliest = min(earliest, asking.due)
            wanted.append(work)
        self._cancelled, self._earliest = False, earliest
        return wanted

    def _did(self, done: Callable[[Any], None], result: Any) -> None:
        self._busy = False
        done(result)
        self._begin()

    def _ran(self, works: list[Work], result: Ran | Failure) -> None:
        self.longest = max(self.longest, self.busy_seconds)
        self._busy = False
        if isinstance(result, Failure):
            self._broken = True
            self._receiver.batch_failed(works, result)
            self._begin()
            return
        outcome, due, self.last_event_number, self.people = result
        self.batches += 1
        self.works += len(works)
        self._receiver.batch_done(works, outcome)
        self._broken = outcome.store_lost
        if not outcome.store_lost:
            if any(by_itself(failure.work) for failure in outcome.failures):
                self._pause()
            self.tick_at(due)
        self._begin()
        self._receiver.batch_settled(works, outcome)

    def tick_at(self, due: float | None) -> None:
        """Have a batch begin at a time of day, be there work or not; None: at no time."""
        if self._call is not None and self._call.active():
            self._call.cancel()
        self._call = None
        self.due = due
        if due is not None and not self._stopped:
            delay = max(
                SHORTEST_TICK, due - self._now(), self._paused_until - self._clock.seconds()
            )
            self._call = self._clock.callLater(delay, self.add, Tick())

    def _pause(self) -> None:
        """
        What is due failed. Only a pause that is over is followed by another, or
        a node with much to do would never tick.
        """
        now = self._clock.seconds()
        if self._paused_until <= now:
            self._paused_until = now + ASK_AGAIN


def _no_room(work: Asked | Relayed) -> bool:
    """Whether its peer has to read what waits for it, before more is made for it."""
    asking = work.token
    if not isinstance(asking, Asking):
        return False
    connection = asking.client.peer.connection
    return connection is not None and connection.exceeded
