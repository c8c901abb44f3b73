"""Latencies in few numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.cli.latencies import Latencies


@given(st.lists(st.floats(1e-6, 100.0), min_size=1, max_size=300), st.floats(0.01, 1.0))
def test_a_percentile_is_within_two_per_cent(values: list[float], share: float) -> None:
    latencies = Latencies()
    for value in values:
        latencies.add(value)
    ordered = sorted(values)
    exact = next(v for n, v in enumerate(ordered, 1) if n >= share * len(ordered))
    assert exact * 0.999 <= latencies.percentile(share) <= exact * 1.021


def test_all_numbers_are_in_milliseconds() -> None:
    latencies = Latencies()
    for value in (0.001, 0.002, 0.003):
        latencies.add(value)
    assert latencies.milliseconds() == pytest.approx(
        {"mean": 2.0, "p50": 2.0, "p90": 3.0, "p99": 3.0, "p99.9": 3.0, "max": 3.0}, rel=0.02
    )
    assert latencies.count == 3


@given(st.lists(st.floats(1e-9, 1e7), max_size=50), st.lists(st.floats(1e-9, 1e7), max_size=50))
def test_collections_add_up(some: list[float], others: list[float]) -> None:
    one, other, both = Latencies(), Latencies(), Latencies()
    for value in some:
        one.add(value)
        both.add(value)
    for value in others:
        other.add(value)
        both.add(value)
    one.merge(other)
    assert (one.count, one.rows()) == (both.count, both.rows())
    assert one.percentile(0.9) == both.percentile(0.9)


def test_without_any_everything_is_nought() -> None:
    assert set(Latencies().milliseconds().values()) == {0.0}
    assert Latencies().rows() == []


def test_the_histogram_doubles_and_loses_nothing() -> None:
    latencies = Latencies()
    for value in (0.0, 0.001, 0.0011, 0.9):
        latencies.add(value)
    rows = latencies.rows()
    assert sum(count for _, _, count in rows) == 4
    assert all(high == pytest.approx(2 * low) for low, high, _ in rows)
    assert [high for _, high, _ in rows[:-1]] == pytest.approx([low for low, _, _ in rows[1:]])
