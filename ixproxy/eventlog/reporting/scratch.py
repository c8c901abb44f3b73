"""
Sums and lists that may be too long for memory: kept in a file that nobody sees.

What is counted by name has as many rows as there are names, and whoever sends
names may send many; a median needs every value. Both are put into an SQLite
database without a name, which holds a few megabytes in memory and the rest on
disk, and is gone when it is closed. So all figures are exact, however long the log.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import msgspec

SHOWN = 50
"""So many rows of a table have names; the rest is one row."""

KEPT_SUMS = 10_000
KEPT_ROWS = 2_000

BOUNDS = (1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400, 86400)
"""Where the bins of a distribution end, in seconds; the last has no end."""

Names = tuple[str, ...]


class Summary(msgspec.Struct, frozen=True):
    """
    What is known of some durations. All are seconds.

    Percentiles are those by nearest rank: the smallest that is there of which it is
    true that so many of all are not greater.

    :ivar bins: how many lie below each of `BOUNDS` and not below the one before, and, last, beyond.
    """

    count: int = 0
    total: float = 0.0
    median: float = 0.0
    of_90: float = 0.0
    of_95: float = 0.0
    longest: float = 0.0
    bins: tuple[int, ...] = (0,) * (len(BOUNDS) + 1)


class Table(msgspec.Struct, frozen=True):
    """
    Rows by name, the greatest first.

    :ivar rows: names and what they have: sums of numbers, or one `Summary`.
    :ivar others: the same of all that have no row; None: there are none.
    :ivar left_out: how many these are.
    :ivar whole: of all.
    """

    rows: list[tuple[Names, Any]]
    others: Any
    left_out: int
    whole: Any


class Scratch:
    """The database; `Sums` and `Spans` are made with it."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect("", isolation_level=None)
        for setting in ("temp_store = FILE", "journal_mode = OFF", "synchronous = OFF"):
            self.connection.execute(f"PRAGMA {setting}")
        self.connection.execute("BEGIN")

    def close(self) -> None:
        """Forget everything."""
        self.connection.close()


def _columns(letter: str, count: int) -> list[str]:
    return [f"{letter}{place}" for place in range(count)]


class Sums:
    """
    Numbers that add up, by name.

    :param name: of its table; each `Sums` of a `Scratch` has one of its own.
    :param names: how many names a row has.
    :param numbers: how many numbers.
    """

    def __init__(self, scratch: Scratch, name: str, names: int, numbers: int) -> None:
        self._scratch = scratch
        self._table = name
        self._names = _columns("k", names)
        self._numbers = numbers
        self._kept: dict[Names, list[float]] = {}
        keys = ", ".join(f"{column} TEXT NOT NULL" for column in self._names)
        sums = ", ".join(f"{column} NUMERIC NOT NULL" for column in _columns("n", numbers))
        scratch.connection.execute(
            f"CREATE TABLE {name} ({keys}, {sums}, PRIMARY KEY ({', '.join(self._names)}))"
            " WITHOUT ROWID"
        )

    def add(self, names: Names, place: int, amount: float = 1) -> None:
        """Add to one number of a row."""
        kept = self._kept.get(names)
        if kept is None:
            if len(self._kept) >= KEPT_SUMS:
                self._put_away()
            kept = self._kept[names] = [0] * self._numbers
        kept[place] += amount

    def table(self, by: Sequence[int] = (), shown: int = SHOWN) -> Table:
        """
        The rows with the greatest sums.

        :param by: the numbers whose sum is meant; none: all.
        """
        self._put_away()
        numbers = _columns("n", self._numbers)
        total = " + ".join(f"n{place}" for place in by) if by else " + ".join(numbers)
        rows: list[tuple[Names, tuple[float, ...]]] = []
        names = len(self._names)
        query = (
            f"SELECT {', '.join([*self._names, *numbers])} FROM {self._table}"
            f" ORDER BY {total} DESC, {', '.join(self._names)} LIMIT {shown}"
        )
        for row in self._scratch.connection.execute(query):
            rows.append((row[:names], row[names:]))
        sums = ", ".join(f"COALESCE(SUM({column}), 0)" for column in numbers)
        count, *whole = self._scratch.connection.execute(
            f"SELECT COUNT(*), {sums} FROM {self._table}"
        ).fetchone()
        others = [all_of - sum(row[place] for _, row in rows) for place, all_of in enumerate(whole)]
        left_out = count - len(rows)
        return Table(rows, tuple(others) if left_out else None, left_out, tuple(whole))

    def _put_away(self) -> None:
        if not self._kept:
            return
        marks = ", ".join("?" * (len(self._names) + self._numbers))
        added = ", ".join(f"{column} = {column} + excluded.{column}" for column in
                          _columns("n", self._numbers))  # fmt: skip
        self._scratch.connection.executemany(
            f"INSERT INTO {self._table} VALUES ({marks})"
            f" ON CONFLICT ({', '.join(self._names)}) DO UPDATE SET {added}",
            [(*names, *numbers) for names, numbers in self._kept.items()],
        )
        self._kept.clear()


class Spans:
    """
    Durations, each with its names.

    :param name: of its table; each `Spans` of a `Scratch` has one of its own.
    :param names: how many names a duration has.
    """

    def __init__(self, scratch: Scratch, name: str, names: int) -> None:
        self._scratch = scratch
        self._table = name
        self._names = _columns("k", names)
        self._kept: list[tuple[object, ...]] = []
        keys = ", ".join(f"{column} TEXT NOT NULL" for column in self._names)
        scratch.connection.execute(f"CREATE TABLE {name} ({keys}, seconds REAL NOT NULL)")

    def add(self, names: Names, seconds: float) -> None:
        """One duration."""
        self._kept.append((*names, seconds))
        if len(self._kept) >= KEPT_ROWS:
            self._put_away()

    def table(self, by: Sequence[int] = (), shown: int = SHOWN) -> Table:
        """
        Summaries by name, those of most durations first.

        :param by: the names to tell apart; none: all of them.
        """
        self._put_away()
        chosen = [self._names[place] for place in by] if by else self._names
        names = ", ".join(chosen)
        connection = self._scratch.connection
        counts = connection.execute(
            f"SELECT {names}, COUNT(*) FROM {self._table} GROUP BY {names}"
            f" ORDER BY COUNT(*) DESC, {names} LIMIT {shown}"
        ).fetchall()
        (groups,) = connection.execute(
            f"SELECT COUNT(*) FROM (SELECT 1 FROM {self._table} GROUP BY {names})"
        ).fetchone()
        (size,) = connection.execute(f"SELECT COUNT(*) FROM {self._table}").fetchone()
        left_out = groups - len(counts)
        ranks = f"{self._table}_ranks"
        keys = ", ".join(f"{column} TEXT NOT NULL" for column in chosen)
        connection.execute(f"DROP TABLE IF EXISTS {ranks}")
        connection.execute(f"CREATE TABLE {ranks} (rank INTEGER, {keys}, PRIMARY KEY ({names}))")
        marks = ", ".join("?" * (len(chosen) + 1))
        connection.executemany(
            f"INSERT INTO {ranks} VALUES ({marks})",
            [(rank, *row[:-1]) for rank, row in enumerate(counts)],
        )
        sizes = {rank: row[-1] for rank, row in enumerate(counts)}
        sizes[len(counts)] = size - sum(sizes.values())
        ranked = connection.execute(
            f"SELECT COALESCE(rank, {len(counts)}) AS place, seconds"
            f" FROM {self._table} LEFT JOIN {ranks} USING ({names}) ORDER BY place, seconds"
        )
        found = {
            rank: _summary((seconds for _, seconds in rows), sizes[rank])
            for rank, rows in groupby(ranked, key=lambda row: row[0])
        }
        every = connection.execute(f"SELECT seconds FROM {self._table} ORDER BY seconds")
        whole = _summary((seconds for (seconds,) in every), size)
        return Table(
            [(row[:-1], found[rank]) for rank, row in enumerate(counts)],
            found.get(len(counts)),
            left_out,
            whole,
        )

    def _put_away(self) -> None:
        marks = ", ".join("?" * (len(self._names) + 1))
        self._scratch.connection.executemany(
            f"INSERT INTO {self._table} VALUES ({marks})", self._kept
        )
        self._kept.clear()


def _summary(ascending: Iterator[float], count: int) -> Summary:
    """:param count: how many there are."""
    if not count:
        return Summary()
    wanted = {share: math.ceil(count * share / 100) for share in (50, 90, 95)}
    found = dict.fromkeys(wanted, 0.0)
    bins = [0] * (len(BOUNDS) + 1)
    place, total, seconds = 0, 0.0, 0.0
    for rank, seconds in enumerate(ascending, 1):
        total += seconds
        while place < len(BOUNDS) and seconds >= BOUNDS[place]:
            place += 1
        bins[place] += 1
        for share, at in wanted.items():
            if rank == at:
                found[share] = seconds
    return Summary(count, total, found[50], found[90], found[95], seconds, tuple(bins))
