"""Databases in which event logs lie: SQLite's."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from ixproxy.errors import StorageError
from ixproxy.eventlog import sqlite_tables
from ixproxy.eventlog.log_databases import open_database
from ixproxy.eventlog.sqlite_database import SqliteDatabase, type_of


def made(folder: Path) -> SqliteDatabase:
    database = SqliteDatabase(str(folder / "a b%.db"), create=True)
    database.run("CREATE TABLE t (a INTEGER, b REAL, c TEXT)")
    return database


def test_a_file_that_is_not_there_is_not_made_to_be_read(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"no\.db: there is no such file"):
        open_database(f"sqlite:{tmp_path / 'no.db'}")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_no_place_for_a_target(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be opened"):
        open_database(f"sqlite:{tmp_path / 'no' / 'a.db'}", create=True)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("This is a text, and long enough to be looked at. " * 99)
    with pytest.raises(StorageError, match="no SQLite database"):
        open_database(f"sqlite:{tmp_path / 'text.db'}")


def test_what_is_opened_to_be_read_cannot_be_written(tmp_path: Path) -> None:
    made(tmp_path).close()
    database = open_database(f"sqlite:{tmp_path / 'a b%.db'}")
    with pytest.raises(StorageError, match="cannot be written"):
        database.run("INSERT INTO t (a) VALUES (?)", (1,))
    database.close()


def test_a_file_that_somebody_keeps_locked_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_tables, "BUSY_SECONDS", 0.01)
    database = made(tmp_path)
    other = sqlite3.connect(tmp_path / "a b%.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    again = open_database(f"sqlite:{tmp_path / 'a b%.db'}", create=True)
    with pytest.raises(StorageError, match="another program keeps the database locked"):
        again.begin()
    again.rollback()
    again.close()
    other.close()
    database.close()


def test_rows_go_in_and_come_out(tmp_path: Path) -> None:
    database = made(tmp_path)
    database.begin()
    assert database.run_many(
        "INSERT INTO t VALUES (?, ?, ?)", [(n, n / 2, None) for n in (1, 2, 3)]
    )
    database.commit()
    assert database.rows("SELECT a, b FROM t WHERE a > ?", (1,)) == [(2, 1.0), (3, 1.5)]
    assert [len(page) for page in database.pages("SELECT a FROM t", 2)] == [2, 1]
    assert database.run("DELETE FROM t WHERE a < ?", (3,)) == 2
    database.begin()
    database.run("DELETE FROM t")
    database.rollback()
    assert database.rows("SELECT count(*) FROM t") == [(1,)]
    database.close()


def test_columns_have_one_of_three_types(tmp_path: Path) -> None:
    database = made(tmp_path)
    assert database.columns("t") == {"a": "INTEGER", "b": "REAL", "c": "TEXT"}
    assert database.columns("none") == {}
    assert [type_of(each) for each in ("BIGINT", "double precision", "NUMERIC", "varchar")] == [
        "INTEGER",
        "REAL",
        "REAL",
        "TEXT",
    ]
    database.close()


def test_a_file_is_the_same_under_every_name(tmp_path: Path) -> None:
    database = made(tmp_path)
    (tmp_path / "link.db").symlink_to(tmp_path / "a b%.db")
    other = open_database(f"sqlite:{tmp_path / 'link.db'}")
    assert database.identity() == other.identity()
    other.close()
    database.close()


def test_a_mistake_in_a_statement_names_the_database(tmp_path: Path) -> None:
    database = made(tmp_path)
    calls = (
        lambda: database.rows("SELECT x FROM t"),
        lambda: list(database.pages("SELECT x FROM t", 5)),
        lambda: database.run("DELETE FROM x"),
        lambda: database.run_many("INSERT INTO t (a) VALUES (?)", [(1 << 80,)]),
    )
    for call in calls:
        with pytest.raises(StorageError, match=r"a b%\.db: "):
            call()
    database.close()
