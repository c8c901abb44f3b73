"""Up to which time streams can be merged, and whose events are not waited for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

MARGIN = 1.0
"""Seconds by which offsets of clocks may change while logs are merged."""

AHEAD = 3600.0
"""Seconds by which a time may be ahead of the clock of whoever merges; what is more is wrong."""

NEVER = -1e300
"""Before all times."""


class Stream(NamedTuple):
    """
    What one node wrote into one database.

    :ivar source: the address of the database, as it is kept.
    """

    source: str
    dbid: int


class Horizon(NamedTuple):
    """
    :ivar until: by the common clock; what happened later is not merged yet.
    :ivar behind: streams that are not waited for, and by how many seconds they are behind.
    """

    until: float
    behind: Mapping[Stream, float]


def horizon(
    ends: Mapping[Stream, float], wait: float, *, now: float = math.inf, final: bool = False
) -> Horizon:
    """
    How far to merge.

    A node whose clock is ahead, or was when it spoke last, cannot know of what has not
    happened: nobody is behind it for that, and it says no more than that all is there.

    :param ends: when each stream is complete until, by the common clock.
    :param wait: seconds by which a stream may be behind the newest.
    :param now: what the clock of whoever merges shows.
    :param final: nobody is waited for.
    """
    ends = {name: min(end, now) for name, end in ends.items()}
    newest = max(ends.values(), default=0.0)
    behind = {name: newest - end for name, end in ends.items() if newest - end > wait}
    if final:
        return Horizon(float("inf"), behind)
    until = min((end for name, end in ends.items() if name not in behind), default=newest)
    return Horizon(until - MARGIN, behind)


class Pace:
    """
    The common clock of one stream: the node's less its offset, and never going back.

    A time that is too far in the future is wrong, and so are those near it: nothing is known
    but what passed from one to the next. The first of them stands at the event before.

    :param now: what the clock of whoever merges shows.
    :param shown: what the node's clock showed at the last event.
    :ivar last: time of the last event, by the common clock.
    """

    __slots__ = ("_now", "_shown", "last")

    def __init__(self, last: float = NEVER, *, now: float = math.inf, shown: float = NEVER) -> None:
        self.last = last
        self._now = now
        self._shown = shown

    def is_wrong(self, event_time: float, offset: float) -> bool:
        """Whether an event has not happened yet, by its time."""
        return event_time - offset > self._now + AHEAD

    def time(self, event_time: float, offset: float) -> float:
        """When an event of the stream that follows the last one happened."""
        if not self.is_wrong(event_time, offset):
            return max(event_time - offset, self.last)
        if not self.is_wrong(self._shown, offset):
            return self.last
        passed = self.last + max(event_time - self._shown, 0.0)
        return passed if passed <= self._now else self.last

    def take(self, event_time: float, offset: float) -> None:
        """It is the last one now."""
        self.last, self._shown = self.time(event_time, offset), event_time
