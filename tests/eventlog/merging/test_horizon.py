"""Up to which time streams can be merged."""

from __future__ import annotations

import math

from ixproxy.eventlog.merging.horizon import MARGIN, Horizon, Pace, Stream, horizon

ONE, TWO, THREE = (Stream("sqlite:/a.db", dbid) for dbid in (1, 2, 3))


def test_what_all_streams_have_can_be_merged() -> None:
    assert horizon({ONE: 100.0, TWO: 90.0}, 300.0) == Horizon(90.0 - MARGIN, {})


def test_a_stream_that_is_too_far_behind_is_not_waited_for() -> None:
    found = horizon({ONE: 1000.0, TWO: 900.0, THREE: 699.0}, 300.0)
    assert found == Horizon(900.0 - MARGIN, {THREE: 301.0})
    assert horizon({ONE: 1000.0, TWO: 700.0}, 300.0) == Horizon(700.0 - MARGIN, {})


def test_in_the_end_nobody_is_waited_for() -> None:
    found = horizon({ONE: 1000.0, TWO: 600.0}, 300.0, final=True)
    assert found == Horizon(math.inf, {TWO: 400.0})


def test_without_streams_nothing_can_be_merged() -> None:
    assert horizon({}, 300.0) == Horizon(-MARGIN, {})


def test_the_time_of_a_stream_never_goes_back() -> None:
    pace = Pace()
    times = []
    for time in (10.0, 12.0, 11.0, 13.0):
        pace.last = pace.time(time, 2.0)
        times.append(pace.last)
    assert times == [8.0, 10.0, 10.0, 11.0]
