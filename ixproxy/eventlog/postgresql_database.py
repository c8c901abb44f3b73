"""A PostgreSQL database in which an event log lies, for programs that may block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count

from ixproxy.errors import StoreUnreachable
from ixproxy.eventlog.addresses import with_schema
from ixproxy.eventlog.log_databases import Row
from ixproxy.eventlog.postgresql_tables import COLUMN_TYPES, create, enter, version_of
from ixproxy.eventlog.schemas import built_in, check_version
from ixproxy.node.sql_text import quoted_name
from ixproxy.storage.postgresql_errors import BORDER
from ixproxy.storage.postgresql_session import ONLY_READS, Place

_TYPES = {
    "smallint": "INTEGER",
    "integer": "INTEGER",
    "bigint": "INTEGER",
    "real": "REAL",
    "double precision": "REAL",
    "numeric": "REAL",
}
_AS_THEY_ARE = {*_TYPES, "text", "character varying", "character"} - {"numeric"}

_DECLARED = """
SELECT a.attname::text, format_type(a.atttypid, NULL) FROM pg_attribute a
WHERE a.attrelid = to_regclass(quote_ident(?)) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""

_USUAL = "public"
"""The schema of whoever names none."""


class PostgresqlDatabase:
    """
    See `LogDatabase`.

    :param schema_name: where the tables are; "": in the first schema that the role may use.
    :raise ValueError: it is no address.
    """

    def __init__(self, address: str, schema_name: str = "", *, create: bool = False) -> None:
        place = Place(address, writes=create)
        self.name = with_schema(place.name, schema_name)
        self._types: dict[str, dict[str, str]] = {}
        self._numbers = count(1)
        self._session = place.connect(*(() if create else (ONLY_READS,)))
        try:
            with self._named():
                current = enter(self._session, schema_name)
        except BaseException:
            self.close()
            raise
        self.name = with_schema(place.name, current if current != _USUAL else "")
        self._session.name = self.name

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except BORDER as problem:
            error = self._session.problem(problem, self.name)
            raise (StoreUnreachable(str(error)) if self._session.broken else error) from problem

    def identity(self) -> object:
        """Server, database and schema."""
        return self.rows(
            "SELECT pg_postmaster_start_time()::text, current_database()::text, "
            "current_schema()::text"
        )[0]

    def _declared(self, table: str) -> dict[str, str]:
        if not self._types.get(table):
            self._types[table] = {row[0]: row[1] for row in self.rows(_DECLARED, (table,))}
        return self._types[table]

    def columns(self, table: str) -> dict[str, str]:
        """As they will be read."""
        return {
            name: "REAL" if declared.startswith("timestamp") else _TYPES.get(declared, "TEXT")
            for name, declared in self._declared(table).items()
        }

    def reading(self, table: str, column: str) -> str:
        """Times become seconds since the epoch; what no other database has becomes text."""
        declared, quoted = self._declared(table)[column], quoted_name(column)
        if declared in _AS_THEY_ARE:
            return quoted
        if declared == "numeric":
            return f"{quoted}::double precision"
        if declared.startswith("timestamp"):
            return f"EXTRACT(EPOCH FROM {quoted})::double precision"
        return f"{quoted}::text"

    def hold(self) -> None:
        """The moment is that of what is read first."""
        self.run("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")

    def rows(self, statement: str, values: Row = ()) -> list[Row]:
        """All that a query finds."""
        with self._named():
            return list(self._session.ask(_sql(statement), *values))

    def pages(self, statement: str, size: int, values: Row = ()) -> Iterator[list[Row]]:
        """Through a cursor of the server, which holds the rest."""
        name, own = f"pages{next(self._numbers)}", not self._session.in_transaction
        if own:
            self.run("BEGIN")
        try:
            with self._named():
                self._session.ask(f"DECLARE {name} CURSOR FOR {_sql(statement)}", *values)
            while page := self.rows(f"FETCH {size} FROM {name}"):
                yield page
        finally:
            # Whoever stops in the middle may have closed the connection before.
            with suppress(*BORDER):
                self._session.run("ROLLBACK" if own else f"CLOSE {name}")

    def run(self, statement: str, values: Row = ()) -> int:
        """How many rows a statement has changed."""
        with self._named():
            return self._session.change(_sql(statement), [_storable(values)])

    def run_many(self, statement: str, rows: Sequence[Row]) -> int:
        """In few round trips."""
        with self._named():
            return self._session.change(_sql(statement), [_storable(row) for row in rows])

    def make(self, kind: str) -> None:
        """In the schema that was entered."""
        with self._named():
            found = version_of(self._session, kind)
            if not found:
                create(self._session, built_in("postgresql"), kind)
                found = version_of(self._session, kind)
        check_version(self.name, found)
        self._types.clear()

    def add_column(self, table: str, name: str, kind: str) -> None:
        """Of the type that logs have here."""
        self.run(f"ALTER TABLE {table} ADD COLUMN {quoted_name(name)} {COLUMN_TYPES[kind]}")
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
            if self._session.in_transaction:
                self._session.run("ROLLBACK")
        except BORDER:
            self.close()

    def close(self) -> None:
        """Say goodbye."""
        self._session.close()


def _sql(statement: str) -> str:
    return statement.replace("?", "%s")


def _storable(row: Row) -> list[object]:
    """Text of PostgreSQL cannot hold a null character, which SQLite's can."""
    return [each.replace("\0", "\ufffd") if isinstance(each, str) else each for each in row]
