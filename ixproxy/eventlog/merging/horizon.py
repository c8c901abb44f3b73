"""Up to which time streams can be merged, and whose events are not waited for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

MARGIN = 1.0
"""Seconds by which offsets of clocks may change while logs are merged."""


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


def horizon(ends: Mapping[Stream, float], wait: float, *, final: bool = False) -> Horizon:
    """
    How far to merge.

    :param ends: when each stream is complete until, by the common clock.
    :param wait: seconds by which a stream may be behind the newest.
    :param final: nobody is waited for.
    """
    newest = max(ends.values(), default=0.0)
    behind = {name: newest - end for name, end in ends.items() if newest - end > wait}
    if final:
        return Horizon(float("inf"), behind)
    until = min((end for name, end in ends.items() if name not in behind), default=newest)
    return Horizon(until - MARGIN, behind)


class Pace:
    """
    The common clock of one stream: the node's less its offset, and never going back.

    :ivar last: time of its last event, by the common clock.
    """

    __slots__ = ("last",)

    def __init__(self, last: float = -1e300) -> None:
        self.last = last

    def time(self, event_time: float, offset: float) -> float:
        """When an event of the stream that follows the last one happened."""
        return max(event_time - offset, self.last)
