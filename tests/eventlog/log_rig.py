"""What the tests of logs in tables need: one that is cut, and work done at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ixproxy.errors import StorageError
from ixproxy.eventlog.rows import Rows
from ixproxy.eventlog.settings import TableSettings, read_settings
from ixproxy.eventlog.table_log import TableLog, Tables
from ixproxy.interfaces_eventlog import IEventLog
from ixproxy.testing.eventlog_outside import Gap, LogOutside, Name

T = TypeVar("T")

EVENTS = """
SELECT dbid, epoch, event_number FROM rpt_interaction
UNION ALL SELECT dbid, epoch, event_number FROM rpt_agent
UNION ALL SELECT dbid, epoch, event_number FROM rpt_esp
UNION ALL SELECT dbid, epoch, event_number FROM rpt_custom
ORDER BY 1, 2, 3
"""
DROPPED = """
SELECT dbid, epoch, first_number, last_number, event, dropped FROM rpt_dropped
ORDER BY 1, 2, 3
"""
SOURCES = "SELECT * FROM rpt_source ORDER BY dbid"

FIELDS = {
    "custom-fields": {
        "customer": "Customer",
        "amount": {"key": "Amount", "type": "integer"},
        "weight": {"key": "Amount", "type": "number"},
        "due": {"key": "Customer", "type": "time"},
    }
}


class AtOnce:
    """Does jobs in this thread, and fires in the next turn of the reactor; see `Works`."""

    def __init__(self, reactor: Any, name: str) -> None:
        self._reactor = reactor

    def do(self, job: Callable[[], T]) -> Deferred[T]:
        done: Deferred[T] = Deferred()

        def now() -> None:
            try:
                result = job()
            except Exception:
                done.errback(Failure())
            else:
                done.callback(result)

        self._reactor.callLater(0, now)
        return done

    def stop(self, seconds: float) -> Deferred[bool]:
        ended: Deferred[bool] = Deferred()
        self._reactor.callLater(0, ended.callback, True)
        return ended


class Cable:
    """Between logs and their database."""

    def __init__(self) -> None:
        self.is_cut = False
        self.loses_answer = False


class CutTables:
    """Tables at the end of a cable; see `Tables`."""

    def __init__(self, tables: Tables, cable: Cable) -> None:
        self._tables = tables
        self._cable = cable
        self.kind, self.name = tables.kind, tables.name

    def open(self) -> None:
        if self._cable.is_cut:
            self._tables.close()
            raise StorageError("the cable is cut")
        self._tables.open()

    def store(self, rows: Rows, node: str, dbid: int) -> int:
        new = self._tables.store(rows, node, dbid)
        if self._cable.loses_answer:
            self._cable.loses_answer = False
            self._tables.close()
            raise StorageError("the cable was cut just now")
        return new

    def rest(self, time: float, node: str, dbid: int) -> None:
        self._tables.rest(time, node, dbid)

    def close(self) -> None:
        self._tables.close()

    def shut(self) -> None:
        self._tables.shut()


class LogInTables(LogOutside):
    """A log in tables of one database, which all terms share."""

    def __init__(
        self,
        make_tables: Callable[[TableSettings], Tables],
        ask: Callable[[str], list[tuple[Any, ...]]],
    ) -> None:
        super().__init__()
        self.cable = Cable()
        self.settings = read_settings({"address": "x", **FIELDS})
        self.make_tables = make_tables
        self.ask = ask

    def make_log(self) -> IEventLog:
        tables = CutTables(self.make_tables(self.settings), self.cable)
        return TableLog(tables, self.settings, AtOnce)

    def stored(self) -> list[Name]:
        return [(dbid, epoch, number) for dbid, epoch, number in self.ask(EVENTS)]

    def dropped(self) -> list[Gap]:
        found: dict[tuple[int, ...], dict[str, int]] = {}
        for dbid, epoch, first, last, event, number in self.ask(DROPPED):
            found.setdefault((dbid, epoch, first, last), {})[event] = number
        return [(*where, events) for where, events in found.items()]  # type: ignore[misc]

    def cut(self) -> None:
        self.cable.is_cut = True

    def mend(self) -> None:
        self.cable.is_cut = False

    def lose_next_answer(self) -> None:
        self.cable.loses_answer = True
