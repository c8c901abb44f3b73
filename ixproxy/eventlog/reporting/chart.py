"""
Charts as SVG: horizontal bars, whose parts may be stacked; columns; lines.

A chart is as wide as there is room, and its text is as large as all other text:
places across are given in per cent, those from above in pixels, and nothing is
scaled but the lines themselves. Bars begin at zero. Colours come from the
page's style sheet, by the number of the series. Each chart has a title and a
description for those who cannot see it, and what it shows stands in a table as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from twisted.web.template import Tag

from ixproxy.eventlog.reporting.wording import shortened, visible, whole_name

BAR, ROW, AXIS = 12, 42, 26
HEIGHT = 220
ROOM = {"": 32, " wide": 46}
"""Signs of a bar's name and its numbers together: what fits a narrow screen, and a wide one."""

Text = Callable[[float], str]


class Bar(msgspec.Struct, frozen=True):
    """
    :ivar name: of what the bar is about, as it came in.
    :ivar parts: one for each series, not negative; they are stacked.
    :ivar text: what the bar says in numbers.
    """

    name: str
    parts: tuple[float, ...]
    text: str


class Line(msgspec.Struct, frozen=True):
    """
    :ivar name: of the series.
    :ivar values: not negative, evenly spaced.
    """

    name: str
    values: Sequence[float]


def described(rows: Sequence[Bar]) -> str:
    """What bars say, for who cannot see them."""
    return "; ".join(f"{shortened(visible(row.name))}: {row.text}" for row in rows)


def per_cent(part: float) -> str:
    """A place across."""
    return f"{100 * part:.3f}%".replace(".000", "")


def bars(
    key: str,
    title: str,
    about: str,
    rows: Sequence[Bar],
    kinds: Sequence[str],
    ticks: Sequence[float],
    text: Text,
) -> Tag:
    """
    Horizontal bars, one below the other, each below its name and its numbers.

    :param key: makes ids that are the page's only ones.
    :param kinds: of the parts: classes of the style sheet.
    :param ticks: of the axis, which ends at the last.
    :param text: of a tick.
    """
    height = len(rows) * ROW + AXIS
    end = ticks[-1]
    shown = _texts_across(ticks, text, height - AXIS)
    for place, row in enumerate(rows):
        top = place * ROW
        shown += _grid_across(ticks, top + 21)
        shown += _names(visible(row.name), len(row.text), top + 16)
        shown.append(_text(row.text, "100%", top + 16, "value end"))
        begin = 0.0
        for kind, part in zip(kinds, row.parts, strict=True):
            if part > 0:
                width = part / end
                shown.append(
                    Tag("rect")(
                        x=per_cent(begin), y=str(top + 23), width=per_cent(width),
                        height=str(BAR), class_=kind,
                    )
                )  # fmt: skip
                begin += width
    return _svg(key, title, about, height, "bars", shown)


def columns(
    key: str,
    title: str,
    about: str,
    values: Sequence[float],
    edges: Sequence[str],
    ticks: Sequence[float],
    text: Text,
) -> Tag:
    """
    Columns side by side, such as the bins of a distribution.

    :param edges: the texts between each column and the next.
    """
    shown = _grid_down(ticks, text)
    floor, end, width = HEIGHT - AXIS, ticks[-1], 1 / len(values)
    for place, value in enumerate(values):
        tall = (floor - 10) * value / end
        shown.append(
            Tag("rect")(
                Tag("title")(text(value)),
                x=per_cent((place + 0.08) * width), y=f"{floor - tall:.2f}",
                width=per_cent(0.84 * width), height=f"{tall:.2f}", class_="s1",
            )
        )  # fmt: skip
    shown.append(_across(floor, "axis"))
    for place, edge in enumerate(edges, 1):
        every = " second" if place % 2 == 0 else ""
        shown.append(_text(edge, per_cent(place * width), HEIGHT - 8, f"tick mid{every}"))
    return _svg(key, title, about, HEIGHT, "upright", shown)


def lines(
    key: str,
    title: str,
    about: str,
    series: Sequence[Line],
    times: Sequence[tuple[float, str]],
    ticks: Sequence[float],
    text: Text,
) -> Tag:
    """
    Lines over time.

    :param times: ticks of the time axis: places from 0 to 1, and their texts.
    """
    shown = _grid_down(ticks, text)
    floor, end = HEIGHT - AXIS, ticks[-1]
    shown.append(_across(floor, "axis"))
    for place, (across, label) in enumerate(times):
        at = per_cent(across)
        side = "start" if across < 0.03 else "end" if across > 0.97 else "mid"
        every = " second" if place % 2 else ""
        mark = Tag("line")(x1=at, x2=at, y1=str(floor), y2=str(floor + 5), class_="axis")
        shown += [mark, _text(label, at, HEIGHT - 6, f"tick {side}{every}")]
    count = max(len(each.values) for each in series)
    drawn = []
    for number, each in enumerate(series, 1):
        points = [
            ((place + 0.5) / count, floor - (floor - 10) * value / end)
            for place, value in enumerate(each.values)
        ]
        path = " ".join(f"{1000 * across:.1f},{down:.2f}" for across, down in points)
        drawn.append(Tag("polyline")(points=path, class_=f"l{number}"))
        if count <= 40:
            shown += [
                Tag("circle")(cx=per_cent(across), cy=f"{down:.2f}", r="2.5", class_=f"s{number}")
                for across, down in points
            ]
    plot = Tag("svg")(*drawn, viewBox=f"0 0 1000 {HEIGHT}", preserveAspectRatio="none",
                      width="100%", height=str(HEIGHT))  # fmt: skip
    return _svg(key, title, about, HEIGHT, "upright", [*shown, plot])


def _names(name: str, beside: int, down: float) -> list[Tag]:
    """The name of a bar, once for each width of screen if that makes a difference."""
    texts = {kind: shortened(name, max(12, room - beside)) for kind, room in ROOM.items()}
    if len(set(texts.values())) == 1:
        return [_text(name, "0", down, "name")]
    return [
        _text(text, "0", down, f"name only{kind}")(Tag("title")(whole_name(name)))
        for kind, text in texts.items()
    ]


def _texts_across(ticks: Sequence[float], text: Text, height: float) -> list[Tag]:
    shown = []
    for place, tick in enumerate(ticks):
        side = "start" if place == 0 else "end" if place == len(ticks) - 1 else "mid"
        shown.append(_text(text(tick), per_cent(tick / ticks[-1]), height + 18, f"tick {side}"))
    return shown


def _grid_across(ticks: Sequence[float], top: float) -> list[Tag]:
    """Lines behind one bar only: they must not cross the names."""
    places = [per_cent(tick / ticks[-1]) for tick in ticks]
    return [
        Tag("line")(x1=at, x2=at, y1=f"{top:g}", y2=f"{top + BAR + 4:g}", class_="grid")
        for at in places
    ]


def _grid_down(ticks: Sequence[float], text: Text) -> list[Tag]:
    floor = HEIGHT - AXIS
    shown = []
    for tick in ticks:
        down = floor - (floor - 10) * tick / ticks[-1]
        shown.append(_across(down, "grid"))
        shown.append(_text(text(tick), "-8", down + 4, "tick end"))
    return shown


def _across(down: float, kind: str) -> Tag:
    return Tag("line")(x1="0", x2="100%", y1=f"{down:.2f}", y2=f"{down:.2f}", class_=kind)


def _text(text: str, x: str, y: float, kind: str) -> Tag:
    return Tag("text")(text, x=x, y=f"{y:g}", class_=kind)


def _svg(key: str, title: str, about: str, height: float, kind: str, shown: Sequence[Tag]) -> Tag:
    return Tag("svg")(
        Tag("title")(title, id=f"{key}-title"),
        Tag("desc")(about, id=f"{key}-desc"),
        *shown,
        class_=f"chart {kind}",
        width="100%",
        height=f"{height:g}",
        role="img",
        **{"aria-labelledby": f"{key}-title {key}-desc"},
    )
