"""Rows of somebody's tables as a source of a capture chaos run, in PostgreSQL and in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import psycopg

from ixproxy.testing.capture_chaos_relayed import link_faults, server_faults
from ixproxy.testing.capture_chaos_source import Fault, Source
from ixproxy.testing.capture_chaos_words import NOWHERE, QUEUE, Given, Sort, Told
from ixproxy.testing.postgresql import PostgresqlServer
from ixproxy.testing.relay import Relay

SECONDS = 10
NEW, DONE, ERROR = "new", "done", "error"

TABLES = (
    "CREATE TABLE orders (number VARCHAR(64) PRIMARY KEY, queue VARCHAR(64), photo {binary}, "
    "state VARCHAR(16), ixn VARCHAR(64), code INTEGER, why VARCHAR(256))",
    "CREATE TABLE told (at {serial}, event VARCHAR(32), what VARCHAR(32), ixn VARCHAR(64), "
    "number VARCHAR(64))",
)
QUERIES = {
    "capture-query": "SELECT number AS \"ExternalId\", queue AS \"Queue\", photo AS \"Photo\" "
    "FROM orders WHERE state = 'new' ORDER BY number",
    "captured-update": "UPDATE orders SET state = 'done', ixn = ?'InteractionId' "
    "WHERE number = ?'ExternalId'",
    "error-update": "UPDATE orders SET state = 'error', code = ?'ErrorCode', "
    "why = ?'ErrorDescription' WHERE number = ?'ExternalId'",
    "held-update": "INSERT INTO told (event, what, ixn, number) "
    "VALUES (?'EventNumber', 'held', ?'InteractionId', ?'ExternalId')",
}  # fmt: skip
_INSERT = (
    "INSERT INTO orders (number, queue, photo, state) VALUES ({0}, {0}, {0}, {0}) "
    "ON CONFLICT DO NOTHING"
)
Rows = list[tuple[Any, ...]]


class TableRows(Source):
    """Somebody who inserts rows, and looks at how they are marked."""

    sorts = (Sort.GOOD, Sort.TORN, Sort.REFUSED)

    def address(self) -> str:
        """Where the node finds the tables."""
        raise NotImplementedError

    def run(self, statement: str, values: Sequence[Any] = ()) -> Rows:
        """One statement, in a transaction of its own; blocks."""
        raise NotImplementedError

    def insert(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Have these rows in the table, whichever are there already; blocks."""
        raise NotImplementedError

    def settings(self) -> Mapping[str, object]:
        """What is read and how it is marked."""
        return {
            "use": "database",
            "address": self.address(),
            "cycle": 0.3,
            "fetch-size": 200,
            "batch-size": 50,
            "storing-timeout": 0.2,
            "statement-timeout": 3,
            "reconnect-timeout": 1,
            **QUERIES,
        }

    async def give(self, documents: Sequence[Given]) -> None:
        """Insert them until it is certain that they are there."""
        rows = [
            (
                given.name,
                NOWHERE if given.sort is Sort.REFUSED else QUEUE,
                b"\xff\xd8" if given.sort is Sort.TORN else None,
                NEW,
            )
            for given in documents
        ]
        while True:
            try:
                await self.apart(self.insert, rows)
                return
            except (psycopg.Error, sqlite3.Error):
                await self.pause()

    async def left(self) -> int:
        """Rows that are not marked."""
        found = await self._all("SELECT count(*) FROM orders WHERE state = 'new'")
        return int(found[0][0])

    async def errors(self) -> Mapping[str, Sequence[str]]:
        """Rows that are marked as bad."""
        found = await self._all("SELECT number, code, why FROM orders WHERE state = 'error'")
        return {number: [f"{code}: {why}"] for number, code, why in found}

    async def told(self) -> Sequence[Told]:
        """The marks are the replies, and notifications are rows of a table."""
        marked = await self._all(
            "SELECT number, state, ixn FROM orders WHERE state <> 'new' AND photo IS NULL"
        )
        replies = [
            Told("submitted", number, ixn or "", ixn or "")
            if state == DONE
            else Told("error", number, number)
            for number, state, ixn in marked
        ]
        told = await self._all("SELECT what, number, event, ixn FROM told ORDER BY at")
        return [
            *(each for each in replies if each.said == "submitted"),
            *(Told(*(str(column) for column in row)) for row in told),
            *(each for each in replies if each.said == "error"),
        ]

    async def _all(self, statement: str) -> Rows:
        while True:
            try:
                found: Rows = await self.apart(self.run, statement)
            except (psycopg.Error, sqlite3.Error):
                await self.pause()
            else:
                return found


class PostgresqlRows(TableRows):
    """In PostgreSQL, to which the node goes through a relay."""

    def __init__(self, reactor: Any, folder: Path, random: Random) -> None:
        super().__init__(reactor, folder, random)
        self.server = PostgresqlServer()
        self.relay = Relay(reactor, self.server.port)
        self._address = ""

    async def start(self) -> None:
        """Start the server, and make the tables."""
        await super().start()
        await self.apart(self.server.start)
        await self.relay.start()
        self._address = await self.apart(self.server.make_database, "orders")
        for statement in TABLES:
            await self.apart(self.run, statement.format(binary="BYTEA", serial="SERIAL"))

    async def stop(self) -> None:
        """Remove the server."""
        await self.relay.stop()
        await self.apart(self.server.remove)

    def address(self) -> str:
        """That of the relay."""
        return self._address.replace(f":{self.server.port}/", f":{self.relay.port}/")

    def run(self, statement: str, values: Sequence[Any] = ()) -> Rows:
        """See `TableRows`."""
        with psycopg.connect(self._address, connect_timeout=SECONDS) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def insert(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """See `TableRows`."""
        with (
            psycopg.connect(self._address, connect_timeout=SECONDS) as connection,
            connection.cursor() as cursor,
        ):
            cursor.executemany(_INSERT.format("%s").encode(), rows)

    def faults(self) -> Mapping[str, tuple[Fault, float, float]]:
        """The sessions of the node, and the server itself."""
        server = self.server
        return {
            **link_faults(self, lambda: self.relay),
            **server_faults(self, server.kill, server.start, server.pause, server.resume),
        }


class SqliteRows(TableRows):
    """In a file."""

    async def start(self) -> None:
        """Make the tables."""
        await super().start()
        for statement in TABLES:
            self.run(statement.format(binary="BLOB", serial="INTEGER PRIMARY KEY"))

    @property
    def _path(self) -> Path:
        return self.folder / "orders.db"

    def address(self) -> str:
        """That of the file."""
        return f"sqlite:{self._path}"

    def run(self, statement: str, values: Sequence[Any] = ()) -> Rows:
        """See `TableRows`."""
        with closing(sqlite3.connect(self._path, timeout=SECONDS)) as connection, connection:
            return connection.execute(statement, values).fetchall()

    def insert(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """See `TableRows`."""
        with closing(sqlite3.connect(self._path, timeout=SECONDS)) as connection, connection:
            connection.executemany(_INSERT.format("?"), rows)

    def faults(self) -> Mapping[str, tuple[Fault, float, float]]:
        """The file is locked by somebody else, or gone for a while."""

        async def lock(seconds: float) -> None:
            with closing(
                sqlite3.connect(self._path, timeout=SECONDS, isolation_level=None)
            ) as connection:
                while True:
                    try:
                        connection.execute("BEGIN EXCLUSIVE")
                        break
                    except sqlite3.OperationalError:
                        await self.pause()
                await self.pause(seconds)
                connection.execute("ROLLBACK")

        return {"file is locked": (lock, 0.5, 5.0)}
