"""The order of sort keys is the order of SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ixproxy.wire.sortkeys import sort_key

Value = int | float | str | None

INTEGERS = st.integers(-(2**63), 2**63 - 1) | st.builds(
    lambda power, step: min(max((1 << power) + step, -(2**63)), 2**63 - 1),
    st.integers(50, 63),
    st.integers(-3, 3),
)
VALUES = (
    st.none()
    | INTEGERS
    | INTEGERS.map(lambda number: -number if number > -(2**63) else number)
    | st.floats()
    | INTEGERS.map(float)
    | st.text(st.sampled_from("ab\0\x01\x7fé€\U0001f600"), max_size=4)
    | st.text(max_size=6)
)


def ordered_by_sqlite(rows: Sequence[Sequence[Value]], descending: Sequence[bool]) -> list[int]:
    """Row numbers in SQLite's order; equal rows by their number."""
    columns = [f"v{n}" for n in range(len(descending))]
    store = sqlite3.connect(":memory:")
    store.execute(f"CREATE TABLE t (n INTEGER, {', '.join(columns)})")
    marks = ", ".join("?" * (len(columns) + 1))
    store.executemany(f"INSERT INTO t VALUES ({marks})", [(n, *row) for n, row in enumerate(rows)])
    terms = [
        f"{column}{' DESC' if down else ''}"
        for column, down in zip(columns, descending, strict=True)
    ]
    found = store.execute(f"SELECT n FROM t ORDER BY {', '.join([*terms, 'n'])}").fetchall()
    store.close()
    return [number for (number,) in found]


def ordered_by_key(rows: Sequence[Sequence[Value]], descending: Sequence[bool]) -> list[int]:
    return sorted(range(len(rows)), key=lambda n: (sort_key(rows[n], descending), n))


@given(st.lists(VALUES, max_size=20), st.booleans())
@example([2**53, 2**53 + 1, float(2**53), 2**63 - 1, float(2**63), -(2**63)], False)
@example(["a", "a\0", "a\0\0", "a\x01", ""], True)
@example([0.0, -0.0, 0, 1e-320, -1e-320], False)
@example([float("inf"), float("-inf"), float("nan"), None], True)
def test_one_value_sorts_as_sqlite_sorts_it(values: list[Value], down: bool) -> None:
    rows = [(value,) for value in values]
    assert ordered_by_key(rows, [down]) == ordered_by_sqlite(rows, [down])


@given(st.data())
def test_several_values_in_mixed_directions_sort_as_sqlite_sorts_them(data: st.DataObject) -> None:
    descending = data.draw(st.lists(st.booleans(), min_size=2, max_size=4))
    few = st.sampled_from([None, 1, 1.0, 2**53, 2**53 + 1, -1.5, "", "a", "a\0", "a\0b", "é"])
    rows = data.draw(st.lists(st.tuples(*[few] * len(descending)), max_size=20))
    assert ordered_by_key(rows, descending) == ordered_by_sqlite(rows, descending)


@given(VALUES, VALUES, VALUES, VALUES)
def test_no_value_runs_into_the_next(a: Value, b: Value, c: Value, d: Value) -> None:
    for turned in (False, True):
        first, second = sort_key([a, b], [turned, False]), sort_key([c, d], [turned, False])
        alone = sort_key([a], [turned]) == sort_key([c], [turned])
        if not alone:
            assert (first < second) == (sort_key([a], [turned]) < sort_key([c], [turned]))


def test_nulls_are_first_ascending_and_last_descending() -> None:
    assert sort_key([None], [False]) < sort_key([-float("inf")], [False]) < sort_key([""], [False])
    assert sort_key([None], [True]) > sort_key([-float("inf")], [True]) > sort_key([""], [True])


def test_a_truth_value_sorts_as_its_number() -> None:
    assert sort_key([True], [False]) == sort_key([1], [False]) == sort_key([1.0], [False])


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**400])
def test_an_integer_that_no_database_holds_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="64 bits"):
        sort_key([number], [False])


def test_a_text_that_is_not_unicode_is_refused() -> None:
    with pytest.raises(ValueError):
        sort_key(["\ud800"], [False])


def test_each_value_needs_its_direction() -> None:
    with pytest.raises(ValueError, match="1 values, but 2 directions"):
        sort_key(["a"], [True, False])


def test_other_types_are_refused() -> None:
    with pytest.raises(TypeError, match="bytes"):
        sort_key([b"a"], [False])  # type: ignore[list-item]
