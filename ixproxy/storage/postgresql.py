"""
A node's store on PostgreSQL.

Theory of operation: one session writes, in the node's writer thread (see
`postgresql_writer`); every statement that is waited for costs a round trip, so
there are few. BEGIN travels with the first statement of a transaction, all
rows of a batch with their deletions in one trip, the batch mark and COMMIT in
another. With these comes the answer to when the next timer is due: nobody else
writes, so it holds until we do. Readers have sessions of their own.

A session that breaks outside of a commit costs the transaction in hand; the
next one begins with another session, if the right to write is still ours.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from zope.interface import implementer

from ixproxy.errors import ConfigError, LeaseLost, StorageError
from ixproxy.interfaces import ILease, IStore
from ixproxy.node.rows import InteractionRow, Row
from ixproxy.node.selections import Selection
from ixproxy.node.sql_text import Dialect, quoted_name
from ixproxy.node.view_indexes import NAME_PREFIX
from ixproxy.storage.columns import all_columns
from ixproxy.storage.postgresql_errors import BORDER, storage_error
from ixproxy.storage.postgresql_lease import PostgresqlLease
from ixproxy.storage.postgresql_reader import PostgresqlQuestions, PostgresqlReader
from ixproxy.storage.postgresql_schema import (
    COLUMN_TYPES,
    add_custom_columns,
    built_in,
    prepare,
)
from ixproxy.storage.postgresql_session import Place, Said
from ixproxy.storage.postgresql_statements import TableStatements
from ixproxy.storage.postgresql_writer import Marks, Writer
from ixproxy.storage.reading import OUTBOX_CONSUMERS, Reading
from ixproxy.storage.schemas import Schema
from ixproxy.storage.selecting import view_index

SCHEME = "postgresql:"

_NEXT_DUE = Said("SELECT min(due_at) FROM timers")


def make(settings: Mapping[str, object]) -> PostgresqlStore:
    """
    The store at `settings["address"]`, a libpq URI: `postgresql://user@host:port/database`.

    :param settings: see `ixproxy.interfaces.IStoreMaker.make`.
    :raise ConfigError: the address or a kind of column is not usable.
    """
    address = settings.get("address")
    if not isinstance(address, str) or not address.startswith(SCHEME):
        raise ConfigError("expected postgresql://user@host:port/database")
    custom = settings.get("custom_columns", {})
    if not isinstance(custom, Mapping):
        raise ConfigError(f"custom_columns: expected a table, not {custom!r}")
    try:
        place = Place(address)
    except ValueError as problem:
        raise ConfigError(str(problem)) from problem
    return PostgresqlStore(place, {str(name): str(kind) for name, kind in custom.items()})


@implementer(IStore)
class PostgresqlStore:
    """
    See `IStore`.

    :param place: the address of the database.
    :param custom: columns of custom properties and their kinds.
    :raise ConfigError: a kind is not known.
    """

    dialect: Dialect = "postgresql"

    def __init__(
        self, place: Place, custom: Mapping[str, str] | None = None, schema: Schema | None = None
    ) -> None:
        self._place = place
        self._custom = dict(custom or {})
        for name, kind in self._custom.items():
            if kind not in COLUMN_TYPES:
                raise ConfigError(f"column {name}: no such kind as {kind!r}")
        self._schema = schema or built_in()
        self._columns = all_columns(list(self._custom))
        self._statements = {
            table: TableStatements(columns, self._custom if table == "interactions" else {})
            for table, columns in self._columns.items()
        }
        self._reading = Reading(
            PostgresqlQuestions(self._trip, lambda: self._begun, self._statements), self._columns
        )
        self._lease: PostgresqlLease | None = None
        self._writer: Writer | None = None
        self._marks = Marks(0, 0)
        self._queue_seq = 0
        self._begun = False
        self._begin_is_due = False
        self._wrote = False
        self._due: float | None = None
        self._due_known = False
        self._abandoned = False

    def lease(self) -> ILease:
        """See `IStore`."""
        if self._lease is None:
            self._lease = PostgresqlLease(self._place, self._schema)
        return self._lease

    def abandon(self) -> None:
        """See `IStore`."""
        self._abandoned = True
        lease, writer = self._lease, self._writer
        if writer is not None:
            writer.abandon()
        if lease is not None:
            lease.abandon()

    def open(self, now: float) -> int:
        """See `IStore`."""
        if self._writer is not None:
            raise StorageError(f"{self._place.name} is open already")
        lease = self._lease
        writer = self._writer = Writer(self._place) if lease is None else lease.adopted()
        try:
            if self._abandoned:
                raise LeaseLost(f"{self._place.name} was given up")
            if lease is None:
                writer.connect()
            prepare(writer.session, self._schema)
            add_custom_columns(writer.session, self._custom)
            self._use(writer.begin_lease(now))
        except BORDER as problem:
            self._close()
            raise storage_error(problem, f"opening {self._place.name}") from problem
        except BaseException:
            self._close()
            raise
        return writer.epoch

    def close(self) -> None:
        """See `IStore`."""
        with suppress(StorageError):
            self.rollback()
        self._close()

    def last_event_number(self) -> int:
        """See `IStore`."""
        return self._marks.event_number

    def last_queue_seq(self) -> int:
        """See `IStore`."""
        return self._queue_seq

    def begin(self) -> None:
        """
        See `IStore`; goes on with another session if the last one has broken.

        :raise LeaseLost: that could not be, or what was committed is lost.
        """
        writer = self._open_writer()
        if writer.abandoned:
            raise LeaseLost(f"{self._place.name} was given up")
        if writer.session.broken:
            before = self._marks.event_number
            try:
                self._use(writer.renew())
            except LeaseLost:
                raise
            except StorageError as problem:
                raise LeaseLost(f"the database is gone: {problem}") from problem
            if self._marks.event_number != before:
                raise LeaseLost(f"{self._place.name} is not as it was: it has other commits")
        self._begun = self._begin_is_due = True
        self._wrote = False

    def write(self, puts: Sequence[Any], deletes: Sequence[tuple[str, tuple[Any, ...]]]) -> None:
        """See `IStore`; of one call, deletes come first."""
        put: defaultdict[str, dict[tuple[Any, ...], Row]] = defaultdict(dict)
        gone: defaultdict[str, list[tuple[Any, ...]]] = defaultdict(list)
        for row in puts:
            put[row.table][row.key] = row
            if isinstance(row, InteractionRow) and row.queue_seq > self._queue_seq:
                self._queue_seq = row.queue_seq
        for table, key in deletes:
            gone[table].append(key)
        table, said = "", []
        try:
            for table, keys in gone.items():
                if delete := self._statements[table].delete(keys):
                    said.append(delete)
            for table, rows in put.items():
                values = list(map(self._columns[table].values, rows.values()))
                said.append(self._statements[table].put(values))
        except BORDER as problem:
            raise storage_error(problem, f"writing {table}") from problem
        self._due_known = False
        self._wrote = True
        if said:
            try:
                self._trip(*said)
            except BORDER as problem:
                raise storage_error(problem, f"writing {', '.join({*gone, *put})}") from problem

    def commit(self, last_event_number: int) -> None:
        """See `IStore`; a newer lease of another server raises `LeaseLost`."""
        writer = self._open_writer()
        try:
            found = writer.commit(
                last_event_number,
                self._queue_seq,
                _NEXT_DUE,
                first=self._first(),
            )
        except StorageError:
            with suppress(StorageError):
                self.rollback()
            raise
        self._marks = Marks(last_event_number, self._queue_seq)
        self._begun = self._begin_is_due = False
        self._due_known = bool(found)
        if found:
            ((self._due,),) = found[0].fetchall()

    def rollback(self) -> None:
        """See `IStore`."""
        begun, due = self._begun, self._begin_is_due
        self._begun = self._begin_is_due = False
        if not begun or due or self._writer is None:
            return
        self._due_known = False
        session = self._writer.session
        try:
            if session.in_transaction:
                # psycopg forgets all prepared statements with a ROLLBACK.
                session.trip(Said("ROLLBACK" if self._wrote else "COMMIT"))
        except BORDER:
            # With its session the transaction is gone, too.
            session.close()

    def reopen(self) -> int:
        """See `IStore`."""
        writer = self._open_writer()
        self._begun = self._begin_is_due = False
        before = self._marks.event_number
        try:
            self._use(writer.renew())
            if self._marks.event_number < before:
                raise LeaseLost(f"{self._place.name} is not as it was: it has lost commits")
        except StorageError:
            self._close()
            raise
        return self._marks.event_number

    def fetch(self, table: str, keys: Iterable[tuple[Any, ...]]) -> list[Any]:
        """See `IStore`."""
        return self._reading.fetch(table, self._columns[table].key, list(keys))

    def fetch_by(self, table: str, column: str, values: Iterable[Any]) -> list[Any]:
        """See `IStore`."""
        return self._reading.fetch(table, (column,), [(value,) for value in values])

    def due_timers(self, now: float, limit: int) -> list[Any]:
        """See `IStore`; nothing is asked when it is known that none is due."""
        if self._due_known and (self._due is None or self._due > now):
            return []
        return self._rows("timers", "WHERE due_at <= %s ORDER BY due_at LIMIT %s", now, limit)

    def next_due(self) -> float | None:
        """See `IStore`; known from the last commit, if nothing was written since."""
        if not self._due_known:
            ((self._due,),) = self._ask(_NEXT_DUE.text)
            self._due_known = not self._begun
        return self._due

    def expire_receipts(self, created_before: float, limit: int) -> int:
        """See `IStore`."""
        return self._expire("receipts", "created_at < %s", "created_at", created_before, limit)

    def expire_documents(self, kept_until: float, limit: int) -> int:
        """See `IStore`."""
        return self._expire("documents", "kept_until <= %s", "kept_until", kept_until, limit)

    def newest(self, submitted_by: str, external_ids: Iterable[str], limit: int) -> list[Any]:
        """See `IStore`."""
        return self._reading.newest(submitted_by, list(external_ids), limit)

    def select(self, selection: Selection, now: float) -> list[Any]:
        """See `IStore`."""
        return self._reading.select(selection, now)

    def members(self, snapshot_id: int, start: int, limit: int) -> list[Any]:
        """See `IStore`."""
        return self._reading.members(snapshot_id, start, limit)

    def count(self, selection: Selection, now: float) -> int:
        """See `IStore`."""
        return self._reading.count(selection, now)

    def counts(self) -> list[tuple[int, str, str, int, int, int]]:
        """See `IStore`."""
        return self._ask(
            "SELECT tenant_id, media_type, queue, state, count(*), "
            "count(*) FILTER (WHERE is_locked = 0 AND is_held = 0) "
            "FROM interactions GROUP BY tenant_id, media_type, queue, state"
        )

    def outbox(self, consumer: str, limit: int, after: int = 0) -> list[Any]:
        """See `IStore`."""
        rest = "WHERE consumer = %s AND event_number > %s ORDER BY event_number LIMIT %s"
        return self._rows("outbox", rest, consumer, after, limit)

    def outbox_size(self, consumer: str) -> int:
        """See `IStore`."""
        ((size,),) = self._ask("SELECT count(*) FROM outbox WHERE consumer = %s", consumer)
        return int(size)

    def newest_outbox(self, consumer: str) -> Any | None:
        """See `IStore`."""
        rest = "WHERE consumer = %s ORDER BY event_number DESC LIMIT 1"
        return next(iter(self._rows("outbox", rest, consumer)), None)

    def outbox_consumers(self) -> list[str]:
        """See `IStore`."""
        return [name for (name,) in self._ask(OUTBOX_CONSUMERS)]

    def prepare_views(self, selections: Sequence[tuple[str, Any]]) -> None:
        """See `IStore`; views with equal indexes share one."""
        indexes = [view_index(selection) for _, selection in selections]
        wanted = {index.name: index.ddl("postgresql") for index in indexes}
        there = {
            name
            for (name,) in self._ask(
                "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() "
                "AND tablename = 'interactions' AND starts_with(indexname, %s)",
                NAME_PREFIX,
            )
        }
        said = [f"DROP INDEX {quoted_name(name)}" for name in sorted(there - wanted.keys())]
        said += [wanted[name] for name in sorted(wanted.keys() - there)]
        try:
            if said:
                self._open_writer().session.run("; ".join(said))
        except BORDER as problem:
            raise storage_error(problem, "making the indexes of views") from problem

    def reader(self) -> PostgresqlReader:
        """See `IStore`."""
        return PostgresqlReader(self._place, self._columns, self._statements)

    def _use(self, marks: Marks) -> None:
        self._marks = marks
        self._queue_seq = marks.queue_seq
        self._due_known = False

    def _close(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def _open_writer(self) -> Writer:
        if self._writer is None:
            raise StorageError(f"{self._place.name} is not open")
        return self._writer

    def _first(self) -> tuple[Said, ...]:
        """What has to be said before anything else."""
        due, self._begin_is_due = self._begin_is_due, False
        return (Said("BEGIN"),) if due else ()

    def _trip(self, *said: Said) -> list[Any]:
        session = self._open_writer().session
        first = self._first()
        return session.trip(*first, *said)[len(first) :]

    def _rows(self, table: str, rest: str, *variables: Any) -> list[Row]:
        columns = self._columns[table]
        names = ", ".join(map(quoted_name, columns.names))
        return list(map(columns.row, self._ask(f"SELECT {names} FROM {table} {rest}", *variables)))

    def _expire(self, table: str, old: str, age: str, *variables: Any) -> int:
        self._wrote = True
        key = ", ".join(self._columns[table].key)
        some = f"SELECT {key} FROM {table} WHERE {old} ORDER BY {age} LIMIT %s"
        text = f"DELETE FROM {table} WHERE ({key}) IN ({some}) RETURNING 1"
        return len(self._ask(text, *variables))

    def _ask(self, text: str, *variables: Any) -> list[Any]:
        try:
            return list(self._trip(Said(text, variables or None))[0].fetchall())
        except BORDER as problem:
            raise storage_error(problem, f"asking {self._place.name}") from problem
