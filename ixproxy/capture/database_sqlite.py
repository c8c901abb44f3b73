"""An SQLite file of somebody else's, as a database capture point uses it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from ixproxy.capture.database_parameters import Dialect, Statement
from ixproxy.capture.database_sessions import (
    Bound,
    DatabaseTrouble,
    NamesRow,
    Reading,
    Trouble,
    gather,
)

SCHEME = "sqlite:"
BUSY_SECONDS = 5.0
"""How long a statement waits for a lock of another program."""

_BORDER = (sqlite3.Error, OverflowError, UnicodeError, ValueError)

_TROUBLES = {
    sqlite3.SQLITE_CONSTRAINT: Trouble.VALUES,
    sqlite3.SQLITE_MISMATCH: Trouble.VALUES,
    sqlite3.SQLITE_TOOBIG: Trouble.VALUES,
    sqlite3.SQLITE_BUSY: Trouble.NOT_NOW,
    sqlite3.SQLITE_LOCKED: Trouble.NOT_NOW,
    sqlite3.SQLITE_FULL: Trouble.NOT_NOW,
    sqlite3.SQLITE_NOMEM: Trouble.NOT_NOW,
    sqlite3.SQLITE_READONLY: Trouble.NOT_NOW,
    sqlite3.SQLITE_INTERRUPT: Trouble.NOT_NOW,
    sqlite3.SQLITE_PROTOCOL: Trouble.NOT_NOW,
    sqlite3.SQLITE_IOERR: Trouble.LOST,
    sqlite3.SQLITE_CANTOPEN: Trouble.LOST,
    sqlite3.SQLITE_PERM: Trouble.LOST,
    sqlite3.SQLITE_CORRUPT: Trouble.LOST,
    sqlite3.SQLITE_NOTADB: Trouble.LOST,
}

_MEANINGS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_BUSY: "another program keeps the database locked",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened",
    sqlite3.SQLITE_READONLY: "the file cannot be written",
    sqlite3.SQLITE_CORRUPT: "the file is damaged",
    sqlite3.SQLITE_NOTADB: "the file is no SQLite database",
    sqlite3.SQLITE_INTERRUPT: "it took too long",
}


class SqlitePlace:
    """
    A file, which must be there: what a source has not made it cannot have filled.

    :raise ValueError: `path` names no file.
    """

    dialect = Dialect.SQLITE

    def __init__(self, path: str) -> None:
        if not path or path.startswith(":") or "\0" in path:
            raise ValueError("expected the path of a file, such as sqlite:/var/lib/orders.db")
        self._path = path
        self.name = f"{SCHEME}{path}"

    def open(self, seconds: float) -> SqliteSession:
        """See `Place`; long statements are ended by `shut` alone."""
        try:
            connection = sqlite3.connect(
                f"file:{quote(self._path)}?mode=rw",
                uri=True,
                timeout=BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
            connection.text_factory = _text
            found = os.stat(self._path)
            connection.execute("SELECT count(*) FROM sqlite_master").close()
        except (*_BORDER, OSError) as problem:
            raise _trouble(problem, f"opening {self.name}", Trouble.LOST) from None
        return SqliteSession(connection, Path(self._path), (found.st_dev, found.st_ino))


class SqliteSession:
    """
    See `Session`.

    :param file: device and inode of what was opened: if another file has its name,
        whatever is read from this one is no longer anybody's.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, file: tuple[int, int]) -> None:
        self._connection = connection
        self._path = path
        self._file = file

    def check(self, key: str, statement: Statement) -> None:
        """See `Session`."""
        try:
            self._connection.execute(
                f"EXPLAIN {statement.text}", [None] * len(statement.names)
            ).close()
        except _BORDER as problem:
            raise _trouble(problem, key) from None

    def read(self, statement: Statement, most: int, key_of: NamesRow) -> Reading:
        """See `Session`."""
        self._same_file()
        try:
            cursor = self._connection.execute(statement.text)
            try:
                columns = tuple(column[0] for column in cursor.description or ())
                rows, more = gather(columns, cursor, most, key_of)
            finally:
                cursor.close()
        except _BORDER as problem:
            raise _trouble(problem, "reading") from None
        return Reading(columns if rows else (), rows, more)

    def run_all(self, work: Sequence[Bound]) -> None:
        """See `Session`."""
        self._same_file()
        at = -1
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for statement, values in work:
                at += 1
                self._connection.execute(statement.text, values).close()
            at = -1
            self._connection.execute("COMMIT")
        except _BORDER as problem:
            with suppress(sqlite3.Error):
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
            raise _trouble(problem, "writing", at=at) from None

    def close(self) -> None:
        """See `Session`."""
        with suppress(sqlite3.Error):
            self._connection.close()

    def shut(self) -> None:
        """See `Session`."""
        with suppress(sqlite3.Error):
            self._connection.interrupt()

    def _same_file(self) -> None:
        try:
            found = os.stat(self._path)
        except OSError as problem:
            raise _trouble(problem, f"looking at {self._path}", Trouble.LOST) from None
        if (found.st_dev, found.st_ino) != self._file:
            raise DatabaseTrouble(Trouble.LOST, f"{self._path} is another file now")


def _text(found: bytes) -> str:
    # One text that is none must not keep all other rows from being read.
    return found.decode("utf-8", "surrogateescape")


def _trouble(
    problem: BaseException, doing: str, trouble: Trouble | None = None, at: int = -1
) -> DatabaseTrouble:
    code = (getattr(problem, "sqlite_errorcode", 0) or 0) & 0xFF
    meaning = _MEANINGS.get(code)
    text = f"{meaning} ({problem})" if meaning else str(problem)
    if trouble is None:
        values = isinstance(problem, OverflowError | UnicodeError | sqlite3.InterfaceError)
        values = values or "binding parameter" in text
        trouble = Trouble.VALUES if values else _TROUBLES.get(code, Trouble.STATEMENT)
    return DatabaseTrouble(trouble, f"{doing}: {text}", at)
