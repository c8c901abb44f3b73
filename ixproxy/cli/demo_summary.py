"""What came of a demo: numbers for scripts, and a page that a person enjoys reading."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ixproxy.cli.demo_agents import Fate, Seen
from ixproxy.cli.demo_calling import Calls
from ixproxy.cli.demo_clients import Measured
from ixproxy.cli.demo_deployment import NODES, PROXIES
from ixproxy.cli.demo_feeding import Feeding
from ixproxy.cli.demo_files import PLACES
from ixproxy.cli.demo_stores import Stored
from ixproxy.cli.demo_watching import TITLES, Watcher
from ixproxy.cli.demo_ways import Way
from ixproxy.cli.output import Output

SHOWN_NAMES = 12
A_LINE = 6
"""Counts on one line of what went wrong: what is longer is cut off."""


@dataclass(slots=True)
class Result:
    """
    All that is known of one run.

    :ivar handed_in: how many interactions the input has.
    :ivar ids: the acknowledged id of each, "" where there was none.
    :ivar before: what the databases had when all was handed in.
    :ivar after: what they had at the end.
    :ivar differs: interactions that the cluster shows otherwise than the input.
    :ivar finds_differ: queues for which a find gave something else than is stored.
    :ivar seconds: by phase: start, submit, compare, find, work, stop.
    :ivar killed: servers that did not stop when asked to.
    :ivar calls: those to the external server; None: there was none.
    :ivar feeding: the ways by which all came in.
    """

    title: str
    handed_in: int
    agents: int
    ids: list[str] = field(default_factory=list)
    before: Stored = field(default_factory=Stored)
    after: Stored = field(default_factory=Stored)
    differs: int = 0
    finds_differ: int = 0
    seen: Seen = field(default_factory=Seen)
    measured: Measured = field(default_factory=Measured)
    seconds: dict[str, float] = field(default_factory=dict)
    killed: list[str] = field(default_factory=list)
    watcher: Watcher | None = None
    calls: Calls | None = None
    feeding: Feeding | None = None

    @property
    def done(self) -> dict[str, int]:
        """What was done that a reporting client is told of, by the names of `TITLES`."""
        # The external server hands in what it acknowledges with.
        acknowledged = len(self.calls.new) if self.calls is not None else 0
        known = {
            "submitted": self.submitted + acknowledged,
            "stopped": self.seen.stops.total(),
        }
        return {name: known.get(name, self.seen.done[name]) for name in TITLES}

    @property
    def told(self) -> dict[str, int]:
        """What the reporting client was told, by the same names."""
        return {name: self.watcher.counts[name] if self.watcher else 0 for name in TITLES}

    @property
    def told_otherwise(self) -> int:
        """Events too many, too few, or behind a gap."""
        told = self.told
        differences = sum(abs(count - told[name]) for name, count in self.done.items())
        return differences + (self.watcher.gaps if self.watcher else 0)

    @property
    def submitted(self) -> int:
        """Interactions that the databases had once all was handed in."""
        return len(self.before.nodes_of)

    @property
    def stopped(self) -> int:
        """Gone from the databases, with exactly one acknowledged stop."""
        return sum(
            self.seen.stops[identifier] == 1 and identifier not in self.after.nodes_of
            for identifier in self.before.nodes_of
        )

    @property
    def lost(self) -> int:
        """Acknowledged, but never stored; or gone although nobody stopped it."""
        acknowledged = set(filter(None, self.ids))
        unstored = len(acknowledged - self.before.nodes_of.keys())
        return unstored + sum(
            not self.seen.stops[identifier] and identifier not in self.after.nodes_of
            for identifier in self.before.nodes_of
        )

    @property
    def doubled(self) -> int:
        """On two nodes, stored unasked, in two hands at a time, or stopped twice."""
        acknowledged = Counter(filter(None, self.ids))
        unasked = len(self.before.nodes_of.keys() - acknowledged.keys()) if all(self.ids) else 0
        return (
            len(self.before.twice)
            + unasked
            + sum(count - 1 for count in acknowledged.values())
            + self.seen.taken_twice
            + sum(count > 1 for count in self.seen.stops.values())
        )

    @property
    def left(self) -> int:
        """Still in the databases at the end."""
        return len(self.after.nodes_of)

    @property
    def errors(self) -> int:
        """Requests that were refused or in doubt."""
        return self.measured.errors.total()

    @property
    def sound(self) -> bool:
        """Whether everything that was handed in was stored, found equal and stopped once."""
        return (
            self.submitted == self.stopped == self.handed_in
            and not (self.lost or self.doubled or self.differs or self.finds_differ)
            and not (self.errors or self.left or self.told_otherwise)
            and not (self.after.parties or self.measured.partial or self.killed)
            and (self.calls is None or self.calls.agree)
            and not (self.feeding is not None and self.feeding.wrong)
        )

    @property
    def working_seconds(self) -> float:
        """From the first submit to the last stop."""
        return sum(self.seconds.get(phase, 0.0) for phase in ("submit", "compare", "find", "work"))

    def record(self) -> dict[str, object]:
        """The last line of `--json`."""
        return {
            "input": self.title,
            "handed_in": self.handed_in,
            "submitted": self.submitted,
            "stopped": self.stopped,
            "lost": self.lost,
            "doubled": self.doubled,
            "user_data_differs": self.differs,
            "finds_differ": self.finds_differ,
            "errors": self.errors,
            "error_texts": dict(self.measured.errors),
            "partial_answers": self.measured.partial,
            "left": self.left,
            "pulls": self.seen.pulls,
            "order_breaks": self.seen.breaks,
            "per_node": self.before.per_node(NODES),
            "per_node_and_media": {
                node: {
                    media: count for (at, media), count in self.before.counts.items() if at == node
                }
                for node in NODES
            },
            "feeds": self.feeding.record() if self.feeding is not None else None,
            "calls": _calls_record(self.calls),
            "fates": {fate.name.lower(): self.seen.fates[fate] for fate in Fate},
            "done": self.done,
            "reported": self.told,
            "reported_events": self.watcher.events if self.watcher else 0,
            "reported_otherwise": self.told_otherwise,
            "seconds": round(self.working_seconds, 3),
            "seconds_by_phase": {name: round(took, 3) for name, took in self.seconds.items()},
            "milliseconds": {
                name: each.milliseconds() for name, each in self.measured.latencies.items()
            },
            "sound": self.sound,
        }


def _calls_record(calls: Calls | None) -> dict[str, object] | None:
    if calls is None:
        return None
    return {"made": calls.made, "brought": len(calls.new), "answered": calls.answered}


def show(result: Result, output: Output) -> None:
    """Print the page."""
    parts: list[RenderableType] = [
        _headline(result),
        Text(),
        *_came_in(result.feeding),
        _where(result),
        Text(),
        _ways(result),
        Text(),
        _reported(result),
        Text(),
        _called(result.calls),
        _times(result),
        Text(),
        _order(result),
    ]
    if result.errors:
        parts += [Text(), _errors(result)]
    title = f"{len(NODES)} nodes, {len(PROXIES)} proxies: {result.title}"
    output.console.print(
        Panel(Group(*parts), title=Text(title), box=box.ROUNDED, padding=(1, 2), expand=False)
    )


def _headline(result: Result) -> Text:
    text = Text()
    if result.sound:
        text.append("Everything went well: ", style="bold green")
        text.append(
            f"{result.submitted:,} interactions handed in, found as they were handed in,\n"
            "delivered to agents, and stopped exactly once each; "
            "a reporting client was told all of it."
        )
        return text
    text.append("Something went wrong: ", style="bold red")
    counts = {
        "handed in": result.handed_in,
        "stored": result.submitted,
        "stopped once": result.stopped,
        "lost": result.lost,
        "doubled": result.doubled,
        "different": result.differs,
        "queues found otherwise": result.finds_differ,
        "left over": result.left,
        "errors": result.errors,
        "reported otherwise": result.told_otherwise,
        "partial answers": result.measured.partial,
        "servers killed": len(result.killed),
    }
    if result.calls is not None and not result.calls.agree:
        counts["calls made"] = result.calls.made
        counts["calls answered"] = result.calls.answered or 0
    if result.feeding is not None:
        counts |= result.feeding.wrong
    said = [f"{count:,} {name}" for name, count in counts.items()]
    lines = (", ".join(said[at : at + A_LINE]) for at in range(0, len(said), A_LINE))
    text.append(",\n".join(lines) + ".")
    return text


def _table(title: str, *columns: str) -> Table:
    table = Table(title=Text(title, style="bold"), title_justify="left", box=box.SIMPLE_HEAD)
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place == 0 else "right")
    return table


def _came_in(feeding: Feeding | None) -> list[RenderableType]:
    """By which ways; nothing where there is only the usual one."""
    if feeding is None or not (feeding.files or feeding.posts):
        return []
    table = _table("How they came in", "way", "interactions", "answered", "ends told")
    for way in Way:
        told = f"{feeding.files.told_once:,}" if feeding.files and way is Way.FILES else ""
        if count := feeding.handed_in[way]:
            table.add_row(way.value, f"{count:,}", f"{feeding.answered[way]:,}", told)
    text = Text()
    if files := feeding.files:
        places = ", ".join(f"{files.lying[name]:,} {name}" for name in PLACES)
        text.append(f"Of the files there are at the end {places}.\n")
    if posts := feeding.posts:
        text.append(
            f"{posts.once_more:,} calls were made once more by the same Idempotency-Key: "
            f"{posts.known:,} were known again, and did nothing twice.\n"
        )
    return [table, text]


def _where(result: Result) -> Table:
    table = _table("Where they went", "media type", *NODES, "together")
    counts = result.before.counts
    totals = Counter[str]()
    for (_, media), count in counts.items():
        totals[media] += count
    listed = totals.most_common(SHOWN_NAMES)
    for media, total in listed:
        row = [f"{counts[node, media]:,}" for node in NODES]
        table.add_row(Text(media), *row, f"{total:,}")
    if len(totals) > len(listed):
        rest = totals.keys() - {media for media, _ in listed}
        row = [f"{sum(counts[node, media] for media in rest):,}" for node in NODES]
        others = sum(totals[media] for media in rest)
        table.add_row(f"{len(rest)} others", *row, f"{others:,}")
    per_node = result.before.per_node(NODES)
    table.add_section()
    table.add_row("together", *(f"{per_node[node]:,}" for node in NODES), f"{result.submitted:,}")
    return table


def _ways(result: Result) -> Table:
    table = _table(f"What {result.agents} agents did with them", "way", "interactions")
    for fate in Fate:
        table.add_row(fate.value, f"{result.seen.fates[fate]:,}")
    return table


def _reported(result: Result) -> Table:
    table = _table("What a reporting client was told", "what", "done", "told")
    told = result.told
    for name, count in result.done.items():
        table.add_row(TITLES[name], f"{count:,}", f"{told[name]:,}")
    return table


def _called(calls: Calls | None) -> Text:
    if calls is None:
        return Text()
    equal = "just as many" if calls.agree else f"{calls.answered}, which is not the same"
    return Text(
        f"{calls.made:,} e-mails were acknowledged by calls to the external server, which\n"
        f"handed in {len(calls.new):,} interactions for them; it says that it answered {equal}.\n"
    )


def _times(result: Result) -> Table:
    table = _table("How long requests took", "request", "count", "median", "99 %", "longest")
    for name, latencies in sorted(
        result.measured.latencies.items(), key=lambda each: -each[1].count
    ):
        times = latencies.milliseconds()
        table.add_row(
            name,
            f"{latencies.count:,}",
            *(f"{times[key]:,.1f} ms" for key in ("p50", "p99", "max")),
        )
    return table


def _order(result: Result) -> Text:
    seen, seconds = result.seen, result.seconds
    text = Text()
    share = 100 * seen.breaks / seen.pulls if seen.pulls else 0.0
    text.append(
        f"Queue order was broken by {seen.breaks:,} of {seen.pulls:,} pulls ({share:.1f} %)"
    )
    text.append(
        ": each node keeps its own order, and pulls go round the nodes.\n" if seen.breaks else ".\n"
    )
    for phase, count, what in (
        ("submit", result.submitted, "handed in"),
        ("compare", result.submitted, "looked up and compared"),
        ("find", len(result.before.queues), "queues searched"),
        ("work", result.stopped, "worked off"),
    ):
        took = seconds.get(phase, 0.0)
        rate = count / took if took else 0.0
        text.append(f"{count:,} {what} within {took:.2f} s ({rate:,.0f} a second)\n")
    text.append(
        f"Servers started in {seconds.get('start', 0.0):.1f} s "
        f"and stopped in {seconds.get('stop', 0.0):.1f} s."
    )
    return text


def _errors(result: Result) -> Table:
    table = _table("Errors", "what", "times")
    for text, count in result.measured.errors.most_common(SHOWN_NAMES):
        table.add_row(Text(text), f"{count:,}")
    return table
