"""Connections are lost at every point of a pull: nothing is stranded, nothing is doubled."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from ixproxy.testing.accidents import Accident, Point, have_accident

SEEDS = int(os.environ.get("IXPROXY_STRANDED_SEEDS", "2000"))
"""How many simulations are run: some 25 of them in a second."""

BLOCK = 200


@pytest.mark.parametrize("first", range(0, SEEDS, BLOCK))
def test_nothing_is_stranded_and_nothing_doubled(first: int) -> None:
    points: Counter[Point] = Counter()
    accidents: Counter[Accident] = Counter()
    for seed in range(first, min(first + BLOCK, SEEDS)):
        aftermath = have_accident(seed)
        assert aftermath.problems == [], f"seed {seed}: {aftermath}"
        points.update(aftermath.points)
        accidents[aftermath.accident] += 1
    if SEEDS - first >= BLOCK:
        assert all(points[point] >= BLOCK // 10 for point in Point), points
        assert all(accidents[accident] for accident in Accident), accidents
