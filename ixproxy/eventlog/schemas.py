"""The schema of an event log: its files, what it is called, and its tables."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from ixproxy.errors import StorageError
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

_ABOUT = {LOG: "nodes have written it", MERGED: "it is a merged one"}


def built_in(kind: str) -> Schema:
    """
    The schema that comes with this package.

    :param kind: sqlite or postgresql.
    """
    return Schema(files("ixproxy.eventlog") / "schema", VERSION, kind)


def merged_part(kind: str) -> str:
    """
    The statements that make a merged log of the new tables of a log.

    :param kind: sqlite or postgresql.
    """
    return built_in(f"merged-{kind}").creation()


@cache
def tables() -> dict[str, Table]:
    """Its tables, the same on every database."""
    return tables_of(built_in("sqlite").creation())


def check_version(name: str, found: object, known: int = VERSION) -> None:
    """
    :param name: what messages call the database.
    :raise StorageError: the tables are not of a version that this program knows.
    """
    if not isinstance(found, int) or found < 1:
        raise StorageError(f"{name}: log_schema.version is {found!r:.40}, expected a number from 1")
    if found > known:
        raise StorageError(
            f"{name} has version {found} of the tables of an event log, made by a newer "
            f"program; this one knows up to version {known}"
        )


def check_kind(name: str, found: object, wanted: str | None = None) -> str:
    """
    :param name: what messages call the database.
    :param wanted: LOG or MERGED; None: either.
    :raise StorageError: it is of another kind.
    """
    if found not in _ABOUT:
        raise StorageError(f"{name}: log_schema.kind is {found!r:.40}, expected {LOG} or {MERGED}")
    if wanted not in (None, found):
        raise StorageError(
            f"{name} is an event log of the kind {found!r}: {_ABOUT[str(found)]}; "
            f"expected the kind {wanted!r}"
        )
    return str(found)
