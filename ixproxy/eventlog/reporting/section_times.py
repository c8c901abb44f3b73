"""How long things took: waiting in queues, handling by agents, calls to external servers."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.web.template import Tag

from ixproxy.eventlog.reporting import markup
from ixproxy.eventlog.reporting.axis import ticks_of_counts, ticks_of_spans
from ixproxy.eventlog.reporting.chart import Bar, bars, columns, described
from ixproxy.eventlog.reporting.figures import Figures
from ixproxy.eventlog.reporting.markup import Shown
from ixproxy.eventlog.reporting.scratch import BOUNDS, Summary, Table
from ixproxy.eventlog.reporting.services import ANSWERED, CALLS, FAULTS, OPEN
from ixproxy.eventlog.reporting.wording import counted, edge, lasting, round_lasting, short_count

SHOWN_BARS = 12

_SHARES = {"s1": "half", "s1 faint": "90 of 100"}
_ENDS = {"s1": "answered", "s5": "faults", "s6": "without an answer"}
_TITLES = ("Count", "Median", "90 %", "95 %", "Longest")


def waiting(figures: Figures) -> Tag:
    """How long interactions waited in queues."""
    found = figures.interactions.waits
    about = markup.note(
        "From the moment an interaction enters a queue to the moment an agent or a strategy takes "
        "it. What is moved to another queue, or stopped, before anybody takes it is not in here."
    )
    if not found.rows:
        return markup.section("waiting", "Waiting in queues", about, _nothing())
    return markup.section(
        "waiting",
        "Waiting in queues",
        about,
        markup.side_by_side(
            _medians("waits", "Half, and 90 of 100, waited no longer than", found),
            _distribution("waits", "How long interactions waited", found.whole),
        ),
        _summaries("waits", "Waiting times by queue", ["Queue"], found, "queues", "All queues"),
        markup.more(
            "Numbers of the distribution", _bins("waits", "Waiting times, counted", found.whole)
        ),
    )


def handling(figures: Figures) -> Tag:
    """How long agents had interactions."""
    found = figures.interactions
    about = markup.note(
        "From the moment an agent becomes a party of an interaction to the moment he leaves it. "
        "Where several take part, each has a time of his own."
    )
    if not found.handlings.rows:
        return markup.section("handling", "Handling by agents", about, _nothing())
    media = found.by_media
    return markup.section(
        "handling",
        "Handling by agents",
        about,
        markup.side_by_side(
            _medians("handlings", "Half, and 90 of 100, took no longer than", media),
            _distribution("handlings", "How long agents had an interaction", media.whole),
        ),
        _summaries(
            "handlings", "Handling times by media type", ["Media type"], media, "media types",
            "All media types",
        ),
        _summaries(
            "agents-handlings", "Handling times by media type and agent", ["Media type", "Agent"],
            found.handlings, "pairs", "All agents",
        ),
        markup.more(
            "Numbers of the distribution",
            _bins("handlings", "Handling times, counted", media.whole),
        ),
    )  # fmt: skip


def services(figures: Figures) -> Tag:
    """Calls to external servers."""
    found = figures.services
    if not found.servers.rows:
        return markup.section("services", "External servers", _nothing("No calls."))
    parts = [
        markup.side_by_side(
            _calls(found.servers), _medians("calls", "Answered within", found.times)
        )
        if found.times.rows
        else _calls(found.servers),
        _servers(found.servers),
    ]
    if found.times.rows:
        parts.append(
            _summaries(
                "calls", "Time from call to answer", ["Server"], found.times, "servers",
                "All servers",
            )
        )  # fmt: skip
    if found.faults.rows:
        rows: list[list[Shown]] = [
            [markup.name(server), markup.name(code), counted(numbers[0])]
            for (server, code), numbers in found.faults.rows
        ]
        if found.faults.left_out:
            left = markup.others(found.faults.left_out, "pairs")
            rows.append([left, "", counted(found.faults.others[0])])
        heads = [*markup.named("Server", "Fault code"), *markup.numbers("Faults")]
        foot = ["All", "", counted(found.faults.whole[0])]
        parts.append(markup.table("table-faults", "Faults by code", heads, rows, foot))
    return markup.section("services", "External servers", *parts)


def _calls(table: Table) -> Tag:
    rows = [
        Bar(
            name or "(none)",
            (numbers[ANSWERED] - numbers[FAULTS], numbers[FAULTS], numbers[OPEN]),
            counted(numbers[ANSWERED] + numbers[OPEN]),
        )
        for (name,), numbers in table.rows[:SHOWN_BARS]
    ]
    ticks = ticks_of_counts(max(sum(row.parts) for row in rows))
    caption = "Calls by server"
    chart = bars("chart-servers", caption, described(rows), rows, tuple(_ENDS), ticks, short_count)
    return markup.figure(caption, chart, _ENDS)


def _servers(table: Table) -> Tag:
    def cells(numbers: tuple[float, ...]) -> list[Shown]:
        return [counted(numbers[place]) for place in (CALLS, ANSWERED, FAULTS, OPEN)]

    rows = [[markup.name(name), *cells(numbers)] for (name,), numbers in table.rows]
    if table.left_out:
        rows.append([markup.others(table.left_out, "servers"), *cells(table.others)])
    heads = markup.numbers("Calls", "Answers", "Faults among them", "No answer at the end")
    heads = [*markup.named("Server"), *heads]
    return markup.table(
        "table-servers", "External servers", heads, rows, ["All servers", *cells(table.whole)]
    )


def _nothing(text: str = "Nothing of that is in the log.") -> Tag:
    return markup.note(text)


def _medians(key: str, caption: str, table: Table) -> Tag:
    rows = [
        Bar(
            names[-1] or "(none)",
            (summary.median, summary.of_90 - summary.median),
            f"{lasting(summary.median)} · {lasting(summary.of_90)}",
        )
        for names, summary in table.rows[:SHOWN_BARS]
    ]
    more = len(table.rows) + table.left_out - len(rows)
    caption += f" ({counted(more)} more in the table)" if more else ""
    ticks = ticks_of_spans(max(sum(row.parts) for row in rows))
    chart = bars(
        f"chart-{key}", caption, described(rows), rows, tuple(_SHARES), ticks, round_lasting
    )
    return markup.figure(caption, chart, _SHARES)


def _distribution(key: str, caption: str, summary: Summary) -> Tag:
    low, high = _used(summary)
    values = summary.bins[low : high + 1]
    edges = [edge(bound) for bound in BOUNDS[low:high]]
    about = "; ".join(
        f"{_bin(place)}: {counted(summary.bins[place])}" for place in range(low, high + 1)
    )
    chart = columns(
        f"chart-{key}-bins", caption, about, values, edges, ticks_of_counts(max(values)),
        short_count,
    )  # fmt: skip
    return markup.figure(caption, chart)


def _used(summary: Summary) -> tuple[int, int]:
    """The first and the last bin to show: those in use, and at least four."""
    used = [place for place, count in enumerate(summary.bins) if count]
    low, high = used[0], used[-1]
    while high - low < 3:
        low, high = max(0, low - 1), min(len(BOUNDS), high + 1)
    return low, high


def _bin(place: int) -> str:
    if place == len(BOUNDS):
        return f"{round_lasting(BOUNDS[-1])} and longer"
    if place == 0:
        return f"below {round_lasting(BOUNDS[0])}"
    return f"{round_lasting(BOUNDS[place - 1])} to below {round_lasting(BOUNDS[place])}"


def _bins(key: str, caption: str, summary: Summary) -> Tag:
    rows = [[_bin(place), counted(count)] for place, count in enumerate(summary.bins)]
    heads = [*markup.named("Duration"), *markup.numbers("Count")]
    foot = ["All", counted(summary.count)]
    return markup.table(f"table-{key}-bins", caption, heads, rows, foot)


def _summaries(
    key: str, caption: str, heads: Sequence[str], table: Table, kind: str, all_of_them: str
) -> Tag:
    def cells(summary: Summary) -> list[Shown]:
        times = (summary.median, summary.of_90, summary.of_95, summary.longest)
        return [counted(summary.count), *map(markup.span, times)]

    rows = [[*map(markup.name, names), *cells(summary)] for names, summary in table.rows]
    blank = [""] * (len(heads) - 1)
    if table.left_out:
        rows.append([markup.others(table.left_out, kind), *blank, *cells(table.others)])
    columns = [*markup.named(*heads), *markup.numbers(*_TITLES)]
    foot = [all_of_them, *blank, *cells(table.whole)]
    return markup.table(f"table-{key}", caption, columns, rows, foot)
