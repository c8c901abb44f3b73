"""Streams in a storm: whatever nodes tell, what reporting clients read keeps its rules."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.core.stream_storm import StreamStorm


@pytest.mark.parametrize("seed", range(40))
def test_in_a_storm_streams_keep_their_rules_and_nothing_stays_behind(seed: int) -> None:
    storm = StreamStorm(seed, fast_path=bool(seed % 2))
    storm.blow(300)
    storm.calm()
    assert storm.faults() == []
    storm.end()
    assert storm.remains() == []


@pytest.mark.parametrize("seed", range(40, 50))
def test_a_storm_of_streams_puts_out_the_same_bytes_on_either_path(seed: int) -> None:
    fast, slow = StreamStorm(seed, fast_path=True), StreamStorm(seed, fast_path=False)
    for storm in (fast, slow):
        storm.blow(300)
        storm.calm()
    assert fast.transcript == slow.transcript


def test_storms_of_streams_are_strong_enough() -> None:
    told: Counter[str] = Counter()
    for seed in range(20):
        storm = StreamStorm(seed, fast_path=True)
        storm.blow(300)
        storm.calm()
        told += storm.state.counters + storm.seen + storm.rig.core._streams.counters
    wanted = {"streams read", "composed events", "streams begun anew", "events of no stream"}
    wanted |= {"gaps", "repeats", "resyncs", "events without a state"}
    assert {name: told[name] for name in wanted if told[name] < 5} == {}
