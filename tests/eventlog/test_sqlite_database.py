"""Databases in which event logs lie: SQLite's."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ixproxy.errors import StorageError
from ixproxy.eventlog import sqlite_database, sqlite_tables
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


AS_NOBODY = """
import os, sys
from ixproxy.errors import StorageError
from ixproxy.eventlog.sqlite_database import SqliteDatabase
os.setgroups([]), os.setgid(65534), os.setuid(65534)
try:
    print(SqliteDatabase(sys.argv[1]).rows("SELECT count(*) FROM t"))
except StorageError as problem:
    print(problem)
"""


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A file in WAL mode, in a folder where others may read and not write."""
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o755)
    database = made(folder)
    database.run("PRAGMA journal_mode = WAL")
    database.run("INSERT INTO t (a) VALUES (1)")
    database.close()
    return folder / "a b%.db"


def names_beside(path: Path) -> set[str]:
    return {each.name.removeprefix(path.name) for each in path.parent.iterdir()}


Reading = Callable[[Path], str]


@pytest.fixture
def as_nobody(tmp_path: Path, closed: Path) -> Reading:
    """What somebody gets who may read all and write nothing."""
    if os.getuid():
        pytest.skip("only root can become somebody else")
    for each in (tmp_path, *tmp_path.parents[:2]):
        # Those of pytest are for their owner only.
        each.chmod(each.stat().st_mode | 0o011)

    def read(path: Path) -> str:
        command = [sys.executable, "-c", AS_NOBODY, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.strip()

    return read


def test_who_may_only_read_reads_a_file_that_nobody_writes(
    closed: Path, as_nobody: Reading
) -> None:
    assert as_nobody(closed) == "[(1,)]"
    assert names_beside(closed) == {""}


def test_who_may_only_read_reads_what_a_node_has_just_logged(
    closed: Path, as_nobody: Reading
) -> None:
    node = sqlite3.connect(closed, isolation_level=None)
    node.execute("INSERT INTO t (a) VALUES (2)")
    assert as_nobody(closed) == "[(2,)]"
    node.close()


def test_what_is_not_whole_is_not_read_as_if_it_were(closed: Path, as_nobody: Reading) -> None:
    node = sqlite3.connect(closed, isolation_level=None)
    node.execute("INSERT INTO t (a) VALUES (2)")
    wal = closed.with_name(f"{closed.name}-wal")
    left = wal.read_bytes()
    node.close()
    wal.write_bytes(left)
    said = as_nobody(closed)
    assert f"sqlite:{closed}: a part of it is in a b%.db-wal, and to read that SQLite must" in said
    assert "or read a copy: sqlite3 a b%.db '.backup COPY'" in said
    assert names_beside(closed) == {"", "-wal"}


def no_place(monkeypatch: pytest.MonkeyPatch, code: int = sqlite3.SQLITE_READONLY) -> None:
    """From now on nothing can be made beside files that are read."""
    connect = sqlite_tables.connect

    def refusing(path: str, name: str, mode: str) -> sqlite3.Connection:
        connection = connect(path, name, mode)
        if "immutable" in mode:
            return connection
        connection.close()
        problem = sqlite3.OperationalError("not here")
        problem.sqlite_errorcode = code

        class Refusing:
            text_factory: object = None

            def execute(self, statement: str) -> None:
                raise problem

            def close(self) -> None: ...

        return Refusing()  # type: ignore[return-value]

    monkeypatch.setattr(sqlite_database, "connect", refusing)


@pytest.mark.parametrize("code", [sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN])
def test_a_file_on_a_medium_that_cannot_be_written_is_read_as_it_is(
    closed: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    # What a reader has left there does not matter.
    closed.with_name(f"{closed.name}-wal").touch()
    no_place(monkeypatch, code)
    database = open_database(f"sqlite:{closed}")
    database.hold()
    assert list(database.pages("SELECT a FROM t", 5)) == [[(1,)]]
    database.close()


def test_another_trouble_is_told_as_it_is(closed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_place(monkeypatch, sqlite3.SQLITE_BUSY)
    with pytest.raises(StorageError, match="keeps the database locked"):
        open_database(f"sqlite:{closed}")


@pytest.mark.parametrize("end", ["-wal", "-journal"])
def test_a_file_that_needs_what_is_beside_it_is_not_read_without_locks(
    closed: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    closed.with_name(closed.name + end).write_bytes(b"more")
    no_place(monkeypatch)
    with pytest.raises(StorageError, match=f"a part of it is in a b%.db{end}, .*not here"):
        open_database(f"sqlite:{closed}")


def test_where_somebody_begins_to_write_nothing_wrong_is_read(
    closed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_place(monkeypatch)
    database = open_database(f"sqlite:{closed}")
    pages = database.pages("SELECT a FROM t", 1)
    assert next(pages) == [(1,)]
    node = sqlite3.connect(closed, isolation_level=None)
    assert database.rows("SELECT count(*) FROM t") == [(1,)]
    node.execute("INSERT INTO t (a) VALUES (2)")
    with pytest.raises(StorageError, match="somebody began to write into it while it was read"):
        next(pages)
    node.close()
    # It has tidied up, but the file is another one.
    assert names_beside(closed) == {""}
    for statement in ("SELECT count(*) FROM t", "SELECT x FROM t"):
        with pytest.raises(StorageError, match="somebody began to write"):
            database.rows(statement)
    closed.unlink()
    with pytest.raises(StorageError, match="No such file"):
        database.rows("SELECT count(*) FROM t")
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
