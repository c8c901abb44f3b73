"""What an error of SQLite means for a node."""

from __future__ import annotations

import sqlite3

from ixproxy.errors import StorageError

BORDER = (sqlite3.Error, OverflowError, UnicodeError, ValueError)
"""What sqlite3 raises, for values that it cannot store too."""

_MEANINGS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "input/output error",
    sqlite3.SQLITE_CORRUPT: "the file is damaged",
    sqlite3.SQLITE_NOTADB: "the file is no SQLite database",
    sqlite3.SQLITE_READONLY: "the file cannot be written",
    sqlite3.SQLITE_PERM: "permission denied",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened",
    sqlite3.SQLITE_BUSY: "another program keeps the database locked",
    sqlite3.SQLITE_LOCKED: "another connection keeps a table locked",
    sqlite3.SQLITE_INTERRUPT: "interrupted: it took too long",
    sqlite3.SQLITE_TOOBIG: "a value is too large",
    sqlite3.SQLITE_CONSTRAINT: "a value is not allowed",
    sqlite3.SQLITE_NOMEM: "out of memory",
}


def code_of(problem: BaseException) -> int:
    """SQLite's primary result code, 0 if it has none."""
    return (getattr(problem, "sqlite_errorcode", 0) or 0) & 0xFF


def storage_error(problem: BaseException, doing: str) -> StorageError:
    """`problem` for a person who sees only the log."""
    meaning = _MEANINGS.get(code_of(problem))
    text = f"{meaning} ({problem})" if meaning else str(problem)
    return StorageError(f"{doing}: {text}")


def certain(problem: BaseException) -> bool:
    """Whether a commit that raised `problem` is known not to have happened."""
    return code_of(problem) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
