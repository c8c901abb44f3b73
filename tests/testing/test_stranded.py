"""Connections are lost at every point of a pull: nothing is stranded, nothing is doubled."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from ixproxy.testing.accidents import Point, have_accident
from ixproxy.testing.breaking import CHAINED as IN_CHAINS
from ixproxy.testing.breaking import Accident, accidents

SEEDS = int(os.environ.get("IXPROXY_STRANDED_SEEDS", "2000"))
"""How many simulations are run: some 25 of them in a second."""

BLOCK = 200

CHAINED = max(1, SEEDS // 20)
"""How many with two proxies behind one another: they take longer."""


@pytest.mark.parametrize("first", range(0, SEEDS, BLOCK))
def test_nothing_is_stranded_and_nothing_doubled(first: int) -> None:
    points: Counter[Point] = Counter()
    had: Counter[Accident] = Counter()
    for seed in range(first, min(first + BLOCK, SEEDS)):
        aftermath = have_accident(seed)
        assert aftermath.problems == [], f"seed {seed}: {aftermath}"
        points.update(aftermath.points)
        had[aftermath.accident] += 1
    if SEEDS - first >= BLOCK:
        assert all(points[point] >= BLOCK // 10 for point in Point), points
        assert all(had[accident] for accident in accidents(chained=False)), had


@pytest.mark.parametrize("fast_path", [True, False], ids=["fast", "slow"])
def test_nothing_is_stranded_where_proxies_stand_behind_proxies(fast_path: bool) -> None:
    """Test ideas 53 and 55: an inner proxy dies, or is cut off, in the middle of pulls."""
    first = 0 if fast_path else CHAINED
    for seed in range(first, first + CHAINED):
        aftermath = have_accident(seed, fast_path=fast_path, chained=True)
        assert aftermath.problems == [], f"seed {seed}, chained: {aftermath}"


@pytest.mark.parametrize("accident", IN_CHAINS, ids=lambda accident: accident.name.lower())
def test_each_accident_of_a_chain_strands_nothing(accident: Accident) -> None:
    for seed in range(10_000, 10_000 + CHAINED // 10):
        aftermath = have_accident(seed, accident, chained=True)
        assert aftermath.problems == [], f"seed {seed}, chained: {aftermath}"
