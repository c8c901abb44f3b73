"""The page as a whole; tests/eventlog/reporting/test_page_in_a_browser.py looks at it."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

import pytest
from twisted.web.template import Tag

from ixproxy.eventlog.reporting.figures import Figures, gather
from ixproxy.eventlog.reporting.page import CONTENTS, page, rendered
from ixproxy.eventlog.reporting.period import Wanted
from tests.eventlog.reporting.filling import NASTY, NOON, LogFile, busy_log
from tests.eventlog.reporting.gathering import figures_of, open_log
from tests.eventlog.reporting.reading import empty_figures


@pytest.fixture
def busy(tmp_path: Path) -> Figures:
    with closing(open_log(busy_log(tmp_path / "busy.db", interactions=200))) as log:
        return gather(log, Wanted())


def test_it_needs_nothing_else_and_runs_nothing(busy: Figures) -> None:
    text = page(busy, "Title", "sqlite:log.db").decode()
    assert text.startswith("<!DOCTYPE html>\n<html")
    assert "<script" not in text
    assert re.findall(r"(?:src|url|@import|https?:)\s*[=(:]", text) == []
    assert re.findall(r'href="(?!#|data:,)', text) == []
    assert "default-src 'none'" in text


def test_no_name_is_markup(busy: Figures) -> None:
    text = page(busy, "<b>Title & more</b>", "sqlite:<i>.db").decode()
    assert "&lt;b&gt;Title &amp; more&lt;/b&gt;" in text
    assert "<i>" not in text
    assert NASTY[0] not in text
    assert "\u202e" not in text
    assert "\x00" not in text


def test_ids_are_there_once_and_contents_lead_to_sections(busy: Figures) -> None:
    text = page(busy, "Title", "sqlite:log.db").decode()
    ids = re.findall(r' id="([^"]*)"', text)
    assert len(ids) == len(set(ids))
    links = re.findall(r'href="#([^"]*)"', text)
    assert set(links) <= set(ids)
    assert {key for key, _, _ in CONTENTS} <= set(links)
    labels = re.findall(r'aria-labelledby="([^"]*)"', text)
    assert {each for label in labels for each in label.split()} <= set(ids)


def test_the_same_log_makes_the_same_page(busy: Figures) -> None:
    assert page(busy, "Title", "sqlite:log.db") == page(busy, "Title", "sqlite:log.db")


def test_what_was_dropped_stands_above_everything(busy: Figures, tmp_path: Path) -> None:
    text = page(busy, "Title", "sqlite:log.db").decode()
    assert text.index("747 events were dropped") < text.index("<section")
    text = page(empty_figures(tmp_path), "Title", "sqlite:log.db").decode()
    assert "events were dropped and are missing" not in text


def test_a_log_of_several_nodes_that_is_not_merged_is_said_to_be_so(tmp_path: Path) -> None:
    def fill(log: LogFile) -> None:
        log.node(101, "ixn1", NOON)
        log.node(102, "ixn2", NOON)

    for merged in (True, False):
        text = page(figures_of(tmp_path, fill, merged=merged), "Title", "x").decode()
        assert ("Merge it first" in text) != merged
        assert ("a merged log" in text) == merged


def test_what_cannot_be_written_is_an_error() -> None:
    with pytest.raises(Exception, match="Exception while flattening"):
        rendered(Tag("p")(object()))  # type: ignore[arg-type]
