"""Charts as SVG, read as XML."""

from __future__ import annotations

from xml.etree.ElementTree import Element, fromstring

import pytest

from ixproxy.eventlog.reporting.chart import HEIGHT, Bar, Line, bars, columns, lines, per_cent
from ixproxy.eventlog.reporting.page import rendered
from ixproxy.eventlog.reporting.wording import short_count


def across(text: str | None) -> float:
    assert text is not None
    return float(text.removesuffix("%"))


def texts(chart: Element, kind: str) -> list[str]:
    return [each.text or "" for each in chart.iter("text") if kind in each.get("class", "").split()]


def test_bars_are_as_long_as_their_numbers_and_stand_behind_each_other() -> None:
    rows = [Bar("Q1", (30, 20), "50"), Bar("Q2", (0, 100), "100")]
    made = bars("k", "Title", "Described", rows, ("s1", "s2"), [0, 50, 100], short_count)
    chart = fromstring(rendered(made))
    drawn = [
        (each.get("class"), across(each.get("x")), across(each.get("width")))
        for each in chart.iter("rect")
    ]
    assert drawn == [("s1", 0, 30), ("s2", 30, 20), ("s2", 0, 100)]
    assert texts(chart, "name") == ["Q1", "Q2"]
    assert texts(chart, "value") == ["50", "100"]
    assert texts(chart, "tick") == ["0", "50", "100"]


def test_a_chart_says_what_it_is_to_who_cannot_see_it() -> None:
    made = bars("k", "A & B", "<described>", [Bar("Q", (1,), "1")], ("s1",), [0, 1], short_count)
    chart = fromstring(rendered(made))
    assert chart.get("role") == "img"
    said = {each.get("id"): each.text for each in (*chart.iter("title"), *chart.iter("desc"))}
    named = chart.get("aria-labelledby", "").split()
    assert [said[each] for each in named] == ["A & B", "<described>"]


def test_a_long_name_is_there_for_small_and_for_large_screens() -> None:
    name = "<script>" + "q" * 100
    made = bars("k", "T", "D", [Bar(name, (1,), "1 min 00 s")], ("s1",), [0, 1], short_count)
    chart = fromstring(rendered(made))
    found = [each for each in chart.iter("text") if "name" in each.get("class", "")]
    assert [each.get("class") for each in found] == ["name only", "name only wide"]
    for each, length in zip(found, (22, 36), strict=True):
        shown = "".join(part for part in each.itertext() if part != name)
        assert len(shown) == length
        assert each.findtext("title") == name


def test_columns_are_as_high_as_their_numbers() -> None:
    made = columns("k", "T", "D", [0, 5, 10], ["1s", "5s"], [0, 10], short_count)
    chart = fromstring(rendered(made))
    heights = [float(each.get("height", "")) for each in chart.iter("rect")]
    assert heights == [0, heights[2] / 2, heights[2]]
    assert texts(chart, "mid") == ["1s", "5s"]
    feet = {
        round(float(each.get("y", "")) + float(each.get("height", "")), 1)
        for each in chart.iter("rect")
    }
    assert len(feet) == 1


def test_lines_go_through_their_numbers() -> None:
    series = [Line("one", [0, 10]), Line("two", [5, 5])]
    times = [(0.0, "12:00"), (0.5, "13:00"), (1.0, "14:00")]
    chart = fromstring(rendered(lines("k", "T", "D", series, times, [0, 10], short_count)))
    first, second = chart.iter("polyline")
    floor, top = HEIGHT - 26, 10
    assert first.get("points") == f"250.0,{floor:.2f} 750.0,{top:.2f}"
    assert second.get("points") == f"250.0,{(floor + top) / 2:.2f} 750.0,{(floor + top) / 2:.2f}"
    assert [first.get("class"), second.get("class")] == ["l1", "l2"]
    assert texts(chart, "start") + texts(chart, "second") + texts(chart, "end")[-1:] == [
        "12:00", "13:00", "14:00",
    ]  # fmt: skip
    assert len(list(chart.iter("circle"))) == 4


def test_many_points_have_no_dots() -> None:
    series = [Line("one", [1.0] * 60)]
    made = lines("k", "T", "D", series, [], [0, 1], short_count)
    assert list(fromstring(rendered(made)).iter("circle")) == []


@pytest.mark.parametrize(("part", "text"), [(0, "0%"), (0.5, "50%"), (1 / 3, "33.333%")])
def test_places_across_are_per_cent(part: float, text: str) -> None:
    assert per_cent(part) == text
