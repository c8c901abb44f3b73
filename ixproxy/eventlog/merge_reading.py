"""One stream of events on its way into the clean history."""

from __future__ import annotations

from collections.abc import Iterator

from ixproxy.eventlog.log_source import Item
from ixproxy.eventlog.merge_target import Reached
from ixproxy.eventlog.merging.horizon import NEVER, Pace, Stream
from ixproxy.eventlog.merging.skew import Skew


class Reading:
    """
    One stream, of which the next event is at hand.

    :param now: what the clock of whoever merges shows.
    :param begin: until when all was merged when the run began.
    :ivar item: None: there is no more.
    :ivar time: of it, by the common clock.
    :ivar wrong: its time is in the future, and so it stands behind the event before.
    :ivar offset: of the node's clock, when that was looked at.
    """

    __slots__ = ("_begin", "_events", "item", "name", "offset", "pace", "reached", "time", "wrong")

    def __init__(
        self, name: Stream, reached: Reached, events: Iterator[Item], now: float, begin: float
    ) -> None:
        self.name = name
        self.reached = reached
        marks = [(mark[:2], mark[2]) for mark in reached.marks.values()]
        shown = max(marks)[1] if marks else NEVER
        self.pace = Pace(reached.last_time, now=now, shown=shown)
        self._begin = begin
        self._events = events
        self.item: Item | None = None
        self.time = self.offset = 0.0
        self.wrong = False

    def advance(self, skew: Skew) -> None:
        """The next one."""
        self.item = next(self._events, None)
        self.look(skew)

    def look(self, skew: Skew) -> None:
        """Its time, by what is known of clocks now."""
        if self.item is None:
            return
        shown, self.offset = self.item.row[3], skew.of(self.name.dbid)
        self.time = self.pace.time(shown, self.offset)
        self.wrong = self.pace.is_wrong(shown, self.offset)
        if self.wrong:
            # It was not there when all until then was merged.
            self.time = max(self.time, self._begin)

    def take(self) -> None:
        """The item goes into the history: the next one follows it."""
        assert self.item is not None
        self.pace.take(self.item.row[3], self.offset)
        self.reached.last_time = self.pace.last


def order(reading: Reading) -> tuple[float, int, str]:
    """By what is taken first; the same in every run."""
    return reading.time, reading.name.dbid, reading.name.source
