"""
Databases in which event logs lie, for programs that may block: merges and reports.

Statements are the same for SQLite and PostgreSQL, with `?` for values; neither `?` nor `%` may
stand in them for anything else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from ixproxy.errors import StorageError
from ixproxy.eventlog.addresses import SQLITE, read_address

Row = Sequence[Any]


class LogDatabase(Protocol):
    """
    A connection to one database.

    Every method but `rollback` and `close` raises `StorageError`, in words that name the
    database, and `StoreUnreachable` where its server does not answer.

    :ivar name: its address without secrets, the same however it is written.
    """

    name: str

    def identity(self) -> object:
        """What two connections to the same tables have in common."""

    def columns(self, table: str) -> dict[str, str]:
        """Names of a table's columns to their types: INTEGER, REAL or TEXT; empty: no table."""

    def reading(self, table: str, column: str) -> str:
        """How a column is read as one of those types."""

    def hold(self) -> None:
        """From now on all that is read is of one moment, whatever others write meanwhile."""

    def rows(self, statement: str, values: Row = ()) -> list[Row]:
        """All that a query finds."""

    def pages(self, statement: str, size: int, values: Row = ()) -> Iterator[list[Row]]:
        """What a query finds, so many rows at a time: never all at once."""

    def run(self, statement: str, values: Row = ()) -> int:
        """How many rows a statement has changed."""

    def run_many(self, statement: str, rows: Sequence[Row]) -> int:
        """How many rows a statement has changed, run once for each row of values."""

    def make(self, kind: str) -> None:
        """
        Have the tables of an event log of this kind; what has nothing in it gets them.

        :raise StorageError: it is something else.
        """

    def add_column(self, table: str, name: str, kind: str) -> None:
        """Add a column of one of the three types."""

    def begin(self) -> None:
        """A transaction that writes."""

    def commit(self) -> None:
        """End it."""

    def rollback(self) -> None:
        """Give it up, if there is one; never raises."""

    def close(self) -> None:
        """Never raises."""


def open_database(address: str, *, create: bool = False, schema_name: str = "") -> LogDatabase:
    """
    Connect.

    :param address: see `read_address`.
    :param create: it is written; a file that is not there is made.
    :param schema_name: of an address of PostgreSQL that names none.
    :raise ValueError: no such address is known; the text quotes nothing of it.
    :raise StorageError: it cannot be opened.
    :raise StoreUnreachable: no server answers.
    """
    read = read_address(address, schema_name)
    if read.kind == SQLITE:
        from ixproxy.eventlog.sqlite_database import SqliteDatabase

        return SqliteDatabase(read.place, create=create)
    try:
        from ixproxy.eventlog.postgresql_database import PostgresqlDatabase
    except ImportError as problem:
        raise StorageError("PostgreSQL needs psycopg: install ixproxy[postgresql]") from problem
    return PostgresqlDatabase(read.place, read.schema_name, create=create)
