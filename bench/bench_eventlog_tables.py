"""
Events a second into the tables of an event log, against bare `executemany` of ready rows.

Both write the same rows into the same tables with the same indexes, durable, in transactions
of the same size, by the same driver; the log makes the rows first, passes over what is there,
and marks how far it is. One thread does all: what counts is its CPU time for an event, which
it takes from the node.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import psycopg

from bench.measuring import PROXY_CORE, median
from ixproxy.eventlog.postgresql_log import PostgresqlTables
from ixproxy.eventlog.rows import RowMaker, Rows, column_names
from ixproxy.eventlog.settings import TableSettings
from ixproxy.eventlog.sqlite_log import SqliteTables
from ixproxy.eventlog.table_log import Tables
from ixproxy.storage.postgresql_session import Place
from ixproxy.testing.eventlog_outside import entry
from ixproxy.testing.postgresql import PostgresqlServer, unusable

ROUNDS = 3
EVENTS = 20_000
BATCH = 500
MOST_CPU = 2.5
"""By how much an event may cost more CPU time than the bare insert of its row."""

SETTINGS = TableSettings("x")
ENTRIES = [entry(number) for number in range(1, EVENTS + 1)]
BATCHES = [ENTRIES[first : first + BATCH] for first in range(0, EVENTS, BATCH)]


class Measured(NamedTuple):
    """Events a second, and microseconds of CPU time of the thread for one."""

    rate: float
    cpu: float


def timed(work: Callable[[], None]) -> Measured:
    """What some work on all events takes, on one core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {int(PROXY_CORE)})
    try:
        cpu, start = time.thread_time(), time.monotonic()
        work()
        return Measured(
            EVENTS / (time.monotonic() - start), (time.thread_time() - cpu) / EVENTS * 1e6
        )
    finally:
        os.sched_setaffinity(0, cores)


def logged(tables: Tables) -> Measured:
    """Through the log."""
    tables.open()
    maker = RowMaker(SETTINGS)

    def store() -> None:
        for batch in BATCHES:
            tables.store(maker.rows(batch), "ixn1", 101)

    try:
        return timed(store)
    finally:
        tables.close()


def texts(mark: str) -> dict[str, str]:
    """A bare insert for each table."""
    found = {}
    for table in ("rpt_interaction", "rpt_agent", "rpt_esp", "rpt_custom"):
        marks = ", ".join([mark] * len(column_names(table, ())))
        found[table] = f"INSERT INTO {table} VALUES ({marks})"
    return found


def ready() -> list[Rows]:
    """The rows, made beforehand."""
    maker = RowMaker(SETTINGS)
    return [maker.rows(batch) for batch in BATCHES]


def bare_sqlite(path: Path) -> Measured:
    tables = SqliteTables(str(path), SETTINGS)
    tables.open()
    tables.close()
    batches, inserts = ready(), texts("?")
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")

    def insert() -> None:
        for rows in batches:
            connection.execute("BEGIN IMMEDIATE")
            for table, found in rows.events.items():
                connection.executemany(inserts[table], found)
            connection.execute("COMMIT")

    try:
        return timed(insert)
    finally:
        connection.close()


def bare_postgresql(address: str) -> Measured:
    tables = PostgresqlTables(Place(address), SETTINGS)
    tables.open()
    tables.close()
    batches = ready()
    inserts = {table: text.encode() for table, text in texts("%s").items()}
    with psycopg.connect(address) as connection:

        def insert() -> None:
            for rows in batches:
                with connection.transaction(), connection.cursor() as cursor:
                    for table, found in rows.events.items():
                        cursor.executemany(inserts[table], found)

        return timed(insert)


def shown(name: str, bare: list[Measured], log: list[Measured]) -> bool:
    """Print the table of one database; whether an event costs little enough."""
    bare_rate, rate = (median([each.rate for each in found]) for found in (bare, log))
    bare_cpu, cpu = (median([each.cpu for each in found]) for found in (bare, log))
    print(f"\nevents into {name}, {BATCH} at once")
    print("what             events/s  ratio  CPU us/event  ratio")
    print(f"bare executemany {bare_rate:8.0f}   1.00  {bare_cpu:12.1f}   1.00")
    ratio = cpu / bare_cpu
    print(f"event log        {rate:8.0f}  {rate / bare_rate:5.2f}  {cpu:12.1f}  {ratio:5.2f}")
    return ratio <= MOST_CPU


def main() -> bool:
    """Print the tables; whether the limit was kept."""
    bare, log = list[Measured](), list[Measured]()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS):
            bare.append(bare_sqlite(Path(folder) / f"bare{number}.db"))
            log.append(logged(SqliteTables(f"{folder}/log{number}.db", SETTINGS)))
    kept = shown("SQLite", bare, log)
    if reason := unusable():
        print(f"\nno events into PostgreSQL: {reason}")
        return False
    bare, log = [], []
    with PostgresqlServer(durable=True) as server:
        for number in range(ROUNDS):
            bare.append(bare_postgresql(server.make_database(f"bare{number}")))
            place = Place(server.make_database(f"log{number}"))
            log.append(logged(PostgresqlTables(place, SETTINGS)))
    return shown("PostgreSQL", bare, log) and kept


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
