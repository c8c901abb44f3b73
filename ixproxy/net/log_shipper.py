"""
What waits in the outbox for one event log, on its way there.

Theory of operation: a shipper waits until there is enough for one call, or
until the first event has waited long enough; it reads some rows, gives what they say
to the log, and reads the next ones, by a piece of work that also deletes those that were
stored. So the log has everything in order, one call at a time; what was stored when
the node broke is stored again by whoever is primary next, and the log knows it by
its number.

    IDLE      nothing is known to be there
    WAITING   there is something, but not much yet
    READING   the writer was asked
    STORING   the log was given something
    RESTING   the log was told that nothing happens
    PAUSING   a read or a store failed: it is tried again after a while
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from enum import Enum

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from ixproxy.net.log_plans import LogPacing
from ixproxy.node.log_packs import READ_BYTES, entries_of
from ixproxy.node.log_work import Dropped, Entry, LogShipment, ShipLog

log = Logger()

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds until what failed is tried again: each time in a row twice as many, up to the longest."""

NOT_READ = "the outbox could not be read"

FEWEST, MOST = 8, 128
"""Rows in one read."""
AT_REST = 10.0
"""Seconds between two times that an idle log is told so."""


class State(Enum):
    """What a shipper does."""

    STOPPED = "stopped"
    IDLE = "idle"
    WAITING = "waiting"
    READING = "reading"
    STORING = "storing"
    RESTING = "resting"
    PAUSING = "pausing"


class LogShipper:
    """
    :param ask: gives work to the writer; its LogShipment comes to `shipment`.
    :param store: of the log, as is `at_rest`.
    :param read: called whenever it is known how much waits.
    :ivar left: events that wait, as of the last look; those in hand are among them.
    :ivar left_bytes: likewise, bytes of them.
    :ivar counts: stored events, batches, failed attempts, and lost: what could not be read.
    """

    def __init__(
        self,
        clock: IReactorTime,
        name: str,
        dbid: int,
        pacing: LogPacing,
        ask: Callable[[ShipLog], None],
        store: Callable[[Sequence[Entry]], Deferred[None]],
        at_rest: Callable[[int, float], Deferred[None]],
        read: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._name = name
        self._dbid = dbid
        self._ask = ask
        self._store = store
        self._at_rest = at_rest
        self._was_read = read
        self.pacing = pacing
        self.state = State.STOPPED
        self.left = self.left_bytes = 0
        self.counts: Counter[str] = Counter()
        self._told: tuple[int, ...] = ()
        self._done = 0
        self._numbers: tuple[int, ...] = ()
        self._entries: list[Entry] = []
        self._at = 0
        self._limit = FEWEST
        self._pause = FIRST_PAUSE
        self._problem = ""
        self._giving = self._give_again = False
        self._rested = float("-inf")
        self._call: IDelayedCall | None = None

    def start(self) -> None:
        """Begin with what an earlier term has left."""
        if self.state is State.STOPPED:
            self._read()

    def wake(self, waiting: int, size: int) -> None:
        """There is something new: so many events wait, and bytes, all of them counted."""
        self.left, self.left_bytes = waiting, size
        if self.state in (State.IDLE, State.WAITING):
            self._go_on()

    def stop(self) -> None:
        """Tell nothing more; what is being told is not deleted any more."""
        self.state = State.STOPPED
        self._cancel()

    def _cancel(self) -> None:
        if self._call is not None and self._call.active():
            self._call.cancel()
        self._call = None

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        self._cancel()
        self._call = self._clock.callLater(seconds, act)

    def _go_on(self) -> None:
        """Read, or wait until it is worth while."""
        fresh = self.left - self._done
        if fresh >= self.pacing.batch_size or (self._told and fresh <= 0):
            # The second: nothing is left to tell, but something to delete.
            self._read()
        elif fresh > 0:
            if self.state is not State.WAITING:
                self.state = State.WAITING
                self._later(self.pacing.storing_timeout, self._read)
        else:
            self.state = State.IDLE
            since = self._clock.seconds() - self._rested
            self._later(min(AT_REST, max(0.0, AT_REST - since)), self._read)

    def _read(self) -> None:
        self._cancel()
        self.state = State.READING
        self._ask(ShipLog(self._name, self._limit, self._told, self))

    def shipment(self, effect: LogShipment) -> None:
        """What was read."""
        if self.state is not State.READING:
            return
        if effect.failed:
            self._pause_then(self._read, NOT_READ)
            return
        if self._problem == NOT_READ:
            self._works()
        self._told, self._done = (), 0
        self.left, self.left_bytes = effect.left, effect.left_bytes
        self._was_read()
        if not effect.bodies:
            self._rest(effect)
            return
        self._numbers = tuple(effect.bodies)
        self._entries, self._at = [], 0
        for number, body in effect.bodies.items():
            self._take(number, body)
        rows, size = len(effect.bodies), sum(map(len, effect.bodies.values()))
        enough = rows * self.pacing.batch_size / max(1, len(self._entries))
        self._limit = max(FEWEST, min(MOST, int(enough) + 1, int(READ_BYTES * rows / max(1, size))))
        self._store_some()

    def _take(self, number: int, body: bytes) -> None:
        entries, problems = entries_of(self._dbid, body)
        self._entries += entries
        self._done += sum(not isinstance(each.what, Dropped) for each in entries) + len(problems)
        for problem in problems:
            # Another version of the program wrote it, or the disk: it must not stop the others.
            self.counts["lost"] += 1
            log.error(
                "Event log {log}: what is stored at {number} cannot be read: {problem}",
                log=self._name,
                number=number,
                problem=problem,
            )

    def _store_some(self) -> None:
        """Give the log what is in hand, call by call; one that stores at once is no recursion."""
        self._give_again = True
        if self._giving:
            return
        self._giving = True
        try:
            while self._give_again:
                self._give_again = False
                self._give()
        finally:
            self._giving = False

    def _give(self) -> None:
        some = self._entries[self._at : self._at + self.pacing.batch_size]
        if not some:
            self._told, self._numbers, self._entries = self._numbers, (), []
            self.state = State.IDLE
            self._go_on()
            return
        self.state = State.STORING
        maybeDeferred(self._store, some).addCallbacks(self._stored, self._failed, (len(some),))

    def _stored(self, _: object, number: int) -> None:
        if self.state is not State.STORING:
            return
        self._works()
        self.counts["stored"] += number
        self.counts["batches"] += 1
        self._at += number
        self._store_some()

    def _works(self) -> None:
        if self._problem:
            log.info("Event log {log} takes events again", log=self._name)
        self._problem, self._pause = "", FIRST_PAUSE

    def _failed(self, failure: Failure) -> None:
        if self.state is State.STORING:
            self.counts["failed"] += 1
            self._pause_then(self._store_some, failure.getErrorMessage())

    def _rest(self, effect: LogShipment) -> None:
        """Nothing waits."""
        if self._clock.seconds() - self._rested < AT_REST:
            self.state = State.IDLE
            self._go_on()
            return
        self._rested = self._clock.seconds()
        self.state = State.RESTING
        resting = maybeDeferred(self._at_rest, effect.number, effect.at)
        resting.addErrback(self._did_not_rest).addCallback(self._has_rested)

    def _did_not_rest(self, failure: Failure) -> None:
        # It is told again soon; that it does not store is told when there is something.
        self.counts["failed"] += 1
        log.debug(
            "Event log {log} could not be told that nothing happens: {problem}",
            log=self._name,
            problem=failure.getErrorMessage(),
        )

    def _has_rested(self, _: object) -> None:
        if self.state is State.RESTING:
            self.state = State.IDLE
            self._go_on()

    def _pause_then(self, act: Callable[[], None], problem: str) -> None:
        self.state = State.PAUSING
        if problem != self._problem:
            log.warn(
                "Event log {log} takes no events: {problem}",
                log=self._name,
                problem=problem[:1000],
            )
        self._problem = problem or "unknown"
        self._later(self._pause, act)
        self._pause = min(LONGEST_PAUSE, 2 * self._pause)

    @property
    def problem(self) -> str:
        """Why nothing is stored; "": nothing is wrong."""
        return self._problem
