"""How long a proxy waits for what."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.core.link_times import LinkTimes

TIMES = LinkTimes()
SHARES = st.floats(0, 1, exclude_max=True)


def test_pauses_grow_and_then_stay() -> None:
    pauses = [TIMES.pause(round, lambda: 0.0) for round in range(1, 20)]
    assert pauses[: len(TIMES.pauses)] == list(TIMES.pauses)
    assert set(pauses[len(TIMES.pauses) :]) == {TIMES.pauses[-1]}
    assert pauses == sorted(pauses)


def test_a_server_that_begins_to_listen_is_found_within_a_second() -> None:
    """Whatever the proxy is doing at that moment: pausing, dialling the other one, or linked."""
    pausing = TIMES.pauses[-1] + TIMES.head_start
    assert max(pausing, TIMES.probe) <= 1.0


@given(st.integers(1, 100), SHARES)
def test_chance_shortens_a_pause_and_never_takes_it_away(round: int, share: float) -> None:
    pause, most = TIMES.pause(round, lambda: share), TIMES.pause(round, lambda: 0.0)
    assert 0 < (1 - TIMES.spread) * most <= pause <= most


def test_an_attempt_is_given_more_time_after_each_round_in_vain() -> None:
    limits = [TIMES.limit(TIMES.answer, rounds, alone=False) for rounds in (0, 1, 2, 1000)]
    assert limits == [1.5, 3.0, 5.0, 5.0]
    assert TIMES.limit(TIMES.answer, 0, alone=True) == TIMES.patience
    assert LinkTimes(answer=8.0).limit(8.0, 3, alone=False) == 8.0, "an option may ask for more"


@pytest.mark.parametrize(("vain", "seconds"), [(0, 1.0), (1, 2.0), (4, 16.0), (1000, 16.0)])
def test_a_server_that_promises_in_vain_is_asked_less_often(vain: int, seconds: float) -> None:
    assert TIMES.until_asked(vain, lambda: 0.0) == seconds


def test_an_interval_that_is_longer_than_the_longest_stays() -> None:
    assert LinkTimes(probe=60.0).until_asked(3, lambda: 0.0) == 60.0
