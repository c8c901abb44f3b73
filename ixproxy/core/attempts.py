"""
Which server of an upstream is connected next, and after which pause.

Theory of operation: an upstream has one server in use at a time. A connection
that never came to be of use has *failed*, whether nobody listens or whoever
listens cannot be used; one that was of use is *lost*, and the same server is
tried again first.

Both servers of a node are tried in turn without a pause, and rounds follow one
another quickly, for a node that is away costs its clients their work. Of a
cluster of proxies one is chosen by chance, of a pair the primary; what follows
is warm standby, as clients have it: a short random pause after a loss, so that
not all come back at once, then the others, and a long pause when all have failed.

What a restart loses, and who restores it: whose turn it is; the first comes first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

RETRY_DELAYS: Sequence[float] = (0.1, 0.2, 0.5, 1.0, 2.0, 3.0)
"""Seconds before each round of attempts at a node; the last repeats."""

Chance = Callable[[], float]
"""A number from 0 up to 1, each time another."""


@dataclass(frozen=True, slots=True)
class WarmStandby:
    """
    How a proxy goes from one upstream proxy to another; times in seconds.

    :ivar retry_delay: the pause when all have failed.
    :ivar random_delay: the longest pause after a loss.
    """

    retry_delay: float = 10.0
    random_delay: float = 2.0


USUAL = WarmStandby()
"""What the field's clients do by default."""


def retry_delay(round: int) -> float:
    """Seconds to wait after `round` failed rounds in a row, from 1."""
    return RETRY_DELAYS[min(round, len(RETRY_DELAYS)) - 1]


class Attempts(Protocol):
    """
    The order of attempts.

    :ivar current: the server to connect, by its place.
    """

    current: int

    def failed(self) -> float:
        """The current server cannot be used: seconds until the next one is tried."""

    def lost(self) -> float:
        """The current server was of use, and is gone: seconds until it is tried again."""

    def go_to(self, server: int) -> None:
        """Another server is the one to connect."""


class InTurn:
    """
    The servers of a node.

    :param count: how many there are, at least 1.
    """

    def __init__(self, count: int) -> None:
        self.current = 0
        self._count = count
        self._failures = 0

    def failed(self) -> float:
        """See `Attempts`."""
        self._failures += 1
        self.current = (self.current + 1) % self._count
        rounds, tried = divmod(self._failures, self._count)
        return 0.0 if tried else retry_delay(rounds)

    def lost(self) -> float:
        """See `Attempts`."""
        self._failures = 0
        return retry_delay(1)

    def go_to(self, server: int) -> None:
        """See `Attempts`."""
        self._failures = 0
        self.current = server


class OneOfMany:
    """
    Proxies of which one is used.

    :param pairs: how many servers each pair has: 1 or 2; at least one pair.
    """

    def __init__(self, pairs: Sequence[int], chance: Chance, standby: WarmStandby) -> None:
        self._pairs = tuple(pairs)
        self._chance = chance
        self._standby = standby
        self.current, *self._others = self._by_chance()

    def _by_chance(self) -> list[int]:
        """All servers, pair by pair, each primary before its backup."""
        places: list[list[int]] = []
        for size in self._pairs:
            first = sum(map(len, places))
            places.append(list(range(first, first + size)))
        if len(places) > 1:
            places.sort(key=lambda _: self._chance())
        return [server for pair in places for server in pair]

    def failed(self) -> float:
        """See `Attempts`."""
        if self._others:
            self.current = self._others.pop(0)
            return 0.0
        self.current, *self._others = self._by_chance()
        return self._standby.retry_delay

    def lost(self) -> float:
        """See `Attempts`."""
        self.go_to(self.current)
        return self._chance() * self._standby.random_delay

    def go_to(self, server: int) -> None:
        """See `Attempts`."""
        self.current = server
        self._others = [each for each in self._by_chance() if each != server]
