"""
Rows a second from a database into a node, durable and marked, against a bare client's own.

The bare client reads the same rows, some at a time, and marks them with one statement each
in transactions of the same size, by the same driver. The node is on one core; a server of
PostgreSQL shares the others.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg

from bench.capture_nodes import CapturingNode
from bench.measuring import PROXY_CORE, Stage, median
from ixproxy.testing.postgresql import PostgresqlServer, unusable

ROUNDS = 3
ROWS = 10_000
AT_ONCE = 1000
BATCH = 500

TABLE = """
CREATE TABLE orders (number VARCHAR(64) PRIMARY KEY, position INTEGER, state VARCHAR(16),
    ixn VARCHAR(64), priority INTEGER, customer VARCHAR(64), note VARCHAR(400))
"""
INDEX = "CREATE INDEX orders_new ON orders (position) WHERE state = 'new'"
COLUMNS = "number, position, state, priority, customer, note"
READ = "SELECT number, priority, customer, note FROM orders WHERE state = 'new' ORDER BY position"

QUERIES = """
use = "database"
cycle = 0.05
capture-query = '''SELECT number AS "ExternalId", priority AS "Priority", customer AS "Customer",
    note AS "Note" FROM orders WHERE state = 'new' ORDER BY position'''
captured-update = '''UPDATE orders SET state = 'done', ixn = ?'InteractionId'
    WHERE number = ?'ExternalId' '''
error-update = "UPDATE orders SET state = ?'ErrorDescription' WHERE number = ?'ExternalId'"
"""


def rows() -> list[tuple[Any, ...]]:
    """What is in the table."""
    return [
        (f"order-{number}", number, "new", number % 7, "Müller", "x" * 300)
        for number in range(ROWS)
    ]


class SqliteSource:
    """A file."""

    name = "SQLite"
    place = "?"

    def __init__(self, folder: Path) -> None:
        self._path = folder / "orders.db"
        self.address = f"sqlite:{self._path}"

    def connect(self) -> Any:
        return closing(sqlite3.connect(self._path))


class PostgresqlSource:
    """A database of a server."""

    name = "PostgreSQL"
    place = "%s"

    def __init__(self, server: PostgresqlServer) -> None:
        self.address = server.make_database("orders")

    def connect(self) -> Any:
        return psycopg.connect(self.address)


def fill(source: Any) -> None:
    """Make the table anew."""
    with source.connect() as connection:
        connection.execute("DROP TABLE IF EXISTS orders")
        connection.execute(TABLE)
        connection.execute(INDEX)
        places = ", ".join([source.place] * 6)
        connection.cursor().executemany(f"INSERT INTO orders ({COLUMNS}) VALUES ({places})", rows())
        connection.commit()


def bare(source: Any) -> float:
    """Rows a second of the bare client."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {int(PROXY_CORE)})
    mark = f"UPDATE orders SET state = 'done', ixn = {source.place} WHERE number = {source.place}"
    start = time.monotonic()
    with source.connect() as connection:
        while found := connection.execute(READ).fetchmany(AT_ONCE):
            for first in range(0, len(found), BATCH):
                cursor = connection.cursor()
                for number, *_ in found[first : first + BATCH]:
                    cursor.execute(mark, (number, number))
                connection.commit()
    seconds = time.monotonic() - start
    os.sched_setaffinity(0, cores)
    return ROWS / seconds


def measured(stage: Stage, source: Any) -> None:
    """Print the table of one kind of source."""
    floor, rates = [], []
    for number in range(ROUNDS):
        fill(source)
        floor.append(bare(source))
        fill(source)
        name = f"{source.name.lower()}{number}"
        node = CapturingNode(stage, name, f'{QUERIES}address = "{source.address}"\n')
        rates.append(node.rate(ROWS))
        node.end()
    bare_rate = median(floor)
    rate, cpu = (median([each[at] for each in rates]) for at in (0, 1))
    print(f"\nrows of {source.name}, one core")
    print("what             rows/s  ratio  CPU us/row")
    print(f"bare client    {bare_rate:8.0f}   1.00")
    print(f"ixnode         {rate:8.0f}  {rate / bare_rate:5.2f}  {cpu:10.0f}")


def main() -> bool:
    """Print the tables; nothing is promised, so nothing is missed."""
    with tempfile.TemporaryDirectory() as place:
        stage = Stage(Path(place))
        try:
            measured(stage, SqliteSource(stage.directory))
            if reason := unusable():
                print(f"\nno rows of PostgreSQL: {reason}")
                return False
            with PostgresqlServer(durable=True) as server:
                measured(stage, PostgresqlSource(server))
        finally:
            stage.end()
    return True


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
