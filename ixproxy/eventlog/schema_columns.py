"""The tables of a schema file: their columns, with what the file says of each."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

_TABLE = re.compile(r"CREATE TABLE (\w+) \(\n(.*?)\n\)", re.DOTALL)
_COLUMN = re.compile(r" {4}([a-z]\w*) (TEXT|INTEGER|REAL)( NOT NULL)?(?: PRIMARY KEY)?,? +-- (.+)")
_COMMENT = re.compile(r" {4}-- (.+)")
_KEY = re.compile(r" {4}PRIMARY KEY \((.+)\)")


class Column(NamedTuple):
    """
    One column.

    `kind`: TEXT, INTEGER or REAL. `needed`: whether every row has it.
    """

    name: str
    kind: str
    needed: bool
    comment: str


class Table(NamedTuple):
    """One table. `key`: names of columns; empty: it has none."""

    name: str
    comment: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]


def tables_of(script: str) -> dict[str, Table]:
    """
    The tables that an SQLite schema file makes, by their names.

    :raise ValueError: a line is no column with a comment, or a table has none.
    """
    return {name: _table(name, lines.split("\n")) for name, lines in _TABLE.findall(script)}


def _table(name: str, lines: Iterable[str]) -> Table:
    columns: list[Column] = []
    comments: list[str] = []
    key: tuple[str, ...] = ()
    for line in lines:
        if found := _KEY.fullmatch(line):
            key = tuple(found[1].split(", "))
        elif found := _COLUMN.fullmatch(line):
            columns.append(Column(found[1], found[2], bool(found[3]), found[4]))
            if " PRIMARY KEY" in line:
                key = (found[1],)
        elif not columns and (found := _COMMENT.fullmatch(line)):
            comments.append(found[1])
        else:
            raise ValueError(f"{name}: {line!r} is no column with a comment")
    if not comments:
        raise ValueError(f"{name} has no comment")
    return Table(name, " ".join(comments), tuple(columns), key)
