"""The tables of event logs, by their schema, and the databases that have them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from ixproxy.errors import StorageError
from ixproxy.eventlog.log_databases import LogDatabase, statements, type_of

TABLES = ("rpt_interaction", "rpt_agent", "rpt_esp", "rpt_custom")
"""Those that hold events."""

VERSION = 1
"""Of the schema that this program reads and writes."""

NAME = ("dbid", "epoch", "event_number", "event_time", "event")
"""The first columns of each of `TABLES`; the first three name an event."""

MERGED = ("merged_number", "merged_time", "is_late")
"""Columns that a merged history has beside those of a log."""


def schema(kind: str) -> str:
    """The text of a schema file: `sqlite` or `merged`."""
    path = files("ixproxy.eventlog") / "schema" / f"{kind}-v{VERSION}.sql"
    return path.read_text("utf-8")


@cache
def declared(table: str) -> dict[str, str]:
    """The columns of a table of a log, with their types: INTEGER, REAL or TEXT."""
    return {words[0]: type_of(words[1]) for words in _lines(table)}


@cache
def needed(table: str) -> frozenset[str]:
    """Those of its columns that are never NULL."""
    return frozenset(words[0] for words in _lines(table) if words[2:4] == ["NOT", "NULL"])


def _lines(table: str) -> list[list[str]]:
    """The lines of the schema that make its columns, word by word."""
    for statement in statements(schema("sqlite")):
        head, _, body = statement.partition("(")
        if head.split() == ["CREATE", "TABLE", table]:
            lines = (line.replace(",", " ").split() for line in body.splitlines())
            return [words for words in lines if len(words) > 1 and words[0].islower()]
    raise KeyError(table)


def kind_of(database: LogDatabase) -> str | None:
    """
    What a database says that it is: `log` or `merged`; None: it says nothing.

    :raise StorageError: it is of another version.
    """
    if not database.columns("log_schema"):
        return None
    rows = database.rows("SELECT version, kind FROM log_schema")
    if len(rows) != 1:
        raise StorageError(f"{database.name}: log_schema has {len(rows)} rows, expected one")
    version, kind = rows[0]
    if version != VERSION:
        raise StorageError(
            f"{database.name}: its tables are of version {version}, this program knows {VERSION}"
        )
    return str(kind)
