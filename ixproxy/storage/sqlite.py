"""
A node's store on SQLite, durable in WAL mode with `synchronous=FULL`.

Theory of operation: one connection writes, in the node's writer thread; every
transaction writes the batch mark and makes sure that the epoch is still its
own. A commit that fails has happened or has not, and SQLite cannot always
say: then the database is opened again and the mark tells. Readers have
connections of their own.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from zope.interface import implementer

from ixproxy.errors import CommitUncertain, ConfigError, LeaseLost, StorageError
from ixproxy.interfaces import ILease, IStore
from ixproxy.node.rows import InteractionRow, Row
from ixproxy.node.selections import Selection
from ixproxy.node.sql_text import Dialect, quoted_name
from ixproxy.node.view_indexes import NAME_PREFIX
from ixproxy.storage import statements
from ixproxy.storage.columns import all_columns
from ixproxy.storage.reading import OUTBOX_CONSUMERS, Reading
from ixproxy.storage.selecting import view_index
from ixproxy.storage.sqlite_errors import BORDER, certain, storage_error
from ixproxy.storage.sqlite_places import SqliteFile, SqliteMemory, SqlitePlace
from ixproxy.storage.sqlite_reader import SqliteReader, reading
from ixproxy.values import MAX_EPOCH

SCHEME = "sqlite:"
COLUMN_TYPES = {"string": "TEXT", "number": "NUMERIC", "timestamp": "REAL"}


def make(settings: Mapping[str, object]) -> SqliteStore:
    """
    The store at `settings["address"]`: `sqlite:/path/to/file.db` or `sqlite::memory:`.

    :param settings: see `ixproxy.interfaces.IStoreMaker.make`.
    :raise ConfigError: the address or a kind of column is not usable.
    """
    address = settings.get("address")
    if not isinstance(address, str) or not address.startswith(SCHEME) or address == SCHEME:
        raise ConfigError(f"expected sqlite:/path/to/file.db or sqlite::memory:, not {address!r}")
    custom = settings.get("custom_columns", {})
    if not isinstance(custom, Mapping):
        raise ConfigError(f"custom_columns: expected a table, not {custom!r}")
    path = address.removeprefix(SCHEME)
    place = SqliteMemory() if path == ":memory:" else SqliteFile(path)
    return SqliteStore(place, {str(name): str(kind) for name, kind in custom.items()})


@implementer(IStore)
class SqliteStore:
    """
    See `IStore`.

    :param place: the file or memory where the database lies.
    :param custom: columns of custom properties and their kinds.
    :raise ConfigError: a kind is not known.
    """

    dialect: Dialect = "sqlite"

    def __init__(self, place: SqlitePlace, custom: Mapping[str, str] | None = None) -> None:
        self._place = place
        self._custom = dict(custom or {})
        for name, kind in self._custom.items():
            if kind not in COLUMN_TYPES:
                raise ConfigError(f"column {name}: no such kind as {kind!r}")
        self._columns = all_columns(list(self._custom))
        self._connection: sqlite3.Connection | None = None
        self._reading: Reading | None = None
        self._epoch = 0
        self._event_number = 0
        self._queue_seq = 0
        self._begun = False
        self._abandoned = False

    def lease(self) -> ILease:
        """See `IStore`."""
        return self._place.lease()

    def abandon(self) -> None:
        """See `IStore`."""
        self._abandoned = True
        connection = self._connection
        if connection is not None:
            with suppress(sqlite3.ProgrammingError):  # its own thread closed it just now
                self._place.abandon(connection)

    def open(self, now: float) -> int:
        """See `IStore`."""
        if self._connection is not None:
            raise StorageError(f"{self._place.name} is open already")
        self._still_ours()
        connection = self._place.open()
        try:
            self._add_custom_columns(connection)
            self._begin_lease(connection, now)
        except BORDER as problem:
            self._place.release(connection)
            raise storage_error(problem, f"opening {self._place.name}") from problem
        except BaseException:
            self._place.release(connection)
            raise
        self._use(connection)
        return self._epoch

    def close(self) -> None:
        """See `IStore`."""
        self.rollback()
        connection, self._connection, self._reading = self._connection, None, None
        if connection is not None:
            self._place.release(connection)

    def last_event_number(self) -> int:
        """See `IStore`."""
        return self._event_number

    def last_queue_seq(self) -> int:
        """See `IStore`."""
        return self._queue_seq

    def begin(self) -> None:
        """See `IStore`."""
        connection = self._open_connection()
        self._still_ours()
        self._place.guard.__enter__()
        self._begun = True
        try:
            connection.execute("BEGIN IMMEDIATE")
        except BORDER as problem:
            self._end()
            raise storage_error(problem, "beginning a transaction") from problem

    def write(self, puts: Sequence[Any], deletes: Sequence[tuple[str, tuple[Any, ...]]]) -> None:
        """See `IStore`; of one call, deletes come first."""
        connection = self._open_connection()
        put: defaultdict[str, list[Row]] = defaultdict(list)
        gone: defaultdict[str, list[tuple[Any, ...]]] = defaultdict(list)
        for row in puts:
            put[row.table].append(row)
            if isinstance(row, InteractionRow) and row.queue_seq > self._queue_seq:
                self._queue_seq = row.queue_seq
        for table, key in deletes:
            gone[table].append(key)
        table = ""
        try:
            for table, keys in gone.items():
                key_columns = self._columns[table].key
                for some in statements.in_chunks(keys, len(key_columns)):
                    text = statements.delete(table, key_columns, len(some))
                    connection.execute(text, statements.flat(some))
            for table, rows in put.items():
                columns = self._columns[table]
                stored = list(map(columns.values, rows))
                for part in statements.in_chunks(stored, len(columns.names)):
                    connection.execute(statements.put(columns, len(part)), statements.flat(part))
        except BORDER as problem:
            raise storage_error(problem, f"writing {table}") from problem

    def commit(self, last_event_number: int) -> None:
        """See `IStore`; a newer lease of another server raises `LeaseLost`."""
        connection = self._open_connection()
        try:
            marked = connection.execute(
                "UPDATE meta SET last_event_number = ?, "
                "last_queue_seq = max(last_queue_seq, ?) WHERE epoch = ?",
                (last_event_number, self._queue_seq, self._epoch),
            )
            if marked.rowcount != 1:
                raise LeaseLost(f"{self._place.name} was taken over by another server")
            self._still_ours()
        except LeaseLost:
            self.rollback()
            raise
        except BORDER as problem:
            self.rollback()
            raise storage_error(problem, "writing the batch mark") from problem
        try:
            connection.execute("COMMIT")
        except BORDER as problem:
            if certain(problem):
                self.rollback()
                raise storage_error(problem, "committing") from problem
            self._end()
            raise CommitUncertain(str(storage_error(problem, "committing"))) from problem
        self._event_number = last_event_number
        self._end()

    def rollback(self) -> None:
        """See `IStore`."""
        connection = self._connection
        try:
            if connection is not None and connection.in_transaction:
                connection.execute("ROLLBACK")
        except BORDER as problem:
            raise storage_error(problem, "rolling back") from problem
        finally:
            self._end()

    def reopen(self) -> int:
        """See `IStore`."""
        connection, self._connection, self._reading = self._connection, None, None
        try:
            self._still_ours()
            if connection is not None:
                self._place.release(connection)
            connection = self._place.connect()
        except BORDER as problem:
            raise storage_error(problem, f"opening {self._place.name} again") from problem
        try:
            # Pages of a failed sync may be in memory only: have them written anew.
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            self._use(connection)
        except BORDER as problem:
            self._place.release(connection)
            raise storage_error(problem, f"opening {self._place.name} again") from problem
        except StorageError:
            self._place.release(connection)
            raise
        return self._event_number

    def fetch(self, table: str, keys: Iterable[tuple[Any, ...]]) -> list[Any]:
        """See `IStore`."""
        return self._open_reading().fetch(table, self._columns[table].key, list(keys))

    def fetch_by(self, table: str, column: str, values: Iterable[Any]) -> list[Any]:
        """See `IStore`."""
        return self._open_reading().fetch(table, (column,), [(value,) for value in values])

    def due_timers(self, now: float, limit: int) -> list[Any]:
        """See `IStore`."""
        return self._rows("timers", "WHERE due_at <= ? ORDER BY due_at LIMIT ?", now, limit)

    def next_due(self) -> float | None:
        """See `IStore`."""
        (earliest,) = self._ask("SELECT min(due_at) FROM timers").fetchone()
        return None if earliest is None else float(earliest)

    def expire_receipts(self, created_before: float, limit: int) -> int:
        """See `IStore`."""
        return self._expire("receipts", "created_at < ?", "created_at", created_before, limit)

    def expire_documents(self, kept_until: float, limit: int) -> int:
        """See `IStore`."""
        return self._expire("documents", "kept_until <= ?", "kept_until", kept_until, limit)

    def newest(self, submitted_by: str, external_ids: Iterable[str], limit: int) -> list[Any]:
        """See `IStore`."""
        return self._open_reading().newest(submitted_by, list(external_ids), limit)

    def select(self, selection: Selection, now: float) -> list[Any]:
        """See `IStore`."""
        return self._open_reading().select(selection, now)

    def members(self, snapshot_id: int, start: int, limit: int) -> list[Any]:
        """See `IStore`."""
        return self._open_reading().members(snapshot_id, start, limit)

    def count(self, selection: Selection, now: float) -> int:
        """See `IStore`."""
        return self._open_reading().count(selection, now)

    def counts(self) -> list[tuple[int, str, str, int, int, int]]:
        """See `IStore`."""
        return self._ask(
            "SELECT tenant_id, media_type, queue, state, count(*), "
            "sum(is_locked = 0 AND is_held = 0) "
            "FROM interactions GROUP BY tenant_id, media_type, queue, state"
        ).fetchall()

    def outbox(self, consumer: str, limit: int, after: int = 0) -> list[Any]:
        """See `IStore`."""
        rest = "WHERE consumer = ? AND event_number > ? ORDER BY event_number LIMIT ?"
        return self._rows("outbox", rest, consumer, after, limit)

    def outbox_size(self, consumer: str) -> int:
        """See `IStore`."""
        asked = self._ask("SELECT count(*) FROM outbox WHERE consumer = ?", consumer)
        return int(asked.fetchone()[0])

    def newest_outbox(self, consumer: str) -> Any | None:
        """See `IStore`."""
        rest = "WHERE consumer = ? ORDER BY event_number DESC LIMIT 1"
        return next(iter(self._rows("outbox", rest, consumer)), None)

    def outbox_consumers(self) -> list[str]:
        """See `IStore`."""
        return [name for (name,) in self._ask(OUTBOX_CONSUMERS)]

    def prepare_views(self, selections: Sequence[tuple[str, Any]]) -> None:
        """See `IStore`; views with equal indexes share one."""
        indexes = [view_index(selection) for _, selection in selections]
        wanted = {index.name: index.ddl() for index in indexes}
        found = self._ask(
            "SELECT name FROM sqlite_master WHERE type = 'index' AND substr(name, 1, ?) = ?",
            len(NAME_PREFIX),
            NAME_PREFIX,
        ).fetchall()
        there = {name for (name,) in found}
        connection = self._open_connection()
        try:
            for name in sorted(there - wanted.keys()):
                connection.execute(f"DROP INDEX {quoted_name(name)}")
            for name in sorted(wanted.keys() - there):
                connection.execute(wanted[name])
        except BORDER as problem:
            raise storage_error(problem, "making the indexes of views") from problem

    def reader(self) -> SqliteReader:
        """See `IStore`."""
        try:
            return SqliteReader(self._place, self._columns)
        except BORDER as problem:
            raise storage_error(problem, f"opening {self._place.name} to read") from problem

    def _add_custom_columns(self, connection: sqlite3.Connection) -> None:
        there = {line[1] for line in connection.execute("PRAGMA table_info(interactions)")}
        for name, kind in self._custom.items():
            if name not in there:
                connection.execute(
                    f"ALTER TABLE interactions ADD COLUMN {quoted_name(name)} {COLUMN_TYPES[kind]}"
                )

    def _begin_lease(self, connection: sqlite3.Connection, now: float) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            (stored,) = connection.execute("SELECT epoch FROM meta").fetchone()
            epoch = self._place.next_epoch(stored)
            if epoch > MAX_EPOCH:
                raise StorageError(f"epoch {epoch} is too high: at most {MAX_EPOCH} leases")
            # First beside the database, so that a restored one never repeats an epoch.
            self._place.remember_epoch(epoch)
            connection.execute("UPDATE meta SET epoch = ?", (epoch,))
            connection.execute("UPDATE sessions SET lost_at = ? WHERE lost_at IS NULL", (now,))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self._epoch = epoch

    def _use(self, connection: sqlite3.Connection) -> None:
        epoch, number, queue_seq = connection.execute(
            "SELECT epoch, last_event_number, last_queue_seq FROM meta"
        ).fetchone()
        if epoch != self._epoch:
            raise LeaseLost(f"{self._place.name} was taken over by another server")
        self._event_number, self._queue_seq = number, queue_seq
        self._connection = connection
        self._reading = reading(connection, self._columns)

    def _still_ours(self) -> None:
        """:raise LeaseLost: we gave it up."""
        if self._abandoned:
            raise LeaseLost(f"{self._place.name} was given up")

    def _end(self) -> None:
        if self._begun:
            self._begun = False
            self._place.guard.__exit__(None, None, None)

    def _open_connection(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StorageError(f"{self._place.name} is not open")
        return self._connection

    def _open_reading(self) -> Reading:
        if self._reading is None:
            raise StorageError(f"{self._place.name} is not open")
        return self._reading

    def _rows(self, table: str, rest: str, *variables: Any) -> list[Row]:
        columns = self._columns[table]
        names = ", ".join(columns.names)
        found = self._ask(f"SELECT {names} FROM {table} {rest}", *variables).fetchall()
        return list(map(columns.row, found))

    def _expire(self, table: str, old: str, age: str, *variables: Any) -> int:
        key = ", ".join(self._columns[table].key)
        some = f"SELECT {key} FROM {table} WHERE {old} ORDER BY {age} LIMIT ?"
        return self._ask(f"DELETE FROM {table} WHERE ({key}) IN ({some})", *variables).rowcount

    def _ask(self, text: str, *variables: Any) -> sqlite3.Cursor:
        try:
            return self._open_connection().execute(text, variables)
        except BORDER as problem:
            raise storage_error(problem, f"asking {self._place.name}") from problem
