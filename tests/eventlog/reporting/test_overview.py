"""What a log holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ixproxy.eventlog.reporting import overview as rooms
from ixproxy.eventlog.reporting.overview import Gap, Skew
from ixproxy.eventlog.reporting.period import Wanted
from tests.eventlog.reporting.filling import NOON, LogFile
from tests.eventlog.reporting.gathering import figures_of, rows


def some(log: LogFile) -> None:
    log.node(101, "ixn1", NOON + 10)
    log.interaction(NOON, "EventHeld", "i1")
    log.interaction(NOON + 1, "EventHeld", "i2", dbid=102, is_late=1)
    log.agent(NOON + 2, "EventAgentLogin", "anna")
    log.event("rpt_esp", NOON + 3, "EventExternalServiceRequested")
    said: dict[str, Any] = {"custom_event": "{}", "media_type": "chat"}
    for at, table, event in ((4, "rpt_custom", 0), (5, "rpt_custom", 7), (6, "rpt_interaction", 7)):
        log.event(table, NOON + at, "EventCustomReporting", custom_event_id=event, **said)


def dropped(log: LogFile, first: int, at: float, **events: int) -> None:
    for event, count in events.items():
        log.insert(
            "rpt_dropped",
            dbid=101,
            epoch=3,
            first_number=first,
            last_number=first + 9,
            first_time=NOON + at,
            last_time=NOON + at + 60,
            event=event,
            dropped=count,
        )


def test_events_are_counted_by_node_and_table(tmp_path: Path) -> None:
    said = figures_of(tmp_path, some).overview
    assert said.nodes == [(101, "ixn1", NOON + 10)]
    assert rows(said.events) == {"101": (2, 1, 1, 2), "102": (1, 0, 0, 0)}
    later = figures_of(tmp_path, some, Wanted(NOON + 3, NOON + 5)).overview
    assert rows(later.events) == {"101": (0, 0, 1, 1)}
    assert figures_of(tmp_path, some, Wanted(tenant=9)).events == 0


def test_custom_events_are_counted_wherever_they_are_kept(tmp_path: Path) -> None:
    assert rows(figures_of(tmp_path, some).overview.custom) == {
        ("rpt_custom", "chat", "0"): (1,),
        ("rpt_custom", "chat", "7"): (1,),
        ("rpt_interaction", "chat", "7"): (1,),
    }


def test_a_merge_says_how_clocks_were_moved_and_what_was_late(tmp_path: Path) -> None:
    said = figures_of(tmp_path, some, merged=True, skews={101: -0.5, 102: 0.25}).overview
    assert said.merged
    assert said.skews == [Skew(101, -0.5, -0.5, 0), Skew(102, 0.25, 0.25, 1)]
    assert figures_of(tmp_path, some).overview.skews == []


def test_what_was_dropped_is_said_exactly(tmp_path: Path) -> None:
    def fill(log: LogFile) -> None:
        dropped(log, 500, 1000, EventHeld=7)
        dropped(log, 40, 0, EventHeld=2, EventResumed=3)

    figures = figures_of(tmp_path, fill)
    said = figures.overview
    assert figures.dropped == 12
    assert rows(said.dropped) == {("101", "EventHeld"): (9,), ("101", "EventResumed"): (3,)}
    assert said.gaps == [
        Gap(101, 3, 40, 49, NOON, NOON + 60, 5),
        Gap(101, 3, 500, 509, NOON + 1000, NOON + 1060, 7),
    ]
    assert said.gaps_left_out == 0


@pytest.mark.parametrize(
    ("begin", "end", "expected"), [(50, None, 7), (70, None, 0), (None, 1, 7), (None, 0, 0)]
)
def test_a_gap_counts_whole_where_it_reaches_into_the_period(
    tmp_path: Path, begin: float | None, end: float | None, expected: int
) -> None:
    def fill(log: LogFile) -> None:
        log.interaction(NOON, "EventHeld", "i1")
        dropped(log, 40, 0, EventHeld=7)

    wanted = Wanted(
        None if begin is None else NOON + begin, None if end is None else NOON + end, tenant=9
    )
    assert figures_of(tmp_path, fill, wanted).dropped == expected


def test_gaps_that_are_too_many_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "SHOWN_GAPS", 2)

    def fill(log: LogFile) -> None:
        for place in range(5):
            dropped(log, 100 * place, place * 100, EventHeld=1, EventResumed=1)

    figures = figures_of(tmp_path, fill)
    assert [gap.first for gap in figures.overview.gaps] == [0, 100]
    assert figures.overview.gaps_left_out == 3
    assert figures.dropped == 10
