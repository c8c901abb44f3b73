from __future__ import annotations

from random import Random

import pytest

from ixproxy.client.backoff import Backoff


def test_pauses_grow_up_to_the_longest() -> None:
    backoff = Backoff(first=0.5, factor=2.0, most=5.0, spread=0.0)
    assert [backoff.pause(failures, Random(1).random) for failures in range(6)] == [
        0.5, 1.0, 2.0, 4.0, 5.0, 5.0,
    ]  # fmt: skip


def test_chance_spreads_them_and_the_same_seed_spreads_alike() -> None:
    backoff = Backoff(first=1.0, most=1.0, spread=2.0)
    random = Random(1)
    pauses = [backoff.pause(0, random.random) for _ in range(100)]
    assert all(1.0 <= pause <= 3.0 for pause in pauses)
    assert len(set(pauses)) == 100
    again = Random(1)
    assert pauses == [backoff.pause(0, again.random) for _ in range(100)]


def test_months_of_failures_do_not_overflow() -> None:
    assert Backoff(spread=0.0).pause(10_000_000, Random(1).random) == 10.0


@pytest.mark.parametrize(
    "wrong", [{"first": -1.0}, {"most": 0.1}, {"spread": -1.0}, {"factor": 0.5}]
)
def test_a_schedule_that_shrinks_or_goes_back_in_time_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="is no schedule"):
        Backoff(**wrong)
