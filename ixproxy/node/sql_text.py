"""
From checked terms to SQL text for either store, every literal a bound parameter.

Both stores must choose and order alike, so what they do differently is
written differently: LIKE takes case into account (GLOB in SQLite), a division
by zero is NULL, and NULLs come first ascending and last descending.

Columns must be declared accordingly. SQLite: TEXT, REAL for timestamps,
INTEGER for numbers of the system, NUMERIC for custom ones. PostgreSQL: TEXT
COLLATE "C", DOUBLE PRECISION for timestamps, BIGINT for numbers of the system,
NUMERIC for custom ones.
"""

from __future__ import annotations

from typing import assert_never

from ixproxy.node.properties import Kind
from ixproxy.node.terms import (
    All,
    Any,
    Arithmetic,
    Between,
    Comparison,
    Constant,
    IsNull,
    Like,
    Membership,
    Not,
    Now,
    Predicate,
    PropertyValue,
    Truth,
    Value,
    Wild,
    whole,
)
from ixproxy.values import Dialect as Dialect


def quoted_name(name: str) -> str:
    """An identifier, for either store."""
    return '"' + name.replace('"', '""') + '"'


def quoted_text(text: str) -> str:
    """
    A text literal, for either store; only for what cannot be a parameter.

    :raise ValueError: the text contains a NUL, at which SQLite would stop reading.
    """
    if "\0" in text:
        raise ValueError(f"{text!r} contains a NUL")
    return "'" + text.replace("'", "''") + "'"


def direction(descending: bool, dialect: Dialect) -> str:
    """What follows a term of ORDER BY or a column of an index; SQLite has our NULLs already."""
    if dialect == "sqlite":
        return "DESC" if descending else "ASC"
    return "DESC NULLS LAST" if descending else "ASC NULLS FIRST"


class SqlWriter:
    """
    Writes terms and gathers their parameters.

    Parameters are named `prefix` and a number, and `now` (seconds since the
    epoch): `:now` for sqlite3, `%(now)s` for psycopg.

    :ivar parameters: all of them but `now`.
    """

    def __init__(self, dialect: Dialect, prefix: str) -> None:
        self._dialect = dialect
        self._prefix = prefix
        self.parameters: dict[str, int | float | str] = {}

    def predicate(self, term: Predicate) -> str:
        """`term` in text; wrap it in parentheses before joining it to anything."""
        match term:
            case Comparison(operator, left, right):
                return f"{self.value(left)} {operator} {self.value(right)}"
            case Between(value, low, high):
                ends = f"{self.value(low)} AND {self.value(high)}"
                return f"{self.value(value)} BETWEEN {ends}"
            case Membership(value, options):
                listed = ", ".join(self.value(option) for option in options)
                return f"{self.value(value)} IN ({listed})"
            case Like():
                return self._like(term)
            case IsNull(value):
                return f"{self.value(value)} IS NULL"
            case Not(part):
                return f"NOT ({self.predicate(part)})"
            case All(parts):
                return " AND ".join(f"({self.predicate(part)})" for part in parts)
            case Any(parts):
                return " OR ".join(f"({self.predicate(part)})" for part in parts)
            case Truth(value=truth):
                return self._truth(truth)
            case _:
                assert_never(term)

    def value(self, term: Value) -> str:
        """`term` in text, in parentheses where it needs them."""
        match term:
            case PropertyValue(named):
                return quoted_name(named.column)
            case Constant(value):
                return self._bound(value)
            case Now():
                return self._mark("now", 0.0)
            case Arithmetic(operator, left, right):
                return f"({self._calculated(operator, left, right)})"
            case _:
                assert_never(term)

    def _calculated(self, operator: str, left: Value, right: Value) -> str:
        first, second = self._operand(operator, left), self._operand(operator, right)
        if isinstance(left, Arithmetic) and _rank(left.operator) == _rank(operator):
            # A chain of one rank needs no parentheses on its left, and
            # SQLite's parser stops at a hundred open ones.
            first = first[1:-1]
        exact = whole(left) and whole(right)
        if operator == "/" and not exact:
            real = "REAL" if self._dialect == "sqlite" else "DOUBLE PRECISION"
            first = f"CAST({first} AS {real})"
        if self._dialect == "sqlite":
            return f"{first} {operator} {second}"
        if operator == "%":
            operator = "%%"  # psycopg reads a single one as the start of a parameter
            if not exact:
                first, second = (f"TRUNC(CAST({side} AS NUMERIC))" for side in (first, second))
        if operator in ("/", "%%"):
            second = f"NULLIF({second}, 0)"
        return f"{first} {operator} {second}"

    def _operand(self, operator: str, term: Value) -> str:
        """PostgreSQL keeps custom numbers as they were written, but calculates as all stores do."""
        text = self.value(term)
        if (
            self._dialect == "postgresql"
            and operator in "+-*"
            and isinstance(term, PropertyValue)
            and term.named.kind is Kind.NUMBER
            and not whole(term)
        ):
            return f"CAST({text} AS DOUBLE PRECISION)"
        return text

    def _like(self, term: Like) -> str:
        if self._dialect == "sqlite":
            wild = {Wild.ANY: "*", Wild.ONE: "?"}
            special = {sign: f"[{sign}]" for sign in "*?["}
            name = "GLOB"
        else:
            wild = {Wild.ANY: "%", Wild.ONE: "_"}
            special = {sign: f"\\{sign}" for sign in "%_\\"}
            name = "LIKE"
        pattern = "".join(
            wild[part] if isinstance(part, Wild) else special.get(part, part)
            for part in term.pattern
        )
        return f"{self.value(term.value)} {name} {self._bound(pattern)}"

    def _truth(self, value: bool) -> str:
        if self._dialect == "sqlite":
            return "1" if value else "0"
        return "TRUE" if value else "FALSE"

    def _bound(self, value: int | float | str) -> str:
        name = f"{self._prefix}_{len(self.parameters)}"
        self.parameters[name] = value
        return self._mark(name, value)

    def _mark(self, name: str, value: int | float | str) -> str:
        if self._dialect == "sqlite":
            return f":{name}"
        # PostgreSQL must be told the types: psycopg sends texts without one,
        # and small integers as SMALLINT, whose sums overflow early.
        match value:
            case str():
                return f'(CAST(%({name})s AS TEXT) COLLATE "C")'
            case int():
                return f"CAST(%({name})s AS BIGINT)"
        return f"CAST(%({name})s AS DOUBLE PRECISION)"


def _rank(operator: str) -> bool:
    return operator in "+-"
