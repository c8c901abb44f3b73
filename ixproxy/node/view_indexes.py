"""Which partial index serves a view, and what no index can serve."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from ixproxy.node.expressions import Condition, Order
from ixproxy.node.sql_text import Dialect, direction, quoted_name, quoted_text
from ixproxy.node.terms import (
    All,
    Any,
    Arithmetic,
    Between,
    Comparison,
    IsNull,
    Like,
    Membership,
    Not,
    Predicate,
    PropertyValue,
    Value,
    Wild,
    columns_in,
    constant,
)

TABLE = "interactions"

NAME_PREFIX = "ix_view_"
"""Indexes whose names begin so were made for views; others of that name are not wanted any more."""

MAX_EQUAL_COLUMNS = 3
"""Columns that may stand in front of those of the order."""


@dataclass(frozen=True, slots=True)
class IndexWanted:
    """
    A partial index.

    :ivar name: the same for the same index, another for every other.
    :ivar columns: each with whether it is descending, NULLs first ascending
        and last descending.
    :ivar predicate: the rows that it covers: columns and the values they have.
    """

    name: str
    table: str
    columns: tuple[tuple[str, bool], ...]
    predicate: tuple[tuple[str, int | str], ...]

    def where(self, dialect: Dialect = "sqlite") -> str:
        """
        The predicate, to stand in queries as it stands in the index.

        With constants, for a store uses a partial index only where it can see
        that the query asks for nothing else. In a query with parameters,
        where psycopg reads every per cent sign, hence doubled.
        """
        text = self._predicate()
        return text if dialect == "sqlite" else text.replace("%", "%%")

    def ddl(self, dialect: Dialect = "sqlite") -> str:
        """The statement that creates it where it is missing; it has no parameters."""
        columns = ", ".join(
            f"{quoted_name(column)} {direction(descending, dialect)}"
            for column, descending in self.columns
        )
        return (
            f"CREATE INDEX IF NOT EXISTS {quoted_name(self.name)} "
            f"ON {quoted_name(self.table)} ({columns}) WHERE {self._predicate()}"
        )

    def _predicate(self) -> str:
        return " AND ".join(
            f"{quoted_name(column)} = {quoted_text(v) if isinstance(v, str) else int(v)}"
            for column, v in self.predicate
        )


def wanted_index(
    view: str,
    queue: str,
    order: Order,
    condition: Condition | None = None,
    tenant_id: int | None = None,
) -> IndexWanted:
    """
    The index by which a pull from `view` finds its first row at once.

    It covers the queued and unlocked rows of the queue. Columns that the
    condition fixes to one value come first, then those of the order up to
    its first calculation.

    :param tenant_id: None where the names of queues are unique among tenants.
    :raise ValueError: the name of the queue contains a NUL.
    """
    predicate: list[tuple[str, int | str]] = [("queue", queue), ("state", 0), ("is_locked", 0)]
    if tenant_id is not None:
        predicate.insert(0, ("tenant_id", tenant_id))
    fixed = {column for column, _ in predicate}
    columns: list[tuple[str, bool]] = []
    for column in _equal_columns(condition.term) if condition else ():
        if column not in fixed and len(columns) < MAX_EQUAL_COLUMNS:
            columns.append((column, False))
            fixed.add(column)
    for term in order.terms:
        if term.column is None:
            break
        if term.column not in fixed:
            columns.append((term.column, term.descending))
            fixed.add(term.column)
    if not columns:
        columns.append(("queue_seq", False))
    quoted_text(queue)
    identity = repr((view, columns, predicate)).encode(errors="surrogatepass")
    name = NAME_PREFIX + hashlib.sha256(identity).hexdigest()[:24]
    return IndexWanted(name, TABLE, tuple(columns), tuple(predicate))


def advice(condition: Condition | None, order: Order) -> list[str]:
    """What of a view no index helps, for a person; empty: nothing."""
    found = [
        f"order: term {number} is a calculation; all rows of the queue are sorted for each pull"
        for number, term in enumerate(order.terms, 1)
        if term.column is None
    ]
    for part in _conjuncts(condition.term) if condition else ():
        trouble = _unserved(part, order.terms[0].column)
        if trouble:
            names = ", ".join(sorted(columns_in(part)))
            found.append(f"condition: {trouble} ({names}); rows are read until enough match")
    return found


def _conjuncts(term: Predicate) -> tuple[Predicate, ...]:
    return term.parts if isinstance(term, All) else (term,)


def _equal_columns(term: Predicate) -> Iterator[str]:
    for part in _conjuncts(term):
        match part:
            case Comparison("=", PropertyValue(named), other) if constant(other):
                yield named.column
            case Comparison("=", other, PropertyValue(named)) if constant(other):
                yield named.column


def _unserved(term: Predicate, first: str | None) -> str:
    """
    Why no index finds the rows of `term`, or "".

    :param first: the column of the order's first term: rows that a
        calculation on it chooses stand together in the index.
    """
    columns = columns_in(term)
    if not columns:
        return ""
    match term:
        case Any(parts):
            inner = next(filter(None, (_unserved(part, first) for part in parts)), "")
            return "OR over several properties" if len(columns) > 1 else inner
        case All(parts):
            return next(filter(None, (_unserved(part, first) for part in parts)), "")
        case Not():
            return "NOT"
        case Like(_, (Wild(), *_)):
            return "LIKE with a wildcard in front"
        case Comparison("<>"):
            return "<>"
    if len(columns) > 1:
        return "a comparison of properties"
    if columns != {first} and any(isinstance(side, Arithmetic) for side in _sides(term)):
        return "a calculation with a property"
    return ""


def _sides(term: Predicate) -> tuple[Value, ...]:
    match term:
        case Comparison(_, left, right):
            return (left, right)
        case Between(value, low, high):
            return (value, low, high)
        case Membership(value, options):
            return (value, *options)
        case Like(value) | IsNull(value):
            return (value,)
    return ()
