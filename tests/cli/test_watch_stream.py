"""One reporting stream as it is printed."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st
from twisted.python.failure import Failure

from ixproxy import messages as m
from ixproxy.cli.output import Output
from ixproxy.cli.watch_stream import Watch
from ixproxy.errors import RequestRefused
from ixproxy.messages.message import Event
from ixproxy.wire.streams import BEGIN, END, numbered


def told(number: int, previous: int = 0) -> Event:
    return numbered(m.EventAgentLogout(tenant_id=1, agent_id="kim"), number, previous)


def begun(number: int) -> Event:
    return numbered(m.EventActivityReport(activity=BEGIN), number)


def watching(narrowed: bool = False) -> tuple[Watch, io.StringIO, list[int]]:
    printed, anew = io.StringIO(), list[int]()
    watch = Watch(Output(True, printed, io.StringIO()), narrowed=narrowed)
    watch.begin_anew = lambda: anew.append(1)
    return watch, printed, anew


@given(st.lists(st.integers(1, 6), min_size=1, max_size=12), st.integers(0, 3))
def test_each_break_in_the_numbers_is_one_gap_and_nothing_of_it_is_shown(
    numbers: list[int], first: int
) -> None:
    watch, printed, anew = watching()
    watch.event_received(begun(first))
    good = 0
    while good < len(numbers) and numbers[good] == first + good + 1:
        good += 1
    for number in numbers:
        watch.event_received(told(number))
    broken = good < len(numbers)
    assert (watch.gaps, len(anew)) == (broken, broken)
    assert printed.getvalue().count("EventAgentLogout") == good


def test_a_repeat_in_a_filtered_stream_is_a_gap() -> None:
    watch, _, anew = watching(narrowed=True)
    for event in (begun(4), told(9, 4), told(9, 4)):
        watch.event_received(event)
    assert (watch.gaps, anew) == (1, [1])


def test_what_is_of_no_stream_is_shown_aside() -> None:
    watch, printed, _ = watching()
    watch.event_received(m.EventTopic(tenant_id=1, topic="1@p1"))
    assert '"EventTopic"' in printed.getvalue()


def test_it_fails_once_and_shows_nothing_more() -> None:
    watch, printed, _ = watching()
    failures: list[object] = []
    watch.over.addErrback(failures.append)
    watch.failed(RequestRefused(3006))
    watch.failed(RequestRefused(3006))
    watch.event_received(m.EventActivityReport(activity=END))
    assert len(failures) == 1
    assert printed.getvalue() == ""


class Closed(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_it_ends_when_nobody_reads_it() -> None:
    watch = Watch(Output(True, Closed(), io.StringIO()))
    failures: list[Failure] = []
    watch.over.addErrback(failures.append)
    watch.event_received(begun(0))
    assert failures[0].check(BrokenPipeError)
