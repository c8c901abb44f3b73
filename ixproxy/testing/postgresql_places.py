"""
Databases of a real PostgreSQL server for a cluster in memory.

    with PostgresqlServer() as server, PostgresqlPlaces(server.address("postgres")) as places:
        cluster = Cluster(stores=places)

The server is asked in the simulation's own thread, and what it answers does
not depend on time: a seed is the same run as ever, if a slower one.

Theory of operation: making a database takes far longer than a short
simulation, so those that a cluster needs no more are emptied for the next one,
with the tables, columns and indexes that they have. What an address has been
given by one cluster, another one of the same tenants finds as new.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from os import getpid
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from ixproxy.interfaces import IStore
from ixproxy.node.model import NodeModel, TenantPlan
from ixproxy.node.rows import BY_TABLE
from ixproxy.storage.postgresql import PostgresqlStore
from ixproxy.storage.postgresql_schema import WRITTEN_BY
from ixproxy.storage.postgresql_session import Place as Address
from ixproxy.testing.places import (
    Places,
    Prepared,
    SqlitePlaces,
    as_tables,
    begin,
    columns_of,
)
from ixproxy.testing.postgresql import SUPERUSER, PostgresqlServer
from ixproxy.testing.servers import ServerFailed

_EMPTY = "; ".join(
    [
        *(f"DELETE FROM {table}" for table in BY_TABLE),
        "UPDATE meta SET epoch = 1, last_event_number = 0, last_queue_seq = 0",
        # Otherwise what was copied is taken to be restored, and the epoch leaps.
        f"UPDATE meta SET home = '', {WRITTEN_BY}",
    ]
)
"""What makes a database as it was when it was prepared."""

_CUT = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE application_name = %s AND datname = current_database()
"""

_MAY_MAKE = "SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = current_user"

_NUMBERS = count(1)


class PostgresqlPlace:
    """
    See `ixproxy.testing.places.Place`.

    :param address: of its database.
    :param columns: of custom properties.
    :param free: is told when it is discarded.
    """

    shared = False

    def __init__(self, address: str, columns: Mapping[str, str], free: list[PostgresqlPlace]):
        self._address = address
        self._columns = columns
        self._free = free
        self._connection = psycopg.connect(address, autocommit=True)
        self._names: dict[IStore, str] = {}

    def store(self) -> PostgresqlStore:
        """See `Place`."""
        name = f"store {next(_NUMBERS)}"
        address = Address(make_conninfo(self._address, application_name=name))
        store = PostgresqlStore(address, self._columns)
        self._names[store] = name
        return store

    def rows(self, table: str) -> list[dict[str, Any]]:
        """See `Place`."""
        found = self._connection.execute(
            sql.SQL("SELECT * FROM {}").format(sql.Identifier(table)), prepare=True, binary=True
        )
        return as_tables((column.name for column in found.description or ()), found)

    def damage(self) -> list[str]:
        """See `Place`; the server says nothing of that."""
        return []

    def cut(self, store: IStore) -> None:
        """See `Place`."""
        self._connection.execute(_CUT, (self._names[store],))

    def discard(self) -> None:
        """See `Place`; the next one gets it."""
        for store in self._names:
            store.close()
        self._names.clear()
        self._free.append(self)

    def empty(self) -> None:
        """Have it be as new."""
        self._connection.execute(_EMPTY.encode(), prepare=False)

    def close(self) -> None:
        """Use it no more."""
        self._connection.close()


class PostgresqlPlaces:
    """
    See `ixproxy.testing.places.Places`; a context manager, which removes its databases.

    :param address: a database of the server, by a role that may make databases.
    :raise ServerFailed: it is not there, or that role may not; the text is one line.
    """

    kind = "postgresql"

    def __init__(self, address: str) -> None:
        self._address = address
        self._admin = _maker(address)
        self._made: list[tuple[str, PostgresqlPlace]] = []
        self._kept: dict[str, tuple[NodeModel, str, list[PostgresqlPlace]]] = {}

    def __enter__(self) -> PostgresqlPlaces:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def prepared(
        self, tenants: tuple[TenantPlan, ...], custom_properties: Mapping[str, str]
    ) -> Prepared:
        """See `Places`."""
        columns = columns_of(custom_properties)
        key = repr((tenants, tuple(custom_properties.items())))
        if key not in self._kept:
            model = NodeModel(tenants, custom_properties, "postgresql")
            self._kept[key] = model, self._template(model, columns), []
        model, template, free = self._kept[key]

        def new_place() -> PostgresqlPlace:
            if free:
                place = free.pop()
                place.empty()
                return place
            name = self._new_database(template)
            place = PostgresqlPlace(make_conninfo(self._address, dbname=name), columns, free)
            self._made.append((name, place))
            # The row of meta remembers which transaction wrote it.
            place.empty()
            return place

        return Prepared(model, new_place)

    def close(self) -> None:
        """Remove all databases."""
        for name, place in self._made:
            place.close()
            self._drop(name)
        for _, template, _ in self._kept.values():
            self._drop(template)
        self._made.clear()
        self._kept.clear()
        self._admin.close()

    def _template(self, model: NodeModel, columns: Mapping[str, str]) -> str:
        """A database with the tables and indexes that others are to begin with."""
        name = self._new_database("template0")
        try:
            address = Address(make_conninfo(self._address, dbname=name))
            begin(PostgresqlStore(address, columns), model)
        except BaseException:
            self._drop(name)
            raise
        return name

    def _new_database(self, template: str) -> str:
        name = f"ixproxy_simulated_{getpid()}_{next(_NUMBERS)}"
        self._admin.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} ENCODING 'UTF8'").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        return name

    def _drop(self, name: str) -> None:
        with suppress(psycopg.Error):
            self._admin.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )


def _maker(address: str) -> psycopg.Connection:
    """A connection of somebody who may make databases."""
    try:
        connection = psycopg.connect(address, autocommit=True)
        found = connection.execute(_MAY_MAKE).fetchone()
    except psycopg.Error as problem:
        why = " ".join(str(problem).split())
        raise ServerFailed(f"the PostgreSQL server cannot be used: {why}") from problem
    if found is None or not found[0]:
        role = connection.info.user
        connection.close()
        raise ServerFailed(f"the PostgreSQL server cannot be used: {role} may not make databases")
    return connection


@contextmanager
def stores_of(kind: str, address: str = "") -> Iterator[Places]:
    """
    Places of a kind, for the commands that run simulations.

    :param kind: `sqlite` or `postgresql`.
    :param address: a database of the PostgreSQL server to use, by a role that
        may make databases; empty: a server is started, and removed afterwards.
    :raise ServerFailed: it cannot be used, or none can be started.
    """
    if kind == SqlitePlaces.kind:
        yield SqlitePlaces()
        return
    with address_of(kind, address) as found, PostgresqlPlaces(found) as places:
        yield places


@contextmanager
def address_of(kind: str, address: str = "") -> Iterator[str]:
    """
    The address to give to `stores_of`, in several processes; see there.

    :raise ServerFailed: it cannot be used, or none can be started.
    """
    if address and kind != SqlitePlaces.kind:
        PostgresqlPlaces(address).close()
    if address or kind == SqlitePlaces.kind:
        yield address
        return
    with PostgresqlServer() as server:
        yield server.address("postgres", SUPERUSER)
