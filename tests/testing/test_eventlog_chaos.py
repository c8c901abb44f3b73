"""
A part of event-log chaos, with real nodes, their backups and real databases.

`make eventlog-chaos` has more rounds, and all kinds of logs.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, TimeoutError

from ixproxy.testing import postgresql
from ixproxy.testing.eventlog_chaos import lines, options_of, parse, record, run
from ixproxy.testing.eventlog_chaos_judging import Verdict
from ixproxy.testing.eventlog_chaos_stage import Options, Outcome

SECONDS = 400
"""When a run that does not end has failed."""


async def judged(reactor: Any, folder: Path, options: Options) -> Outcome:
    told: list[str] = []
    running = Deferred.fromCoroutine(run(reactor, folder, options, told.append))
    try:
        done = await running.addTimeout(SECONDS, reactor)
    except TimeoutError:
        pytest.fail(f"it does not end; so far: {told}")
    assert not done.failed, "\n".join(told)
    return done


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_a_database_that_is_killed_under_load_has_everything_once(
    real_reactor: Any, tmp_path: Path
) -> None:
    if reason := postgresql.unusable():
        pytest.skip(reason)
    only = ("PostgreSQL is killed", "PostgreSQL hangs")
    options = Options(rounds=2, seed=4, rate=20.0, only=only)
    done = await judged(real_reactor, tmp_path, options)
    assert {fault: done.struck[fault] for fault in only} == dict.fromkeys(only, 1)
    assert done.waited > 0
    assert done.verdict.figures["acknowledged submits"] > 50


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_a_node_that_is_killed_with_a_full_spool_says_exactly_what_it_dropped(
    real_reactor: Any, tmp_path: Path
) -> None:
    options = Options("bound", "sqlite", drops=200)
    done = await judged(real_reactor, tmp_path, options)
    assert done.struck["kill primary"] == 2
    assert done.verdict.figures["dropped"] >= 400
    assert done.verdict.figures["gaps"] >= 2


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_a_log_that_must_have_everything_has_requests_refused_and_nothing_dropped(
    real_reactor: Any, tmp_path: Path
) -> None:
    done = await judged(real_reactor, tmp_path, Options("mandatory", "sqlite"))
    assert done.verdict.figures["dropped"] == 0
    assert done.verdict.figures["requests refused, for the log is full"] >= 40


def outcome(**found: Any) -> Outcome:
    verdict = Verdict({"lost": 1, "doubled": 0, "events": 7})
    verdict.wrong["lost"] = ["(101, 1, 5)"]
    usual: dict[str, Any] = {
        "options": Options(),
        "verdict": verdict,
        "struck": Counter({"kill primary": 2, "PostgreSQL hangs": 1}),
        "surprises": [],
        "missing": ["disk full: no root"],
        "seconds": 12.3,
        "waited": 99,
    }
    return Outcome(**(usual | found))


def test_the_report_says_what_struck_and_what_is_wrong() -> None:
    text = "\n".join(lines(outcome(surprises=["ixn1 ended by itself: signal 11"])))
    for part in (
        "postgresql, away: nodes on sqlite, seed 1, 12 s",
        "3 faults: 1 × PostgreSQL hangs, 2 × kill primary",
        "at most 99 events waited",
        "lost 1, doubled 0, different 0",
        "events 7",
        "not here: disk full: no root",
        "WRONG: 1 lost: (101, 1, 5)",
        "WRONG: ixn1 ended by itself: signal 11",
    ):
        assert part in text


def test_a_run_has_failed_where_something_is_wrong_or_not_as_expected() -> None:
    assert outcome().failed
    assert not outcome(verdict=Verdict()).failed
    assert outcome(verdict=Verdict(), surprises=["not so: nothing is dropped"]).failed
    kept = record(outcome())
    assert kept["wrong"] == {"lost": ["(101, 1, 5)"]}
    assert kept["faults"] == {"kill primary": 2, "PostgreSQL hangs": 1}


def test_the_command_line_says_what_the_runs_are_like() -> None:
    drawn = [(each.log, each.case) for each in options_of(parse([]))]
    cases = ("away", "bound", "mandatory")
    tables = [(log, case) for log in ("postgresql", "sqlite") for case in cases]
    assert drawn == [*tables, ("amqp", "away")]
    words = "--log amqp --case bound --store postgresql --rounds 3 --seed 2 --rate 7 --drops 5"
    more = ["--lease-limit", "4", "--only", "broker hangs"]
    (asked,) = options_of(parse([*words.split(), *more]))
    assert asked == Options("bound", "amqp", "postgresql", 3, 2, 7.0, 5, 4, ("broker hangs",))


def test_a_log_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--log", "pigeons"])
    assert "postgresql" in capsys.readouterr().err


@pytest.mark.parametrize("nothing", ["--rounds 0", "--rate -5", "--drops 0"])
def test_a_run_of_nothing_is_refused(nothing: str) -> None:
    with pytest.raises(SystemExit) as refused:
        parse(nothing.split())
    assert refused.value.code == 2
