"""
Columns that sources have beside those of the schema, which a target needs, too.

Two sources may have one name for columns of different types. What is new in the target gets the
type that holds both: text, or real for whole and other numbers. What is there stays.
"""

from __future__ import annotations

from collections.abc import Sequence

from ixproxy.errors import StorageError
from ixproxy.eventlog.log_source import LogSource
from ixproxy.eventlog.merge_target import MergeTarget

_WIDTHS = ("INTEGER", "REAL", "TEXT")
"""Types: each holds what those before it do."""


def fit_columns(sources: Sequence[LogSource], target: MergeTarget) -> None:
    """
    Have all columns of all sources in the target.

    :raise StorageError: a column that the target has cannot hold what a source has.
    """
    wanted: dict[str, dict[str, str]] = {}
    for source in sources:
        for table, columns in source.own.items():
            widest = wanted.setdefault(table, {})
            for name, kind in columns.items():
                widest[name] = max(widest.get(name, kind), kind, key=_WIDTHS.index)
    before = {table: target.kinds(table) for table in wanted}
    for source in sources:
        for table, columns in source.own.items():
            for name, kind in columns.items():
                there = before[table].get(name, wanted[table][name])
                if _WIDTHS.index(kind) > _WIDTHS.index(there):
                    raise StorageError(
                        f"{source.name}: the column {name} of {table} is {kind}, and in "
                        f"{target.name} it is {there}, which does not hold that: merge into a "
                        "new target. Nothing was merged"
                    )
                if kind != there == "TEXT":
                    source.read_as_text(table, name)
    target.add_columns(wanted)
