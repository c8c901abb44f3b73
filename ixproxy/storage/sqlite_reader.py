"""Reading rows of an SQLite database: by keys, by columns, by selections."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from threading import Event
from typing import Any

from zope.interface import implementer

from ixproxy.errors import StorageError
from ixproxy.interfaces import IStoreReader
from ixproxy.node.rows import Row
from ixproxy.node.selections import Selection
from ixproxy.storage import statements
from ixproxy.storage.columns import Columns
from ixproxy.storage.selecting import Statement, within_segments
from ixproxy.storage.sqlite_errors import BORDER, storage_error
from ixproxy.storage.sqlite_places import SqlitePlace


class Reading:
    """Queries on one connection; the caller sees to transactions and threads."""

    def __init__(self, connection: sqlite3.Connection, columns: Mapping[str, Columns]) -> None:
        self._connection = connection
        self._columns = columns

    def fetch(
        self, table: str, wanted: tuple[str, ...], keys: Sequence[Sequence[Any]]
    ) -> list[Row]:
        """The rows whose `wanted` columns have the values of one of `keys`, each row once."""
        columns = self._columns[table]
        unknown = set(wanted) - set(columns.names)
        if unknown:
            raise StorageError(f"{table} has no column {', '.join(sorted(unknown))}")
        rows: list[Row] = []
        distinct = list(dict.fromkeys(map(tuple, keys)))
        try:
            for piece in statements.in_chunks(distinct, len(wanted)):
                text = statements.fetch(columns, wanted, len(piece))
                found = self._connection.execute(text, statements.flat(piece)).fetchall()
                rows.extend(map(columns.row, found))
        except BORDER as problem:
            raise storage_error(problem, f"reading {table}") from problem
        return rows

    def select(self, selection: Selection, now: float) -> list[Row]:
        """The rows of a selection, in its order."""
        columns = self._columns["interactions"]
        execute = self._connection.execute
        try:
            statement = Statement(selection, columns, now)
            cursor = execute(statement.text, statement.parameters)
            with closing(cursor):
                chosen: Iterable[Any] = cursor
                if selection.segment_limit:
                    out = execute(statement.out(), statement.parameters).fetchall()
                    chosen = within_segments(cursor, selection, columns, out)
                return _rows(chosen, columns, selection.most_bytes)
        except BORDER as problem:
            raise storage_error(problem, "selecting interactions") from problem

    def count(self, selection: Selection, now: float) -> int:
        """How many rows a selection has, its order and limits left out."""
        try:
            statement = Statement(selection, self._columns["interactions"], now)
            (number,) = self._connection.execute(statement.count(), statement.parameters).fetchone()
        except BORDER as problem:
            raise storage_error(problem, "counting interactions") from problem
        return int(number)


def _rows(chosen: Iterable[Any], columns: Columns, most_bytes: int) -> list[Row]:
    """The rows, two at least, until their user data takes more than `most_bytes`; 0: all."""
    if not most_bytes:
        return list(map(columns.row, chosen))
    rows: list[Row] = []
    left = most_bytes
    user_data = columns.names.index("user_data")
    for values in chosen:
        rows.append(columns.row(values))
        left -= len(values[user_data])
        if left < 0 and len(rows) > 1:
            break
    return rows


@implementer(IStoreReader)
class SqliteReader:
    """A connection of its own (in memory: the writer's, in turn with it) that only reads."""

    def __init__(self, place: SqlitePlace, columns: Mapping[str, Columns]) -> None:
        self._place = place
        self._connection = place.connect_reader()
        self._reading = Reading(self._connection, columns)
        self._columns = columns
        self._moment: sqlite3.Connection | None = None
        self._busy = Event()
        self._closed = False

    def begin(self) -> int:
        """See `IStoreReader`."""
        if self._moment is not None:
            raise StorageError("a read of one moment is under way")
        with self._place.guard:
            self._busy.set()
            try:
                self._moment = self._place.begin_moment(self._connection)
                self._reading = Reading(self._moment, self._columns)
                (number,) = self._moment.execute("SELECT last_event_number FROM meta").fetchone()
            except BORDER as problem:
                self.end()
                raise storage_error(problem, "beginning a read") from problem
            finally:
                self._busy.clear()
        return int(number)

    def end(self) -> None:
        """See `IStoreReader`."""
        moment, self._moment = self._moment, None
        if moment is not None:
            self._reading = Reading(self._connection, self._columns)
            try:
                self._place.end_moment(moment)
            except BORDER as problem:
                raise storage_error(problem, "ending a read") from problem

    def select(self, selection: Selection, now: float) -> list[Any]:
        """See `IStoreReader`."""
        with self._place.guard:
            self._busy.set()
            try:
                return self._reading.select(selection, now)
            finally:
                self._busy.clear()

    def fetch_by(self, table: str, column: str, values: Iterable[Any]) -> list[Any]:
        """See `IStoreReader`."""
        with self._place.guard:
            self._busy.set()
            try:
                return self._reading.fetch(table, (column,), [(value,) for value in values])
            finally:
                self._busy.clear()

    def interrupt(self) -> None:
        """See `IStoreReader`."""
        # In memory the connection is the writer's, who must not be interrupted.
        if self._busy.is_set() and not self._closed:
            with suppress(sqlite3.ProgrammingError):  # its own thread closed it just now
                self._connection.interrupt()

    def close(self) -> None:
        """See `IStoreReader`."""
        if not self._closed:
            self._closed = True
            with suppress(StorageError):
                self.end()
            self._place.release(self._connection)
