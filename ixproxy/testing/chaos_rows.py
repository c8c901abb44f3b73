"""Rows of nodes' databases, read past the nodes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg.rows import dict_row

from ixproxy.errors import StorageError

REST = ("interactions", "parties", "invitations")
"""Where there is nothing when all is at rest."""

TABLES = (*REST, "receipts")
SECONDS = 10
ATTEMPTS = 50


Tables = dict[str, list[dict[str, Any]]]


def read_rows(stores: Mapping[str, str], tables: Iterable[str]) -> Tables:
    """
    What lies in the databases, each read as of one moment, by table; `node` says whose a row is.

    :param stores: the address of each node's database.
    :raise StorageError: one cannot be read.
    """
    wanted = tuple(tables)
    found: Tables = {table: [] for table in wanted}
    for node, address in stores.items():
        reading = _sqlite if address.startswith("sqlite:") else _postgresql
        try:
            read = reading(address, wanted)
        except (sqlite3.Error, psycopg.Error) as problem:
            raise StorageError(f"{node}: {problem}") from problem
        for table, rows in read.items():
            found[table] += [{**row, "node": node} for row in rows]
    return found


def _sqlite(address: str, tables: tuple[str, ...]) -> Tables:
    path = address.removeprefix("sqlite:")
    with closing(
        sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True, timeout=SECONDS)
    ) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("BEGIN")
        return {
            table: [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]
            for table in tables
        }


def _postgresql(address: str, tables: tuple[str, ...]) -> Tables:
    with psycopg.connect(address, connect_timeout=SECONDS, row_factory=dict_row) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        return {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables}


def truncate_log(address: str) -> None:
    """
    Have a SQLite database's write-ahead log begin anew, in an empty file.

    :raise StorageError: others are in the way, again and again.
    """
    with closing(sqlite3.connect(address.removeprefix("sqlite:"), timeout=SECONDS)) as connection:
        for _ in range(ATTEMPTS):
            ((busy, _, _),) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            if not busy:
                return
    raise StorageError(f"{address}: the log cannot be emptied")
