"""
Whom a client tries next, and after which pause; no clock, and chance is passed in.

Theory of operation: attempts come in rounds, each of which tries every endpoint
once and ends at the first that takes the client. A round follows a pause:

| the round before | pause |
|---|---|
| opened a connection that lasted | 0..range |
| opened a connection that was lost again soon | a little, doubled each time, and 0..range |
| failed at every endpoint | retry-delay, and 0..range |

A connection has lasted when it was longer than the longest pause. In a cluster
of proxies, and in a pair, a round begins with the endpoint that was opened
last; those of the same proxy follow, then the other proxies in an order by
chance. A plain list goes on behind the endpoint that was lost, in its own
order. Every pause has its share of chance, so clients that lost one server
together do not come to the next one together.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Generic, Protocol, TypeVar

from ixproxy.core.link_times import Chance
from ixproxy.core.warm_standby import WarmStandby

__all__ = ["Course", "Pauses", "WarmStandby"]

Place = TypeVar("Place")


class Pauses(Protocol):
    """How long to wait between rounds; `Backoff` and `WarmStandby` are two ways."""

    @property
    def most(self) -> float:
        """The longest pause in seconds, before chance is added."""

    def pause(self, failures: int, chance: Chance, *, tried_all: bool = True) -> float:
        """
        Seconds to wait before the next round.

        :param failures: how many pauses there were since a connection that lasted.
        :param tried_all: the round before failed at every endpoint; otherwise a
            connection was lost.
        """


class Course(Generic[Place]):
    """
    The rounds of one client.

    :param groups: the endpoints of each proxy, the primary's first.
    :param again: a round begins with the endpoint that was opened last, and
        the other proxies are drawn; False: one group, gone through in turn.
    """

    def __init__(
        self, groups: Sequence[Sequence[Place]], pauses: Pauses, random: Random, *, again: bool
    ) -> None:
        self._groups = [tuple(group) for group in groups]
        self._pauses = pauses
        self._random = random
        self._again = again
        self._last: Place | None = None
        self._failures = 0
        self._tried_all = False

    def round(self) -> list[Place]:
        """Every endpoint once, in the order in which to try them now."""
        if not self._again:
            return self._in_turn()
        drawn = list(self._groups)
        self._random.shuffle(drawn)
        places = [place for group in drawn for place in group]
        last = self._last
        if last is None:
            return places
        own = next(group for group in drawn if last in group)
        first = [last, *(place for place in own if place is not last)]
        return first + [place for group in drawn if group is not own for place in group]

    def _in_turn(self) -> list[Place]:
        places = [place for group in self._groups for place in group]
        start = 0 if self._last is None else places.index(self._last) + 1
        return places[start:] + places[:start]

    def opened(self, place: Place) -> None:
        """A server took the client."""
        self._last = place

    def lost(self, lasted: float) -> None:
        """
        The connection is gone.

        :param lasted: seconds for which it was there.
        """
        if lasted >= self._pauses.most:
            self._failures = 0
        self._tried_all = False

    def failed(self) -> None:
        """A round is over, and no server took the client."""
        self._tried_all = True

    def pause(self) -> float:
        """Seconds to wait before the next round; once before each."""
        pause = self._pauses.pause(self._failures, self._random.random, tried_all=self._tried_all)
        self._failures += 1
        return pause
