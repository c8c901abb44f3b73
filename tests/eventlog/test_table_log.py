"""A log in tables gives its work to a thread, and says how it is."""

from __future__ import annotations

from threading import Event, current_thread, main_thread
from typing import Any

import pytest_twisted
from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from ixproxy import messages as m
from ixproxy.errors import StorageError
from ixproxy.eventlog.rows import PROPERTIES, Rows
from ixproxy.eventlog.settings import TableSettings, read_settings
from ixproxy.eventlog.table_log import END_SECONDS, MAX_STATE, TableLog
from ixproxy.testing.eventlog_outside import NOW, entry, gap
from tests.eventlog.log_rig import FIELDS, AtOnce
from tests.failures import LoggedFailures

SETTINGS = read_settings({"address": "x", **FIELDS})


class PlayedTables:
    """Tables that note what is asked of them, and fail when told; see `Tables`."""

    kind = "played"
    name = "played:tables"

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.trouble: BaseException | None = None
        self.waits: Event | None = None
        self.thread: Any = None

    def open(self) -> None:
        self.thread = current_thread()
        self._ask("open")

    def store(self, rows: Rows, node: str, dbid: int) -> int:
        self._ask(f"store {rows.number} of {node} {dbid}")
        if self.waits is not None:
            self.waits.wait(30)
        return sum(map(len, rows.events.values()))

    def rest(self, time: float, node: str, dbid: int) -> None:
        self._ask(f"rest {time} of {node} {dbid}")

    def close(self) -> None:
        self.asked.append("close")

    def shut(self) -> None:
        self.asked.append("shut")
        if self.waits is not None:
            self.waits.set()

    def _ask(self, text: str) -> None:
        self.asked.append(text)
        if self.trouble is not None:
            raise self.trouble


def begun(tables: PlayedTables) -> tuple[TableLog, Clock]:
    clock = Clock()
    log = TableLog(tables, SETTINGS, AtOnce)
    log.begin(clock, "ixn1", 101)
    clock.advance(0)
    return log, clock


def test_what_is_asked_of_the_tables() -> None:
    tables = PlayedTables()
    log, clock = begun(tables)
    log.store([entry(1), entry(2)])
    clock.advance(0)
    log.at_rest(2, NOW)
    clock.advance(0)
    log.end()
    clock.advance(0)
    assert tables.asked == [
        "open", "open", "store 2 of ixn1 101", "open", f"rest {NOW} of ixn1 101", "close",
    ]  # fmt: skip


def test_figures_count_what_was_stored_repeated_ignored_and_unconverted() -> None:
    log, clock = begun(PlayedTables())
    topic = m.EventTopic(event_time=NOW, event_number=3, dbid=101)
    log.store([entry(1), entry(8), entry(3, what=topic), gap(4, 9, EventHeld=5)])
    clock.advance(0)
    figures = dict(log.figures())
    assert figures == {
        "state": "connected", "database": "played:tables", "stored": 2, "repeated": 1,
        "ignored": 1, "unconverted": 2, "failed": 0,
    }  # fmt: skip


def test_what_is_wrong_is_said_once_and_that_it_works_again() -> None:
    tables = PlayedTables()
    tables.trouble = StorageError("x" * 1000)
    with capturedLogs() as events:
        log, clock = begun(tables)
        for _ in range(3):
            log.at_rest(0, NOW)
            clock.advance(0)
            log.store([entry(1)]).addErrback(lambda failure: failure.trap(StorageError) and None)
            clock.advance(0)
        assert len(str(log.figures()["state"])) == MAX_STATE
        assert log.figures()["failed"] == 3
        tables.trouble = None
        log.at_rest(0, NOW)
        clock.advance(0)
    texts = [event["log_format"] for event in events]
    assert texts == ["Event log {name}: {text}", "Event log {name}: works"]


def test_user_data_is_wanted_for_custom_fields_alone() -> None:
    for settings, wants in (
        (SETTINGS, True),
        (TableSettings("x"), False),
        (SETTINGS._replace(log_userdata=False), False),
    ):
        wanted = TableLog(PlayedTables(), settings).wants_properties
        assert wanted >= PROPERTIES
        assert ("UserData" in wanted) is wants


def test_nothing_is_stored_before_it_begins_or_after_it_ends() -> None:
    log, clock = begun(PlayedTables())
    log.end()
    for each in (log, TableLog(PlayedTables(), SETTINGS, AtOnce)):
        found: list[object] = []
        each.store([entry(1)]).addErrback(lambda failure, to: to.append(failure.value), found)
        assert isinstance(found[0], StorageError)
        assert each.figures()["state"] == "idle"
    clock.advance(0)


@pytest_twisted.ensureDeferred
async def test_work_is_done_in_a_thread_of_its_own(real_reactor: Any) -> None:
    tables = PlayedTables()
    log = TableLog(tables, SETTINGS)
    log.begin(real_reactor, "ixn1", 101)
    await log.store([entry(1)])
    assert tables.thread is not main_thread()
    await log.end()
    assert tables.asked[-1] == "close"


@pytest_twisted.ensureDeferred
async def test_what_hangs_at_the_end_is_shut(
    real_reactor: Any, logged_failures: LoggedFailures
) -> None:
    tables = PlayedTables()
    tables.waits = Event()
    log = TableLog(tables, SETTINGS)
    log.begin(real_reactor, "ixn1", 101)
    stored = log.store([entry(1)])
    before = real_reactor.seconds()
    await log.end()
    assert real_reactor.seconds() - before >= END_SECONDS * 0.9
    assert "shut" in tables.asked
    await stored


def test_a_database_that_says_nothing_is_not_called_connected() -> None:
    log, clock = begun(PlayedTables())
    assert log.figures()["state"] == "connected"
    late = Clock()
    log = TableLog(PlayedTables(), SETTINGS, lambda reactor, name: AtOnce(late, name))
    log.begin(clock, "ixn1", 101)
    log.store([entry(1)])
    clock.advance(29)
    assert log.figures()["state"] == "connecting: not tried yet"
    clock.advance(16)
    assert log.figures()["state"] == "connecting: no answer for 45 s"
    late.advance(0)
    assert log.figures()["state"] == "connected"
    clock.advance(60)
    assert log.figures()["state"] == "connected"
