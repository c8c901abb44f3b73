"""A PostgreSQL database in which an event log lies, for programs that may block."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any, cast

from ixproxy.errors import StorageError, StoreUnreachable
from ixproxy.eventlog.log_databases import Row, statements

try:
    import psycopg
    from psycopg import conninfo, sql
except ImportError as problem:  # pragma: no cover
    raise StorageError("PostgreSQL needs psycopg: install ixproxy[postgresql]") from problem

CONNECTING = 10
"""Seconds."""

_TYPES = {
    "smallint": "INTEGER",
    "integer": "INTEGER",
    "bigint": "INTEGER",
    "real": "REAL",
    "double precision": "REAL",
    "numeric": "REAL",
}
_AS_THEY_ARE = {*_TYPES, "text", "character varying", "character"} - {"numeric"}
_HERE = {"INTEGER": "bigint", "REAL": "double precision", "TEXT": "text"}

_NUMBERS = count(1)


class PostgresqlDatabase:
    """A database of a server; tables are where its search path says."""

    def __init__(self, address: str, *, create: bool = False) -> None:
        try:
            parts = conninfo.conninfo_to_dict(address)
        except psycopg.Error as problem:
            raise ValueError(f"not an address of PostgreSQL: {problem}") from problem
        shown = {name: parts.get(name) for name in ("host", "port", "dbname", "options")}
        place = f"{shown['host'] or ''}:{shown['port'] or 5432}/{shown['dbname'] or ''}"
        self.name = f"postgresql://{place}" + (f" {shown['options']}" if shown["options"] else "")
        self._types: dict[str, dict[str, str]] = {}
        try:
            self._connection = psycopg.connect(
                address, autocommit=True, connect_timeout=CONNECTING, prepare_threshold=2
            )
            if not create:
                self._connection.execute("SET default_transaction_read_only = on")
        except psycopg.Error as problem:
            raise StoreUnreachable(f"{self.name}: {_text(problem)}") from problem

    def _error(self, problem: Exception) -> StorageError:
        kind = StoreUnreachable if self._connection.closed else StorageError
        return kind(f"{self.name}: {_text(problem)}")

    def identity(self) -> object:
        """Server, database and schema."""
        return self.rows(
            "SELECT pg_postmaster_start_time()::text, current_database()::text, "
            "current_schema()::text"
        )[0]

    def _declared(self, table: str) -> dict[str, str]:
        if not self._types.get(table):
            found = self.rows(
                "SELECT a.attname::text, format_type(a.atttypid, NULL) FROM pg_attribute a "
                "WHERE a.attrelid = to_regclass(?) AND a.attnum > 0 AND NOT a.attisdropped "
                "ORDER BY a.attnum",
                (table,),
            )
            self._types[table] = {row[0]: row[1] for row in found}
        return self._types[table]

    def columns(self, table: str) -> dict[str, str]:
        """As they will be read."""
        return {
            name: "REAL" if declared.startswith("timestamp") else _TYPES.get(declared, "TEXT")
            for name, declared in self._declared(table).items()
        }

    def reading(self, table: str, column: str) -> str:
        """Times become seconds since the epoch; what no other database has becomes text."""
        declared = self._declared(table)[column]
        if declared in _AS_THEY_ARE:
            return f'"{column}"'
        if declared == "numeric":
            return f'"{column}"::double precision'
        if declared.startswith("timestamp"):
            return f'EXTRACT(EPOCH FROM "{column}")::double precision'
        return f'"{column}"::text'

    def rows(self, statement: str, values: Row = ()) -> list[Row]:
        """All that a query finds."""
        try:
            return list(self._connection.execute(_sql(statement), values or None).fetchall())
        except (psycopg.Error, UnicodeError) as problem:
            raise self._error(problem) from problem

    def pages(self, statement: str, size: int) -> Iterable[list[Row]]:
        """Through a cursor of the server, which holds the rest."""
        try:
            with (
                self._connection.transaction(),
                self._connection.cursor(f"pages{next(_NUMBERS)}") as cursor,
            ):
                cursor.execute(_sql(statement))
                while page := cursor.fetchmany(size):
                    yield list(page)
        except (psycopg.Error, UnicodeError) as problem:
            raise self._error(problem) from problem

    def run(self, statement: str, values: Row = ()) -> int:
        """How many rows a statement has changed."""
        try:
            return self._connection.execute(_sql(statement), values or None).rowcount
        except (psycopg.Error, UnicodeError) as problem:
            raise self._error(problem) from problem

    def run_many(self, statement: str, rows: Sequence[Row]) -> int:
        """In few round trips."""
        try:
            with self._connection.cursor() as cursor:
                cursor.executemany(_sql(statement), [_storable(row) for row in rows])
                return cursor.rowcount
        except (psycopg.Error, UnicodeError) as problem:
            raise self._error(problem) from problem

    def script(self, text: str) -> None:
        """With the types and the tables of this kind of database."""
        text = re.sub(r"\b(INTEGER|REAL)\b", lambda found: _HERE[found[1]], text)
        for statement in statements(text.replace("WITHOUT ROWID", "")):
            self.run(statement)
        self._types.clear()

    def begin(self) -> None:
        """A transaction."""
        self.run("BEGIN")

    def commit(self) -> None:
        """End it."""
        self.run("COMMIT")

    def rollback(self) -> None:
        """A lost connection has done it already."""
        try:
            self._connection.rollback()
        except psycopg.Error:
            self.close()

    def close(self) -> None:
        """Say goodbye."""
        self._connection.close()


def _sql(statement: str) -> sql.SQL:
    return sql.SQL(cast(Any, statement.replace("?", "%s")))


def _storable(row: Row) -> list[Any]:
    """Text of PostgreSQL cannot hold a null character, which SQLite's can."""
    return [each.replace("\0", "") if isinstance(each, str) else each for each in row]


def _text(problem: Exception) -> str:
    return " ".join(str(problem).split()) or type(problem).__name__
