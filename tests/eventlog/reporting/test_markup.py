"""The parts that a page is made of."""

from __future__ import annotations

from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.web.template import Tag

from ixproxy.eventlog.reporting import markup
from ixproxy.eventlog.reporting.markup import Shown
from ixproxy.eventlog.reporting.page import rendered


def read(part: Tag) -> Element:
    return fromstring(rendered(part))


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80))
def test_a_name_is_text_whatever_is_in_it(name: str) -> None:
    found = read(markup.name(name))
    assert found.tag == "bdi"
    assert list(found) == []
    if found.get("title") is None:
        assert len(found.text or "") >= len(name)


def test_a_long_name_shows_its_ends_and_has_the_whole_one_for_who_points_at_it() -> None:
    found = read(markup.name("q" * 10_000))
    assert len(found.text or "") == 56
    assert (found.get("title") or "").endswith("(10,000 signs)")


def test_no_name_is_shown_as_such() -> None:
    assert (read(markup.name("")).text, read(markup.name("", "–")).text) == ("(none)", "–")


def test_a_table_says_what_its_cells_are() -> None:
    columns = [*markup.named("Queue"), *markup.numbers("Count", "Time")]
    rows: list[list[Shown]] = [[markup.name("Q1"), "1", markup.span(65)]]
    found = read(markup.table("t", "Caption", columns, rows, ["All", "1", markup.span(65)]))
    assert (found.get("role"), found.get("tabindex")) == ("region", "0")
    caption = found.find("table/caption")
    assert caption is not None
    assert caption.get("id") == found.get("aria-labelledby") == "t-caption"
    heads = found.findall("table/thead/tr/th")
    assert [(each.get("scope"), each.get("class")) for each in heads] == [
        ("col", "text"), ("col", "number"), ("col", "number"),
    ]  # fmt: skip
    for part in ("tbody", "tfoot"):
        (row,) = found.findall(f"table/{part}/tr")
        assert [(each.tag, each.get("class")) for each in row] == [
            ("th", "text"), ("td", "number"), ("td", "number"),
        ]  # fmt: skip
        time = row.find("td/time")
        assert time is not None
        assert (time.text, time.get("datetime")) == ("1 min 05 s", "PT65S")


def test_a_row_has_as_many_cells_as_there_are_columns() -> None:
    with pytest.raises(ValueError, match="zip"):
        markup.table("t", "C", markup.numbers("a", "b"), [["1"]])


def test_small_tables_are_not_stretched() -> None:
    few = read(markup.table("t", "C", markup.numbers("a"), []))
    many = read(markup.table("t", "C", markup.numbers(*"abcde"), []))
    assert (few.get("class"), many.get("class")) == ("scroll few", "scroll")


def test_a_legend_names_each_series() -> None:
    found = read(markup.figure("Caption", Tag("svg"), {"s1": "one", "l2": "two"}))
    assert [each.text for each in found.iter("li")] == [None, None]
    assert ["".join(each.itertext()) for each in found.iter("li")] == ["one", "two"]
    assert [each.tag for item in found.iter("li") for each in item.findall("svg/*")] == [
        "rect", "line",
    ]  # fmt: skip
    assert read(markup.figure("Caption", Tag("svg"))).find("ul") is None


def test_times_are_for_machines_too() -> None:
    found = read(markup.moment(1_790_078_400.5))
    assert (found.text, found.get("datetime")) == (
        "2026-09-22 12:00:00",
        "2026-09-22T12:00:00.500000Z",
    )


def test_a_section_is_led_to_by_its_id_and_named_by_its_title() -> None:
    found = read(markup.section("order", "Order", markup.note("a ", markup.span_of("b"))))
    assert (found.get("id"), found.get("aria-labelledby")) == ("order", "order-title")
    assert found.findtext("h2[@id='order-title']") == "Order"
    assert read(markup.more("Numbers", markup.note("x"))).findtext("summary") == "Numbers"
    assert len(read(markup.side_by_side(markup.note("x"), markup.note("y")))) == 2
    assert read(markup.others(1234, "queues")).text == "1,234 other queues"
    assert markup.count(1234) == "1,234"
