"""
An event log in a PostgreSQL database, which nodes may share.

Theory of operation: a batch is one round trip: BEGIN, the rows of each table as arrays of
columns, how far the node is, COMMIT. The first statement fails where the tables are no longer
those that this program knows, and nothing behind it happens. All who store take tables and
rows in the same order, so that none waits for another that waits for it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from ixproxy.errors import ConfigError, ConfigProblem, StorageError
from ixproxy.eventlog import sql_texts
from ixproxy.eventlog.addresses import POSTGRESQL, read_address, with_schema
from ixproxy.eventlog.custom_fields import TYPES
from ixproxy.eventlog.fitting import fitting
from ixproxy.eventlog.postgresql_tables import prepare, version_of
from ixproxy.eventlog.rows import Rows, Values, column_names
from ixproxy.eventlog.schemas import (
    CUSTOM,
    DROPPED,
    EVENT_TABLES,
    INTERACTION,
    built_in,
    check_version,
    tables,
)
from ixproxy.eventlog.settings import TableSettings, read_settings
from ixproxy.eventlog.table_log import TableLog
from ixproxy.storage.postgresql_arrays import Array, Bigints, Doubles, Texts, arrays
from ixproxy.storage.postgresql_dial import Dial
from ixproxy.storage.postgresql_errors import BORDER, state_of
from ixproxy.storage.postgresql_session import Place, Said, Session
from ixproxy.storage.schemas import Schema

_KINDS: dict[str, type[Array]] = {"TEXT": Texts, "INTEGER": Bigints, "REAL": Doubles}
_FIVE = "VALUES (%s, %s, %s, %s, %s)"
_SETTINGS = ("SET lock_timeout = 10000",)

# Where the version is another one it divides by zero, and all that follows fails with it.
_SAME_VERSION = "SELECT 1 / (version = %s)::int FROM log_schema"
_DIVISION = "22012"

# What a value may be the reason for, by the first two characters of SQLSTATE; 54: too long for
# an index.
_OF_VALUES = ("22", "23", "54")


def make(settings: Mapping[str, object]) -> TableLog:
    """
    The log at `settings["address"]`, a libpq URI: `postgresql://user@host:port/database`.

    :param settings: a table of `event-logs`, without what the node itself serves.
    :raise ConfigError: all that is wrong with it.
    """
    read = read_settings(settings, "schema-name")
    try:
        kind, address, schema_name = read_address(read.address, read.schema_name)
        if kind != POSTGRESQL:
            raise ValueError("expected postgresql://user@host:port/database")
        place = Place(address)
    except ValueError as problem:
        raise ConfigError([ConfigProblem("", "address", str(problem))]) from problem
    read = read._replace(schema_name=schema_name)
    return TableLog(PostgresqlTables(place, read), read)


class PostgresqlTables:
    """
    See `Tables`.

    :param place: of the database.
    """

    kind = "postgresql"

    def __init__(self, place: Place, settings: TableSettings, schema: Schema | None = None) -> None:
        self.name = with_schema(place.name, settings.schema_name)
        self._place = place
        self._settings = settings
        self._schema = schema or built_in("postgresql")
        self._session: Session | None = None
        self._dial = Dial()
        own = [_KINDS[TYPES[field.type]] for field in settings.fields]
        self._kinds: dict[str, list[type[Array]]] = {}
        self._inserts: dict[str, str] = {}
        for table in EVENT_TABLES:
            names = column_names(table, settings.fields)
            kinds = [_KINDS[column.kind] for column in tables()[table].columns]
            self._kinds[table] = kinds + (own if table in (INTERACTION, CUSTOM) else [])
            self._inserts[table] = sql_texts.insert(table, names, _unnested(len(names)))
        self._kinds[DROPPED] = [_KINDS[column.kind] for column in tables()[DROPPED].columns]
        self._insert_dropped = sql_texts.insert_dropped(_unnested(8))
        self._mark_stored = sql_texts.mark_stored(_FIVE)
        self._mark_rest = sql_texts.mark_rest(_FIVE)

    def open(self) -> None:
        """See `Tables`."""
        if self._session is not None and not self._session.broken:
            return
        self.close()
        session = self._place.connect(*_SETTINGS, known=self._known, dial=self._dial)
        try:
            named = self._settings.schema_name
            prepare(session, self._schema, self._settings.fields, self._settings.deleting, named)
        except BaseException:
            self.close()
            raise

    def store(self, rows: Rows, node: str, dbid: int) -> int:
        """See `Tables`."""
        with self._closing("storing in"):
            try:
                return self._store(rows, node, dbid)
            except BORDER as problem:
                if not _of_values(problem):
                    raise
                # One row that the database cannot take must not keep all others from it.
                self._undo()
                return self._store(fitting(rows, self._settings.fields), node, dbid)

    def rest(self, time: float, node: str, dbid: int) -> None:
        """See `Tables`."""
        with self._closing("marking"):
            self._transact([Said(self._mark_rest, (dbid, node, 0, 0, time))])

    def close(self) -> None:
        """See `Tables`."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def shut(self) -> None:
        """See `Tables`."""
        self._dial.give_up()
        session = self._session
        if session is not None:
            session.shut()

    def _known(self, session: Session) -> None:
        self._session = session

    def _store(self, rows: Rows, node: str, dbid: int) -> int:
        said = [
            Said(self._inserts[table], self._arrays(table, found))
            for table, found in rows.events.items()
            if found
        ]
        if rows.dropped:
            said.append(Said(self._insert_dropped, self._arrays(DROPPED, rows.dropped)))
        mark = (dbid, node, rows.epoch, rows.number, rows.time)
        cursors = self._transact([*said, Said(self._mark_stored, mark)])
        return sum(cursor.rowcount for cursor in cursors[: len(said)])

    def _arrays(self, table: str, rows: Sequence[Values]) -> list[Array]:
        # A gap's events are sorted already, as are the events of a batch.
        return arrays(self._kinds[table], rows)

    def _transact(self, said: Sequence[Said]) -> list[psycopg.Cursor[Any]]:
        """
        All of it or nothing; what was found.

        :raise StorageError: another program has made a newer version of the tables.
        :raise Exception: one of BORDER.
        """
        session = self._session
        if session is None:
            raise StorageError(f"{self.name} is not open")
        first = (Said("BEGIN"), Said(_SAME_VERSION, (self._schema.version,)))
        cursors: list[psycopg.Cursor[Any]] = []
        try:
            session.trip(*first, *said, Said("COMMIT"), into=cursors)
        except psycopg.Error as problem:
            if state_of(problem) == _DIVISION:
                self._undo()
                check_version(self.name, version_of(session), self._schema.version)
            raise
        if cursors[-1].statusmessage != "COMMIT":
            raise StorageError(f"{self.name}: the transaction was rolled back")
        return cursors[len(first) : -1]

    def _undo(self) -> None:
        session = self._session
        if session is not None and not session.broken and session.in_transaction:
            session.run("ROLLBACK")

    @contextmanager
    def _closing(self, doing: str) -> Iterator[None]:
        """Whatever goes wrong closes the session, and is said in words."""
        try:
            yield
        except BORDER as problem:
            self.close()
            raise self._place.problem(problem, doing) from problem
        except BaseException:
            self.close()
            raise


def _of_values(problem: BaseException) -> bool:
    if isinstance(problem, psycopg.Error):
        return (state_of(problem) or "").startswith(_OF_VALUES)
    return isinstance(
        problem, struct.error | UnicodeError | ValueError | TypeError | AttributeError
    )


def _unnested(number: int) -> str:
    return f"SELECT * FROM unnest({', '.join(['%s'] * number)})"
