"""
Steps: what a simulation does, drawn from the seed up front.

A step is a small frozen value: its number, its kind, one large number that
decides everything else, and how long time passes after it. Whom it concerns is
found when it runs (`Draws`), among what there is then; so any steps may be
left out of a run, and the others still mean something.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import TypeVar

T = TypeVar("T")

FACTORS = (0.0, 0.3, 1.0, 1.0, 3.0)
"""By one of these a seed multiplies the weight of each kind: seeds differ in what they try."""

PAUSES = (
    (0.45, 0.0, 0.002),
    (0.35, 0.0, 0.02),
    (0.16, 0.02, 0.3),
    (0.04, 0.3, 1.5),
)
"""How long time passes after a step: a share of the steps, and from what to what in seconds."""


@dataclass(frozen=True, slots=True)
class Step:
    """
    One thing that happens.

    :ivar number: its place in the whole list; it keeps it when others are left out.
    :ivar kind: the name of a row of `ixproxy.testing.simulation.kinds.KINDS`.
    :ivar chance: decides who, what and how; see `Draws`.
    :ivar pause: seconds until the next.
    """

    number: int
    kind: str
    chance: int
    pause: float


class Draws:
    """The choices of one step, one after the other, from its `chance`."""

    def __init__(self, chance: int) -> None:
        self._left = chance

    def below(self, number: int) -> int:
        """A whole number from 0 to less than `number`."""
        self._left, drawn = divmod(self._left, number)
        return drawn

    def of(self, some: Sequence[T]) -> T:
        """One of several; there must be one."""
        return some[self.below(len(some))]

    def percent(self, likely: int) -> bool:
        """True in so many of a hundred cases."""
        return self.below(100) < likely

    def between(self, least: float, most: float) -> float:
        """Some number in between."""
        return least + (most - least) * self.below(1 << 12) / (1 << 12)


def drawn_steps(seed: int, count: int, weights: Mapping[str, float]) -> list[Step]:
    """
    The steps of a seed.

    :param weights: kind to how often it is met, before the seed's own taste.
    """
    random = Random(f"steps {seed}")
    names = list(weights)
    tastes = [weights[name] * random.choice(FACTORS) for name in names]
    if not any(tastes):
        tastes = [weights[name] for name in names]
    sums = list(accumulate(tastes))
    return [
        Step(
            number,
            random.choices(names, cum_weights=sums)[0],
            random.getrandbits(128),
            _pause(random),
        )
        for number in range(1, count + 1)
    ]


def _pause(random: Random) -> float:
    ((_, least, most),) = random.choices(PAUSES, [part for part, _, _ in PAUSES])
    return least + (most - least) * random.random()
