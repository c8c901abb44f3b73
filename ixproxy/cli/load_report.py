"""What a load shows: a line a second while it runs, and a report at its end."""

from __future__ import annotations

from ixproxy.cli.amounts import milliseconds
from ixproxy.cli.latencies import Latencies
from ixproxy.cli.load_ledger import Ledger
from ixproxy.cli.load_tally import Tally
from ixproxy.cli.output import Output
from ixproxy.errors import describe

COLUMNS = (
    *("request", "count", "a second", "errors", "in doubt"),
    *("mean ms", "p50", "p90", "p99", "p99.9", "max"),
)
WIDEST = 50
"""Signs of the longest bar of a histogram."""


def progress_line(
    since_start: float, seconds: float, latencies: Latencies, refused: int, in_flight: int
) -> str:
    """
    How it goes.

    :param seconds: what `latencies` and `refused` are of.
    """
    rate = latencies.count / seconds if seconds else 0.0
    p50, p99 = (milliseconds(latencies.percentile(share)) for share in (0.5, 0.99))
    line = f"{since_start:4.0f} s  {rate:6.0f}/s  p50 {p50} ms  p99 {p99} ms  {in_flight} in flight"
    return f"{line}  {refused} errors" if refused else line


def bars(rows: list[tuple[float, float, int]]) -> list[str]:
    """A histogram in text."""
    most = max((count for _, _, count in rows), default=0)
    width = len(str(most))
    return [
        f"{milliseconds(low):>8} to {milliseconds(high):>8} ms  {count:>{width}}  "
        f"{'#' * _length(count, most)}".rstrip()
        for low, high, count in rows
    ]


def _length(count: int, most: int) -> int:
    """Of a bar: what is there at all can be seen."""
    return max(1, round(WIDEST * count / most)) if count else 0


def show(tally: Tally, ledger: Ledger, seconds: float, output: Output) -> None:
    """
    Print the report.

    :param seconds: how long it was measured.
    """
    for kind, figures in tally.kinds():
        output.record(figures.record(kind, seconds))
    output.record({**tally.record(seconds), "ledger": ledger.record()})
    if output.json:
        return
    rows = []
    for kind, figures in tally.kinds():
        count = figures.latencies.count
        rate = round(count / seconds) if seconds else 0
        times = figures.latencies.milliseconds()
        # Numbers, so that they stand right.
        shown = [float(milliseconds(value / 1000)) for value in times.values()]
        rows.append(
            [kind.value, count, rate, figures.errors.total(), figures.in_doubt, *shown]
        )  # fmt: skip
    output.table(COLUMNS, rows)
    output.line("")
    for line in bars(tally.all.rows()):
        output.line(line)
    output.line("")
    for line in [*_sums(tally, seconds), *ledger.lines()]:
        output.line(line)


def _sums(tally: Tally, seconds: float) -> list[str]:
    count = tally.all.count
    rate = count / seconds if seconds else 0.0
    lines = [f"{count} requests in {seconds:.1f} s: {rate:.0f} a second"]
    if tally.unmeasured:
        lines.append(f"{tally.unmeasured} more while it warmed up are in no figure")
    if tally.missed:
        lines.append(f"{tally.missed} were missed: not sent, for too many were in flight")
    if tally.late >= 0.01:
        lines.append(
            f"sent up to {milliseconds(tally.late)} ms late: this process was busy, and what it "
            "measured includes that"
        )
    if tally.empty_pulls:
        lines.append(f"{tally.empty_pulls} pulls were empty")
    for code, number in sorted(tally.errors.items()):
        lines.append(f"{number} × {code}: {describe(code)}")
    return lines
