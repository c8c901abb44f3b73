"""Round ticks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.eventlog.reporting.axis import ticks_of_counts, ticks_of_spans, ticks_of_time

NOON = 1_790_078_400.0


@given(st.integers(0, 10**12))
def test_counts_have_few_whole_ticks_that_reach_the_most(most: int) -> None:
    ticks = ticks_of_counts(most)
    assert ticks[0] == 0
    assert ticks[-1] >= most
    assert 2 <= len(ticks) <= 6
    assert all(tick == int(tick) for tick in ticks)
    step = ticks[1]
    assert step.is_integer()
    assert str(int(step)).rstrip("0") in ("1", "2", "5")


@given(st.floats(0, 1e9))
def test_durations_have_few_ticks_that_reach_the_most(most: float) -> None:
    ticks = ticks_of_spans(most)
    assert ticks[0] == 0
    assert ticks[-1] >= most * 0.999999
    assert 2 <= len(ticks) <= 6


def test_ticks_of_durations_are_round() -> None:
    assert ticks_of_spans(100) == [0, 30, 60, 90, 120]
    assert ticks_of_spans(7000) == [0, 1800, 3600, 5400, 7200]


@given(st.floats(-1e9, 4e9), st.floats(1, 4e9))
def test_times_have_few_ticks_in_order_within(begin: float, span: float) -> None:
    ticks = ticks_of_time(begin, begin + span)
    times = [time for time, _ in ticks]
    assert len(ticks) <= 9
    assert times == sorted(times)
    assert all(begin <= time < begin + span for time in times)


@pytest.mark.parametrize(
    ("span", "texts"),
    [
        (3600, ["12:00", "12:15", "12:30", "12:45"]),
        (86400, ["12:00", "15:00", "18:00", "21:00", "23 Sep", "03:00", "06:00", "09:00"]),
        (3 * 86400, ["12:00", "23 Sep", "12:00", "24 Sep", "12:00", "25 Sep"]),
    ],
)
def test_days_are_named_and_times_of_day_between(span: float, texts: list[str]) -> None:
    assert [text for _, text in ticks_of_time(NOON, NOON + span)] == texts
