"""
The intake of one capture point: documents on their way to the writer, and back as answers.

Theory of operation: a document that is handed in waits here until the writer
may have it: not more than so many operations are in its batches at a time, so
that clients are served in between, not more documents a second than is
configured, and none while the writer's queue is full. Whoever hands in sees
only `room`: how many are not answered yet. There is none, too, while the
outbox is full, for a document that wants replies would be refused.

A document is looked at once before it waits: what could never be stored is
refused here, with a code that says that it need not come again.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from zope.interface import implementer

from ixproxy.errors import Code, RequestRefused
from ixproxy.interfaces_capture import IIntake
from ixproxy.net.capture_plans import CaptureLimits
from ixproxy.node.intake_work import (
    MAX_RECEIPT,
    Document,
    DocumentDone,
    DocumentGiven,
    DocumentRefused,
    Taken,
)

log = Logger()

OPERATIONS_AT_A_TIME = 500
"""Operations of one capture point that the writer has at a time, unless one document has more."""

BURST = 0.1
"""Seconds' worth of documents that may follow each other at once, whatever the rate."""

AGAIN = 0.05
"""Seconds until a full writer is asked again, and 20 times that until a full outbox is."""

LOGGED = 10
"""Lines about documents that are refused, or parts of them, in one minute; all are counted."""

_encode = msgspec.msgpack.Encoder().encode


class Handed:
    """One document in flight; the token of its work."""

    __slots__ = ("_intake", "answer", "document")

    def __init__(self, intake: Intake, document: Document) -> None:
        self._intake = intake
        self.document = document
        self.answer: Deferred[Taken] = Deferred()

    @property
    def weight(self) -> int:
        """How much the writer has to do with it."""
        return max(1, len(self.document.operations))

    def done(self, effect: DocumentDone) -> None:
        """It is durable."""
        self._intake.done(self, effect.taken)

    def refuse(self, effect: DocumentRefused) -> None:
        """It is not, or nobody knows."""
        self._intake.refuse(
            self, RequestRefused(effect.code, effect.description, in_doubt=effect.in_doubt)
        )


@implementer(IIntake)
class Intake:
    """
    :param hand_on: gives a document to the writer.
    :param is_full: whether the writer should get nothing now.
    :ivar counts: documents, operations, bytes (as handed in), taken, repeated,
        refused (operations), busy, doubtful, errors.
    """

    def __init__(
        self,
        reactor: Any,
        name: str,
        node: str,
        limits: CaptureLimits,
        hand_on: Callable[[DocumentGiven], None],
        is_full: Callable[[], bool],
    ) -> None:
        self.reactor = reactor
        self.name = name
        self.node = node
        self._limits = limits
        self._hand_on = hand_on
        self._is_full = is_full
        self.counts: Counter[str] = Counter()
        self._waiting: deque[Handed] = deque()
        self._in_writer: dict[Handed, None] = {}
        self._operations = 0
        self._told: list[Callable[[], object]] = []
        self._closed = False
        self._crowded = False
        self._next_at = float("-inf")
        self._feeding: IDelayedCall | None = None
        self._reading: IDelayedCall | None = None
        self._emptied: list[Deferred[None]] = []
        self._logged = 0
        self._minute = float("-inf")

    @property
    def in_flight(self) -> int:
        """Documents that are not answered yet."""
        return len(self._waiting) + len(self._in_writer)

    def use(self, limits: CaptureLimits) -> None:
        """Go on with other limits."""
        self._limits = limits
        self._next_at = float("-inf")
        self._feed()
        self._tell_of_room()

    def take(self, document: Any) -> Deferred[Taken]:
        """See `IIntake`."""
        handed = Handed(self, document)
        refusal = self._refusal(document)
        if refusal is not None:
            self.counts["busy" if refusal.code == Code.STOPPING else "rejected"] += 1
            # Never at once: nobody expects an answer while still asking.
            self.reactor.callLater(0, _errback, handed.answer, refusal)
            return handed.answer
        self.counts["documents"] += 1
        self.counts["operations"] += len(document.operations)
        self._waiting.append(handed)
        self._feed()
        return handed.answer

    def room(self) -> bool:
        """See `IIntake`."""
        return not (self._closed or self._crowded) and self.in_flight < self._limits.max_in_flight

    def when_room(self, told: Callable[[], object]) -> None:
        """See `IIntake`."""
        if self.room():
            told()
        elif not self._closed:
            self._told.append(told)

    def refused(self, why: str, name: str = "") -> None:
        """See `IIntake`."""
        self.counts["errors"] += 1
        self._warn("{name} belongs in the error place: {why}", why, name)

    def partly_refused(self, why: str, name: str = "") -> None:
        """See `IIntake`."""
        self._warn("{name}: {why}", why, name)

    def _warn(self, text: str, why: str, name: str) -> None:
        now = self.reactor.seconds()
        if now - self._minute >= 60:
            self._minute, self._logged = now, 0
        self._logged += 1
        if self._logged <= LOGGED:
            log.warn(
                "Capture point {point}: " + text,
                point=self.name,
                name=name[:200] or "a document",
                why=why[:1000],
            )

    def _refusal(self, document: Any) -> RequestRefused | None:
        """Why a document is not taken at all."""
        if self._closed:
            return RequestRefused(Code.STOPPING)
        if not isinstance(document, Document):
            return RequestRefused(Code.BAD_ATTRIBUTE, "what was handed in is no document")
        if len(document.receipt) > MAX_RECEIPT:
            text = f"the receipt has {len(document.receipt)} characters, {MAX_RECEIPT} are allowed"
            return RequestRefused(Code.BAD_ATTRIBUTE, text)
        most = self._limits.max_operations
        if len(document.operations) > most:
            text = f"the document has {len(document.operations)} operations, {most} are allowed"
            return RequestRefused(Code.TOO_LARGE, text)
        if "\0" in document.receipt:
            return RequestRefused(Code.BAD_ATTRIBUTE, "the receipt has characters of no text")
        try:
            self.counts["bytes"] += len(_encode(document))
        except (TypeError, ValueError, OverflowError, RecursionError) as problem:
            return RequestRefused(Code.BAD_ATTRIBUTE, f"the document cannot be stored: {problem}")
        return None

    def _feed(self) -> None:
        """Give the writer what it may have now."""
        while self._waiting and self._may_have(self._waiting[0]):
            handed = self._waiting.popleft()
            self._in_writer[handed] = None
            self._operations += handed.weight
            self._hand_on(DocumentGiven(self.name, handed.document, handed))

    def _may_have(self, handed: Handed) -> bool:
        if self._in_writer and self._operations + handed.weight > OPERATIONS_AT_A_TIME:
            return False  # it goes on with an answer
        if self._is_full():
            self._feed_after(AGAIN)
            return False
        rate, now = self._limits.max_rate, self.reactor.seconds()
        if rate is not None:
            if now < self._next_at:
                self._feed_after(self._next_at - now)
                return False
            self._next_at = max(self._next_at, now - BURST) + 1 / rate
        return True

    def _feed_after(self, seconds: float) -> None:
        if self._feeding is None or not self._feeding.active():
            self._feeding = self.reactor.callLater(seconds, self._feed)

    def done(self, handed: Handed, taken: Taken) -> None:
        """A document is durable."""
        if self._leaves(handed):
            became = "repeated" if taken.repeated else "rejected" if taken.problem else "taken"
            self.counts[became] += 1
            if not taken.repeated:
                refused = sum(result.problem is not None for result in taken.results)
                self.counts["refused"] += refused
            _callback(handed.answer, taken)
        self._go_on()

    def refuse(self, handed: Handed, refusal: RequestRefused) -> None:
        """A document is not done, or nobody knows."""
        if self._leaves(handed):
            if refusal.code == Code.BUSY and not self._closed:
                self._crowded = True
                self._read_after(20 * AGAIN)
            self.counts["doubtful" if refusal.in_doubt else "busy"] += 1
            _errback(handed.answer, refusal)
        self._go_on()

    def outbox_was_read(self) -> None:
        """There may be room in the outbox again."""
        if self._crowded:
            self._crowded = False
            self._tell_of_room()

    def _read_after(self, seconds: float) -> None:
        if self._reading is None or not self._reading.active():
            self._reading = self.reactor.callLater(seconds, self.outbox_was_read)

    def _leaves(self, handed: Handed) -> bool:
        if handed not in self._in_writer:
            return False
        del self._in_writer[handed]
        self._operations -= handed.weight
        return True

    def _go_on(self) -> None:
        self._feed()
        self._tell_of_room()
        if not self.in_flight:
            emptied, self._emptied = self._emptied, []
            for each in emptied:
                if not each.called:
                    each.callback(None)

    def _tell_of_room(self) -> None:
        while self._told and self.room():
            told = self._told.pop(0)
            try:
                told()
            except Exception:
                log.failure("Capture point {point} broke when it was told of room", point=self.name)
                self.counts["raised"] += 1

    def close(self) -> None:
        """Take nothing more; what the writer does not have yet is refused."""
        self._closed = True
        self._told = []
        for call in (self._feeding, self._reading):
            if call is not None and call.active():
                call.cancel()
        waiting, self._waiting = self._waiting, deque()
        for handed in waiting:
            _errback(handed.answer, RequestRefused(Code.STOPPING))
        self._go_on()

    def emptied(self) -> Deferred[None]:
        """Fires once everything is answered."""
        empty: Deferred[None] = Deferred()
        self._emptied.append(empty)
        self._go_on()
        return empty

    def doubt(self) -> None:
        """Nobody will answer what the writer has: it is in doubt."""
        for handed in list(self._in_writer):
            self.refuse(handed, RequestRefused(Code.STOPPING, in_doubt=True))


def _callback(answer: Deferred[Taken], taken: Taken) -> None:
    if not answer.called:
        answer.callback(taken)


def _errback(answer: Deferred[Taken], refusal: RequestRefused) -> None:
    # Who cancelled it has had an answer.
    if not answer.called:
        answer.errback(refusal)
