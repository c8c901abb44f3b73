"""
Databases in which event logs lie, SQLite's and PostgreSQL's, for programs that may block.

Statements are the same for both, with `?` for values; neither `?` nor `%` may
stand in them for anything else.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from ixproxy.errors import StorageError, StoreUnreachable

LOCKED_FOR = 5.0
"""Seconds for which a database that others have locked is waited for."""

WAL_BYTES = 16 << 20

Row = Sequence[Any]


class LogDatabase(Protocol):
    """
    A connection to one database.

    Every method raises `StorageError`, in words that name the database.

    :ivar name: its address without secrets, the same however it is written.
    """

    name: str

    def identity(self) -> object:
        """What two connections to the same tables have in common."""

    def columns(self, table: str) -> dict[str, str]:
        """Names of a table's columns to their types: INTEGER, REAL or TEXT; empty: no table."""

    def reading(self, table: str, column: str) -> str:
        """How a column is read as one of those types."""

    def rows(self, statement: str, values: Row = ()) -> list[Row]:
        """All that a query finds."""

    def pages(self, statement: str, size: int) -> Iterable[list[Row]]:
        """What a query finds, so many rows at a time."""

    def run(self, statement: str, values: Row = ()) -> int:
        """How many rows a statement has changed."""

    def run_many(self, statement: str, rows: Sequence[Row]) -> int:
        """How many rows a statement has changed, run once for each row of values."""

    def script(self, text: str) -> None:
        """Run the statements of a schema file for SQLite."""

    def begin(self) -> None:
        """A transaction that writes."""

    def commit(self) -> None:
        """End it."""

    def rollback(self) -> None:
        """Give it up, if there is one; never raises."""

    def close(self) -> None:
        """Never raises."""


def open_database(address: str, *, create: bool = False) -> LogDatabase:
    """
    Connect.

    :param address: `sqlite:PATH` or `postgresql://…`.
    :param create: it is written; a file that is not there is made.
    :raise ValueError: no such address is known.
    :raise StorageError: it cannot be opened.
    :raise StoreUnreachable: no server answers.
    """
    scheme, found, rest = address.partition(":")
    if found and rest and scheme == "sqlite":
        return SqliteDatabase(rest, create=create)
    if found and scheme in ("postgresql", "postgres"):
        from ixproxy.eventlog.log_postgresql import PostgresqlDatabase

        return PostgresqlDatabase(address, create=create)
    raise ValueError(f"{address}: expected sqlite:PATH or postgresql://…")


def type_of(declared: str) -> str:
    """INTEGER, REAL or TEXT, as a column of SQLite is declared."""
    declared = declared.upper()
    if "INT" in declared:
        return "INTEGER"
    return "REAL" if any(each in declared for each in ("REAL", "FLOA", "DOUB", "NUM")) else "TEXT"


_MEANINGS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "input/output error",
    sqlite3.SQLITE_CORRUPT: "the file is damaged",
    sqlite3.SQLITE_NOTADB: "the file is no SQLite database",
    sqlite3.SQLITE_READONLY: "the file cannot be written",
    sqlite3.SQLITE_PERM: "permission denied",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened",
    sqlite3.SQLITE_BUSY: "another program keeps it locked",
    sqlite3.SQLITE_LOCKED: "another connection keeps a table locked",
}


class SqliteDatabase:
    """A file."""

    def __init__(self, path: str, *, create: bool = False) -> None:
        self.path = os.path.realpath(path)
        self.name = f"sqlite:{self.path}"
        if not create and not Path(self.path).is_file():
            raise StorageError(f"{self.name}: there is no such file")
        mode = "rwc" if create else "ro"
        try:
            self._connection = sqlite3.connect(
                f"file:{quote(self.path)}?mode={mode}",
                uri=True,
                timeout=LOCKED_FOR,
                isolation_level=None,
            )
        except sqlite3.Error as problem:
            raise self._error(problem) from problem
        try:
            if create:
                self.rows("PRAGMA journal_mode = WAL")
                self.rows("PRAGMA synchronous = NORMAL")
                self.rows(f"PRAGMA journal_size_limit = {WAL_BYTES}")
            self.rows("SELECT count(*) FROM sqlite_master")
        except StorageError:
            self.close()
            raise

    def _error(self, problem: Exception) -> StorageError:
        code = (getattr(problem, "sqlite_errorcode", 0) or 0) & 0xFF
        meaning = _MEANINGS.get(code)
        return StorageError(f"{self.name}: {f'{meaning} ({problem})' if meaning else problem}")

    def identity(self) -> object:
        """The file's own, under whichever name."""
        try:
            found = os.stat(self.path)
        except OSError as problem:
            raise self._error(problem) from problem
        return found.st_dev, found.st_ino

    def columns(self, table: str) -> dict[str, str]:
        """As they are declared."""
        found = self.rows("SELECT name, type FROM pragma_table_info(?)", (table,))
        return {name: type_of(declared) for name, declared in found}

    def reading(self, table: str, column: str) -> str:
        """As it is."""
        return f'"{column}"'

    def rows(self, statement: str, values: Row = ()) -> list[Row]:
        """All that a query finds."""
        try:
            return self._connection.execute(statement, values).fetchall()
        except (sqlite3.Error, OverflowError, UnicodeError) as problem:
            raise self._error(problem) from problem

    def pages(self, statement: str, size: int) -> Iterable[list[Row]]:
        """Of one state of the database."""
        try:
            cursor = self._connection.execute(statement)
            while page := cursor.fetchmany(size):
                yield page
        except (sqlite3.Error, UnicodeError) as problem:
            raise self._error(problem) from problem

    def run(self, statement: str, values: Row = ()) -> int:
        """How many rows a statement has changed."""
        try:
            return self._connection.execute(statement, values).rowcount
        except (sqlite3.Error, OverflowError, UnicodeError) as problem:
            raise self._error(problem) from problem

    def run_many(self, statement: str, rows: Sequence[Row]) -> int:
        """In one go."""
        try:
            return self._connection.executemany(statement, rows).rowcount
        except (sqlite3.Error, OverflowError, UnicodeError) as problem:
            raise self._error(problem) from problem

    def script(self, text: str) -> None:
        """Statement by statement: in the transaction, if there is one."""
        for statement in statements(text):
            self.run(statement)

    def begin(self) -> None:
        """With the right to write from the first."""
        self.run("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Durable but for a loss of power, which takes whole transactions."""
        self.run("COMMIT")

    def rollback(self) -> None:
        """A full disk may have done it already."""
        if self._connection.in_transaction:
            try:
                self._connection.execute("ROLLBACK")
            except sqlite3.Error:
                self.close()

    def close(self) -> None:
        """The last connection tidies the file up."""
        try:
            self._connection.close()
        except sqlite3.Error:
            # What is committed is in the file; there is nothing else to save.
            return


def statements(text: str) -> list[str]:
    """The statements of a schema file, without their comments."""
    bare = re.sub(r"--[^\n]*", "", text)
    return [each.strip() for each in bare.split(";") if each.strip()]


__all__ = [
    "LogDatabase",
    "Row",
    "SqliteDatabase",
    "StoreUnreachable",
    "open_database",
    "statements",
    "type_of",
]
