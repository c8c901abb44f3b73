"""
Whose turn it is among the servers of an upstream, and after which pause.

Theory of operation: an upstream has one server in use at a time. A server has
*failed* that never came to be of use, whether nobody listens or whoever
listens cannot be used; one that was of use is *lost*, and is tried again first.

Both servers of a node are tried in turn without a pause, and rounds follow one
another quickly, for a node that is away costs its clients their work. Of a
cluster of proxies one is chosen by chance, of a pair the primary; what follows
is warm standby, as clients have it: a short random pause after a loss, so that
not all come back at once, then the others, and a long pause when all have failed.

What a restart loses, and who restores it: whose turn it is; the first comes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ixproxy.core.link_times import Chance, LinkTimes
from ixproxy.core.warm_standby import WarmStandby


class Attempts(Protocol):
    """
    The order of attempts.

    :ivar current: the server whose turn it is, by its place.
    :ivar rounds: how often in a row all have failed.
    """

    current: int
    rounds: int

    def failed(self) -> float:
        """The current server cannot be used: seconds until the next one is tried."""

    def lost(self) -> float:
        """The current server was of use, and is gone: seconds until it is tried again."""

    def used(self) -> None:
        """The current server is of use."""

    def go_to(self, server: int) -> None:
        """It is another server's turn, at once."""


class InTurn:
    """
    The servers of a node.

    :param count: how many there are, at least 1.
    """

    def __init__(self, count: int, times: LinkTimes, chance: Chance) -> None:
        self.current = 0
        self.rounds = 0
        self._count = count
        self._times = times
        self._chance = chance
        self._tried = 0

    def failed(self) -> float:
        """See `Attempts`."""
        self._tried += 1
        self.current = (self.current + 1) % self._count
        if self._tried < self._count:
            return 0.0
        self._tried = 0
        self.rounds += 1
        return self._times.pause(self.rounds, self._chance)

    def lost(self) -> float:
        """See `Attempts`."""
        self._tried = 0
        return self._times.pause(1, self._chance)

    def used(self) -> None:
        """See `Attempts`."""
        self._tried = self.rounds = 0

    def go_to(self, server: int) -> None:
        """See `Attempts`."""
        self._tried = 0
        self.current = server


class OneOfMany:
    """
    Proxies of which one is used.

    :param pairs: how many servers each pair has: 1 or 2; at least one pair.
    """

    def __init__(self, pairs: Sequence[int], standby: WarmStandby, chance: Chance) -> None:
        self.rounds = 0
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
        self.rounds += 1
        self.current, *self._others = self._by_chance()
        return self._standby.pause(0, self._chance)

    def lost(self) -> float:
        """See `Attempts`."""
        self.go_to(self.current)
        return self._standby.pause(0, self._chance, tried_all=False)

    def used(self) -> None:
        """See `Attempts`."""
        self.rounds = 0

    def go_to(self, server: int) -> None:
        """See `Attempts`."""
        self.current = server
        self._others = [each for each in self._by_chance() if each != server]
