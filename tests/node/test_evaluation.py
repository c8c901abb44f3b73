"""What memory makes of a condition is what SQLite makes of it."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ixproxy.node.evaluation import compiled_test
from ixproxy.node.expressions import compile_condition, compile_order
from tests.node.drawn import (
    NOW,
    PROPERTIES,
    answer,
    conditions,
    number_leaves,
    numbers,
    predicates,
    rows,
    stored,
    strings,
    timed_leaves,
)

EMPTY: dict[str, object] = {}


@settings(max_examples=400)
@given(conditions, rows())
@example("priority / 0 > 1 OR priority % 0 = 1", {"priority": 5})
@example("-priority > 0", {"priority": -(2**63)})
@example("priority / -1 > 0", {"priority": -(2**63)})
@example("priority / 1 < 0", {"priority": -(2**63)})
@example("(priority + 9223372036854775807) / 2 > 0", {"priority": 5})
@example("Amount % 2 / 2 = 0.5", {"c_amount": 5})
@example("Amount / 2 = 2.5", {"c_amount": 5})
@example("Amount * 1e300 * 1e300 % 7 = 0", {"c_amount": 2.5})
@example("Product LIKE 'a_b%'", {"c_product": "a\0b"})
def test_memory_and_sqlite_give_the_same_answer(text: str, row: dict[str, object]) -> None:
    condition = compile_condition(text, PROPERTIES)
    with contextlib.closing(stored(row)) as store:
        expected = answer(store, condition.sql, condition.bound(NOW))
    assert compiled_test(condition.term)(row, NOW) == expected
    assert condition.matches(row, NOW) == (expected is True)


@settings(max_examples=200)
@given(numbers(timed_leaves), rows())
def test_memory_and_sqlite_calculate_the_same_number(text: str, row: dict[str, object]) -> None:
    order = compile_order(f"priority + ({text})", PROPERTIES)
    with contextlib.closing(stored(row)) as store:
        query = f"SELECT {order.terms[0].sql} FROM interactions"
        (expected,) = store.execute(query, order.bound(NOW)).fetchone()
    found = order.values(row, NOW)[0]
    assert found == expected


# Names that SQLite knows too; no time, no LIKE and no division, which are ours.
plain_names = st.sampled_from(["priority", "service_objective", "[tenant_id]"])
plain = predicates([numbers(plain_names | st.integers(0, 9).map(str)), strings])


@settings(max_examples=300)
@given(plain, rows())
@example("NOT priority = 1 AND tenant_id = 2 OR priority < 3", {"priority": 2, "tenant_id": 2})
@example("priority BETWEEN 1 AND 2 AND tenant_id = 1", {"priority": 3, "tenant_id": 1})
@example("NOT priority BETWEEN 1 AND 2 OR tenant_id = 1", {"priority": 3, "tenant_id": 2})
@example("priority - 1 - 1 = 2 AND 12 / 2 * 3 = 18", {"priority": 4})
@example("priority NOT NULL AND priority = -1 * -1", {"priority": 1})
def test_an_expression_means_what_the_same_text_means_to_sqlite(
    text: str, row: dict[str, object]
) -> None:
    condition = compile_condition(text, PROPERTIES)
    columns = {"Queue": "queue", '"Product"': "c_product", "[product_Line]": "c_product_line"}
    for name, column in columns.items():
        text = text.replace(name, column)
    with contextlib.closing(stored(row)) as store:
        assert compiled_test(condition.term)(row, NOW) == answer(store, text, EMPTY)


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("", "", True),
        ("", "a", False),
        ("%", "", True),
        ("a%", "abc", True),
        ("a%", "Abc", False),
        ("%c", "abc", True),
        ("%b%", "abc", True),
        ("a%b%c", "a1b2b3c", True),
        ("a_c", "abc", True),
        ("a_c", "ac", False),
        ("__", "€é", True),
        ("a*", "abc", False),
        ("[a]", "a", False),
        ("%%%", "x", True),
        ("a%b", "ab\nb", True),
    ],
)
def test_a_pattern_fits_whole_texts_and_minds_case(pattern: str, text: str, fits: bool) -> None:
    condition = compile_condition(f"external_id LIKE '{pattern}'", PROPERTIES)
    assert condition.matches({"external_id": text}, NOW) is fits


def test_a_pattern_made_to_be_slow_is_not() -> None:
    text, pattern = "a" * 4000, "%a" * 200 + "%b"
    condition = compile_condition(f"external_id LIKE '{pattern}'", PROPERTIES)
    assert not condition.matches({"external_id": text}, NOW)


def test_a_column_left_out_counts_as_null() -> None:
    assert not compile_condition("priority > 1", PROPERTIES).matches(EMPTY, NOW)
    assert not compile_condition("NOT priority > 1", PROPERTIES).matches(EMPTY, NOW)
    assert compile_condition("priority IS NULL", PROPERTIES).matches(EMPTY, NOW)


def test_unknown_is_not_chosen_but_does_not_spoil_an_or() -> None:
    condition = compile_condition("priority > 1 OR [media_type] = 'chat'", PROPERTIES)
    assert condition.matches({"media_type": "chat"}, NOW)
    assert not condition.matches({"media_type": "email"}, NOW)


@given(numbers(number_leaves), st.integers(0, 100))
def test_time_moves_only_what_depends_on_it(text: str, later: int) -> None:
    order = compile_order(f"priority * ({text})", PROPERTIES)
    assert not order.time_dependent
    row: dict[str, object] = {"priority": 2, "service_objective": 3}
    assert order.key(row, NOW) == order.key(row, NOW + later)
