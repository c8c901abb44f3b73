"""
View expressions: conditions, orders and segmentations in the field's dialect.

Theory of operation: `tokens` splits and narrows the text, sqlglot parses it,
`syntax` checks the tree and makes `terms`; from these `sql_text` writes SQL
and `evaluation` makes functions. So a store and the memory answer alike, and
nothing that a person wrote gets into a statement but as a bound parameter.

    [media_type] = 'chat' AND Queue = 'Q1' AND (priority > 5 OR _age() > 60)
    priority DESC, received_at
    media_type, Product

Properties are named by protocol name, by column, or in brackets; texts stand
in single quotes. _age() and _time_in_queue() are seconds, _current_time() and
_timestamp('2026-01-02 03:04:05') moments in UTC. Case counts in every
comparison of texts, LIKE included, whatever the store.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
from sqlglot import TokenType

from ixproxy.node.evaluation import Reading, Row, Scalar, Test, compiled_test, compiled_value
from ixproxy.node.properties import Kind, Properties
from ixproxy.node.rows import InteractionRow
from ixproxy.node.sql_text import Dialect, SqlWriter, direction
from ixproxy.node.syntax import read_predicate, read_value
from ixproxy.node.terms import Predicate, PropertyValue, Value, columns_in, constant, needs_time
from ixproxy.node.tokens import ExpressionError, Piece, read_pieces, split_at_commas
from ixproxy.wire.sortkeys import sort_key

__all__ = [
    "Condition",
    "Dialect",
    "ExpressionError",
    "Order",
    "OrderTerm",
    "Segmentation",
    "columns_of",
    "compile_condition",
    "compile_order",
    "compile_segmentation",
    "matches",
]

TIE_BREAKERS = ("queue_seq", "id")
"""What every order ends with, ascending: arrival in the queue, then the id."""

MAX_TERMS = 16
"""Entries of an order or a segmentation."""


@dataclass(frozen=True, slots=True)
class Condition:
    """
    A compiled condition.

    :ivar sql: a boolean expression over columns of `interactions`; put it in
        parentheses.
    :ivar parameters: its bound parameters, but for `now`.
    :ivar columns: the columns that it reads.
    :ivar time_dependent: it may change by the passing of time alone; then
        `now` (seconds since the epoch, UTC) is to be bound too.
    :ivar term: what was checked, for those who ask about indexes.
    """

    sql: str
    parameters: dict[str, int | float | str]
    columns: frozenset[str]
    time_dependent: bool
    term: Predicate = field(repr=False)
    _test: Test = field(repr=False, compare=False)

    def bound(self, now: float) -> dict[str, int | float | str]:
        """All parameters of `sql` at the time `now`."""
        return {**self.parameters, "now": now}

    def matches(self, row: Row, now: float) -> bool:
        """
        Whether the store would choose `row`: the condition is true, not unknown.

        :param row: columns and what the store holds in them; a column left
            out counts as NULL.
        :param now: seconds since the epoch, UTC.
        """
        return self._test(row, float(now)) is True


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """
    One term of an order.

    NULLs are always first ascending and last descending, and texts compare
    by their bytes.

    :ivar column: None: a calculation, which no index serves.
    """

    column: str | None
    sql: str
    descending: bool
    value: Value = field(repr=False)
    _read: Reading = field(repr=False, compare=False)

    @property
    def nulls_first(self) -> bool:
        """Where rows without a value stand."""
        return not self.descending


@dataclass(frozen=True, slots=True)
class Order:
    """
    A compiled order; its last terms are the tie-breakers.

    :ivar sql: what follows ORDER BY.
    :ivar parameters: its bound parameters, but for `now`.
    """

    terms: tuple[OrderTerm, ...]
    sql: str
    parameters: dict[str, int | float | str]
    columns: frozenset[str]
    time_dependent: bool

    def bound(self, now: float) -> dict[str, int | float | str]:
        """All parameters of `sql` at the time `now`."""
        return {**self.parameters, "now": now}

    def values(self, row: Row, now: float) -> tuple[Scalar, ...]:
        """What `row` is ordered by at the time `now`."""
        return tuple(term._read(row, float(now)) for term in self.terms)

    def key(self, row: Row, now: float) -> bytes:
        """The sort key of `row`: compared as bytes, keys of any nodes stand in this order."""
        return sort_key(self.values(row, now), [term.descending for term in self.terms])


@dataclass(frozen=True, slots=True)
class Segmentation:
    """
    Rows with equal values in `columns` make a segment.

    :ivar limit: rows of one segment at most, from 1; 0: any number.
    """

    columns: tuple[str, ...]
    limit: int

    def key(self, row: Row) -> tuple[object, ...]:
        """The segment of `row`."""
        return tuple(row.get(column) for column in self.columns)


def compile_condition(text: str, properties: Properties, dialect: Dialect = "sqlite") -> Condition:
    """
    Compile a condition; one without any word is always true.

    :raise ExpressionError: it is not valid.
    """
    term = read_predicate(read_pieces(text), text, properties)
    writer = SqlWriter(dialect, "condition")
    sql = writer.predicate(term)
    return Condition(
        sql, writer.parameters, columns_in(term), needs_time(term), term, compiled_test(term)
    )


def matches(condition: Condition, row: Row, now: float) -> bool:
    """Whether the store would choose `row`; see `Condition.matches`."""
    return condition.matches(row, now)


def columns_of(row: InteractionRow) -> dict[str, object]:
    """`row` as conditions and orders read it: by column, custom properties among them."""
    columns = msgspec.structs.asdict(row)
    columns.update(columns.pop("custom"))
    return columns


def compile_order(text: str, properties: Properties, dialect: Dialect = "sqlite") -> Order:
    """
    Compile an order, such as `priority DESC, received_at`.

    :param text: values, each with ASC (which may be left out) or DESC; without
        any word the order is that of arrival in the queue.
    :raise ExpressionError: it is not valid.
    """
    pieces = read_pieces(text, directions=True)
    writer = SqlWriter(dialect, "order")
    terms: list[OrderTerm] = []
    for entry in split_at_commas(pieces, text) if pieces else []:
        value, descending = _order_entry(entry, text, properties)
        if any(term.value == value for term in terms):
            raise _at(entry, "ordered by the same value twice")
        terms.append(_order_term(value, descending, writer))
    if len(terms) > MAX_TERMS:
        raise ExpressionError(f"more than {MAX_TERMS} terms")
    for column in TIE_BREAKERS:
        known = properties.find(column)
        if known is not None and all(term.column != column for term in terms):
            terms.append(_order_term(PropertyValue(known), False, writer))
    return Order(
        tuple(terms),
        ", ".join(f"{term.sql} {direction(term.descending, dialect)}" for term in terms),
        writer.parameters,
        frozenset().union(*(columns_in(term.value) for term in terms)),
        any(needs_time(term.value) for term in terms),
    )


def _order_entry(entry: Sequence[Piece], text: str, properties: Properties) -> tuple[Value, bool]:
    descending = entry[-1].type is TokenType.DESC
    if entry[-1].type in (TokenType.ASC, TokenType.DESC):
        entry = entry[:-1]
    value = read_value(entry, text, properties)
    if constant(value):
        raise _at(entry, "an order by something that is the same for every row")
    if value.kind is Kind.BLOB:
        raise _at(entry, "a binary value has no order")
    return value, descending


def _order_term(value: Value, descending: bool, writer: SqlWriter) -> OrderTerm:
    column = value.named.column if isinstance(value, PropertyValue) else None
    return OrderTerm(column, writer.value(value), descending, value, compiled_value(value))


def compile_segmentation(text: str, limit: int, properties: Properties) -> Segmentation:
    """
    Compile a segmentation: a comma list of properties, but no timestamps.

    :param limit: rows of one segment at most; 0: any number.
    :raise ExpressionError: it is not valid.
    """
    if limit < 0:
        raise ExpressionError(f"a limit per segment is 0 or more, not {limit}")
    pieces = read_pieces(text)
    columns: list[str] = []
    for entry in split_at_commas(pieces, text) if pieces else []:
        value = read_value(entry, text, properties)
        if not isinstance(value, PropertyValue):
            raise _at(entry, "a segmentation names properties only")
        if value.kind in (Kind.TIMESTAMP, Kind.BLOB):
            raise _at(entry, f"{value.named.name} is a {value.kind.value}: it makes no segments")
        if value.named.column in columns:
            raise _at(entry, f"{value.named.name} is named twice")
        columns.append(value.named.column)
    if len(columns) > MAX_TERMS:
        raise ExpressionError(f"more than {MAX_TERMS} properties")
    return Segmentation(tuple(columns), limit)


def _at(entry: Sequence[Piece], reason: str) -> ExpressionError:
    return ExpressionError(reason, entry[0].text, entry[0].start)
