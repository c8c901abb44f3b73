"""When requests are due."""

from __future__ import annotations

from itertools import islice, pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.cli.load_arrivals import Spacing, arrivals, starts, when

RATES = st.floats(0.1, 100_000)
RAMPS = st.just(0.0) | st.floats(0.01, 600)


def test_even_arrivals_come_in_even_steps() -> None:
    times = list(islice(arrivals(50.0, 0.0, Spacing.EVEN, Random(1)), 4))
    assert times == pytest.approx([0.02, 0.04, 0.06, 0.08])


def test_poisson_arrivals_have_the_rate_on_average_and_no_step() -> None:
    times = list(islice(arrivals(100.0, 0.0, Spacing.POISSON, Random(1)), 10_000))
    assert 95 < times[-1] < 105
    gaps = [later - earlier for earlier, later in pairwise(times)]
    # Of an exponential distribution 63.2 % are below the mean.
    assert 0.61 < sum(gap < 0.01 for gap in gaps) / len(gaps) < 0.66


def test_the_same_seed_gives_the_same_times() -> None:
    one, other = (arrivals(9.0, 3.0, Spacing.POISSON, Random(7)) for _ in range(2))
    assert list(islice(one, 50)) == list(islice(other, 50))


def test_while_it_ramps_up_half_as_many_come() -> None:
    times = list(islice(arrivals(100.0, 10.0, Spacing.EVEN, Random(1)), 1000))
    assert sum(time <= 10.0 for time in times) == 500
    assert sum(time <= 5.0 for time in times) == 125
    assert sum(10.0 < time <= 12.0 for time in times) == 200


@given(RATES, RAMPS, st.lists(st.floats(0, 1e6), min_size=2, max_size=20))
def test_times_never_go_back(rate: float, ramp: float, expected: list[float]) -> None:
    times = [when(number, rate, ramp) for number in sorted(expected)]
    assert all(later >= earlier * (1 - 1e-9) for earlier, later in pairwise(times))
    assert all(time >= 0 for time in times)


def test_lanes_begin_one_after_another() -> None:
    assert starts(4, 2.0) == [0.0, 0.5, 1.0, 1.5]
    assert starts(3, 0.0) == [0.0, 0.0, 0.0]
