"""What merges and reports know of the tables of event logs, all of it by the schema files."""

from __future__ import annotations

from functools import cache

from ixproxy.errors import StorageError
from ixproxy.eventlog.log_databases import LogDatabase
from ixproxy.eventlog.schemas import EVENT_TABLES, VERSION, check_kind, check_version, tables

TABLES = EVENT_TABLES

NAME = ("dbid", "epoch", "event_number", "event_time", "event")
"""The first columns of each of `TABLES`; the first three name an event."""

MERGED = ("merged_number", "merged_time", "is_late")
"""Columns that a merged history has beside those of a log."""


@cache
def declared(table: str) -> dict[str, str]:
    """The columns of a table of a log, with their types: INTEGER, REAL or TEXT."""
    return {column.name: column.kind for column in tables()[table].columns}


@cache
def needed(table: str) -> frozenset[str]:
    """Those of its columns that are never NULL."""
    return frozenset(column.name for column in tables()[table].columns if column.needed)


def kind_of(database: LogDatabase) -> str | None:
    """
    What a database says that it is: LOG or MERGED; None: it says nothing.

    :raise StorageError: it is of a version or a kind that this program does not know.
    """
    if not database.columns("log_schema"):
        return None
    rows = database.rows("SELECT version, kind FROM log_schema")
    if len(rows) != 1:
        raise StorageError(f"{database.name}: log_schema has {len(rows)} rows, expected one")
    version, kind = rows[0]
    check_version(database.name, version)
    if version != VERSION:
        raise StorageError(
            f"{database.name}: its tables have version {version}, this program reads {VERSION}: "
            "a node brings them up to date when it begins to log"
        )
    return check_kind(database.name, kind)
