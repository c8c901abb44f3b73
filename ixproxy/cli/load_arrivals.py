"""
When an open loop's requests are due, whatever the server does.

The n-th request is due when the expected number of requests has come to n, or
to the n-th of a Poisson stream of rate 1. That number goes up with the rate;
while a load ramps up it is a parabola.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from math import sqrt
from random import Random


class Spacing(Enum):
    """How arrivals follow one another."""

    POISSON = "poisson"
    EVEN = "even"


def arrivals(rate: float, ramp: float, spacing: Spacing, random: Random) -> Iterator[float]:
    """
    Times in seconds from the start, without an end.

    :param rate: requests a second, above 0, from the end of the ramp on.
    :param ramp: seconds over which the rate rises from 0; 0: at once.
    """
    expected = 0.0
    while True:
        expected += random.expovariate(1.0) if spacing is Spacing.POISSON else 1.0
        yield when(expected, rate, ramp)


def when(expected: float, rate: float, ramp: float) -> float:
    """After how many seconds so many requests are expected to have come."""
    on_the_ramp = rate * ramp / 2
    if expected < on_the_ramp:
        return sqrt(2 * ramp * expected / rate)
    return (expected - on_the_ramp) / rate + ramp


def starts(number: int, ramp: float) -> list[float]:
    """When each of so many closed loops begins, in seconds from the start."""
    return [ramp * each / number for each in range(number)]
