"""The schema of an event log: its files, what it is called, and its tables."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from ixproxy.eventlog.schema_columns import Table, tables_of
from ixproxy.storage.schemas import Schema

VERSION = 1
"""The schema that this program speaks; the number that it has on every database."""

LOG, MERGED = "log", "merged"
"""Kinds: what nodes write, and what is put together of that."""

APPLICATION_ID = 0x49584C31
"""Stands in the header of an SQLite file and says that it is an event log."""

INTERACTION, AGENT, ESP, CUSTOM = "rpt_interaction", "rpt_agent", "rpt_esp", "rpt_custom"
DROPPED, SOURCE = "rpt_dropped", "rpt_source"

EVENT_TABLES = (INTERACTION, AGENT, ESP, CUSTOM)
"""Those with a row for each event, in the order in which they are written."""


def built_in(kind: str) -> Schema:
    """
    The schema that comes with this package.

    :param kind: sqlite or postgresql.
    """
    return Schema(files("ixproxy.eventlog") / "schema", VERSION, kind)


@cache
def tables() -> dict[str, Table]:
    """Its tables, the same on every database."""
    return tables_of(built_in("sqlite").creation())
