"""One stream of events on its way into the clean history."""

from __future__ import annotations

from ixproxy.eventlog.log_source import Item
from ixproxy.eventlog.merge_reading import Reading, order
from ixproxy.eventlog.merge_target import Marks, Reached
from ixproxy.eventlog.merging.horizon import NEVER, Stream
from ixproxy.eventlog.merging.skew import Skew

NOW = 10_000.0
SKEW = Skew({}, {7: 2.0})


def reading(
    *times: float, last: float = NEVER, marks: Marks | None = None, begin: float = NEVER
) -> Reading:
    items = (Item((1, n), 0, (7, 1, n, time, "EventX")) for n, time in enumerate(times, 1))
    reached = Reached("ixn7", 1, 0, last, marks or {})
    return Reading(Stream("sqlite:/a.db", 7), reached, items, NOW, begin)


def taken(stream: Reading) -> list[tuple[float, bool]]:
    found = []
    stream.advance(SKEW)
    while stream.item is not None:
        found.append((stream.time, stream.wrong))
        stream.take()
        stream.advance(SKEW)
    return found


def test_times_are_those_of_the_common_clock() -> None:
    stream = reading(12.0, 15.0, 14.0)
    assert taken(stream) == [(10.0, False), (13.0, False), (13.0, False)]
    assert stream.reached.last_time == 13.0


def test_what_is_in_the_future_is_not_late() -> None:
    stream = reading(1e9, 1e9 + 3, 32.0, last=10.0, begin=20.0)
    assert taken(stream) == [(20.0, True), (20.0, True), (30.0, False)]


def test_the_newest_mark_says_what_the_clock_showed() -> None:
    marks: Marks = {"rpt_esp": (1, 9, 1e9, "EventY"), "rpt_agent": (1, 8, 5.0, "EventX")}
    assert taken(reading(1e9 + 4, last=10.0, marks=marks)) == [(14.0, True)]


def test_a_stream_that_is_at_its_end_has_no_item() -> None:
    stream = reading()
    stream.advance(SKEW)
    assert stream.item is None


def test_the_earliest_is_taken_first_and_else_the_smaller_node() -> None:
    one, two = reading(12.0), reading(13.0)
    for each in (one, two):
        each.advance(SKEW)
    assert sorted((two, one), key=order) == [one, two]
    assert order(one) == (10.0, 7, "sqlite:/a.db")
