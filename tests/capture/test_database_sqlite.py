"""A file of SQLite as a source: what it gives, and what can go wrong with it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from ixproxy.capture import database_sqlite
from ixproxy.capture.database_parameters import Dialect, read_statement
from ixproxy.capture.database_sessions import Bound, DatabaseTrouble, Reading, Trouble
from ixproxy.capture.database_sqlite import SqlitePlace, SqliteSession


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "orders?.db"
    with closing(sqlite3.connect(made)) as connection, connection:
        connection.execute("CREATE TABLE t (n INTEGER CHECK (n < 5), s TEXT)")
    return made


@pytest.fixture
def session(path: Path) -> Iterator[SqliteSession]:
    opened = SqlitePlace(str(path)).open(5)
    yield opened
    opened.close()


def read(session: SqliteSession, sql: str) -> Reading:
    return session.read(read_statement(sql, Dialect.SQLITE), 10, lambda *_: "key")


def bound(sql: str, *values: object) -> Bound:
    return Bound(read_statement(sql, Dialect.SQLITE), values)


def trouble_of(what: Any, *given: Any) -> DatabaseTrouble:
    with pytest.raises(DatabaseTrouble) as refused:
        what(*given)
    return refused.value


def test_rows_come_with_their_columns(session: SqliteSession) -> None:
    session.run_all([bound("INSERT INTO t VALUES (?'N', ?'S')", 1, "x")])
    assert read(session, 'SELECT n AS "Priority", s FROM t') == Reading(
        ("Priority", "s"), [("key", (1, "x"))], False
    )
    assert read(session, "SELECT n FROM t WHERE n > 3") == Reading((), [], False)


def test_a_text_that_is_none_does_not_keep_others_from_being_read(session: SqliteSession) -> None:
    session.run_all([bound("INSERT INTO t VALUES (1, CAST(x'ff41' AS TEXT))")])
    ((_, (value,)),) = read(session, "SELECT s FROM t").rows
    assert value == "\udcffA"


def test_of_one_transaction_all_is_done_or_nothing(session: SqliteSession) -> None:
    work = [bound(f"INSERT INTO t (n) VALUES ({n})") for n in (1, 2, 9, 3)]
    trouble = trouble_of(session.run_all, work)
    assert (trouble.trouble, trouble.at) == (Trouble.VALUES, 2)
    assert read(session, "SELECT * FROM t").rows == []
    session.run_all(work[:2])
    assert len(read(session, "SELECT * FROM t").rows) == 2


@pytest.mark.parametrize("value", [1 << 70, "\udcff", object()])
def test_a_value_that_cannot_be_bound_is_its_own_fault(
    session: SqliteSession, value: object
) -> None:
    trouble = trouble_of(session.run_all, [bound("INSERT INTO t (s) VALUES (?'S')", value)])
    assert (trouble.trouble, trouble.at) == (Trouble.VALUES, 0)


@pytest.mark.parametrize(
    ("sql", "words"),
    [("SELECT colour FROM t", "no such column"), ("UPDATE u SET a = 1", "no such table")],
)
def test_what_does_not_fit_is_found_without_running_it(
    session: SqliteSession, sql: str, words: str
) -> None:
    trouble = trouble_of(session.check, "capture-query", read_statement(sql, Dialect.SQLITE))
    assert trouble.trouble is Trouble.STATEMENT
    assert str(trouble).startswith(f"capture-query: {words}")
    assert trouble_of(session.run_all, [bound(sql)]).trouble is Trouble.STATEMENT
    session.check("x", read_statement("DELETE FROM t WHERE s = ?'S'", Dialect.SQLITE))


def test_a_lock_of_somebody_else_is_not_now(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_sqlite, "BUSY_SECONDS", 0.01)
    session = SqlitePlace(str(path)).open(5)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        trouble = trouble_of(session.run_all, [bound("DELETE FROM t")])
        assert trouble.trouble is Trouble.NOT_NOW
        assert "another program keeps the database locked" in str(trouble)
        assert trouble_of(read, session, "SELECT * FROM t").trouble is Trouble.NOT_NOW
    session.run_all([bound("DELETE FROM t")])
    session.close()


def test_a_full_disk_is_not_now(session: SqliteSession) -> None:
    session.run_all([bound("PRAGMA max_page_count = 3")])
    work = [bound("INSERT INTO t (s) VALUES (?'S')", "x" * 100_000)]
    trouble = trouble_of(session.run_all, work)
    assert trouble.trouble is Trouble.NOT_NOW
    assert "the disk is full" in str(trouble)
    assert read(session, "SELECT * FROM t").rows == []


def test_a_file_that_is_not_there_or_is_none_is_said(tmp_path: Path) -> None:
    trouble = trouble_of(SqlitePlace(str(tmp_path / "none.db")).open, 5)
    assert trouble.trouble is Trouble.LOST
    assert "cannot be opened" in str(trouble)
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "text.db").write_bytes(b"no database at all" * 100)
    trouble = trouble_of(SqlitePlace(str(tmp_path / "text.db")).open, 5)
    assert "is no SQLite database" in str(trouble)


def test_another_file_of_that_name_is_another_database(session: SqliteSession, path: Path) -> None:
    path.rename(path.with_name("old.db"))
    assert trouble_of(read, session, "SELECT * FROM t").trouble is Trouble.LOST
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (n)")
    trouble = trouble_of(session.run_all, [bound("DELETE FROM t")])
    assert "is another file now" in str(trouble)


def test_who_waits_for_a_long_statement_is_set_free(session: SqliteSession) -> None:
    found: list[DatabaseTrouble] = []
    endless = (
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) AS n FROM c"
    )
    waiting = Thread(target=lambda: found.append(trouble_of(read, session, endless)))
    waiting.start()
    while not found:
        session.shut()
        waiting.join(0.01)
    assert found[0].trouble is Trouble.NOT_NOW
    assert read(session, "SELECT 1 AS n").rows


@pytest.mark.parametrize("text", ["", ":memory:", "a\0b"])
def test_only_files_are_places(text: str) -> None:
    with pytest.raises(ValueError, match="path of a file"):
        SqlitePlace(text)


def test_closing_twice_is_harmless(path: Path) -> None:
    session = SqlitePlace(os.fspath(path)).open(5)
    session.close()
    session.close()
    session.shut()
