"""Up to which time streams can be merged."""

from __future__ import annotations

import math

from ixproxy.eventlog.merging.horizon import AHEAD, MARGIN, Horizon, Pace, Stream, horizon

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
    assert paced(Pace(), 10.0, 12.0, 11.0, 13.0) == [8.0, 10.0, 10.0, 11.0]


def test_nobody_is_behind_a_node_that_knows_the_future() -> None:
    found = horizon({ONE: 1e9, TWO: 990.0}, 300.0, now=1000.0)
    assert found == Horizon(990.0 - MARGIN, {})
    found = horizon({ONE: 1e9, TWO: 990.0}, 300.0, now=2000.0)
    assert found == Horizon(2000.0 - MARGIN, {TWO: 1010.0})


def paced(pace: Pace, *times: float) -> list[float]:
    found = []
    for time in times:
        found.append(pace.time(time, 2.0))
        pace.take(time, 2.0)
    return found


def test_an_event_in_the_future_stands_at_the_one_before_it() -> None:
    assert paced(Pace(now=100.0), 10.0, 1e9, 20.0) == [8.0, 8.0, 18.0]


def test_what_passed_between_events_in_the_future_is_known() -> None:
    times = paced(Pace(now=100.0), 10.0, 1e9, 1e9 + 5, 1e9 + 3, 1e9 + 4, 14.0, 20.0)
    assert times == [8.0, 8.0, 13.0, 13.0, 14.0, 14.0, 18.0]


def test_a_clock_that_jumps_in_the_future_does_not_lead_there() -> None:
    assert paced(Pace(now=100.0), 10.0, 1e9, 2e9, 2e9 + 1, 12.0) == [8.0, 8.0, 8.0, 9.0, 10.0]


def test_a_stream_is_gone_on_with_in_the_future() -> None:
    assert paced(Pace(8.0, now=100.0, shown=1e9), 1e9 + 5) == [13.0]


def test_clocks_are_a_little_ahead_without_harm() -> None:
    pace = Pace(now=100.0)
    assert not pace.is_wrong(102.0 + AHEAD, 2.0)
    assert pace.is_wrong(102.5 + AHEAD, 2.0)
    assert paced(pace, 50.0, 150.0) == [48.0, 148.0]
