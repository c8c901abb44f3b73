"""Figures of a few rows, for tests."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from ixproxy.eventlog.log_databases import open_database
from ixproxy.eventlog.log_tables import kind_of
from ixproxy.eventlog.reporting.figures import Figures, gather
from ixproxy.eventlog.reporting.period import Wanted
from ixproxy.eventlog.reporting.scratch import Table
from ixproxy.eventlog.reporting.source import Log
from ixproxy.eventlog.schemas import DROPPED, EVENT_TABLES, LOG, SOURCE
from tests.eventlog.reporting.filling import LogFile


def open_log(address: str, schema_name: str = "") -> Log:
    """A log, to be read."""
    return Log(open_database(address, schema_name=schema_name))


def copied(address: str, other: str) -> None:
    """Have all rows of a log in another database, in tables as merges and nodes make them."""
    with closing(open_database(address)) as old, closing(open_database(other, create=True)) as new:
        new.make(kind_of(old) or LOG)
        for table in (*EVENT_TABLES, DROPPED, SOURCE):
            names = list(old.columns(table))
            rows = old.rows(f"SELECT {', '.join(names)} FROM {table}")
            marks = ", ".join("?" * len(names))
            if rows:
                new.run_many(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", rows)


def figures_of(
    folder: Path,
    fill: Callable[[LogFile], object],
    wanted: Wanted | None = None,
    *,
    merged: bool = False,
    skews: dict[int, float] | None = None,
) -> Figures:
    """What a report says of a log that `fill` writes."""
    path = folder / "log.db"
    path.unlink(missing_ok=True)
    with LogFile(path, merged=merged, skews=skews) as file:
        fill(file)
    with closing(open_log(file.address)) as log:
        return gather(log, wanted or Wanted())


def rows(table: Table) -> dict[Any, Any]:
    """By name, or names."""
    return {names[0] if len(names) == 1 else names: row for names, row in table.rows}
