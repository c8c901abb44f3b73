"""How much there was, as a page shows it."""

from __future__ import annotations

from pathlib import Path

from ixproxy.eventlog.reporting.section_volumes import volumes
from tests.eventlog.reporting.filling import NOON, LogFile
from tests.eventlog.reporting.gathering import figures_of
from tests.eventlog.reporting.reading import cells, empty_figures, read, words


def many_queues(log: LogFile) -> None:
    for place in range(60):
        for name in range(2 if place < 50 else 1):
            row = {"queue": f"Q{place:02}", "media_type": "chat"}
            log.interaction(NOON + place, "EventPlacedInQueue", f"i{place}-{name}", **row)


def test_rows_without_a_name_are_in_the_row_of_the_others(tmp_path: Path) -> None:
    section = volumes(figures_of(tmp_path, many_queues))
    *rows, others, foot = cells(section, "table-queues")
    assert len(rows) == 50
    assert rows[0] == ["Q00", "0", "2", "0", "0", "0", "0", "2"]
    assert others == ["10 other queues", "0", "10", "0", "0", "0", "0", "10"]
    assert foot == ["All queues", "0", "110", "0", "0", "0", "0", "110"]
    assert "Came into each queue (48 more in the table)" in words(section)


def test_media_and_steps_have_tables(tmp_path: Path) -> None:
    section = volumes(figures_of(tmp_path, many_queues))
    assert cells(section, "table-media") == [
        ["chat", "0", "110", "0", "0", "110", "0"],
        ["All media types", "0", "110", "0", "0", "110", "0"],
    ]
    assert cells(section, "table-steps")[0] == ["2026-09-22 12:00:00", "0", "20", "0", "0"]
    assert cells(section, "table-steps")[-1] == ["All", "0", "110", "0", "0"]
    assert {each.get("class") for each in read(section).iter("polyline")} == {
        "l1", "l2", "l3", "l4",
    }  # fmt: skip


def test_where_nothing_came_it_says_so(tmp_path: Path) -> None:
    section = volumes(empty_figures(tmp_path))
    assert "No interaction was submitted" in words(section)
    assert list(read(section).iter("svg")) == []
