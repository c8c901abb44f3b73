"""
The log that a report is made of, as it is at one moment.

A log is read in one transaction that changes nothing and sees nothing of what is
written meanwhile, so that the figures of a report fit each other. Rows come one
after another: none of the two databases hands out all at once.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Protocol, cast
from urllib.parse import quote

from ixproxy.errors import IxproxyError

SQLITE = "sqlite:"
POSTGRESQL = "postgresql:"

VERSIONS = (1,)
"""Of the tables of a log."""

KINDS = ("log", "merged")
TABLES = ("rpt_interaction", "rpt_agent", "rpt_esp", "rpt_custom")

ROWS_AT_A_TIME = 2000

NODES_MOST = 10_000
"""No cluster has more nodes; their names are kept in memory."""

Row = tuple[Any, ...]


class LogUnreadable(IxproxyError):
    """A log that cannot be read, or is none; the text says why, and names no password."""


class LogUnreachable(LogUnreadable):
    """The database does not answer."""


class Connection(Protocol):
    """What a report asks of a database."""

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> Iterator[Row]:
        """The rows of a query, one after another; parameters stand as ? in it."""

    def close(self) -> None:
        """Let go of it."""


class Log:
    """
    An open log.

    :ivar merged: it was written by `ixctl eventlog merge`.
    :ivar time: the column with the time of an event: without clock skew in a merged log.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.merged = _kind(connection) == "merged"
        self.time = "merged_time" if self.merged else "event_time"

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> Iterator[Row]:
        """
        The rows of a query, one after another; parameters stand as ? in it.

        :raise LogUnreadable: the database says so, at any row.
        """
        return self._connection.rows(sql, parameters)

    def nodes(self) -> list[Row]:
        """The nodes that log here: dbid, name, and until when all that they log is here."""
        found = self.rows(
            f"SELECT dbid, node, logged_until FROM rpt_source ORDER BY dbid LIMIT {NODES_MOST}"
        )
        return [(number(dbid), text(node), moment(until)) for dbid, node, until in found]

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()


def open_log(address: str, schema_name: str = "") -> Log:
    """
    Open a log for reading.

    :param address: `sqlite:` and a path, or `postgresql://…` as libpq takes it.
    :param schema_name: of PostgreSQL: where the tables are; empty: where the role looks.
    :raise LogUnreadable: it is no log, or cannot be read.
    """
    connection: Connection
    if address.startswith(SQLITE):
        connection = _Sqlite(address.removeprefix(SQLITE))
    elif address.startswith(POSTGRESQL):
        connection = _postgresql(address, schema_name)
    else:
        raise LogUnreadable("expected sqlite:PATH or postgresql://…")
    try:
        return Log(connection)
    except LogUnreadable:
        connection.close()
        raise


def _kind(connection: Connection) -> str:
    try:
        found = next(connection.rows("SELECT version, kind FROM log_schema"), None)
    except LogUnreachable:
        raise
    except LogUnreadable as problem:
        raise LogUnreadable(f"this is no event log: {problem}") from problem
    if found is None:
        raise LogUnreadable("this is no event log: its table log_schema is empty")
    version, kind = found
    if version not in VERSIONS:
        known = ", ".join(map(str, VERSIONS))
        raise LogUnreadable(f"its tables have version {version!r:.20}; this program reads {known}")
    if kind not in KINDS:
        raise LogUnreadable(f"log_schema.kind is {kind!r:.40}; expected {' or '.join(KINDS)}")
    return str(kind)


def moment(value: object) -> float:
    """
    A time of a row.

    :raise LogUnreadable: it is none: databases such as SQLite hold columns to no type.
    """
    if isinstance(value, int | float) and math.isfinite(value) and abs(value) < 1e11:
        return float(value)
    raise LogUnreadable(f"expected seconds since the epoch, but a row has {value!r:.40}")


def number(value: object) -> int:
    """:raise LogUnreadable: a value of a row is no whole number."""
    if isinstance(value, int):
        return value
    raise LogUnreadable(f"expected a whole number, but a row has {value!r:.40}")


def text(value: object) -> str:
    """A name of a row; empty where there is none."""
    return "" if value is None else str(value)


class _Sqlite:
    def __init__(self, path: str) -> None:
        if not Path(path).is_file():
            raise LogUnreadable(f"there is no file {path}")
        try:
            self._connection = sqlite3.connect(
                f"file:{quote(path)}?mode=ro", uri=True, isolation_level=None, timeout=10
            )
        except sqlite3.Error as problem:
            raise LogUnreadable(str(problem)) from problem
        # Text that is no UTF-8 is shown as far as it is.
        self._connection.text_factory = partial(str, encoding="utf-8", errors="replace")
        try:
            # What is sorted goes to disk where it is too long for memory.
            self._connection.execute("PRAGMA temp_store = FILE")
            self._connection.execute("BEGIN")
        except sqlite3.Error as problem:
            self.close()
            raise LogUnreadable(str(problem)) from problem

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> Iterator[Row]:
        """The rows of a query."""
        try:
            cursor = self._connection.execute(sql, parameters)
            while some := cursor.fetchmany(ROWS_AT_A_TIME):
                yield from some
        except sqlite3.Error as problem:
            raise LogUnreadable(str(problem)) from problem

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


def _postgresql(address: str, schema_name: str) -> Connection:
    try:
        import psycopg  # noqa: F401
    except ImportError as missing:
        raise LogUnreadable("this needs psycopg: pip install 'ixproxy[postgresql]'") from missing
    return _Postgresql(address, schema_name)


class _Postgresql:
    def __init__(self, address: str, schema_name: str) -> None:
        import psycopg
        from psycopg import sql

        self._error: type[Exception] = psycopg.Error
        self._cursors = count()
        try:
            self._connection = psycopg.connect(address, connect_timeout=10)
        except psycopg.Error as problem:
            raise LogUnreachable(_first_line(problem)) from problem
        self._connection.read_only = True
        self._connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        try:
            if schema_name:
                path = sql.SQL("SET LOCAL search_path TO {}").format(sql.Identifier(schema_name))
                self._connection.execute(path)
        except psycopg.Error as problem:
            self.close()
            raise LogUnreadable(_first_line(problem)) from problem

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> Iterator[Row]:
        """The rows of a query, from a cursor at the server."""
        cursor = self._connection.cursor(name=f"report{next(self._cursors)}")
        cursor.itersize = ROWS_AT_A_TIME
        try:
            # The statements are ours, written in this package.
            cursor.execute(cast(Any, sql.replace("?", "%s")), parameters)
            yield from cursor
        except self._error as problem:
            raise LogUnreadable(_first_line(problem)) from problem
        finally:
            # Whoever stops in the middle may have closed the connection before.
            with suppress(self._error):
                cursor.close()

    def close(self) -> None:
        """Let go of the session."""
        self._connection.close()


def _first_line(problem: Exception) -> str:
    return str(problem).partition("\n")[0] or type(problem).__name__
