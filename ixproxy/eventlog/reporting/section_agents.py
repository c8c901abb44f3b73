"""The time of agents, by state."""

from __future__ import annotations

from twisted.web.template import Tag

from ixproxy.eventlog.reporting import markup
from ixproxy.eventlog.reporting.agents import (
    DISTURBED_NOT,
    LOGGED_IN,
    NO_BEGIN,
    NO_END,
    NOT_READY,
    READY,
    SESSIONS,
)
from ixproxy.eventlog.reporting.axis import ticks_of_spans
from ixproxy.eventlog.reporting.chart import Bar, bars, described
from ixproxy.eventlog.reporting.figures import Figures
from ixproxy.eventlog.reporting.markup import Shown
from ixproxy.eventlog.reporting.scratch import Table
from ixproxy.eventlog.reporting.wording import counted, lasting, round_lasting

SHOWN_BARS = 15

STATES = {"s3": "ready", "s2": "not ready", "s4": "do not disturb"}

CUT = " †"
"""Behind the name of an agent of whom a session has no end, or no begin."""


def agents(figures: Figures) -> Tag:
    """The section."""
    found = figures.agents
    if not found.agents.rows:
        return markup.section("agents", "Time of agents", markup.note("No agent was logged in."))
    parts = [_bars(found.agents), _agents(found.agents)]
    if found.agents.whole[NO_END] or found.agents.whole[NO_BEGIN]:
        parts.append(
            markup.note(
                "† A session of this agent has no logout in the log, and was cut at the log's end "
                "or where his next session begins; or it has no login, and begins with the first "
                "that is heard of him."
            )
        )
    if found.media.rows:
        parts.append(_media(found.media))
    return markup.section("agents", "Time of agents", *parts)


def _bars(table: Table) -> Tag:
    rows = [
        Bar(
            (name or "(none)") + _mark(numbers),
            (numbers[READY], numbers[NOT_READY], numbers[DISTURBED_NOT]),
            lasting(numbers[LOGGED_IN]),
        )
        for (name,), numbers in table.rows[:SHOWN_BARS]
    ]
    more = len(table.rows) + table.left_out - len(rows)
    caption = "Logged in, by state"
    caption += f" ({counted(more)} more in the table)" if more else ""
    ticks = ticks_of_spans(max(sum(row.parts) for row in rows))
    chart = bars(
        "chart-agents", caption, described(rows), rows, tuple(STATES), ticks, round_lasting
    )
    return markup.figure(caption, chart, STATES)


def _mark(numbers: tuple[float, ...]) -> str:
    return CUT if numbers[NO_END] or numbers[NO_BEGIN] else ""


def _agents(table: Table) -> Tag:
    def cells(numbers: tuple[float, ...]) -> list[Shown]:
        times = (numbers[place] for place in (LOGGED_IN, READY, NOT_READY, DISTURBED_NOT))
        return [
            counted(numbers[SESSIONS]),
            *map(markup.span, times),
            counted(numbers[NO_BEGIN]),
            counted(numbers[NO_END]),
        ]

    rows: list[list[Shown]] = [
        [markup.span_of(markup.name(name), _mark(numbers)), *cells(numbers)]
        for (name,), numbers in table.rows
    ]
    if table.left_out:
        rows.append([markup.others(table.left_out, "agents"), *cells(table.others)])
    heads = markup.numbers(
        "Sessions", "Logged in", "Ready", "Not ready", "Do not disturb", "No login", "No logout"
    )
    heads = [*markup.named("Agent"), *heads]
    return markup.table("table-agents", "Agents", heads, rows, ["All agents", *cells(table.whole)])


def _media(table: Table) -> Tag:
    rows: list[list[Shown]] = [
        [markup.name(agent), markup.name(media), *map(markup.span, numbers)]
        for (agent, media), numbers in table.rows
    ]
    if table.left_out:
        left = markup.others(table.left_out, "pairs")
        rows.append([left, "", *map(markup.span, table.others)])
    heads = [*markup.named("Agent", "Media type"), *markup.numbers("Ready", "Not ready")]
    foot: list[Shown] = ["All", "", *map(markup.span, table.whole)]
    caption = "Agents by media type (do-not-disturb makes no difference here)"
    return markup.table("table-agents-media", caption, heads, rows, foot)
