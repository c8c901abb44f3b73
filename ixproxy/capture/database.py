"""
The capture point `database`: rows of somebody else's tables become interactions.

Theory of operation: one coroutine connects, and then goes round: it writes the
marks that wait, reads rows, hands each in, and marks it once its fate is known,
which is after the node's commit. Whatever is lost between the commit and the mark
makes the row come again, with the receipt it had. What is wrong with the database, or
was not expected, ends the round; it begins anew after a pause, with another session
if that one is lost. Notifications go through the same session, between the rounds' statements.
All that blocks is done by one worker, one job after another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, gatherResults, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ixproxy.brokers.complaining import Complaint
from ixproxy.brokers.pauses import Pauses
from ixproxy.capture import database_names as names
from ixproxy.capture.database_marks import Mark, Marks, writing
from ixproxy.capture.database_rows import (
    BadRow,
    Row,
    digest,
    document,
    mark_values,
    name_of,
    too_large,
)
from ixproxy.capture.database_sessions import (
    Bound,
    DatabaseTrouble,
    Reading,
    Session,
    Trouble,
    check_all,
    close_after,
)
from ixproxy.capture.database_settings import DatabaseSettings, read_settings
from ixproxy.capture.database_telling import Telling
from ixproxy.capture.napping import Nap
from ixproxy.capture.refusals import Fate, fate, problem_of
from ixproxy.capture.worker import Worker, Works
from ixproxy.errors import NodeUnavailable, NotTold
from ixproxy.interfaces_capture import ICapturePoint, IIntake
from ixproxy.node.intake_work import Notification, Problem, Taken

log = Logger()

T = TypeVar("T")

END_SECONDS = 1.8
"""How long an end may take, less than the node waits; what hangs then is left to itself."""

GRACE_SECONDS = 5.0
"""How much longer than the database itself a statement is waited for."""


def make(settings: Mapping[str, object]) -> DatabasePoint:
    """:raise ixproxy.errors.ConfigError: see `read_settings`."""
    return DatabasePoint(read_settings(settings))


@implementer(ICapturePoint)
class DatabasePoint:
    """
    One term of a capture point.

    :param make_worker: what does that which blocks: given the reactor and a name.
    """

    def __init__(
        self, settings: DatabaseSettings, make_worker: Callable[[Any, str], Works] = Worker
    ) -> None:
        self.wanted = names.wanted(settings.queries)
        self._settings = settings
        self._make_worker = make_worker
        self._session: Session | None = None
        # Of the worker's thread alone:
        self._opened: Session | None = None
        self._is_over = False
        self._checked = False
        self._started = False
        self._state = "idle"
        self._marks = Marks()
        self._attempts: dict[str, int] = {}
        self._telling = Telling(settings.queries, settings.queues, settings.batch_size)
        self._counts = {"rows": 0, "taken": 0, "repeated": 0, "refused": 0}

    def begin(self, intake: IIntake) -> None:
        """See `ICapturePoint`."""
        self._intake = intake
        self._worker = self._make_worker(intake.reactor, f"capture {intake.name}")
        self._nap = Nap(intake.reactor)
        self._told_at = float("-inf")
        self._telling_nap = Nap(intake.reactor)
        self._trouble = Complaint(log, intake.name)
        self._mark_trouble = Complaint(log, intake.name)
        self._telling_trouble = Complaint(log, intake.name)
        self._state = "connecting"
        Deferred.fromCoroutine(self._live())

    def end(self) -> Deferred[None]:
        """See `ICapturePoint`; marks that wait are written if the database lets them."""
        if self._is_over or self._state == "idle":
            self._is_over = True
            return succeed(None)
        self._is_over = True
        self._state = "ended"
        reactor, session, self._session = self._intake.reactor, self._session, None
        self._nap.wake()
        self._telling_nap.wake()
        late = None
        if session is not None:
            late = reactor.callLater(END_SECONDS / 2, session.shut)
            waiting = self._marks.next(self._marks.waiting)
            self._worker.do(
                lambda: close_after(session, [mark.bound for mark in waiting])
            ).addErrback(_ignored)
        else:
            # One that is being opened comes too late for anything else.
            self._worker.do(lambda: close_after(self._opened, ()))

        def done(_: bool) -> None:
            if late is not None and late.active():
                late.cancel()

        return self._worker.stop(END_SECONDS).addCallback(done)

    def tell(self, notifications: Sequence[Notification]) -> Deferred[None]:
        """See `ICapturePoint`."""
        return Deferred.fromCoroutine(self._tell(notifications))

    def figures(self) -> Mapping[str, object]:
        """See `ICapturePoint`."""
        found: dict[str, object] = {"state": self._state, "database": self._settings.place.name}
        found |= self._counts
        found |= {
            "marked": self._marks.written,
            "to-be-marked": self._marks.waiting,
            "unmarkable": self._marks.set_aside,
            "notified": self._telling.written,
            "notifications-refused": self._telling.refused,
        }
        if not self._is_over and self._state != "idle":
            if self._mark_trouble.text:
                found["unmarkable-because"] = self._mark_trouble.text
            if self._telling_trouble.text:
                found["notifications-problem"] = self._telling_trouble.text
        return found

    async def _live(self) -> None:
        """Go round until the end."""
        pauses = Pauses(self._settings.reconnect_timeout)
        while not self._is_over:
            try:
                await self._connect()
                while not self._is_over and self._session is not None:
                    more = await self._round()
                    self._trouble.over()
                    pauses.over()
                    if self._session is not None and not self._is_over:
                        self._state = "connected"
                        await self._nap.rest(0 if more else self._settings.cycle)
            except Exception as problem:
                if not self._is_over:
                    self._stumbled(problem)
                    await self._nap.rest(pauses.next())

    async def _connect(self) -> None:
        """Have a session, whose database understands all queries."""
        if self._session is None:
            session = await self._worker.do(self._open)
            if self._is_over:
                return
            self._session, self._checked = session, False
        if not self._checked:
            queries = dict(self._settings.queries)
            await self._do(lambda session: check_all(session, queries))
            self._checked = True
        startup = self._settings.queries.get(names.STARTUP)
        if startup is not None and not self._started:
            await self._do(lambda session: session.run_all([Bound(startup, ())]))
            self._started = True

    def _open(self) -> Session:
        """In the worker's thread."""
        self._opened = session = self._settings.place.open(self._settings.statement_timeout)
        return session

    async def _round(self) -> bool:
        """Look at the source once; whether there is more to be read at once."""
        self._marks.try_again(self._intake.reactor.seconds())
        await self._mark()
        more = False
        for query in (names.CAPTURE, names.SOURCE):
            if query in self._settings.queries and not self._is_over:
                more = await self._bring_in(query) or more
                await self._mark()
        if not self._marks.set_aside:
            self._mark_trouble.over()
        return more

    async def _bring_in(self, query: str) -> bool:
        """Hand in what a query finds; whether it found more than that."""
        if self._marks.is_full:
            text = f"{self._marks.set_aside} rows cannot be marked: nothing more is read"
            raise DatabaseTrouble(Trouble.STATEMENT, text)
        reading = await self._read(query)
        under_way: list[Deferred[bool]] = []
        for key, values in reading.rows:
            row = dict(zip(reading.columns, values, strict=True))
            self._counts["rows"] += 1
            if (problem := too_large(row, self._settings.max_document_size)) is not None:
                self._give_up(query, key, row, problem)
                continue
            try:
                made = document(row, query, *self._receipt(query))
            except BadRow as bad:
                self._give_up(query, key, row, bad.problem)
                continue
            while not self._is_over and not self._intake.room():
                await self._nap.until(self._intake.when_room)
            if self._is_over:
                return False
            given = (query, key, row)
            taking = self._intake.take(made)
            under_way.append(taking.addCallbacks(self._taken, self._refused, given, {}, given))
        settled = await gatherResults(under_way)
        return reading.more and all(settled)

    async def _read(self, query: str) -> Reading:
        known, size = self._marks.keys(), self._settings.fetch_size

        def key_of(columns: tuple[str, ...], values: tuple[Any, ...]) -> str:
            key = f"{query}:{digest(dict(zip(columns, values, strict=True)))}"
            return "" if key in known else key

        statement = self._settings.queries[query]
        reading = await self._do(lambda session: session.read(statement, size, key_of))
        if not reading.rows:
            return reading
        for marking in _MARKS_OF[query]:
            if name := names.unfed(self._settings.queries[marking], reading.columns):
                text = f"{marking}: {query} gives no column {name}"
                raise DatabaseTrouble(Trouble.STATEMENT, text)
        for name in self._receipt(query)[0]:
            if name not in reading.columns:
                text = f"{query} gives no column {name}, which is to be in the receipt"
                raise DatabaseTrouble(Trouble.STATEMENT, text)
        return reading

    def _receipt(self, query: str) -> tuple[tuple[str, ...], bool]:
        """Which columns make the receipt of a row, and whether it has one."""
        if query == names.CAPTURE:
            return self._settings.receipt_columns, True
        # The same update may rightly come twice, so without a name of it every one counts.
        columns = self._settings.source_receipt_columns
        return columns, bool(columns)

    def _taken(self, taken: Taken, query: str, key: str, row: Row) -> bool:
        """The node has it; whether its fate is known."""
        if self._is_over:
            return False
        self._attempts.pop(key, None)
        result = taken.results[0] if taken.results else None
        if result is not None and result.problem is not None:
            self._give_up(query, key, row, result.problem)
            return True
        self._counts["repeated" if taken.repeated else "taken"] += 1
        done, _ = _MARKS_OF[query]
        statement = self._settings.queries[done]
        values = mark_values(statement, row, result.interaction_id if result else "")
        self._marks.add(Mark(key, done, Bound(statement, values), False))
        return True

    def _refused(self, failure: Failure, query: str, key: str, row: Row) -> bool:
        """The node does not take it; whether it never will."""
        if self._is_over:
            return False
        problem = failure.value
        assert problem is not None
        attempts = self._attempts.get(key, 0) + 1
        if fate(problem, attempts) is Fate.LATER:
            if len(self._attempts) < 4 * self._settings.fetch_size:
                self._attempts[key] = attempts
            return False
        self._attempts.pop(key, None)
        self._give_up(query, key, row, problem_of(problem))
        return True

    def _give_up(self, query: str, key: str, row: Row, problem: Problem) -> None:
        """A row is no good: so its source is told."""
        self._counts["refused"] += 1
        self._intake.refused(problem.description, name_of(row))
        _, failed = _MARKS_OF[query]
        statement = self._settings.queries[failed]
        values = mark_values(statement, row, "", problem)
        self._marks.add(Mark(key, failed, Bound(statement, values), True))

    async def _mark(self) -> None:
        """Write the marks that wait: together, or one by one where one is not allowed."""
        together = True
        while self._marks.waiting and not self._is_over:
            size = self._settings.batch_size if together else 1
            marks = self._marks.next(size)
            try:
                await self._do(writing(marks))
            except DatabaseTrouble as trouble:
                mark = marks[max(trouble.at, 0)]
                if trouble.trouble not in (Trouble.VALUES, Trouble.STATEMENT) or trouble.at < 0:
                    raise
                if trouble.trouble is Trouble.STATEMENT and not mark.is_error:
                    # Nothing can be marked as captured, so nothing should be captured.
                    raise
                if len(marks) > 1:
                    together = False
                    continue
                self._marks.refused(mark, self._intake.reactor.seconds())
                self._mark_trouble.about(f"{mark.query}: {trouble}", mark.query)
            else:
                self._marks.done(marks)

    async def _tell(self, notifications: Sequence[Notification]) -> None:
        work = self._telling.work(notifications)
        if not work:
            return
        clock = self._intake.reactor.seconds
        wait = self._told_at + self._settings.storing_timeout - clock()
        if len(work) < self._settings.batch_size and wait > 0:
            # Meanwhile the node collects more.
            await self._telling_nap.rest(wait)
        try:
            await self._telling.write(work, self._do)
        except DatabaseTrouble as trouble:
            self._telling_trouble.about(f"notifications wait: {trouble}")
            # Nothing of the transaction was done, unless it was lost; what was before is known.
            raise trouble if trouble.trouble is Trouble.LOST else NotTold(str(trouble)) from None
        finally:
            self._told_at = clock()
        if self._telling.last_refusal:
            self._telling_trouble.about(self._telling.last_refusal, "refused")
        else:
            self._telling_trouble.over()

    async def _do(self, job: Callable[[Session], T]) -> T:
        """
        Have something done with the session.

        :raise NodeUnavailable: there is none.
        :raise DatabaseTrouble: it did not work; LOST: and the session is gone, as it is
            with anything else that is raised.
        """
        session = self._session
        if session is None:
            if self._is_over:
                raise NodeUnavailable("the capture point has ended")
            raise DatabaseTrouble(Trouble.NOT_NOW, f"{self._settings.place.name} is not connected")
        seconds = self._settings.statement_timeout + GRACE_SECONDS
        late = self._intake.reactor.callLater(seconds, session.shut)
        try:
            return await self._worker.do(lambda: job(session))
        except Exception as problem:
            lost = not isinstance(problem, DatabaseTrouble) or problem.trouble is Trouble.LOST
            if lost and self._session is session:
                self._session = None
                self._worker.do(session.close)
                self._nap.wake()
            raise
        finally:
            if late.active():
                late.cancel()

    def _stumbled(self, problem: Exception) -> None:
        text = str(problem)
        if not isinstance(problem, DatabaseTrouble):
            text = f"{type(problem).__name__}: {problem}"
            if self._trouble.text != text[:300]:
                log.failure("Capture point {name} broke", Failure(problem), name=self._intake.name)
        lost = self._session is None
        self._state = f"{'connecting' if lost else 'waiting'}: {text}"[:300]
        self._trouble.about(text)


_MARKS_OF = {
    names.CAPTURE: (names.CAPTURED, names.ERROR),
    names.SOURCE: (names.SOURCE_DONE, names.SOURCE_ERROR),
}
"""By query, how its rows are marked: as done, as no good."""


def _ignored(failure: Failure) -> None:
    """Who comes next finds the rows, and the node knows their receipts."""
    failure.trap(DatabaseTrouble)
