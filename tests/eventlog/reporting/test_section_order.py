"""What broke order, what is missing, and what the log holds, as a page shows it."""

from __future__ import annotations

from pathlib import Path

from ixproxy.eventlog.reporting.section_order import log, missing, node_names, order
from tests.eventlog.reporting.filling import NOON, LogFile
from tests.eventlog.reporting.gathering import figures_of
from tests.eventlog.reporting.reading import cells, empty_figures, read, words

ANNA = {"party_type": 2, "party_agent": "anna"}


def overtaken(log: LogFile) -> None:
    log.node(101, "ixn1", NOON + 100)
    for at, event, name, dbid in (
        (0, "EventPlacedInQueue", "i1", 101),
        (5, "EventPlacedInQueue", "i2", 102),
        (9, "EventTakenFromQueue", "i2", 102),
        (20, "EventTakenFromQueue", "i1", 101),
    ):
        log.interaction(NOON + at, event, name, queue="Q1", dbid=dbid, **ANNA)


def test_who_was_overtaken_is_shown_by_queue_and_by_node(tmp_path: Path) -> None:
    section = order(figures_of(tmp_path, overtaken))
    assert cells(section, "table-order")[0] == ["Q1", "2", "1", "50.0 %", "1", "0"]
    assert cells(section, "table-order-nodes") == [
        ["ixn1 (101)", "node 102", "1"],
        ["All", "", "1"],
    ]
    assert "The most by which one was overtaken: 5.0 s." in words(section)
    assert "This log is not merged" in words(section)


def test_order_that_was_kept_is_said(tmp_path: Path) -> None:
    section = order(empty_figures(tmp_path))
    assert "None of 0 interactions was overtaken." in words(section)
    assert list(read(section).iter("table")) == []


def test_a_merge_s_clocks_and_late_events_are_shown(tmp_path: Path) -> None:
    def fill(log: LogFile) -> None:
        overtaken(log)
        log.interaction(NOON, "EventHeld", "i3", is_late=1)

    section = order(figures_of(tmp_path, fill, merged=True, skews={102: -0.5}))
    assert cells(section, "table-clocks") == [
        ["ixn1 (101)", "0 s", "0 s", "1"],
        ["node 102", "−0.50 s", "−0.50 s", "0"],
        ["All nodes", "", "", "1"],
    ]


def test_what_was_dropped_is_shown_to_the_last(tmp_path: Path) -> None:
    def fill(log: LogFile) -> None:
        log.node(101, "ixn1", NOON)
        for place in range(52):
            log.insert(
                "rpt_dropped", dbid=101, epoch=2, first_number=1000 * place,
                last_number=1000 * place + 99, first_time=NOON + place,
                last_time=NOON + place + 1, event="EventHeld", dropped=3,
            )  # fmt: skip

    section = missing(figures_of(tmp_path, fill))
    assert cells(section, "table-dropped") == [
        ["ixn1 (101)", "EventHeld", "156"],
        ["All", "", "156"],
    ]
    *rows, others, foot = cells(section, "table-gaps")
    assert len(rows) == 50
    assert rows[1] == [
        "ixn1 (101)", "2", "1,000–1,099", "2026-09-22 12:00:01", "2026-09-22 12:00:02", "3",
    ]  # fmt: skip
    assert others == ["2 other gaps", "", "", "", "", "6"]
    assert foot[-1] == "156"


def test_times_that_the_log_cuts_are_counted(tmp_path: Path) -> None:
    def fill(log: LogFile) -> None:
        log.interaction(NOON, "EventPartyRemoved", "i1", **ANNA)
        log.interaction(NOON, "EventPlacedInQueue", "i2", queue="Q1")
        log.interaction(NOON, "EventPlacedInQueue", "i2", queue="Q1")

    said = words(missing(figures_of(tmp_path, fill)))
    assert "No event was dropped." in said
    assert "1 times of waiting or handling ended here" in said
    assert "1 times of waiting or handling began" in said


def test_nodes_are_listed_with_what_they_have_logged(tmp_path: Path) -> None:
    figures = figures_of(tmp_path, overtaken)
    assert cells(log(figures), "table-nodes") == [
        ["ixn1 (101)", "2", "0", "0", "0", "2", "2026-09-22 12:01:40"],
        ["node 102", "2", "0", "0", "0", "2", "–"],
        ["All nodes", "4", "0", "0", "0", "4", ""],
    ]
    assert node_names(figures.overview) == {"101": "ixn1 (101)"}


def test_custom_events_are_listed(tmp_path: Path) -> None:
    def fill(log: LogFile) -> None:
        for event in range(55):
            log.event(
                "rpt_custom", NOON, "EventCustomReporting", custom_event_id=event,
                custom_event="{}", media_type="chat",
            )  # fmt: skip

    rows = cells(log(figures_of(tmp_path, fill)), "table-custom")
    assert rows[0] == ["0", "chat", "rpt_custom", "1"]
    assert rows[-2:] == [["5 other kinds", "", "", "5"], ["All", "", "", "55"]]
