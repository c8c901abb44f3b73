"""
The file capture point: documents are files in a directory, and so is what is told.

Theory of operation: files that have finished are read by the handful, handed to
the intake one by one as long as there is room, and stay where they are until
that has them durably; then they are moved, by the handful too. Looking,
reading, moving and writing are done in threads of the reactor's pool, one job of
each sort at a time.

What is known of a file is kept here only while it is in hand. If the process
dies, the file is in the inbound directory still and comes again under the same
receipt, so nothing is lost and nothing done twice.

    found ─▶ queued ─▶ being read ─▶ ready ─▶ given ─▶ done, or bad ─▶ being moved ─▶ gone
      ▲                    │                    │                           │
      └── not finished ────┴──── busy, later ───┘        stays in hand until it can be moved
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from msgspec.structs import replace
from twisted.internet.defer import Deferred, fail, gatherResults, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ixproxy.brokers.complaining import Complaint
from ixproxy.capture.file_finding import Finding
from ixproxy.capture.file_jobs import Jobs
from ixproxy.capture.file_leaving import Leaving
from ixproxy.capture.file_looking import BATCH_FILES, Found, read_files
from ixproxy.capture.file_names import printable
from ixproxy.capture.file_placing import Places
from ixproxy.capture.file_settings import FileSettings, read_settings
from ixproxy.capture.file_telling import Telling
from ixproxy.capture.refusing import (
    DocumentRefused,
    not_done,
    one_line,
    parts_reason,
    refused_for_ever,
    refused_parts,
    undone,
    unusable,
)
from ixproxy.errors import Code, NotTold, RequestRefused
from ixproxy.interfaces_capture import ICapturePoint, IIntake
from ixproxy.node.intake_settings import UNSOLICITED
from ixproxy.node.intake_work import NAME, Document, Notification, Said, Taken

MOST_ATTEMPTS = 20
"""How often a document is handed in that breaks something in the node each time."""

MOST_LINES = 100
"""Refused operations that a reason names."""

READ = "read"
TELL = "tell"


class Reading(NamedTuple):
    """
    What came of reading a file.

    :ivar document: what it asks for, or why nothing of it can be done; None: it has
        not finished, is gone, or cannot be read.
    :ivar problem: why it cannot be read, or "".
    """

    found: Found
    document: Document | None
    problem: str


def read_documents(settings: FileSettings, files: Sequence[Found]) -> list[Reading]:
    """Read as many of `files` as go into one handful, in a thread."""
    read: list[Reading] = []
    for each in read_files(settings.inbound, files, settings.forms.limits.size):
        document: Document | None = None
        name = printable(each.found.name)
        correlation = {NAME: name}
        try:
            if each.too_large:
                most = settings.forms.limits.size
                text = f"it has {each.found.stamp.size} bytes, {most} are allowed"
                raise DocumentRefused(text, code=Code.TOO_LARGE)
            if each.is_read:
                document = settings.forms.read(
                    each.content, receipt=each.receipt, correlation=correlation
                )
        except DocumentRefused as refused:
            document = unusable(refused, name, each.receipt, correlation, replies=True)
        read.append(Reading(each.found, document, each.problem))
    return read


class _Term:
    """What a capture point has while it is on."""

    def __init__(self, point: FileCapturePoint, intake: IIntake, settings: FileSettings) -> None:
        places = Places(f"{intake.node}-{intake.name}")
        self.intake = intake
        self.jobs = Jobs(intake.reactor)
        self.telling = Telling(settings, places)
        self.complaint = Complaint(point.log, intake.name)
        self.in_hand: set[str] = set()
        self.leaving = Leaving(settings, places, intake.name, self.jobs, self.in_hand.discard)
        self.finding = Finding(
            settings,
            intake.reactor,
            intake.name,
            self.jobs,
            self.in_hand,
            point.scanned,
            point.found,
        )


@implementer(ICapturePoint)
class FileCapturePoint:
    """One term of a file capture point."""

    log = Logger()

    def __init__(self, settings: FileSettings) -> None:
        self.wanted = UNSOLICITED if settings.notification else _only_placements(settings)
        self._settings = settings
        self._term: _Term | None = None
        self._state = "idle"
        self._counts: Counter[str] = Counter()
        self._queue: deque[Found] = deque()
        self._ready: deque[tuple[Found, Document]] = deque()
        self._attempts: dict[str, int] = {}
        self._unreadable = 0
        self._waits_for_room = False

    def begin(self, intake: IIntake) -> None:
        """Look, and go on looking."""
        self._term = _Term(self, intake, self._settings)

    def end(self) -> Deferred[None]:
        """Hand nothing more in; fires when no thread is at work any more."""
        term, self._term = self._term, None
        self._state = "ended"
        self._queue.clear()
        self._ready.clear()
        if term is None:
            return succeed(None)
        term.leaving.end()
        ended = gatherResults([term.finding.end(), term.jobs.settled()])
        return ended.addCallback(lambda _: self._settings.forms.close())

    def tell(self, notifications: Sequence[Notification]) -> Deferred[None]:
        """Write them to the notification directory, each a file of its own."""
        if not notifications or not (self._settings.notification or self._settings.queues):
            return succeed(None)
        if self._term is None:
            return fail(NotTold("the term of this capture point is over"))
        told = self._term.jobs.do(TELL, self._term.telling.tell, notifications)
        return told.addCallback(self._told, len(notifications))

    def figures(self) -> Mapping[str, object]:
        """How it is, and what it has done this term."""
        counts = {name: self._counts[name] for name in ("taken", "repeated", "errors", "told")}
        term = self._term
        if term is None:
            return {"state": self._state, **counts}
        return {
            "state": term.finding.state,
            "watching": term.finding.is_watching,
            "in-hand": len(term.in_hand),
            "stuck": term.leaving.stuck,
            "strangers": term.finding.strangers,
            "unreadable": self._unreadable,
            "problem": term.leaving.problem or term.complaint.text,
            **counts,
        }

    def scanned(self) -> None:
        """All of the inbound directory was looked at."""
        if self._term is not None:
            if not self._unreadable:
                self._term.complaint.over()
            self._unreadable = 0
            self._term.leaving.try_again()

    def found(self, files: Sequence[Found]) -> None:
        """These files have finished."""
        if self._term is None:
            return
        for found in files:
            if found.name not in self._term.in_hand:
                self._term.in_hand.add(found.name)
                self._queue.append(found)
        self._go_on(self._term)

    def _told(self, faults: list[str], count: int) -> None:
        self._counts["told"] += count - len(faults)
        for fault in faults:
            self._counts["errors"] += 1
            self.log.warn("{fault}; it is in the error place", fault=fault)

    def _go_on(self, term: _Term) -> None:
        """Hand in what was read, then read what comes next, while there is room."""
        while self._ready and term.intake.room():
            found, document = self._ready.popleft()
            term.intake.take(document).addCallbacks(
                self._taken, self._not_taken, (found, document), errbackArgs=(found, document)
            )
        if not (self._ready or self._queue):
            return
        if not term.intake.room():
            if not self._waits_for_room:
                self._waits_for_room = True
                term.intake.when_room(self._has_room)
        elif not term.jobs.is_running(READ):
            handful = list(islice(self._queue, BATCH_FILES))
            reading = term.jobs.do(READ, read_documents, self._settings, handful)
            reading.addCallbacks(self._were_read, self._not_read, errbackArgs=(handful,))

    def _has_room(self) -> None:
        self._waits_for_room = False
        if self._term is not None:
            self._go_on(self._term)

    def _were_read(self, read: list[Reading]) -> None:
        term = self._term
        if term is None:
            return
        for found, document, problem in read:
            self._queue.popleft()
            if document is not None:
                if not self._settings.notification:
                    document = replace(document, replies=False)
                self._ready.append((found, document))
            else:
                term.in_hand.discard(found.name)
                if problem:
                    self._unreadable += 1
                    term.complaint.about(f"cannot read {problem}", problem)
        self._go_on(term)

    def _not_read(self, failure: Failure, handful: list[Found]) -> None:
        """A fault of ours: these files wait for the next scan, and others are read before them."""
        self.log.failure("reading files failed", failure)
        if self._term is not None:
            for found in handful:
                self._queue.popleft()
                self._term.in_hand.discard(found.name)

    def _taken(self, taken: Taken, found: Found, document: Document) -> None:
        term = self._term
        if term is None:
            return
        self._attempts.pop(found.name, None)
        if taken.problem is not None:
            self._refuse(term, found, taken.problem.description)
        elif problems := undone(taken):
            texts = "\n".join(f"{each.code}: {each.description}" for each in problems[:MOST_LINES])
            self._refuse(term, found, f"nothing of it was done\n{texts}")
        else:
            self._counts["repeated" if taken.repeated else "taken"] += 1
            remark = ""
            if not document.replies and (parts := refused_parts(taken)):
                # Nobody else says so.
                term.intake.partly_refused(parts_reason(parts), printable(found.name))
                remark = "\n".join(["not all of it was done", *parts[:MOST_LINES]])
            term.leaving.leave(found, remark=remark)
        self._go_on(term)

    def _not_taken(self, failure: Failure, found: Found, document: Document) -> None:
        term = self._term
        if term is None:
            return
        if self._is_hopeless(failure, found, document):
            if document.problem is not None:
                self._refuse(term, found, document.problem.description)
            else:
                name = printable(found.name)
                self._ready.appendleft((found, not_done(document, name, failure.value)))
        else:
            term.in_hand.discard(found.name)
            term.finding.again(found)
        self._go_on(term)

    def _is_hopeless(self, failure: Failure, found: Found, document: Document) -> bool:
        """Whether a document never will be taken: the node says so, or it breaks it each time."""
        problem = failure.value
        if isinstance(problem, RequestRefused) and problem.code != Code.INTERNAL:
            return refused_for_ever(problem)
        if not isinstance(problem, RequestRefused):
            self.log.failure("{name} was not handed in", failure, name=printable(found.name))
        attempts = self._attempts.pop(found.name, 0) + 1
        if attempts >= MOST_ATTEMPTS or document.problem is not None:
            return True
        self._attempts[found.name] = attempts
        if len(self._attempts) > 1000:
            del self._attempts[next(iter(self._attempts))]
        return False

    def _refuse(self, term: _Term, found: Found, why: str) -> None:
        self._counts["errors"] += 1
        term.intake.refused(one_line(why), printable(found.name))
        term.leaving.leave(found, why)


def _only_placements(settings: FileSettings) -> frozenset[Said]:
    return frozenset({Said.PLACED_IN_QUEUE}) if settings.queues else frozenset()


def make(settings: Mapping[str, object]) -> FileCapturePoint:
    """
    See doc/capture-file.md for the keys.

    :raise ixproxy.errors.ConfigError: one is unusable, or another key is there.
    """
    return FileCapturePoint(read_settings(settings))
