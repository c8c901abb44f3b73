from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.node.pushing_rates import (
    Bucket,
    Rate,
    dealt,
    filled,
    longest_wait,
    room,
    spent,
)

RATES = st.builds(Rate, st.floats(0.001, 1000.0), st.integers(1, 10).map(float))


@given(RATES, st.lists(st.tuples(st.floats(0.0, 100.0), st.integers(0, 500)), max_size=60))
def test_no_more_is_pushed_than_the_rate_brings_and_one_bucket_full(
    rate: Rate, steps: list[tuple[float, int]]
) -> None:
    now, pushed = 1000.0, 0
    start = now
    bucket: Bucket | None = None
    for passed, wanted in steps:
        now += passed
        bucket = filled(bucket, rate, now)
        number = min(wanted, room(bucket, rate))
        pushed += number
        bucket = spent(bucket, rate, number) if number else bucket
        assert pushed <= rate.most + rate.per_second * (now - start) + 1e-3


@given(RATES)
def test_who_always_wants_more_gets_the_rate(rate: Rate) -> None:
    now, pushed, bucket = 0.0, 0, filled(None, rate, 0.0)
    for _ in range(50):
        bucket = filled(bucket, rate, now)
        number = room(bucket, rate)
        assert number > 0
        pushed += number
        bucket = spent(bucket, rate, number)
        # Closed for an interval at least: it costs no look for each of them.
        assert now + rate.interval <= bucket.opens_at or bucket.left >= 1.0
        now = max(bucket.opens_at, now)
    assert pushed >= (rate.per_second * now) * 0.99 - 1


def test_the_documented_rates() -> None:
    slow = Rate(25 / 60, 1.0)
    bucket = filled(None, slow, 0.0)
    assert room(bucket, slow) == 1
    bucket = spent(bucket, slow, 1)
    assert bucket.opens_at == pytest.approx(2.4)
    assert room(filled(bucket, slow, 2.3), slow) == 0
    assert room(filled(bucket, slow, 2.4), slow) == 1
    fast = Rate(1000.0, 1.0)
    assert room(filled(None, fast, 0.0), fast) == 1000
    assert spent(filled(None, fast, 0.0), fast, 1000).opens_at == 1.0


def test_a_rate_of_nothing_stops() -> None:
    none = Rate(0.0, 1.0)
    assert room(filled(None, none, 0.0), none) == 0
    assert room(filled(filled(None, none, 0.0), none, 1e9), none) == 0
    assert longest_wait(none) == inf


def test_a_clock_that_is_set_back_closes_a_bucket_no_longer_than_any_wait() -> None:
    rate = Rate(10.0, 1.0)
    bucket = spent(filled(None, rate, 1_000_000.0), rate, 10)
    back = filled(bucket, rate, 0.0)
    assert room(back, rate) == 0
    assert room(filled(back, rate, 1.0), rate) == 10


@given(st.dictionaries(st.text(max_size=2), st.integers(-1, 20), max_size=6), st.integers(0, 100))
def test_things_are_dealt_in_turns_to_whom_has_room(rooms: dict[str, int], number: int) -> None:
    turns = dealt(rooms, number)
    free = {key: most for key, most in rooms.items() if most > 0}
    assert len(turns) == min(number, sum(free.values()))
    counts = {key: turns.count(key) for key in free}
    for key, most in free.items():
        assert counts[key] <= most
        # Who got less than another was full, or is behind by one turn.
        assert all(counts[key] == most or counts[key] >= counts[other] - 1 for other in free)


def test_whose_turn_it_is_first_is_said() -> None:
    assert dealt({"b": 2, "a": 5}, 4) == ["b", "a", "b", "a"]
