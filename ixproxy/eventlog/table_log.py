"""
An event log in tables, whichever database has them.

Theory of operation: one thread has the connection, and does one thing after another; the
reactor only gives it work. What goes wrong closes the connection, and the next work opens
another: whatever was under way is given again, and events that are there already are passed
over, so that nobody needs to know whether a commit that failed has happened. The log is told
what is wrong once, and once more when it is over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ixproxy.capture.worker import Worker, Works
from ixproxy.errors import StorageError
from ixproxy.eventlog.rows import PROPERTIES, RowMaker, Rows
from ixproxy.eventlog.settings import TableSettings
from ixproxy.interfaces_eventlog import IEventLog
from ixproxy.node.log_work import Entry

T = TypeVar("T")

END_SECONDS = 1.5
"""How long the end waits for what is under way; then it is shut."""

SLOW_SECONDS = 30
"""After which time without an answer the state says so; SQLite waits 5 s for a lock."""

MAX_STATE = 300
"""Characters of the text that says what is wrong."""


class Tables(Protocol):
    """
    A database with the tables; used by one thread at a time, but for `shut`.

    Every method but `close` and `shut` may block, and raises `StorageError`.

    :ivar kind: as in the address.
    :ivar name: what messages call it; has no secrets.
    """

    kind: str
    name: str

    def open(self) -> None:
        """Connect, and have all that is needed; harmless when that is so."""

    def store(self, rows: Rows, node: str, dbid: int) -> int:
        """All of it in one transaction; how many rows were not there before."""

    def rest(self, time: float, node: str, dbid: int) -> None:
        """A node has had no more events until `time`."""

    def close(self) -> None:
        """Let go of it; raises nothing."""

    def shut(self) -> None:
        """From another thread: whoever waits in it does so no longer, for good."""


@implementer(IEventLog)
class TableLog:
    """
    See `IEventLog`.

    :param make_worker: makes the thread.
    :ivar wants_properties: of interactions: those that it makes something of.
    """

    log = Logger()

    def __init__(
        self,
        tables: Tables,
        settings: TableSettings,
        make_worker: Callable[[Any, str], Works] = Worker,
    ) -> None:
        self.kind = tables.kind
        custom = settings.log_userdata and settings.fields
        self.wants_properties = PROPERTIES | {"UserData"} if custom else PROPERTIES
        self._tables = tables
        self._maker = RowMaker(settings)
        self._make_worker = make_worker
        self._worker: Works | None = None
        self._reactor: Any = None
        self._asked_at: float | None = None
        self._node = ""
        self._dbid = 0
        self._state = "idle"
        self._stored = self._repeated = self._failed = self._ignored = self._unconverted = 0

    def begin(self, reactor: Any, node: str, dbid: int) -> None:
        """See `IEventLog`."""
        self._node, self._dbid, self._reactor = node, dbid, reactor
        self._state = "connecting: not tried yet"
        self._worker = self._make_worker(reactor, f"event log of {node}")
        self._do(self._worker, self._tables.open).addCallbacks(self._works, self._complain)

    def store(self, entries: Sequence[Entry]) -> Deferred[None]:
        """See `IEventLog`."""
        worker = self._worker
        if worker is None:
            return fail(StorageError(f"{self._tables.name}: the log is not open"))

        def store() -> tuple[Rows, int]:
            rows = self._maker.rows(entries)
            self._tables.open()
            return rows, self._tables.store(rows, self._node, self._dbid)

        def failed(failure: Failure) -> Failure:
            self._failed += 1
            self._complain(failure)
            return failure

        return self._do(worker, store).addCallbacks(self._count, failed)

    def at_rest(self, number: int, time: float) -> Deferred[None]:
        """See `IEventLog`; what goes wrong is said by `figures`."""
        worker = self._worker
        if worker is None:
            return succeed(None)

        def rest() -> None:
            self._tables.open()
            self._tables.rest(time, self._node, self._dbid)

        return self._do(worker, rest).addCallbacks(self._works, self._complain)

    def end(self) -> Deferred[None]:
        """See `IEventLog`."""
        worker, self._worker = self._worker, None
        self._state = "idle"
        if worker is None:
            return succeed(None)
        worker.do(self._tables.close)

        def ended(in_time: bool) -> None:
            if not in_time:
                self._tables.shut()

        return worker.stop(END_SECONDS).addCallback(ended)

    def figures(self) -> Mapping[str, object]:
        """See `IEventLog`; counts since the beginning of the term."""
        return {
            "state": self._late() or self._state,
            "database": self._tables.name[:MAX_STATE],
            "stored": self._stored,
            "repeated": self._repeated,
            "ignored": self._ignored,
            "unconverted": self._unconverted,
            "failed": self._failed,
        }

    def _do(self, worker: Works, job: Callable[[], T]) -> Deferred[T]:
        if self._asked_at is None:
            self._asked_at = self._reactor.seconds()
        return worker.do(job).addBoth(self._answered)

    def _answered(self, result: T) -> T:
        self._asked_at = None
        return result

    def _late(self) -> str:
        """What the state is when a database says nothing; "": it is as it was."""
        if self._worker is None or self._asked_at is None:
            return ""
        seconds = round(self._reactor.seconds() - self._asked_at)
        return f"connecting: no answer for {seconds} s" if seconds >= SLOW_SECONDS else ""

    def _count(self, done: tuple[Rows, int]) -> None:
        rows, new = done
        given = len(rows.dropped) + sum(map(len, rows.events.values()))
        self._stored += new
        self._repeated += given - new
        self._ignored += rows.ignored
        self._unconverted += rows.unconverted
        self._works(None)

    def _works(self, _: object) -> None:
        if self._worker is None or self._state == "connected":
            return
        if self._state.startswith("connecting"):
            self.log.info("Event log {name}: works", name=self._tables.name)
        self._state = "connected"

    def _complain(self, failure: Failure) -> None:
        if self._worker is None:
            return
        text = f"connecting: {failure.getErrorMessage()}"[:MAX_STATE]
        if text != self._state:
            self.log.warn(
                "Event log {name}: {text}", name=self._tables.name, text=failure.getErrorMessage()
            )
        self._state = text
