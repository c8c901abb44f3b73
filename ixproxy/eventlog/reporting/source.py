"""
The log that a report is made of, as it is at one moment.

A log is read in one transaction that changes nothing and sees nothing of what is
written meanwhile, so that the figures of a report fit each other. Rows come one
after another: none of the two databases hands out all at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from ixproxy.errors import StorageError
from ixproxy.eventlog.log_databases import LogDatabase, Row
from ixproxy.eventlog.log_tables import TABLES, kind_of
from ixproxy.eventlog.schemas import MERGED

__all__ = ["TABLES", "Log", "LogUnreadable", "Row", "moment", "number", "text"]

ROWS_AT_A_TIME = 2000

NODES_MOST = 10_000
"""No cluster has more nodes; their names are kept in memory."""


class LogUnreadable(StorageError):
    """A log has something in it that no log has; the text says what."""


class Log:
    """
    An open log.

    :param database: is closed with it, and if it is no log.
    :ivar merged: it was written by `ixctl eventlog merge`.
    :ivar time: the column with the time of an event: without clock skew in a merged log.
    :raise StorageError: it is no log, or cannot be read.
    """

    def __init__(self, database: LogDatabase) -> None:
        self._database = database
        try:
            database.hold()
            kind = kind_of(database)
            if kind is None:
                raise StorageError(f"{database.name}: this is no event log: it has no log_schema")
        except BaseException:
            database.close()
            raise
        self.merged = kind == MERGED
        self.time = "merged_time" if self.merged else "event_time"

    def rows(self, sql: str, parameters: Row = ()) -> Iterator[Row]:
        """
        The rows of a query, one after another; parameters stand as ? in it.

        :raise StorageError: the database says so, at any row.
        """
        for page in self._database.pages(sql, ROWS_AT_A_TIME, parameters):
            yield from page

    def nodes(self) -> list[Row]:
        """The nodes that log here: dbid, name, and until when all that they log is here."""
        found = self.rows(
            f"SELECT dbid, node, logged_until FROM rpt_source ORDER BY dbid LIMIT {NODES_MOST}"
        )
        return [(number(dbid), text(node), moment(until)) for dbid, node, until in found]

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()


def moment(value: object) -> float:
    """
    A time of a row.

    :raise LogUnreadable: it is none: databases such as SQLite hold columns to no type.
    """
    if isinstance(value, int | float) and math.isfinite(value) and abs(value) < 1e11:
        return float(value)
    raise LogUnreadable(f"expected seconds since the epoch, but a row has {value!r:.40}")


def number(value: object) -> int:
    """:raise LogUnreadable: a value of a row is no whole number."""
    if isinstance(value, int):
        return value
    raise LogUnreadable(f"expected a whole number, but a row has {value!r:.40}")


def text(value: object) -> str:
    """A name of a row; empty where there is none."""
    return "" if value is None else str(value)
