"""Runs of a merge for tests."""

from __future__ import annotations

import itertools

from ixproxy.eventlog.log_databases import open_database
from ixproxy.eventlog.log_source import LogSource
from ixproxy.eventlog.log_tables import TABLES
from ixproxy.eventlog.merge_run import MergeOptions, MergeRun, Summary
from ixproxy.eventlog.merge_target import MergeTarget
from tests.eventlog.logs import history, rows_of


class Killed(Exception):
    """The process ends."""


class Merging:
    """Merges into one target, again and again."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.progress: list[tuple[int, float]] = []
        """How many events each run had merged, and the share of its time, when it saved."""

    def __call__(
        self, *addresses: str, killed_after: int | None = None, **options: object
    ) -> Summary:
        """
        Run once.

        :param killed_after: so many saved parts the run is killed.
        """
        parts = itertools.count(1)

        def progress(events: int, time: float, share: float) -> None:
            self.progress.append((events, share))
            if next(parts) == killed_after:
                raise Killed

        sources = [LogSource(open_database(each)) for each in addresses]
        target = MergeTarget(open_database(self.target, create=True))
        try:
            made = MergeOptions(**options)  # type: ignore[arg-type]
            return MergeRun(sources, target, made, progress).run()
        finally:
            target.close()
            for each in sources:
                each.close()

    @property
    def events(self) -> list[tuple[object, ...]]:
        """The clean history."""
        return history(self.target)

    def tables(self) -> dict[str, list[tuple[object, ...]]]:
        """All rows of all tables of events, in the order of the history."""
        return {
            table: rows_of(self.target, f"SELECT * FROM {table} ORDER BY merged_number")
            for table in TABLES
        }
