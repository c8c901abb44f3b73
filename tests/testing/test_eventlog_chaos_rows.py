"""What event logs have is read as they wrote it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from ixproxy.errors import StorageError
from ixproxy.eventlog.rows import RowMaker
from ixproxy.eventlog.settings import read_settings
from ixproxy.eventlog.sqlite_log import SqliteTables
from ixproxy.node.log_work import Entry
from ixproxy.testing.eventlog_chaos_rows import (
    Gap,
    Logged,
    Row,
    read_kept,
    read_tables,
    spooled,
)
from ixproxy.testing.eventlog_outside import NOW, entry, gap


def kept_in_tables(folder: Path, entries: Sequence[Entry]) -> str:
    address = f"sqlite:{folder / 'log.db'}"
    settings = read_settings({"address": address})
    tables = SqliteTables(str(folder / "log.db"), settings)
    tables.open()
    tables.store(RowMaker(settings).rows(entries), "ixn1", 101)
    tables.close()
    return address


def test_rows_of_every_table_and_gaps_are_read(tmp_path: Path) -> None:
    entries = [*map(entry, range(1, 9)), gap(9, 12, EventHeld=3, EventResumed=1)]
    logged = read_tables(kept_in_tables(tmp_path, entries))
    assert sorted(logged.rows) == [(101, 1, number) for number in range(1, 9)]
    assert {row.table for row in logged.rows.values()} == {
        "rpt_interaction", "rpt_agent", "rpt_esp", "rpt_custom",
    }  # fmt: skip
    login = logged.rows[101, 1, 4]
    assert (login.event, login.at, login.table) == ("EventAgentLogin", NOW + 4, "rpt_agent")
    assert login.values is not None
    assert login.values["media_list"] == {"chat": 0, "email": 1}, "JSON is read"
    assert "custom_event_id" not in login.values, "what is NULL is left out"
    (only,) = logged.gaps
    events = {"EventHeld": 3, "EventResumed": 1}
    assert only == Gap(101, 1, 9, 12, NOW + 9, NOW + 12, events)
    assert only.many == 4
    assert set(logged.until) == {101}
    assert logged.twice == []


def test_a_log_that_nobody_has_made_yet_is_empty(tmp_path: Path) -> None:
    assert read_tables(f"sqlite:{tmp_path / 'log.db'}") == Logged()
    assert read_kept(tmp_path / "kept.db") == Logged()


def test_what_is_no_log_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "log.db").write_text("no database at all" * 100)
    with pytest.raises(StorageError):
        read_tables(f"sqlite:{tmp_path / 'log.db'}")
    with pytest.raises(StorageError):
        read_kept(tmp_path / "log.db")


def test_an_event_that_is_in_two_tables_is_there_twice() -> None:
    logged = Logged()
    for table in ("rpt_esp", "rpt_custom"):
        logged.add((101, 1, 1), Row("EventHeld", 1.0, table))
    assert logged.twice == [(101, 1, 1)]


def test_what_the_reader_of_a_queue_keeps_is_read(tmp_path: Path) -> None:
    place = tmp_path / "kept.db"
    dropped = {
        "First": 2, "Last": 4, "FirstTime": 2.0, "LastTime": 4.0, "Events": {"EventHeld": 2},
    }  # fmt: skip
    rows = [
        ("101-1-1", 101, 1, 1, 1.5, "EventHeld", {"table": "interaction"}),
        ("101-1-2", 101, 1, 2, 2.0, "EventsDropped", {"table": "dropped", "attributes": dropped}),
    ]
    with closing(sqlite3.connect(place)) as database, database:
        database.execute("CREATE TABLE events (id, dbid, epoch, number, time, event, body)")
        for *named, body in rows:
            database.execute(
                "INSERT INTO events VALUES (?,?,?,?,?,?,?)", (*named, json.dumps(body))
            )
    logged = read_kept(place)
    assert logged.rows == {(101, 1, 1): Row("EventHeld", 1.5, "rpt_interaction")}
    assert logged.gaps == [Gap(101, 1, 2, 4, 2.0, 4.0, {"EventHeld": 2})]


def test_what_waits_for_a_log_is_counted_in_the_outboxes(tmp_path: Path) -> None:
    stores = {}
    for name, consumers in (("ixn1", ["log:a", "log:a", "log:b"]), ("ixn2", ["log:a", "point"])):
        stores[name] = f"sqlite:{tmp_path / name}"
        with closing(sqlite3.connect(tmp_path / name)) as database, database:
            database.execute("CREATE TABLE outbox (consumer)")
            database.executemany("INSERT INTO outbox VALUES (?)", [(each,) for each in consumers])
    assert spooled(stores, "a") == 3
    assert spooled({"ixn3": f"sqlite:{tmp_path / 'nobody'}"}, "a") == -1
