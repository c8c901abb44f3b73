"""
The way of messages from a link to the intake, and back to the broker once they are durable.

Theory of operation: a message is

    waiting --read--> ready --handed in--> in flight --taken--> settling --> gone
                      ^  |                   |  |                  ^
                      |                      |  +-- never ---------+   (to the error queue)
                      +------- later --------+

One that cannot be read, or that was delivered too often, is handed in as one of which
nothing can be done: if the node knows it by its receipt, it was done all the same.

Messages wait in the order in which they came, are read by the handful in a thread,
and handed in in their order, as far as there is room. One that the node cannot take
now is given again, before those that came after it, once a pause is over, in
which nothing is handed in. It stays unacknowledged meanwhile: to give it back to
the broker would cost it its place in the queue, and some brokers put away what
is given back. What is settled goes to the broker in groups, one at a time: while
one is on its way, the next grows.

An inbox lives as long as its link. What is in flight when the link is lost
comes again, and the node knows it by its receipt.

How many there are is bounded by the prefetch; how many bytes wait, by the link
not being read meanwhile.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from twisted.logger import Logger
from twisted.python.failure import Failure

from ixproxy.capture.file_jobs import Jobs
from ixproxy.capture.jms_reading import ReadingBroke, read_messages, unusable_message
from ixproxy.capture.jms_settings import JmsSettings
from ixproxy.capture.jms_words import (
    CAPTURE_POINT,
    REASON,
    REFUSED,
    Link,
    LinkLost,
    Received,
    Settled,
)
from ixproxy.capture.refusing import (
    DocumentRefused,
    one_line,
    parts_reason,
    refused_for_ever,
    refused_parts,
    undone,
    undone_reason,
)
from ixproxy.errors import Code, RequestRefused
from ixproxy.node.intake_work import Document, Taken

log = Logger()

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 5.0
"""Seconds until a document that could not be taken is given again: doubled each time."""

MOST_BROKEN = 5
"""How often a document is handed in on which something breaks each time."""

HANDFUL = 50
"""Messages that are read in one job."""

HELD_MESSAGES = 4
"""Messages of the greatest size whose bytes may wait; then the link is not read."""


@dataclass(slots=True)
class _Waiting:
    """
    A message that is not settled.

    :ivar outcome: of reading it; None: it is not read yet.
    :ivar broken: how often something broke on it.
    """

    number: int
    message: Received
    outcome: Document | DocumentRefused | None = None
    broken: int = 0


class Inbox:
    """
    :param jobs: the threads of the capture point.
    :ivar counts: what became of messages, by name of the figure.
    :ivar left: messages that stay with the broker, each of which holds one of the prefetch.
    """

    def __init__(
        self,
        settings: JmsSettings,
        intake: Any,
        link: Link,
        jobs: Jobs,
        counts: Counter[str],
    ) -> None:
        self._settings = settings
        self._intake = intake
        self._link = link
        self._jobs = jobs
        # The job of an inbox before may be running still.
        self._job = f"read {counts['connections']}"
        self._waiting: deque[_Waiting] = deque()
        self._settling: list[Settled] = []
        self._settlement = False
        self._asked_for_room = False
        self._pause = FIRST_PAUSE
        self._resumes: Any = None
        self._held = 0
        self._last = 0
        self._listening = True
        self.counts = counts
        self.in_flight = 0
        self.left = 0
        self.open = True

    @property
    def waiting(self) -> int:
        """How many messages are here and not handed in."""
        return len(self._waiting)

    def came(self, message: Received) -> None:
        """The broker gave a message."""
        if not self.open:
            return
        self.counts["received"] += 1
        if message.deliveries:
            self.counts["redelivered"] += 1
        if not message.name:
            self._warn_of_names()
        if message.skipped:
            self._leave(message)
            return
        self._last += 1
        self._hold(len(message.body))
        waiting = _Waiting(self._last, message)
        most = self._settings.max_deliveries
        if most and message.deliveries > most:
            text = f"delivered {message.deliveries} times before and never taken"
            waiting.outcome = DocumentRefused(text)
        self._waiting.append(waiting)
        self._go_on()

    def close(self) -> None:
        """Hand in nothing any more, and settle nothing."""
        self.open = False
        self._waiting.clear()
        self._settling.clear()
        if self._resumes is not None:
            self._resumes.cancel()
            self._resumes = None

    def _hold(self, size: int) -> None:
        self._held += size
        wanted = self._held < HELD_MESSAGES * self._settings.max_message_size
        if wanted is not self._listening and self.open:
            self._listening = wanted
            self._link.listen(wanted)

    def _go_on(self) -> None:
        """Hand in what was read, as far as there is room, and read what comes next."""
        while self.open and self._waiting and self._resumes is None:
            outcome = self._waiting[0].outcome
            if outcome is None:
                break
            if not self._intake.room():
                self._ask_for_room()
                break
            self._hand_in(self._waiting.popleft(), outcome)
        self._read_on()

    def _read_on(self) -> None:
        if not self.open or self._jobs.is_running(self._job):
            return
        first = islice(self._waiting, HANDFUL)
        handful = [waiting for waiting in first if waiting.outcome is None]
        if handful:
            messages = [waiting.message for waiting in handful]
            reading = self._jobs.do(self._job, read_messages, self._settings, messages)
            reading.addCallbacks(self._were_read, self._broke, (handful,))

    def _were_read(
        self, read: Sequence[Document | DocumentRefused], handful: Sequence[_Waiting]
    ) -> None:
        for waiting, outcome in zip(handful, read, strict=True):
            waiting.outcome = outcome
            if isinstance(outcome, ReadingBroke):
                problem = outcome.problem
                self._broke(Failure(problem, type(problem), problem.__traceback__))
        self._go_on()

    def _ask_for_room(self) -> None:
        if not self._asked_for_room:
            self._asked_for_room = True
            self._intake.when_room(self._there_is_room)

    def _there_is_room(self) -> None:
        self._asked_for_room = False
        self._go_on()

    def _hand_in(self, waiting: _Waiting, outcome: Document | DocumentRefused) -> None:
        if isinstance(outcome, DocumentRefused):
            outcome = unusable_message(self._settings, waiting.message, outcome)
        self.in_flight += 1
        taking = self._intake.take(outcome)
        taken = (waiting, outcome.replies)
        taking.addCallbacks(self._taken, self._not_taken, taken, errbackArgs=(waiting,))
        taking.addErrback(self._broke)

    def _taken(self, taken: Taken, waiting: _Waiting, replied: bool) -> None:
        self.in_flight -= 1
        if not self.open:
            return
        self._pause = FIRST_PAUSE
        if taken.problem is not None:
            self._refuse(waiting, taken.problem.description)
            return
        if problems := undone(taken):
            self._refuse(waiting, undone_reason(problems))
            return
        self.counts["repeated" if taken.repeated else "taken"] += 1
        properties: dict[str, str] = {}
        if not replied and (parts := refused_parts(taken)):
            # Nobody else says so.
            properties[REFUSED] = parts_reason(parts)
            self._intake.partly_refused(properties[REFUSED], waiting.message.name)
        settled = Settled(waiting.message, self._settings.processed_queue, properties)
        self._settle(waiting, settled)

    def _not_taken(self, failure: Failure, waiting: _Waiting) -> None:
        self.in_flight -= 1
        if not self.open:
            return
        problem = failure.value
        if isinstance(problem, RequestRefused) and refused_for_ever(problem):
            self._give_up(waiting, f"{problem.code}: {problem.description}", problem.code)
            return
        if not isinstance(problem, RequestRefused) or problem.code == Code.INTERNAL:
            waiting.broken += 1
            if waiting.broken >= MOST_BROKEN:
                text = f"handed in {waiting.broken} times: {problem}"
                self._give_up(waiting, text, Code.INTERNAL)
                return
        self._later(waiting)

    def _give_up(self, waiting: _Waiting, why: str, code: int) -> None:
        """Nothing of it can be done, which is handed in, too, unless that was just tried."""
        if isinstance(waiting.outcome, DocumentRefused):
            self._refuse(waiting, str(waiting.outcome))
        else:
            waiting.outcome = DocumentRefused(why, code=code)
            self._hand_in(waiting, waiting.outcome)

    def _broke(self, failure: Failure) -> None:
        log.failure("Capture point {name} broke", failure=failure, name=self._intake.name)

    def _later(self, waiting: _Waiting) -> None:
        """Give it again after a pause, in its order."""
        self.counts["later"] += 1
        place = 0
        for other in self._waiting:
            if other.number > waiting.number:
                break
            place += 1
        self._waiting.insert(place, waiting)
        if self._resumes is None:
            self._resumes = self._intake.reactor.callLater(self._pause, self._resume)
            self._pause = min(LONGEST_PAUSE, self._pause * 2)

    def _resume(self) -> None:
        self._resumes = None
        self._go_on()

    def _warn_of_names(self) -> None:
        self.counts["without_id"] += 1
        if self.counts["without_id"] == 1:
            log.warn(
                "Capture point {name}: messages come without an id; "
                "whoever sends one again does so unnoticed",
                name=self._intake.name,
            )

    def _leave(self, message: Received) -> None:
        """A message whose body is not here cannot be copied: it stays with the broker."""
        self.counts["too_large"] += 1
        self.left += 1
        log.error(
            "Capture point {name}: the message {message} has more than {most} bytes "
            "(max-message-size): it is left where it is",
            name=self._intake.name,
            message=message.name,
            most=self._settings.max_message_size,
        )

    def _refuse(self, waiting: _Waiting, why: str) -> None:
        why = one_line(why)
        self.counts["errors"] += 1
        self._intake.refused(why, waiting.message.name)
        properties = {REASON: why, CAPTURE_POINT: self._intake.name}
        self._settle(waiting, Settled(waiting.message, self._settings.error_queue, properties))

    def _settle(self, waiting: _Waiting, settled: Settled) -> None:
        self._hold(-len(waiting.message.body))
        self._settling.append(settled)
        self._settle_next()

    def _settle_next(self) -> None:
        if self._settlement or not self._settling or not self.open:
            return
        group, self._settling = self._settling, []
        self._settlement = True
        done = self._link.settle(group)
        done.addCallbacks(self._settled, self._not_settled, (len(group),))
        done.addErrback(self._broke)

    def _settled(self, _: None, count: int) -> None:
        self._settlement = False
        self.counts["settled"] += count
        self._settle_next()

    def _not_settled(self, failure: Failure) -> None:
        """All of it comes again: the link is lost, or is given up for a mistake of ours."""
        if failure.check(LinkLost):
            return
        self.counts["unsettled"] += 1
        if self.counts["unsettled"] == 1:
            self._broke(failure)
        if self.open:
            self._link.drop(f"messages cannot be settled: {failure.getErrorMessage()}")
