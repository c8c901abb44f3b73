"""How long a node was without service."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater

from ixproxy.testing.chaos_asking import Outcome
from ixproxy.testing.chaos_deployment import DBIDS, NODES
from ixproxy.testing.chaos_probing import (
    EVERY_SECONDS,
    Prober,
    first_after,
    gap,
    merged,
    until_all_answer,
)
from ixproxy.values import interaction_id
from tests.deferreds import result_of

EVERY = [float(number) for number in range(11)]


@pytest.mark.parametrize(
    ("good", "since", "now", "longest"),
    [
        (EVERY, 4.5, 10.0, 1.0),
        ([1.0, 2.0, 7.5, 8.0], 2.5, 8.5, 5.5),
        ([1.0, 2.0, 7.5, 8.0], 7.6, 8.5, 0.5),
        ([1.0, 2.0], 2.5, 9.0, 7.0),
        ([], 2.0, 9.0, 7.0),
    ],
)
def test_the_gap_is_from_the_last_good_answer_to_the_next(
    good: list[float], since: float, now: float, longest: float
) -> None:
    assert gap(good, since, now) == longest


def test_a_node_serves_when_it_answers_through_any_proxy() -> None:
    assert merged([1.0, 4.0], [2.0, 3.0]) == [1.0, 2.0, 3.0, 4.0]
    assert first_after([1.0, 4.0], 2.5) == 1.5
    assert first_after([1.0], 2.5) is None


class Answering:
    """Nodes in turn take what is handed in; changes are answered while `well`."""

    def __init__(self, clock: Any) -> None:
        self.reactor = clock
        self.well = True
        self.submits = 0

    async def ask(self, request: Any) -> Any:
        if type(request).__name__ == "RequestSubmit":
            self.submits += 1
            dbid = list(DBIDS)[self.submits % 3]
            return Outcome(Answer(interaction_id(dbid, 1, self.submits)))
        return Outcome(Answer("")) if self.well else Outcome(None, Refused())  # type: ignore[arg-type]

    async def pause(self, seconds: float = 0.2) -> None:
        await deferLater(self.reactor, seconds)


class Answer:
    def __init__(self, identifier: str) -> None:
        self.interaction_id = identifier


class Refused(Exception):
    pass


def run(work: Awaitable[None]) -> None:
    Deferred.fromCoroutine(work)  # type: ignore[arg-type]


def test_a_prober_asks_every_node_several_times_a_second() -> None:
    clock = Clock()

    def passes(seconds: float) -> None:
        clock.pump([0.05] * round(seconds / 0.05))

    asker: Any = Answering(clock)
    prober = Prober("proxy1", asker, run)
    laid = result_of(Deferred.fromCoroutine(prober.lay()))
    assert len(laid) == 3
    assert set(prober.ids) == set(NODES)
    prober.begin()
    passes(1.0)
    asker.well = False
    stopped = clock.seconds()
    passes(3.0)
    asker.well = True
    waiting = Deferred.fromCoroutine(until_all_answer([prober], clock.seconds(), 5.0))
    passes(1.0)
    assert result_of(waiting) == []
    longest = gap(prober.good["ixn1"], stopped, clock.seconds())
    assert 3.0 <= longest <= 3.0 + 2 * EVERY_SECONDS
    asker.well = False
    waiting = Deferred.fromCoroutine(until_all_answer([prober], clock.seconds(), 2.0))
    passes(3.0)
    assert "ixn2 does not answer through proxy1" in result_of(waiting)
    prober.end()
    prober.end()
