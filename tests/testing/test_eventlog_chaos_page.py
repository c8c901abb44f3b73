"""What a report says was dropped is read from its page, and held against what was."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from ixproxy.errors import IxproxyError
from ixproxy.testing.eventlog_chaos_page import Said, make_page, read_page, told_wrongly
from ixproxy.testing.eventlog_chaos_rows import Logged, Row, read_tables
from ixproxy.testing.eventlog_outside import entry, gap
from tests.testing.test_eventlog_chaos_rows import kept_in_tables

NODE = "ixn1 (101)"
NAMES = {101: NODE}
PLACED = "EventPlacedInQueue"


def witness(*numbers: int) -> Logged:
    """What happened: as many events of one kind."""
    return Logged(
        {(101, 1, number): Row(PLACED, 1.0, "rpt_interaction") for number in numbers},
    )


def test_the_page_of_a_log_says_what_was_dropped(tmp_path: Path) -> None:
    entries = [*map(entry, range(1, 9)), gap(1009, 1012, EventPlacedInQueue=1203)]
    address = kept_in_tables(tmp_path, [*entries, gap(1020, 1020, epoch=2, EventHeld=1)])
    make_page(address, tmp_path / "report.html")
    said = read_page((tmp_path / "report.html").read_text())
    assert said.dropped == Counter({(NODE, PLACED): 1203, (NODE, "EventHeld"): 1})
    assert sorted(said.gaps) == [(NODE, 1, 1009, 1012, 1203), (NODE, 2, 1020, 1020, 1)]
    assert said.whole == [1204, 1204]


def test_a_page_on_which_nothing_was_dropped_says_nothing(tmp_path: Path) -> None:
    address = kept_in_tables(tmp_path, [*map(entry, range(1, 9))])
    make_page(address, tmp_path / "report.html")
    said = read_page((tmp_path / "report.html").read_text())
    assert said == Said()
    logged = read_tables(address)
    assert told_wrongly(said, logged, logged, NAMES) == []


def test_a_log_of_which_there_is_no_page_says_why(tmp_path: Path) -> None:
    with pytest.raises(IxproxyError, match="nowhere"):
        make_page(f"sqlite:{tmp_path / 'nowhere.db'}", tmp_path / "report.html")


def test_a_page_that_is_not_right_is_found(tmp_path: Path) -> None:
    address = kept_in_tables(tmp_path, [gap(2, 4, EventPlacedInQueue=2)])
    shaken = read_tables(address)
    shaken.rows.update(witness(1, 5).rows)
    right = Said(Counter({(NODE, PLACED): 2}), [(NODE, 1, 2, 4, 2)], [2, 2])
    all = witness(1, 2, 4, 5)
    assert told_wrongly(right, all, shaken, NAMES) == []
    wrongly = replace(right, dropped=Counter({(NODE, PLACED): 3}))
    assert told_wrongly(wrongly, all, shaken, NAMES) == [f"{NODE}, {PLACED}: 3, it was 2"]
    (sentence,) = told_wrongly(replace(right, gaps=[]), all, shaken, NAMES)
    assert sentence == f"gaps [], they were [({NODE!r}, 1, 2, 4, 2)]"
    assert told_wrongly(replace(right, whole=[2, 3]), all, shaken, NAMES) == [
        "[2, 3] in all, it was 2"
    ]
