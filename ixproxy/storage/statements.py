"""
The statements that put, fetch and delete rows, many at a time.

Each is text by table and number of rows. Numbers are powers of two, so that
few texts exist and SQLite's prepared statements are found again; one
statement for many rows also means one step outside the interpreter's lock
rather than one for each row, which a busy reactor would stretch. For keys of
several columns IN (VALUES …) would scan the table; joins and OR do not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, TypeVar

from ixproxy.node.sql_text import quoted_name
from ixproxy.storage.columns import Columns

MAX_ROWS = 128
"""Rows of one statement at most."""

MAX_VARIABLES = 32_000
"""Variables of one statement at most; SQLite allows 32,766 unless built otherwise."""

Item = TypeVar("Item")


def in_chunks(items: Sequence[Item], width: int) -> Iterator[Sequence[Item]]:
    """Slices of `items` whose lengths are powers of two, for rows of `width` variables."""
    size = MAX_ROWS
    while size > 1 and size * width > MAX_VARIABLES:
        size //= 2
    at, left = 0, len(items)
    while left:
        while size > left:
            size //= 2
        yield items[at : at + size]
        at += size
        left -= size


def flat(rows: Sequence[Sequence[Any]]) -> list[Any]:
    """All variables of a statement for `rows`."""
    return list(chain.from_iterable(rows))


def put(columns: Columns, rows: int) -> str:
    """Insert whole rows, or overwrite those with the same key."""
    return _put(columns.table, columns.names, columns.key, rows)


@lru_cache(maxsize=256)
def _put(table: str, names: tuple[str, ...], key: tuple[str, ...], rows: int) -> str:
    changed = ", ".join(
        f"{quoted_name(name)} = excluded.{quoted_name(name)}" for name in names if name not in key
    )
    return (
        f"INSERT INTO {table} ({_listed(names)}) VALUES {_marks(len(names), rows)} "
        f"ON CONFLICT ({_listed(key)}) DO UPDATE SET {changed}"
    )


@lru_cache(maxsize=256)
def delete(table: str, key: tuple[str, ...], rows: int) -> str:
    """Delete by keys."""
    if len(key) == 1:
        return f"DELETE FROM {table} WHERE {_in(key[0], rows)}"
    one = " AND ".join(f"{quoted_name(name)} = ?" for name in key)
    return f"DELETE FROM {table} WHERE {' OR '.join([f'({one})'] * rows)}"


def fetch(columns: Columns, by: tuple[str, ...], rows: int) -> str:
    """Read the rows whose columns `by` have one of many values, which differ."""
    return _fetch(columns.table, columns.names, by, rows)


@lru_cache(maxsize=256)
def _fetch(table: str, names: tuple[str, ...], by: tuple[str, ...], rows: int) -> str:
    if len(by) == 1:
        return f"SELECT {_listed(names)} FROM {table} WHERE {_in(by[0], rows)}"
    return (
        f"{_keys(len(by), rows)} SELECT {_listed(names)} "
        f"FROM wanted CROSS JOIN {table} ON {_same(table, by)}"
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(quoted_name, names))


def _marks(width: int, rows: int) -> str:
    return ", ".join([f"({', '.join('?' * width)})"] * rows)


def _in(name: str, rows: int) -> str:
    return f"{quoted_name(name)} IN ({', '.join('?' * rows)})"


def _keys(width: int, rows: int) -> str:
    names = ", ".join(f"k{number}" for number in range(width))
    return f"WITH wanted ({names}) AS (VALUES {_marks(width, rows)})"


def _same(table: str, names: tuple[str, ...]) -> str:
    return " AND ".join(
        f"{table}.{quoted_name(name)} = k{number}" for number, name in enumerate(names)
    )
