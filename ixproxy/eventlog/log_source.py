"""A database with event logs of some nodes, read in the order of each node."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from heapq import merge
from itertools import chain
from typing import NamedTuple

from ixproxy.errors import StorageError
from ixproxy.eventlog.log_databases import LogDatabase, Row
from ixproxy.eventlog.log_tables import NAME, TABLES, declared, kind_of, needed
from ixproxy.eventlog.schemas import LOG, check_kind

PAGE = 200
"""Rows of a table that are read at a time: each may have 64 KiB of user data."""

FURTHEST = 1e11
"""Seconds from the epoch; what is further away is no time, infinity least of all."""

BEGINNING = (-1, -1)

Place = tuple[int, int]
"""Epoch and number of an event."""


class Written(NamedTuple):
    """
    What a database says that a node has written.

    :ivar node: its name; empty: not known.
    :ivar last: the last event.
    :ivar until: all that happened until then is here, in seconds by the node's clock.
    """

    node: str
    last: Place
    until: float


class Item(NamedTuple):
    """One event: its place in the order of its node, its table, and the row."""

    place: Place
    table: int
    row: Row


class LogSource:
    """
    One source.

    :ivar own: columns that a table has beside those of the schema, with their types.
    :raise StorageError: it is no event log, or one that this program does not know.
    """

    def __init__(self, database: LogDatabase) -> None:
        self._database = database
        self.name = database.name
        kind = kind_of(database)
        if kind is not None:
            check_kind(self.name, kind, LOG)
        self._columns = {table: database.columns(table) for table in TABLES}
        if not any(self._columns.values()):
            raise StorageError(f"{self.name}: there are no tables of an event log")
        for table, columns in self._columns.items():
            missing = [name for name in NAME if name not in columns]
            if columns and missing:
                raise StorageError(f"{self.name}: {table} has no column {', '.join(missing)}")
        self.own = {
            table: {name: kind for name, kind in columns.items() if name not in declared(table)}
            for table, columns in self._columns.items()
        }
        self._texts: set[tuple[str, str]] = set()
        self._has_sources = bool(database.columns("rpt_source"))

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def identity(self) -> object:
        """Equal to that of another connection to the same tables."""
        return self._database.identity()

    def streams(self) -> dict[int, Written]:
        """What each node has written, by dbid."""
        found: dict[int, Written] = {}
        if self._has_sources:
            for dbid, node, epoch, number, until in self._database.rows(
                "SELECT dbid, node, logged_epoch, logged_number, logged_until FROM rpt_source"
            ):
                numbers = isinstance(dbid, int) and isinstance(epoch, int)
                if not (numbers and isinstance(number, int) and _is_time(until)):
                    raise StorageError(
                        f"{self.name}: rpt_source says of node {dbid!r} that it has logged number "
                        f"{number!r} of epoch {epoch!r}, until {until!r}"
                    )
                found[dbid] = Written(str(node or ""), (epoch, number), until)
        for dbid in self._dbids():
            if dbid not in found:
                # Nobody says until when its events are here: as far as they go.
                ends = [end for table in TABLES if (end := self._end(table, dbid))]
                for (epoch, number), time in ends:
                    self._check("its tables", (dbid, epoch, number, time, ""))
                last, until = max(place for place, _ in ends), max(time for _, time in ends)
                found[dbid] = Written("", last, until)
        return found

    def _dbids(self) -> set[int]:
        """All nodes that have rows, from one to the next along the key."""
        found: set[int] = set()
        for table, columns in self._columns.items():
            rows: list[Row] = [(None,)]
            if columns:
                rows = self._database.rows(f"SELECT min(dbid) FROM {table}")
            while rows[0][0] is not None:
                found.add(rows[0][0])
                rows = self._database.rows(
                    f"SELECT min(dbid) FROM {table} WHERE dbid > ?", (rows[0][0],)
                )
        return found

    def _end(self, table: str, dbid: int) -> tuple[Place, float] | None:
        if not self._columns[table]:
            return None
        time = self._database.reading(table, "event_time")
        rows = self._database.rows(
            f"SELECT epoch, event_number, {time} FROM {table} WHERE dbid = ? "
            "ORDER BY epoch DESC, event_number DESC LIMIT 1",
            (dbid,),
        )
        return ((rows[0][0], rows[0][1]), rows[0][2]) if rows else None

    def name_of(self, table: str, dbid: int, place: Place) -> tuple[float, str] | None:
        """Time and name of an event; None: it is not there."""
        if not self._columns[table]:
            return None
        time = self._database.reading(table, "event_time")
        rows = self._database.rows(
            f"SELECT {time}, event FROM {table} WHERE dbid = ? AND epoch = ? AND event_number = ?",
            (dbid, *place),
        )
        return (rows[0][0], rows[0][1]) if rows else None

    def first_time(self, dbid: int, after: Place, last: Place, latest: float) -> float | None:
        """The time of the first event of a node that is not later than `latest`, by its clock."""
        first: list[tuple[int, int, float]] = []
        for table, columns in self._columns.items():
            if columns:
                time = self._database.reading(table, "event_time")
                first += (
                    (row[0], row[1], row[2])
                    for row in self._database.rows(
                        f"SELECT epoch, event_number, {time} FROM {table} WHERE dbid = ? "
                        "AND (epoch, event_number) > (?, ?) AND (epoch, event_number) <= (?, ?) "
                        f"AND {time} <= ? ORDER BY epoch, event_number LIMIT 1",
                        (dbid, *after, *last, latest),
                    )
                )
        return min(first)[2] if first else None

    def read_as_text(self, table: str, name: str) -> None:
        """From now on an own column is read as text, whatever it is."""
        self._texts.add((table, name))

    def events(
        self, dbid: int, after: Place, last: Place, columns: Mapping[str, Sequence[str]]
    ) -> Iterator[Item]:
        """
        The events of a node in its order, read as they are asked for.

        Tables are read at different times while nodes write into them: without an end that
        was known before, what is new in one would be seen and what is older in another not.

        :param after: the last one that is not wanted.
        :param last: the last one that is.
        :param columns: of the rows, by table; what the table does not have is None.
        """
        return merge(
            *(
                self._of_table(number, table, dbid, after, last, columns[table])
                for number, table in enumerate(TABLES)
                if self._columns[table]
            )
        )

    def _of_table(
        self,
        number: int,
        table: str,
        dbid: int,
        after: Place,
        last: Place,
        columns: Sequence[str],
    ) -> Iterator[Item]:
        chosen = ", ".join(self._reading(table, name) for name in columns)
        statement = (
            f"SELECT {chosen} FROM {table} WHERE dbid = ? AND (epoch, event_number) > (?, ?) "
            "AND (epoch, event_number) <= (?, ?) "
            f"ORDER BY epoch, event_number LIMIT {PAGE}"
        )
        named = [columns.index(name) for name in NAME]
        epoch, event_number = named[1:3]
        while True:
            rows = self._database.rows(statement, (dbid, *after, *last))
            for row in rows:
                self._check(table, [row[place] for place in named])
                yield Item((row[epoch], row[event_number]), number, row)
            if len(rows) < PAGE:
                return
            after = rows[-1][epoch], rows[-1][event_number]

    def _reading(self, table: str, name: str) -> str:
        """How a column is read, as what the schema says of it: logs of others may differ."""
        there, wanted = self._columns[table], declared(table).get(name, "")
        read = self._database.reading(table, name) if name in there else "NULL"
        if (table, name) in self._texts:
            read = f"CAST({read} AS TEXT)"
        if wanted == "TEXT" and there.get(name, "TEXT") != "TEXT":
            read = f"CAST({read} AS TEXT)"
        if name in needed(table) and name not in NAME:
            nothing = "''" if wanted == "TEXT" else "0"
            read = f"COALESCE({read}, {nothing})"
        return read

    def _check(self, table: str, named: Sequence[object]) -> None:
        """
        An event has a name and a time.

        :raise StorageError: this one has not.
        """
        *numbers, time, event = named
        if (
            not all(isinstance(each, int) for each in numbers)
            or not _is_time(time)
            or not isinstance(event, str)
        ):
            said = ", ".join(f"{name} {value!r}" for name, value in zip(NAME, named, strict=True))
            raise StorageError(f"{self.name}: a row of {table} names no event: {said}")

    def logins(self, dbid: int, after: Place, most: int) -> list[tuple[int, int, float]]:
        """The first logins with a session behind a place: its number and dbid, and when."""
        there = self._columns["rpt_agent"]
        if "agent_session_number" not in there or "agent_session_dbid" not in there:
            return []
        time = self._database.reading("rpt_agent", "event_time")
        rows = self._database.rows(
            f"SELECT agent_session_number, agent_session_dbid, dbid, epoch, event_number, {time}, "
            "event FROM rpt_agent "
            "WHERE dbid = ? AND (epoch, event_number) > (?, ?) AND event = 'EventAgentLogin' "
            "AND agent_session_number IS NOT NULL AND agent_session_dbid IS NOT NULL "
            f"ORDER BY epoch, event_number LIMIT {most}",
            (dbid, *after),
        )
        for _, _, *named in rows:
            self._check("rpt_agent", named)
        return [(row[0], row[1], row[5]) for row in rows]

    def dropped(self) -> Iterator[Row]:
        """The rows of rpt_dropped, read as they are asked for."""
        if not self._database.columns("rpt_dropped"):
            return iter(())
        columns = ", ".join(declared("rpt_dropped"))
        return chain.from_iterable(self._database.pages(f"SELECT {columns} FROM rpt_dropped", PAGE))


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and abs(value) < FURTHEST
