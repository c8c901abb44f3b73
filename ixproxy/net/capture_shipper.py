"""
What waits in the outbox for one capture point, on its way there.

Theory of operation: a shipper reads some notifications, oldest first, tells
them, and reads the next ones, by a piece of work that also deletes those that
were told. So they go out in order and one call at a time; what was told when
the node broke is told again, with the same number, by whoever is primary
next. Where notifications may not be told twice, those that are no replies are
deleted when they are read, and told once with the replies among them; of what
could not be told only the replies are told again.

    IDLE      nothing is known to be there
    READING   the writer was asked
    TELLING   the capture point was
    PAUSING   one of both failed: it is tried again after a while

What comes while it does something is found by the next read, for every read
that finds something is followed by another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

from msgspec import MsgspecError
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from ixproxy.errors import NotTold
from ixproxy.node.intake_work import Notification, Shipment, ShipOutbox
from ixproxy.node.outbox import read_notification

log = Logger()

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds until what failed is tried again: each time in a row twice as many, up to the longest."""

FEWEST, MOST = 8, 256
"""Notifications in one read."""
BYTES = 1 << 20
"""Bytes that one read should come to, as those of the last one were large."""


class State(Enum):
    """What a shipper does."""

    STOPPED = "stopped"
    IDLE = "idle"
    READING = "reading"
    TELLING = "telling"
    PAUSING = "pausing"


class Shipper:
    """
    :param ask: gives work to the writer; its Shipment comes to `shipment`.
    :param tell: of the capture point.
    :param read: called whenever something has left the outbox.
    :ivar tell_once: see `CaptureLimits`.
    :ivar left: how many wait, as of the last read.
    :ivar counts: notified, replies among them, failed tells, lost.
    """

    def __init__(
        self,
        clock: IReactorTime,
        point: str,
        ask: Callable[[ShipOutbox], None],
        tell: Callable[[Sequence[Notification]], Deferred[None]],
        read: Callable[[], None],
        *,
        tell_once: bool = False,
    ) -> None:
        self._clock = clock
        self._point = point
        self._ask = ask
        self._tell = tell
        self._read_some = read
        self.tell_once = tell_once
        self.state = State.STOPPED
        self.left = 0
        self.counts: Counter[str] = Counter()
        self._more = False
        self._told: tuple[int, ...] = ()
        self._notifications: list[Notification] = []
        self._numbers: tuple[int, ...] = ()
        self._forgotten: frozenset[int] = frozenset()
        self._limit = FEWEST
        self._pause = FIRST_PAUSE
        self._problem = ""
        self._call: IDelayedCall | None = None

    def start(self) -> None:
        """Begin with what an earlier term has left."""
        if self.state is State.STOPPED:
            self._read()

    def wake(self) -> None:
        """There is something new."""
        self._more = True
        if self.state is State.IDLE:
            self._read()

    def stop(self) -> None:
        """Tell nothing more; what is being told is not deleted any more."""
        self.state = State.STOPPED
        if self._call is not None and self._call.active():
            self._call.cancel()

    def _read(self) -> None:
        self.state, self._more = State.READING, False
        self._ask(ShipOutbox(self._point, self._limit, self._told, self.tell_once, self))

    def shipment(self, effect: Shipment) -> None:
        """What was read."""
        if self.state is not State.READING:
            return
        if effect.failed:
            self._pause_then(self._read, "the outbox could not be read")
            return
        if self._told:
            self._told = ()
            self._read_some()
        self.left = effect.left
        if not effect.bodies:
            if self._more:
                self._read()
            else:
                self.state = State.IDLE
            return
        self._forgotten = effect.forgotten
        self._numbers = tuple(each for each in effect.bodies if each not in effect.forgotten)
        self._notifications = [
            each for number, body in effect.bodies.items() if (each := self._readable(number, body))
        ]
        size = sum(map(len, effect.bodies.values())) / len(effect.bodies)
        self._limit = max(FEWEST, min(MOST, int(BYTES / max(1.0, size))))
        if self._forgotten:
            self._read_some()
        self._tell_them()

    def _readable(self, number: int, body: bytes) -> Notification | None:
        try:
            return read_notification(body)
        except MsgspecError as problem:
            # Another version of the program wrote it, or the disk: it must not stop the others.
            self.counts["lost"] += 1
            log.error(
                "Capture point {point}: notification {number} cannot be read: {problem}",
                point=self._point,
                number=number,
                problem=problem,
            )
            return None

    def _tell_them(self) -> None:
        self.state = State.TELLING
        told = self._notifications
        maybeDeferred(self._tell, told).addCallbacks(self._did, self._failed)

    def _did(self, _: Any) -> None:
        if self.state is not State.TELLING:
            return
        if self._problem:
            log.info("Capture point {point} can be told again", point=self._point)
        self._problem, self._pause = "", FIRST_PAUSE
        self.counts["notified"] += len(self._notifications)
        self.counts["replies"] += sum(each.reply for each in self._notifications)
        self._settled()

    def _settled(self) -> None:
        """Those in hand are done with."""
        self._told = self._numbers
        self._notifications, self._numbers = [], ()
        self._read()

    def _failed(self, failure: Failure) -> None:
        if self.state is not State.TELLING:
            return
        self.counts["failed"] += 1
        again = self._notifications
        if failure.check(NotTold) is None:
            # Some may have arrived: what is to be told once is not told again.
            again = [each for each in again if each.number not in self._forgotten]
        self.counts["lost"] += len(self._notifications) - len(again)
        self._notifications = again
        self._pause_then(
            self._tell_them if again else self._settled, failure.getErrorMessage()
        )

    def _pause_then(self, act: Callable[[], None], problem: str) -> None:
        self.state = State.PAUSING
        if problem != self._problem:
            log.warn(
                "Capture point {point} cannot be told what happened: {problem}",
                point=self._point,
                problem=problem[:1000],
            )
        self._problem = problem or "unknown"
        self._call = self._clock.callLater(self._pause, act)
        self._pause = min(LONGEST_PAUSE, 2 * self._pause)
