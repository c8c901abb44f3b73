"""What a load shows."""

from __future__ import annotations

import io

from ixproxy.cli.latencies import Latencies
from ixproxy.cli.load_ledger import Ledger
from ixproxy.cli.load_mix import Kind
from ixproxy.cli.load_report import bars, progress_line, show
from ixproxy.cli.load_tally import Tally
from ixproxy.cli.output import Output
from ixproxy.errors import Code, RequestRefused


def test_progress_says_rate_latencies_and_errors() -> None:
    latencies = Latencies()
    for _ in range(500):
        latencies.add(0.002)
    assert progress_line(3.0, 0.5, latencies, 0, 16) == (
        "   3 s    1000/s  p50 2.00 ms  p99 2.00 ms  16 in flight"
    )
    assert progress_line(3.0, 0.5, latencies, 7, 16).endswith("16 in flight  7 errors")
    assert "0/s" in progress_line(0.0, 0.0, Latencies(), 0, 0)


def test_a_histogram_shows_all_that_is_there_at_all() -> None:
    rows = [(0.001, 0.002, 1000), (0.002, 0.004, 0), (0.004, 0.008, 1)]
    first, second, third = bars(rows)
    assert first.endswith("1000  " + "#" * 50)
    assert second.endswith("   0")
    assert third.endswith("   1  #")
    assert bars([]) == []


def report(tally: Tally, ledger: Ledger, json: bool = False) -> str:
    stdout = io.StringIO()
    show(tally, ledger, 2.0, Output(json, stdout))
    return stdout.getvalue()


def test_the_report_says_all_that_matters() -> None:
    tally = Tally(0.0)
    tally.add(Kind.SUBMIT, 1.0, 1.25)
    tally.add(Kind.PULL, 1.0, 1.5, RequestRefused(Code.BUSY))
    tally.missed, tally.late, tally.unmeasured, tally.empty_pulls = 3, 0.2, 4, 5
    text = report(tally, Ledger(submitted=1))
    for part in (
        "2 requests in 2.0 s: 1 a second",
        "4 more while it warmed up are in no figure",
        "3 were missed: not sent",
        "sent up to 200 ms late",
        "5 pulls were empty",
        "1 × 3000: Busy",
        "1 submitted; 0 taken",
        "is not known",
    ):
        assert part in text
    (submits,) = [line.split() for line in text.splitlines() if line.startswith("submit")]
    assert submits[:5] == ["submit", "1", "0", "0", "0"]
    assert submits[5:] == ["250.0"] * 6


def test_without_a_single_request_there_is_a_report_too() -> None:
    assert "0 requests in 2.0 s: 0 a second" in report(Tally(0.0), Ledger())
    assert report(Tally(0.0), Ledger(), json=True).count("\n") == 1
