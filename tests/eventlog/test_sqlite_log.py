"""A log in an SQLite file keeps the contract, and survives what happens to files."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from ixproxy.errors import ConfigError, StorageError
from ixproxy.eventlog.rows import RowMaker
from ixproxy.eventlog.settings import TableSettings, read_settings
from ixproxy.eventlog.sqlite_log import SqliteTables, make
from ixproxy.eventlog.sqlite_tables import connect
from ixproxy.node.log_work import Entry
from ixproxy.storage.sqlite_places import SqliteFile
from ixproxy.testing.eventlog_contract import EventLogContract
from ixproxy.testing.eventlog_outside import NOW, LogOutside, entry, gap
from tests.eventlog.log_rig import DROPPED, EVENTS, FIELDS, SOURCES, LogInTables

SETTINGS = read_settings({"address": "sqlite:x", **FIELDS})


def ask(path: Path, question: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(question).fetchall()
    except sqlite3.OperationalError:
        return []  # nobody has made the tables yet
    finally:
        connection.close()


class OnSqlite(LogInTables):
    def __init__(self) -> None:
        self.folder = TemporaryDirectory()
        self.path = Path(self.folder.name) / "log.db"
        super().__init__(
            lambda settings: SqliteTables(str(self.path), settings),
            lambda question: ask(self.path, question),
        )

    def close(self) -> None:
        self.folder.cleanup()


class TestSqliteLog(EventLogContract):
    def outside(self) -> LogOutside:
        return OnSqlite()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


def opened(path: Path, settings: TableSettings = SETTINGS) -> SqliteTables:
    tables = SqliteTables(str(path), settings)
    tables.open()
    return tables


def store(tables: SqliteTables, *entries: Entry) -> int:
    tables.open()
    return tables.store(RowMaker(SETTINGS).rows(entries), "ixn1", entries[-1].dbid)


def test_what_is_stored_can_be_read_as_it_was(path: Path) -> None:
    tables = opened(path)
    assert store(tables, *[entry(number) for number in range(1, 9)], gap(9, 12, EventHeld=3)) == 9
    question = "SELECT queue, c_customer, c_amount, c_weight, c_due FROM rpt_interaction"
    assert ask(path, f"{question} WHERE event_number = 8") == [("Q2", "c8", 8, 8.0, None)]
    assert ask(path, SOURCES) == [(101, "ixn1", 1, 12, NOW + 12)]
    assert ask(path, DROPPED) == [(101, 1, 9, 12, "EventHeld", 3)]
    tables.rest(NOW + 60, "ixn1", 101)
    assert ask(path, SOURCES) == [(101, "ixn1", 1, 12, NOW + 60)]
    tables.close()


def test_the_mark_is_there_exactly_when_the_rows_are(path: Path) -> None:
    tables = opened(path)
    store(tables, entry(1))
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE TRIGGER no BEFORE UPDATE ON rpt_source BEGIN SELECT RAISE(FAIL, 'no'); END"
    )
    connection.close()
    with pytest.raises(StorageError, match=r"storing in sqlite:.*no"):
        store(tables, entry(2))
    assert ask(path, EVENTS) == [(101, 1, 1)]
    assert ask(path, SOURCES) == [(101, "ixn1", 1, 1, NOW + 1)]


def test_a_file_that_was_moved_away_whole_is_left_alone_and_another_is_made(path: Path) -> None:
    tables = opened(path)
    store(tables, entry(1), entry(2))
    for suffix in ("-wal", "-shm", ""):
        path.with_name(f"log.db{suffix}").rename(path.with_name(f"old.db{suffix}"))
    store(tables, entry(3))
    tables.close()
    assert ask(path, EVENTS) == [(101, 1, 3)]
    assert ask(path.with_name("old.db"), EVENTS) == [(101, 1, 1), (101, 1, 2)]


def test_a_file_that_was_moved_without_its_last_events_is_waited_for(path: Path) -> None:
    tables = opened(path)
    store(tables, entry(1), entry(2))
    path.rename(path.with_name("old.db"))
    for _ in range(2):
        with pytest.raises(StorageError, match=r"log\.db is missing, but .*log.db-wal is there"):
            store(tables, entry(3))
    path.with_name("old.db").rename(path)
    store(tables, entry(3))
    tables.close()
    assert ask(path, EVENTS) == [(101, 1, number) for number in (1, 2, 3)]


def test_tables_that_a_newer_program_took_over_are_not_written(path: Path) -> None:
    tables = opened(path)
    store(tables, entry(1))
    connection = sqlite3.connect(path)
    connection.execute("UPDATE log_schema SET version = 9")
    connection.commit()
    connection.close()
    with pytest.raises(StorageError, match="version 9 of the tables"):
        tables.store(RowMaker(SETTINGS).rows([entry(2)]), "ixn1", 101)
    with pytest.raises(StorageError, match="version 9 of the tables"):
        store(tables, entry(2))
    assert ask(path, EVENTS) == [(101, 1, 1)]


def test_a_lock_of_another_program_is_an_error_in_words(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ixproxy.eventlog.sqlite_tables.BUSY_SECONDS", 0.01)
    tables = opened(path)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="another program keeps the database locked"):
        store(tables, entry(1))
    connection.execute("ROLLBACK")
    connection.close()
    store(tables, entry(1))
    assert ask(path, EVENTS) == [(101, 1, 1)]
    tables.close()


def test_a_full_disk_is_said_and_what_did_not_fit_is_stored_once_there_is_room(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(path).close()

    def narrow(*arguments: str) -> sqlite3.Connection:
        connection = connect(*arguments)
        connection.execute("PRAGMA max_page_count = 60")
        return connection

    with monkeypatch.context() as patched:
        patched.setattr("ixproxy.eventlog.sqlite_log.connect", narrow)
        tables = opened(path)
        for _ in range(2):
            with pytest.raises(StorageError, match="the disk is full"):
                store(tables, *[entry(number) for number in range(1, 2000)])
            assert ask(path, EVENTS) == []
    store(tables, *[entry(number) for number in range(1, 2000)])
    assert len(ask(path, EVENTS)) == 1999
    tables.close()


def test_a_file_that_can_only_be_read_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(path).close()

    def only_reads(place: str, name: str) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{place}?mode=ro", uri=True, isolation_level=None)

    monkeypatch.setattr("ixproxy.eventlog.sqlite_log.connect", only_reads)
    tables = SqliteTables(str(path), SETTINGS)
    with pytest.raises(StorageError, match="the file cannot be written"):
        store(tables, entry(1))


def test_what_cannot_be_written_is_said_and_works_once_it_can(path: Path) -> None:
    tables = SqliteTables(str(path.parent / "later" / "log.db"), SETTINGS)
    with pytest.raises(StorageError, match="there is no folder"):
        tables.open()
    (path.parent / "later").mkdir()
    store(tables, entry(1))
    tables.close()
    with pytest.raises(StorageError, match="is not open"):
        tables.store(RowMaker(SETTINGS).rows([entry(2)]), "ixn1", 101)


def test_the_store_of_a_node_is_refused(path: Path) -> None:
    SqliteFile(path).open().close()
    with pytest.raises(StorageError, match="is the store of a node"):
        opened(path)


def test_shutting_and_closing_are_harmless_when_nothing_is_open(path: Path) -> None:
    tables = SqliteTables(str(path), SETTINGS)
    tables.shut()
    tables.close()
    tables.open()
    tables.shut()
    tables.close()
    tables.close()


def test_two_nodes_share_a_file(path: Path) -> None:
    one, other = opened(path), opened(path)
    for number in range(1, 20):
        store(one, entry(number))
        store(other, entry(number, dbid=102))
        store(other, entry(number))  # the other server of a pair, before it knows
    assert len(ask(path, EVENTS)) == 38
    assert [line[:4] for line in ask(path, SOURCES)] == [(101, "ixn1", 1, 19), (102, "ixn1", 1, 19)]
    one.close()
    other.close()


@pytest.mark.parametrize(
    "address", ["", 5, "a.db", "sqlite:", "sqlite::memory:", "sqlite:a\0b", "postgresql://h/d"]
)
def test_an_address_that_is_none_is_refused(address: object) -> None:
    with pytest.raises(ConfigError, match="address"):
        make({"address": address})


def test_the_log_of_an_address_says_its_kind_and_database() -> None:
    log = make({"address": "sqlite:/var/lib/ixn1-log.db", "delete-on-logout": "never"})
    assert log.kind == "sqlite"
    assert log.figures()["database"] == "sqlite:/var/lib/ixn1-log.db"
    with pytest.raises(ConfigError, match="schema-name"):
        make({"address": "sqlite:a.db", "schema-name": "x"})
