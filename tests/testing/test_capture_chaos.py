"""
A part of a capture chaos run of each kind, with a real node, its backup and real peers.

`make capture-chaos` has 5,000 documents and all faults.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, TimeoutError

from ixproxy.testing import postgresql
from ixproxy.testing.capture_chaos import SOURCES, lines, options_of, parse, record, run
from ixproxy.testing.capture_chaos_judging import Verdict
from ixproxy.testing.capture_chaos_messages import AmqpMessages, Messages, StompMessages
from ixproxy.testing.capture_chaos_source import Source
from ixproxy.testing.capture_chaos_trial import Options, Outcome
from ixproxy.testing.rabbitmq import RabbitmqBroker

DOCUMENTS = 300
SECONDS = 300
"""When a run that does not end has failed."""

FAULTS = {
    "file": ("kill primary", "kill both", "processed directory is gone", "kill backup"),
    "jms-stomp": ("kill primary", "cut connections", "kill both"),
    "jms-amqp": ("kill primary", "cut connections", "connections hang"),
    "webservice": ("kill primary", "kill both", "cut connections", "stop primary"),
    "kafka": ("kill primary", "broker is away", "broker refuses"),
    "database": ("kill primary", "cut connections", "kill broker", "stop primary"),
    "database-sqlite": ("kill primary", "file is locked", "kill both"),
}
"""Of each kind those that need little time."""


@pytest.mark.processes
@pytest.mark.parametrize("kind", [kind for kind in SOURCES if not kind.startswith("jms")])
@pytest_twisted.ensureDeferred
async def test_nothing_is_lost_or_doubled_and_what_is_bad_is_in_its_error_place(
    real_reactor: Any, tmp_path: Path, kind: str
) -> None:
    if kind == "database" and (reason := postgresql.unusable()):
        pytest.skip(reason)
    await run_a_part(real_reactor, tmp_path, kind)


@pytest.mark.processes
@pytest.mark.parametrize("kind", [StompMessages, AmqpMessages])
@pytest_twisted.ensureDeferred
async def test_no_message_is_lost_or_doubled_either(
    real_reactor: Any, tmp_path: Path, rabbitmq_broker: RabbitmqBroker, kind: type[Messages]
) -> None:
    # All tests share the broker, so that it dies in none of them.
    queues = f"chaos-{kind.protocol}."
    source = partial(kind, broker=rabbitmq_broker, queues=queues)
    await run_a_part(real_reactor, tmp_path, f"jms-{kind.protocol}", source)


async def run_a_part(
    reactor: Any, folder: Path, kind: str, source: Callable[..., Source] | None = None
) -> None:
    told: list[str] = []
    options = Options(kind, DOCUMENTS, len(FAULTS[kind]), seed=7, only=FAULTS[kind])
    running = Deferred.fromCoroutine(run(reactor, folder, options, told.append, source))
    try:
        done = await running.addTimeout(SECONDS, reactor)
    except TimeoutError:
        pytest.fail(f"it does not end; so far: {told}")
    assert not done.failed, "\n".join(told)
    assert done.struck == Counter(FAULTS[kind])


def outcome(**found: Any) -> Outcome:
    verdict = Verdict({"lost": 1, "doubled": 0, "told again": 7})
    verdict.wrong["lost"] = ["d1"]
    usual: dict[str, Any] = {
        "options": Options("file"),
        "verdict": verdict,
        "struck": Counter({"kill primary": 2, "kill both": 1}),
        "surprises": [],
        "counts": {"repeated": 5},
        "seconds": 12.3,
        "giving": 10.0,
    }
    return Outcome(**(usual | found))


def test_the_report_says_what_struck_and_what_is_wrong() -> None:
    text = "\n".join(lines(outcome(surprises=["ixn1 ended by itself: signal 11"])))
    for part in (
        "file: 5000 documents, seed 1, duplicate-check receipt, 12 s",
        "3 faults: 1 × kill both, 2 × kill primary",
        "repeated 5",
        "lost 1, doubled 0, stranded in the source 0",
        "told again 7",
        "WRONG: 1 lost: d1",
        "WRONG: ixn1 ended by itself: signal 11",
    ):
        assert part in text


def test_a_run_has_failed_where_something_is_wrong_or_ended_by_itself() -> None:
    assert outcome().failed
    assert not outcome(verdict=Verdict()).failed
    assert outcome(verdict=Verdict(), surprises=["ixn1 ended by itself"]).failed
    kept = record(outcome())
    assert kept["wrong"] == {"lost": ["d1"]}
    assert kept["faults"] == {"kill primary": 2, "kill both": 1}


def test_the_command_line_says_what_the_runs_are_like() -> None:
    assert [each.kind for each in options_of(parse([]))] == list(SOURCES)
    words = "--kind kafka --documents 7 --faults 3 --seed 2 --duplicate-check none --lease-limit 4"
    more = ["--notify", "at-most-once", "--only", "kill both"]
    (asked,) = options_of(parse([*words.split(), *more]))
    assert asked == Options("kafka", 7, 3, 2, "none", "at-most-once", 4, ("kill both",))


def test_a_kind_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--kind", "pigeons"])
    assert "jms-stomp" in capsys.readouterr().err


@pytest.mark.parametrize("nothing", ["--documents 0", "--faults -1"])
def test_a_run_of_nothing_is_refused(nothing: str) -> None:
    with pytest.raises(SystemExit) as refused:
        parse(nothing.split())
    assert refused.value.code == 2
