"""The pauses of whoever has other proxies to go to."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.core.warm_standby import USUAL, WarmStandby

SURE = WarmStandby(10.0, 0.0)
"""No chance in the pauses."""


def test_what_the_field_does_is_the_default() -> None:
    assert (USUAL.retry_delay, USUAL.random_range) == (10.0, 2.0)


def test_a_lost_connection_costs_a_pause_by_chance_and_a_round_in_vain_a_long_one() -> None:
    assert USUAL.pause(0, lambda: 0.25, tried_all=False) == 0.5
    assert USUAL.pause(0, lambda: 0.25) == 10.5
    assert USUAL.most == 10.0


def test_years_of_failures_do_not_overflow() -> None:
    assert SURE.pause(10_000_000, Random(1).random, tried_all=False) == 10.0


@given(seed=st.integers(0, 1000), tried_all=st.booleans(), failures=st.integers(0, 40))
def test_every_pause_has_its_share_of_chance(seed: int, tried_all: bool, failures: int) -> None:
    standby = WarmStandby(10.0, 2.0)
    least = SURE.pause(failures, Random(seed).random, tried_all=tried_all)
    pauses = [
        standby.pause(failures, Random(seed + n).random, tried_all=tried_all) for n in range(20)
    ]
    assert all(least <= pause <= least + 2.0 for pause in pauses)
    assert len(set(pauses)) == 20


@pytest.mark.parametrize("wrong", [(0.0, 1.0), (-1.0, 1.0), (1.0, -0.1)])
def test_a_schedule_without_a_delay_is_refused(wrong: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="expected a delay above 0"):
        WarmStandby(*wrong)
