"""
Inserting events into SQLite: each row with the columns that it has, and no others.

Half the columns of most events are NULL, and Python's sqlite3 takes longer to bind a None
than all else takes for a column: rows that have the same columns are inserted together, by
a statement that names only these. And many by one statement: the module gives Python's lock
back for every step of a statement, and has to wait for it after each while the node works.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import chain, compress, repeat
from operator import is_not, itemgetter

from ixproxy.eventlog import sql_texts
from ixproxy.eventlog.rows import Values

STATEMENTS = 512
"""Texts of statements that are kept; there are about as many as there are kinds of events."""

TOGETHER = 64
"""Rows that one statement inserts."""

MOST_VALUES = 16_000
"""Values that one statement may have; SQLite allows twice as many."""


class Inserts:
    """
    The statements of one log.

    :param columns: of each table, in the order of the values of its rows.
    """

    def __init__(self, columns: Mapping[str, Sequence[str]]) -> None:
        self._columns = columns
        self._text = lru_cache(STATEMENTS)(self._made)

    def run(self, connection: sqlite3.Connection, table: str, rows: Sequence[Values]) -> int:
        """
        Insert rows, but for those that are there.

        :return: how many were not.
        :raise sqlite3.Error: one cannot be inserted.
        """
        new = 0
        for has, some in _alike(rows).items():
            together = max(1, min(TOGETHER, MOST_VALUES // max(1, sum(has))))
            whole = len(some) - len(some) % together
            text = self._text(table, has, together)
            for at in range(0, whole, together):
                values = tuple(chain.from_iterable(some[at : at + together]))
                new += connection.execute(text, values).rowcount
            if rest := some[whole:]:
                new += connection.executemany(self._text(table, has, 1), rest).rowcount
        return new

    def _made(self, table: str, has: tuple[bool, ...], number: int) -> str:
        names = list(compress(self._columns[table], has))
        marks = f"({', '.join('?' * len(names))})"
        return sql_texts.insert(table, names, f"VALUES {', '.join([marks] * number)}")


def _alike(rows: Sequence[Values]) -> dict[tuple[bool, ...], list[Values]]:
    """What rows have, by which columns they have."""
    alike: dict[tuple[bool, ...], list[Values]] = {}
    some: list[Values] = []
    values_of: Callable[[Values], Values] = tuple
    lacks = -1
    for row in rows:
        # Most are like the one before, which is seen sooner than what they have is found out.
        if row.count(None) == lacks and None not in (values := values_of(row)):
            some.append(values)
            continue
        has = tuple(map(is_not, row, repeat(None)))
        some = alike.setdefault(has, [])
        some.append(tuple(compress(row, has)))
        lacks, values_of = row.count(None), _getter(has)
    return alike


@lru_cache(STATEMENTS)
def _getter(has: tuple[bool, ...]) -> Callable[[Values], Values]:
    """Of the values that rows have; every row has several, for its key does."""
    return itemgetter(*compress(range(len(has)), has))
