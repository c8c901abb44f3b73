"""
An SQLite file in which an event log lies, for programs that may block.

Theory of operation: whoever reads a file in WAL mode has a part in `NAME-shm` beside it. While
somebody writes that is there; when the last one has gone it is not, and then a reader makes it, if
it may write into the folder. If not, and nothing waits in `NAME-wal`, the file is read as it
is, without locks. No lock keeps writers out then, so after each reading it is looked at
whether the file is still as it was: what a writer has begun to change is an error, and never a
wrong answer.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from ixproxy.errors import StorageError
from ixproxy.eventlog.log_databases import Row
from ixproxy.eventlog.schemas import built_in, check_version
from ixproxy.eventlog.sqlite_tables import connect, create, version_of
from ixproxy.node.sql_text import quoted_name
from ixproxy.storage.sqlite_errors import BORDER, code_of, storage_error

WAL_BYTES = 16 << 20

_NO_PLACE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
"""What SQLite says where it may not make `NAME-shm`."""


class SqliteDatabase:
    """See `LogDatabase`."""

    def __init__(self, path: str, *, create: bool = False) -> None:
        self.path = os.path.realpath(path)
        self.name = f"sqlite:{self.path}"
        if not create and not Path(self.path).is_file():
            raise StorageError(f"{self.name}: there is no such file")
        self._unlocked: object = None
        self._open("rwc" if create else "ro")
        try:
            self._look()
        except sqlite3.Error as problem:
            self.close()
            if create or code_of(problem) not in _NO_PLACE:
                raise storage_error(problem, self.name) from problem
            self._open_unlocked(problem)
        except BORDER as problem:
            self.close()
            raise storage_error(problem, self.name) from problem

    def _open(self, mode: str) -> None:
        self._connection = connect(self.path, self.name, mode)
        # Text that is no UTF-8 is shown as far as it is.
        self._connection.text_factory = partial(str, encoding="utf-8", errors="replace")

    def _look(self) -> None:
        # What is sorted goes to disk where it is too long for memory.
        self._connection.execute("PRAGMA temp_store = FILE")
        self._connection.execute("SELECT count(*) FROM sqlite_master").fetchall()

    def _open_unlocked(self, problem: sqlite3.Error) -> None:
        """
        Where nothing can be made beside the file.

        :raise StorageError: it is not whole without what is beside it.
        """
        state = self._state()
        for end in ("-wal", "-journal"):
            if state[end]:
                name = os.path.basename(self.path)
                raise StorageError(
                    f"{self.name}: a part of it is in {name}{end}, and to read that SQLite must "
                    f"write beside it, which is not allowed here ({problem}). Read it while a "
                    "node logs into it, or as somebody who may write into its folder, or read a "
                    f"copy: sqlite3 {name} '.backup COPY'"
                ) from problem
        self._open("ro&immutable=1")
        self._unlocked = state
        try:
            with self._named():
                self._look()
        except StorageError:
            self.close()
            raise

    def _state(self) -> dict[str, object]:
        """Another one after anybody has written: of the file, and how much is beside it."""
        state: dict[str, object] = {end: self._size(end) for end in ("-wal", "-journal")}
        try:
            found = os.stat(self.path)
        except OSError as problem:
            raise storage_error(problem, self.name) from problem
        return {**state, "": (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)}

    def _size(self, end: str) -> int:
        try:
            return os.stat(self.path + end).st_size
        except FileNotFoundError:
            return 0
        except OSError as problem:
            raise storage_error(problem, self.name) from problem

    def _check_as_it_was(self) -> None:
        if self._unlocked is not None and self._state() != self._unlocked:
            raise StorageError(
                f"{self.name}: somebody began to write into it while it was read; try again"
            )

    @contextmanager
    def _named(self, doing: str = "") -> Iterator[None]:
        try:
            yield
        except (OSError, *BORDER) as problem:
            self._check_as_it_was()
            raise storage_error(problem, f"{doing}{self.name}") from problem
        self._check_as_it_was()

    def identity(self) -> object:
        """The file's own, under whichever name."""
        with self._named():
            found = os.stat(self.path)
        return found.st_dev, found.st_ino

    def columns(self, table: str) -> dict[str, str]:
        """As they are declared."""
        found = self.rows("SELECT name, type FROM pragma_table_info(?)", (table,))
        return {name: type_of(declared) for name, declared in found}

    def reading(self, table: str, column: str) -> str:
        """As it is."""
        return quoted_name(column)

    def hold(self) -> None:
        """The moment is that of what is read first."""
        self.run("BEGIN")

    def rows(self, statement: str, values: Row = ()) -> list[Row]:
        """All that a query finds."""
        with self._named():
            return self._connection.execute(statement, values).fetchall()

    def pages(self, statement: str, size: int, values: Row = ()) -> Iterator[list[Row]]:
        """Of one state of the database."""
        with self._named():
            cursor = self._connection.execute(statement, values)
        while True:
            # Not around the `yield`: what whoever takes them raises is not of the database.
            with self._named():
                page = cursor.fetchmany(size)
            if not page:
                return
            yield page

    def run(self, statement: str, values: Row = ()) -> int:
        """How many rows a statement has changed."""
        with self._named():
            return self._connection.execute(statement, values).rowcount

    def run_many(self, statement: str, rows: Sequence[Row]) -> int:
        """In one go."""
        with self._named():
            return self._connection.executemany(statement, rows).rowcount

    def make(self, kind: str) -> None:
        """Durable then but for a loss of power, which takes whole transactions."""
        schema = built_in("sqlite")
        with self._named("making the tables of "):
            found = version_of(self._connection, self.name, kind)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
            if not found:
                create(self._connection, self.name, schema, kind)
                found = version_of(self._connection, self.name, kind)
        check_version(self.name, found)

    def add_column(self, table: str, name: str, kind: str) -> None:
        """Declared as it is called."""
        self.run(f"ALTER TABLE {table} ADD COLUMN {quoted_name(name)} {kind}")

    def begin(self) -> None:
        """With the right to write from the first."""
        self.run("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """See `make`."""
        self.run("COMMIT")

    def rollback(self) -> None:
        """A full disk may have done it already."""
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except BORDER:
            self.close()

    def close(self) -> None:
        """The last connection tidies the file up."""
        with suppress(*BORDER):
            self._connection.close()


def type_of(declared: str) -> str:
    """INTEGER, REAL or TEXT, as a column of SQLite is declared."""
    declared = declared.upper()
    if "INT" in declared:
        return "INTEGER"
    return "REAL" if any(each in declared for each in ("REAL", "FLOA", "DOUB", "NUM")) else "TEXT"
