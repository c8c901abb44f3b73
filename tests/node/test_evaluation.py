"""What memory makes of a condition is what SQLite makes of it."""

from __future__ import annotations

import contextlib

from hypothesis import example, given
from hypothesis import strategies as st

from ixproxy.node.evaluation import compiled_test
from ixproxy.node.expressions import compile_condition, compile_order
from tests.node.drawn import (
    NOW,
    PROPERTIES,
    answer,
    conditions,
    many,
    number_leaves,
    numbers,
    predicates,
    rows,
    stored,
    strings,
    timed_leaves,
)

EMPTY: dict[str, object] = {}


@many(4)
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


@many(2)
@given(numbers(timed_leaves), rows())
@example("Amount", {"priority": 1, "c_amount": 1e18})
@example("Amount", {"priority": 1, "c_amount": 2.0**63})
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


@many(3)
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


@many(3)
@given(st.text(st.sampled_from("ab%_"), max_size=8), st.text(st.sampled_from("ab"), max_size=10))
def test_a_pattern_fits_what_it_fits_in_sqlite(pattern: str, text: str) -> None:
    condition = compile_condition(f"external_id LIKE '{pattern}'", PROPERTIES)
    row: dict[str, object] = {"external_id": text}
    with contextlib.closing(stored(row)) as store:
        assert condition.matches(row, NOW) == answer(store, condition.sql, condition.parameters)


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
