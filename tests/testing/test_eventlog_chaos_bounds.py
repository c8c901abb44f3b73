"""A run with a bound is held to what it must come to."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater

from ixproxy.testing.eventlog_chaos_bounds import (
    SAID_DROPPED,
    SAID_REFUSED,
    WAIT_SECONDS,
    _Bounded,
    _judge_bound,
)
from ixproxy.testing.eventlog_chaos_judging import Verdict
from ixproxy.testing.eventlog_chaos_told import Told


def a_run(said: str, dropped: int = 0, refused: int = 0, waited: int = 10_000) -> _Bounded:
    told = Told()
    told.dropped, told.most_waiting = {1: dropped}, waited
    stage = SimpleNamespace(said=lambda node, text: text in said)
    return _Bounded(cast(Any, stage), cast(Any, SimpleNamespace(refused=refused)), told)


def judged(run: _Bounded, dropped: int, mandatory: bool) -> list[str]:
    _judge_bound(run, Verdict({"dropped": dropped}), mandatory)
    return run.surprises


def test_what_comes_to_what_it_must_is_no_surprise() -> None:
    assert judged(a_run(SAID_DROPPED, 5), 7, False) == []
    assert judged(a_run(SAID_REFUSED, refused=3, waited=10_040), 0, True) == []


@pytest.mark.parametrize(
    ("run", "dropped", "mandatory", "surprise"),
    [
        (a_run(SAID_DROPPED, 5), 4, False, "events are dropped as seen: 4, seen 5"),
        (a_run(SAID_DROPPED), 0, False, "events are dropped as seen: 0, seen 0"),
        (a_run(SAID_DROPPED, 5, refused=1), 5, False, "nothing is refused"),
        (a_run("", 5), 5, False, "the node's log says it"),
        (a_run(SAID_DROPPED, 5, waited=10_001), 5, False, "no more waits than the bound allows"),
        (a_run(SAID_REFUSED), 1, True, "nothing is dropped: 1, seen 0"),
        (a_run(SAID_REFUSED, 1), 0, True, "nothing is dropped: 0, seen 1"),
        (a_run(""), 0, True, "the node's log says it"),
    ],
)
def test_each_thing_that_is_not_so_is_told(
    run: _Bounded, dropped: int, mandatory: bool, surprise: str
) -> None:
    (found,) = judged(run, dropped, mandatory)
    assert surprise in found


def test_what_does_not_happen_in_time_is_told() -> None:
    clock = Clock()
    run = a_run("")
    stage = SimpleNamespace(
        reactor=clock, pause=lambda seconds: deferLater(clock, seconds, lambda: None)
    )
    run.stage = cast(Any, stage)
    happened: list[int] = []
    Deferred.fromCoroutine(run.until(lambda: bool(happened), "it happens"))
    clock.pump([1.0] * 5)
    happened.append(1)
    clock.pump([1.0])
    assert run.surprises == []
    Deferred.fromCoroutine(run.until(lambda: False, "that happens"))
    clock.pump([1.0] * (round(WAIT_SECONDS) + 2))
    assert run.surprises == ["not so: that happens"]
