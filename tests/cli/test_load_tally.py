"""What came of the requests of a load."""

from __future__ import annotations

from ixproxy.cli.load_mix import Kind
from ixproxy.cli.load_tally import Tally, per_second
from ixproxy.errors import Code, RequestRefused

BUSY = RequestRefused(Code.BUSY)
LOST = RequestRefused(Code.LOST_CONNECTION, in_doubt=True)


def test_outcomes_are_counted_by_kind_and_code() -> None:
    tally = Tally(0.0)
    tally.add(Kind.PULL, 1.0, 1.5)
    tally.add(Kind.PULL, 1.0, 1.1, BUSY)
    tally.add(Kind.SUBMIT, 1.0, 1.2, LOST)
    assert [kind for kind, _ in tally.kinds()] == [Kind.SUBMIT, Kind.PULL]
    assert tally.all.count == 3
    assert tally.errors == {Code.BUSY: 1, Code.LOST_CONNECTION: 1}
    assert tally.in_doubt == 1
    record = tally.record(2.0)
    assert (record["requests"], record["per_second"]) == (3, 1.5)
    assert record["errors"] == {"2002": 1, "3000": 1}
    pulls = tally.by_kind[Kind.PULL].record(Kind.PULL, 2.0)
    assert pulls["count"] == 2
    assert sum(count for *_, count in pulls["histogram"]) == 2  # type: ignore[attr-defined]


def test_what_was_due_while_it_warmed_up_is_in_no_figure() -> None:
    tally = Tally(10.0)
    tally.add(Kind.PULL, 9.9, 11.0, BUSY)
    tally.add(Kind.PULL, 10.0, 11.0)
    assert (tally.all.count, tally.unmeasured, tally.errors) == (1, 1, {})


def test_a_look_takes_what_came_since_the_last_one() -> None:
    tally = Tally(10.0)
    tally.add(Kind.PULL, 1.0, 1.5)
    tally.add(Kind.PULL, 1.0, 1.5, BUSY)
    latencies, refused = tally.look()
    assert (latencies.count, refused) == (2, 1)
    latencies, refused = tally.look()
    assert (latencies.count, refused) == (0, 0)


def test_a_rate_over_no_time_is_none() -> None:
    assert per_second(5, 0.0) == 0.0
    assert per_second(5, 2.0) == 2.5
