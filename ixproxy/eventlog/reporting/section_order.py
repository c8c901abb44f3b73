"""What broke order, and what the log itself says of nodes, clocks and events that are missing."""

from __future__ import annotations

from collections.abc import Mapping

from twisted.web.template import Tag

from ixproxy.eventlog.reporting import markup
from ixproxy.eventlog.reporting.axis import ticks_of_counts
from ixproxy.eventlog.reporting.chart import Bar, bars, described
from ixproxy.eventlog.reporting.figures import Figures
from ixproxy.eventlog.reporting.markup import Shown
from ixproxy.eventlog.reporting.overtaking import BY_ITS_OWN, BY_OTHERS_ONLY, OVERTAKEN, TAKEN
from ixproxy.eventlog.reporting.overview import Overview
from ixproxy.eventlog.reporting.scratch import Table
from ixproxy.eventlog.reporting.source import TABLES
from ixproxy.eventlog.reporting.wording import counted, lasting, share, short_count

SHOWN_BARS = 12

_WHOSE = {"s1": "by other nodes only", "s2": "by its own node, too"}


def node_names(overview: Overview) -> Mapping[str, str]:
    """By dbid, as text: what a node is called."""
    return {str(dbid): f"{node} ({dbid})" for dbid, node, _ in overview.nodes}


def order(figures: Figures) -> Tag:
    """Who was taken before whom."""
    found = figures.overtaking
    about = markup.note(
        "An interaction was overtaken if another was placed in its queue after it and was taken "
        "before it. Each node keeps the order of a queue for itself, so the order of a queue that "
        "several nodes have is not kept between them. On one node it is the order of a view, "
        "such as one by priority, that lets a later one go first."
    )
    parts: list[Tag] = [about]
    taken, overtaken = found.queues.whole[TAKEN], found.queues.whole[OVERTAKEN]
    if not overtaken:
        parts.append(markup.note(f"None of {counted(taken)} interactions was overtaken."))
    else:
        parts.append(
            markup.side_by_side(_queue_bars(found.queues), _pairs(found.nodes, figures.overview))
        )
        parts.append(_queues(found.queues))
        parts.append(markup.note(f"The most by which one was overtaken: {lasting(found.longest)}."))
    parts.append(_clocks(figures))
    return markup.section("order", "What broke order", *parts)


def _queue_bars(table: Table) -> Tag:
    rows = [
        Bar(
            name or "(none)",
            (numbers[BY_OTHERS_ONLY], numbers[BY_ITS_OWN]),
            f"{counted(numbers[OVERTAKEN])} of {counted(numbers[TAKEN])}",
        )
        for (name,), numbers in table.rows[:SHOWN_BARS]
    ]
    caption = "Overtaken interactions"
    ticks = ticks_of_counts(max(sum(row.parts) for row in rows))
    chart = bars("chart-order", caption, described(rows), rows, tuple(_WHOSE), ticks, short_count)
    return markup.figure(caption, chart, _WHOSE)


def _queues(table: Table) -> Tag:
    def cells(numbers: tuple[float, ...]) -> list[Shown]:
        shown = [counted(numbers[place]) for place in (TAKEN, OVERTAKEN)]
        of_all = share(numbers[OVERTAKEN], numbers[TAKEN])
        whose = [counted(numbers[place]) for place in (BY_OTHERS_ONLY, BY_ITS_OWN)]
        return [*shown, of_all, *whose]

    rows: list[list[Shown]] = [
        [markup.name(name), *cells(numbers)] for (name,), numbers in table.rows
    ]
    if table.left_out:
        rows.append([markup.others(table.left_out, "queues"), *cells(table.others)])
    heads = markup.numbers(
        "Taken", "Overtaken", "Share", "By other nodes only", "By its own node, too"
    )
    heads = [*markup.named("Queue"), *heads]
    return markup.table(
        "table-order", "Overtaken, by queue", heads, rows, ["All queues", *cells(table.whole)]
    )


def _pairs(table: Table, overview: Overview) -> Tag:
    names = node_names(overview)
    rows: list[list[Shown]] = [
        [*(markup.name(names.get(each, f"node {each}")) for each in pair), counted(numbers[0])]
        for pair, numbers in table.rows
    ]
    if table.left_out:
        rows.append([markup.others(table.left_out, "pairs"), "", counted(table.others[0])])
    heads = [*markup.named("Overtaken on", "Furthest by one on"), *markup.numbers("Count")]
    foot: list[Shown] = ["All", "", counted(table.whole[0])]
    return markup.table("table-order-nodes", "Overtaken, by node", heads, rows, foot)


def _clocks(figures: Figures) -> Tag:
    overview, found = figures.overview, figures.interactions
    if not overview.merged:
        text = (
            "This log is not merged: the times are those of each node's own clock. "
            "Where clocks differ, so do the times between nodes."
        )
        return markup.note(
            text,
            f" {counted(found.backwards)} durations would have been negative, and count as 0.",
        )
    names = node_names(overview)
    rows: list[list[Shown]] = [
        [
            markup.name(names.get(str(each.dbid), f"node {each.dbid}")),
            lasting(each.least),
            lasting(each.most),
            counted(each.late),
        ]
        for each in overview.skews
    ]
    heads = markup.numbers("Clock moved by, least", "Most", "Late events")
    heads = [*markup.named("Node"), *heads]
    late = sum(each.late for each in overview.skews)
    foot: list[Shown] = ["All nodes", "", "", counted(late)]
    return markup.table(
        "table-clocks", "Clocks, and events that came after the merge had passed", heads, rows, foot
    )


def missing(figures: Figures) -> Tag:
    """What no figure can know of."""
    overview, found = figures.overview, figures.interactions
    parts: list[Tag] = []
    if figures.dropped:
        parts.append(
            markup.note(
                "These events happened and were not logged, for the log was away for so long that "
                "the node's spool was full. They are missing from all figures of this page, "
                "whatever the tenant."
            )
        )
        parts += [_dropped(overview), _gaps(overview)]
    else:
        parts.append(markup.note("No event was dropped."))
    cut = (
        ("ended here, and their begin is not in the log", found.without_begin),
        ("began, and the log does not say when they ended", found.without_end),
    )
    for text, amount in cut:
        if amount:
            parts.append(markup.note(f"{counted(amount)} times of waiting or handling {text}."))
    return markup.section("missing", "What is missing", *parts)


def _dropped(overview: Overview) -> Tag:
    names = node_names(overview)
    table = overview.dropped
    rows: list[list[Shown]] = [
        [
            markup.name(names.get(dbid, f"node {dbid}")),
            markup.name(event),
            counted(numbers[0]),
        ]
        for (dbid, event), numbers in table.rows
    ]
    if table.left_out:
        rows.append([markup.others(table.left_out, "events"), "", counted(table.others[0])])
    heads = [*markup.named("Node", "Event"), *markup.numbers("Dropped")]
    foot: list[Shown] = ["All", "", counted(table.whole[0])]
    return markup.table("table-dropped", "Dropped, by node and event", heads, rows, foot)


def _gaps(overview: Overview) -> Tag:
    names = node_names(overview)
    rows: list[list[Shown]] = [
        [
            markup.name(names.get(str(gap.dbid), f"node {gap.dbid}")),
            counted(gap.epoch),
            f"{gap.first:,}–{gap.last:,}",
            markup.moment(gap.begin),
            markup.moment(gap.end),
            counted(gap.dropped),
        ]
        for gap in overview.gaps
    ]
    foot: list[Shown] = ["All", "", "", "", "", counted(overview.dropped.whole[0])]
    if overview.gaps_left_out:
        left = overview.dropped.whole[0] - sum(gap.dropped for gap in overview.gaps)
        rows.append([markup.others(overview.gaps_left_out, "gaps"), "", "", "", "", counted(left)])
    heads = [
        *markup.named("Node"),
        *markup.numbers("Epoch", "Numbers", "From (UTC)", "To (UTC)", "Dropped"),
    ]
    return markup.table("table-gaps", "Gaps, in the order of their times", heads, rows, foot)


def log(figures: Figures) -> Tag:
    """What the log holds, by node."""
    overview = figures.overview
    known = {str(dbid): (node, until) for dbid, node, until in overview.nodes}
    events = {names[0]: numbers for names, numbers in overview.events.rows}
    rows: list[list[Shown]] = []
    for dbid in sorted(known.keys() | events.keys(), key=int)[:50]:
        node, until = known.get(dbid, ("", None))
        amounts = events.get(dbid, (0,) * len(TABLES))
        rows.append(
            [
                markup.name(f"{node} ({dbid})" if node else f"node {dbid}"),
                *map(counted, amounts),
                counted(sum(amounts)),
                "–" if until is None else markup.moment(until),
            ]
        )
    heads = [
        *markup.named("Node"),
        *markup.numbers(
            "Interaction", "Agent", "External servers", "Custom", "Events", "Logged until (UTC)"
        ),
    ]
    whole = overview.events.whole
    foot: list[Shown] = ["All nodes", *map(counted, whole), counted(sum(whole)), ""]
    parts = [markup.table("table-nodes", "Events of the period, by node", heads, rows, foot)]
    if overview.custom.rows:
        parts.append(_custom(overview.custom))
    return markup.section("log", "The log", *parts)


def _custom(table: Table) -> Tag:
    rows: list[list[Shown]] = [
        [markup.name(event), markup.name(media), markup.name(where), counted(numbers[0])]
        for (where, media, event), numbers in table.rows
    ]
    if table.left_out:
        left = markup.others(table.left_out, "kinds")
        rows.append([left, "", "", counted(table.others[0])])
    heads = [*markup.named("Custom event", "Media type", "Table"), *markup.numbers("Count")]
    foot: list[Shown] = ["All", "", "", counted(table.whole[0])]
    return markup.table("table-custom", "Custom events", heads, rows, foot)
