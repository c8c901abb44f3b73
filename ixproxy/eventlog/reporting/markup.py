"""The parts that a page is made of: names, durations, tables, figures, sections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from twisted.web.template import Tag, tags

from ixproxy.eventlog.reporting.wording import (
    NOBODY,
    at_second,
    counted,
    for_machines,
    instant,
    lasting,
    shortened,
    visible,
    whole_name,
)

Shown = Tag | str

FEW = 4
"""Columns of a table that would look lost on all of the width."""


class Column(msgspec.Struct, frozen=True):
    """
    :ivar title: what stands above it.
    :ivar numbers: they stand right.
    """

    title: str
    numbers: bool = True


def named(*titles: str) -> list[Column]:
    """Columns of text, which name the row."""
    return [Column(title, numbers=False) for title in titles]


def numbers(*titles: str) -> list[Column]:
    """Columns of numbers."""
    return [Column(title) for title in titles]


def name(raw: str, empty: str = NOBODY) -> Tag:
    """A name from outside: as it is read, whatever its direction; a long one is shortened."""
    if not raw:
        return tags.span(empty, class_="none")
    shown = visible(raw)
    short = shortened(shown)
    if short == shown:
        return Tag("bdi")(shown)
    return Tag("bdi")(short, title=whole_name(shown))


def span(seconds: float) -> Tag:
    """A duration."""
    return Tag("time")(lasting(seconds), datetime=for_machines(seconds))


def moment(time: float) -> Tag:
    """A time, to the second."""
    at = instant(time)
    return Tag("time")(at_second(time), datetime=f"{at:%Y-%m-%dT%H:%M:%S}.{at:%f}Z")


def count(amount: float) -> str:
    """A whole number."""
    return counted(amount)


def span_of(*parts: Shown) -> Tag:
    """Parts in a row."""
    return tags.span(*parts)


def others(left_out: int, kind: str) -> Tag:
    """The name of the row that stands for all that have none."""
    return tags.span(f"{counted(left_out)} other {kind}", class_="none")


def table(
    key: str,
    caption: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Shown]],
    foot: Sequence[Shown] = (),
) -> Tag:
    """
    A table, which scrolls in a box of its own where it is wider than the page.

    :param key: its id.
    :param rows: of each row the first cell names it.
    :param foot: the last row, which is about all of them.
    """
    head = tags.tr(*(tags.th(each.title, scope="col", class_=_kind(each)) for each in columns))
    parts = [tags.caption(tags.span(caption), id=f"{key}-caption"), tags.thead(head)]
    parts.append(tags.tbody(*(_row(columns, row) for row in rows)))
    if foot:
        parts.append(tags.tfoot(_row(columns, foot)))
    return tags.div(
        tags.table(*parts, id=key),
        class_="scroll" if len(columns) > FEW else "scroll few",
        tabindex="0",
        role="region",
        **{"aria-labelledby": f"{key}-caption"},
    )


def _row(columns: Sequence[Column], row: Sequence[Shown]) -> Tag:
    first, *rest = row
    return tags.tr(
        tags.th(first, scope="row", class_=_kind(columns[0])),
        *(
            tags.td(cell, class_=_kind(column))
            for column, cell in zip(columns[1:], rest, strict=True)
        ),
    )


def _kind(column: Column) -> str:
    return "number" if column.numbers else "text"


def figure(caption: str, chart: Tag, series: Mapping[str, str] | None = None) -> Tag:
    """
    A chart with what it shows in words.

    :param series: names by class of the style sheet: `s…` for areas, `l…` for lines; where there is
        but one none are needed.
    """
    legend: list[Tag] = []
    if series:
        legend.append(
            tags.ul(
                *(tags.li(_swatch(kind), each) for kind, each in series.items()),
                class_="legend",
            )
        )
    return Tag("figure")(Tag("figcaption")(caption), *legend, chart)


def _swatch(kind: str) -> Tag:
    if kind.startswith("l"):
        mark = Tag("line")(x1="0", x2="24", y1="6", y2="6", class_=kind)
    else:
        mark = Tag("rect")(x="6", y="0", width="12", height="12", class_=kind)
    return Tag("svg")(mark, width="24", height="12", **{"aria-hidden": "true"})


def note(*words: Shown) -> Tag:
    """A remark."""
    return tags.p(*words, class_="note")


def section(key: str, title: str, *parts: Tag) -> Tag:
    """A section of the page, to which its contents lead."""
    return Tag("section")(
        tags.h2(title, id=f"{key}-title"),
        *parts,
        id=key,
        **{"aria-labelledby": f"{key}-title"},
    )


def side_by_side(*parts: Tag) -> Tag:
    """Beside each other where there is room."""
    return tags.div(*parts, class_="beside")


def more(title: str, *parts: Tag) -> Tag:
    """What is shown to who asks for it, and on paper."""
    return Tag("details")(Tag("summary")(title), *parts)
