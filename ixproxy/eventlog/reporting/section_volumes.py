"""How much there was: by queue, by media type, and over time."""

from __future__ import annotations

from twisted.web.template import Tag

from ixproxy.eventlog.reporting import markup
from ixproxy.eventlog.reporting.axis import ticks_of_counts, ticks_of_time
from ixproxy.eventlog.reporting.chart import Bar, Line, bars, described, lines
from ixproxy.eventlog.reporting.figures import Figures
from ixproxy.eventlog.reporting.interactions import (
    M_IN_HAND,
    M_WAITING,
    MOVED,
    PLACED,
    STOPPED,
    SUBMITTED,
    TO_AGENTS,
    TO_STRATEGIES,
    WAITING,
)
from ixproxy.eventlog.reporting.markup import Shown
from ixproxy.eventlog.reporting.period import Period
from ixproxy.eventlog.reporting.scratch import Table
from ixproxy.eventlog.reporting.wording import counted, round_lasting, short_count

SHOWN_BARS = 12

SERIES = ("submitted", "placed in a queue", "taken from a queue", "stopped")

_CAME = {"s1": "submitted", "s2": "placed"}

_QUEUE = (SUBMITTED, PLACED, TO_AGENTS, TO_STRATEGIES, MOVED, STOPPED, WAITING)


def volumes(figures: Figures) -> Tag:
    """The section."""
    found = figures.interactions
    if not any(found.media.whole):
        empty = markup.note("No interaction was submitted, placed, taken or stopped.")
        return markup.section("volumes", "Volumes", empty)
    return markup.section(
        "volumes",
        "Volumes",
        _over_time(found.steps, figures.period),
        markup.side_by_side(
            _bars("queues", "Came into each queue", found.queues, (SUBMITTED, PLACED)),
            _bars("media", "Came, by media type", found.media, (0, 1)),
        ),
        _queues(found.queues),
        _media(found.media),
        markup.more("Numbers of the chart over time", _steps(found.steps, figures.period)),
    )


def _over_time(steps: list[tuple[int, ...]], period: Period) -> Tag:
    series = [Line(name, [step[place] for step in steps]) for place, name in enumerate(SERIES)]
    first, last = period.first, period.first + period.steps * period.step
    times = [((time - first) / (last - first), text) for time, text in ticks_of_time(first, last)]
    step = round_lasting(period.step)
    caption = f"Interactions in each {step}"
    about = "; ".join(
        f"{each.name}: {counted(sum(each.values))} in all, at most {counted(max(each.values))}"
        f" in {step}"
        for each in series
    )
    ticks = ticks_of_counts(max(max(each.values) for each in series))
    chart = lines("chart-volumes", caption, about, series, times, ticks, short_count)
    kinds = {f"l{place}": name for place, name in enumerate(SERIES, 1)}
    return markup.figure(caption, chart, kinds)


def _bars(key: str, caption: str, table: Table, places: tuple[int, int]) -> Tag:
    rows = [
        Bar(
            name or "(none)",
            tuple(numbers[place] for place in places),
            counted(sum(numbers[place] for place in places)),
        )
        for (name,), numbers in table.rows[:SHOWN_BARS]
    ]
    more = len(table.rows) + table.left_out - len(rows)
    caption += f" ({counted(more)} more in the table)" if more else ""
    ticks = ticks_of_counts(max((sum(row.parts) for row in rows), default=0))
    chart = bars(f"chart-{key}", caption, described(rows), rows, tuple(_CAME), ticks, short_count)
    return markup.figure(caption, chart, _CAME)


def _queues(table: Table) -> Tag:
    def cells(numbers: tuple[float, ...]) -> list[Shown]:
        return [counted(numbers[place]) for place in _QUEUE]

    rows: list[list[Shown]] = [
        [markup.name(name), *cells(numbers)] for (name,), numbers in table.rows
    ]
    if table.left_out:
        rows.append([markup.others(table.left_out, "queues"), *cells(table.others)])
    return markup.table(
        "table-queues",
        "Queues",
        [
            *markup.named("Queue"),
            *markup.numbers(
                "Submitted", "Placed", "Taken by agents", "Taken by strategies", "Moved",
                "Stopped", "Waiting at the end",
            ),
        ],
        rows,
        ["All queues", *cells(table.whole)],
    )  # fmt: skip


def _media(table: Table) -> Tag:
    order = (*range(4), M_WAITING, M_IN_HAND)

    def cells(numbers: tuple[float, ...]) -> list[Shown]:
        return [counted(numbers[place]) for place in order]

    rows: list[list[Shown]] = [
        [markup.name(name), *cells(numbers)] for (name,), numbers in table.rows
    ]
    if table.left_out:
        rows.append([markup.others(table.left_out, "media types"), *cells(table.others)])
    return markup.table(
        "table-media",
        "Media types",
        [
            *markup.named("Media type"),
            *markup.numbers(
                "Submitted", "Placed", "Taken", "Stopped", "Waiting at the end",
                "In hand at the end",
            ),
        ],
        rows,
        ["All media types", *cells(table.whole)],
    )  # fmt: skip


def _steps(steps: list[tuple[int, ...]], period: Period) -> Tag:
    rows: list[list[Shown]] = [
        [markup.moment(period.first + place * period.step), *map(counted, step)]
        for place, step in enumerate(steps)
    ]
    return markup.table(
        "table-steps",
        f"Interactions in each {round_lasting(period.step)}, from the time given on (UTC)",
        [*markup.named("From"), *markup.numbers("Submitted", "Placed", "Taken", "Stopped")],
        rows,
        ["All", *(counted(sum(step[place] for step in steps)) for place in range(len(SERIES)))],
    )
