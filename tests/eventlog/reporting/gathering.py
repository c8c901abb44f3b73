"""Figures of a few rows, for tests."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from ixproxy.eventlog.reporting.figures import Figures, gather
from ixproxy.eventlog.reporting.period import Wanted
from ixproxy.eventlog.reporting.scratch import Table
from ixproxy.eventlog.reporting.source import open_log
from tests.eventlog.reporting.filling import LogFile


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
