"""Questions about checked terms."""

from __future__ import annotations

import pytest

from ixproxy.node.properties import Kind, Properties
from ixproxy.node.syntax import read_predicate
from ixproxy.node.terms import (
    Arithmetic,
    Constant,
    Now,
    Predicate,
    PropertyValue,
    columns_in,
    constant,
    needs_time,
    values_of,
    whole,
)
from ixproxy.node.tokens import read_pieces

PROPERTIES = Properties({"Amount": "number"})


def term(text: str) -> Predicate:
    return read_predicate(read_pieces(text), text, PROPERTIES)


def column(name: str) -> PropertyValue:
    found = PROPERTIES.find(name)
    assert found is not None
    return PropertyValue(found)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("", set()),
        ("1 = 2", set()),
        ("Priority + 1 > state", {"priority", "state"}),
        ("Priority BETWEEN state AND TenantId", {"priority", "state", "tenant_id"}),
        ("Priority IN (1, state)", {"priority", "state"}),
        ("NOT (Queue LIKE 'a%') OR MediaType IS NULL", {"queue", "media_type"}),
        ("_age() > 5 AND _time_in_queue() > 5", {"received_at", "placed_in_queue_at"}),
        ("Amount = 1", {"c_amount"}),
    ],
)
def test_the_columns_of_a_condition_are_those_that_it_reads(text: str, columns: set[str]) -> None:
    assert columns_in(term(text)) == columns


@pytest.mark.parametrize(
    ("text", "depends"),
    [
        ("_age() > 60", True),
        ("Queue = 'a' AND (Priority = 1 OR ReceivedAt < _current_time())", True),
        ("ReceivedAt < _timestamp('2026-01-02 03:04:05')", False),
        ("Priority = 1", False),
    ],
)
def test_a_condition_with_the_time_in_it_needs_the_time(text: str, depends: bool) -> None:
    assert needs_time(term(text)) is depends


def test_values_come_in_the_order_of_the_text() -> None:
    found = list(values_of(term("Priority > 1 AND Queue IN ('a', 'b')")))
    assert found == [
        column("Priority"),
        Constant(1, Kind.NUMBER),
        column("Queue"),
        Constant("a", Kind.STRING),
        Constant("b", Kind.STRING),
    ]


def test_only_system_numbers_and_integers_are_whole() -> None:
    two, half = Constant(2, Kind.NUMBER), Constant(0.5, Kind.NUMBER)
    assert whole(column("Priority"))
    assert whole(Arithmetic("/", column("Priority"), two, Kind.NUMBER))
    assert not whole(Arithmetic("/", column("Priority"), half, Kind.NUMBER))
    assert not whole(Arithmetic("+", column("Amount"), two, Kind.NUMBER))
    assert not whole(Now())
    assert not whole(column("ReceivedAt"))


def test_what_reads_no_column_is_constant() -> None:
    assert constant(Now())
    assert constant(Constant(2, Kind.NUMBER))
    assert not constant(column("Priority"))
