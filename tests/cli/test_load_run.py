"""When the requests of a load are sent, and what their outcomes lead to."""

from __future__ import annotations

from itertools import count, repeat
from random import Random
from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock

from ixproxy.cli.load_arrivals import Spacing, arrivals
from ixproxy.cli.load_content import Content
from ixproxy.cli.load_hands import Hands
from ixproxy.cli.load_ledger import Ledger
from ixproxy.cli.load_mix import Kind, Mix
from ixproxy.cli.load_requests import Places, Requests
from ixproxy.cli.load_run import EARLY, PAUSE, ClosedRun, Crew, Length, OpenRun, Run
from ixproxy.cli.load_tally import Tally
from ixproxy.cli.outcomes import UsageError
from ixproxy.client import Answer
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import EventAck
from tests.deferreds import failure_of, result_of


class Server:
    """Answers each request after `takes` seconds; None: when told to; or refuses on the spot."""

    server = None

    def __init__(self, clock: Clock, takes: float | None = 0.1) -> None:
        self._clock = clock
        self.takes = takes
        self.refuses = False
        self.at: list[float] = []
        self.waiting: list[Deferred[Any]] = []

    def ask(self, message: object) -> Deferred[Any]:
        self.at.append(self._clock.seconds())
        if self.refuses:
            return fail(RequestRefused(Code.BUSY))
        answer: Deferred[Any] = Deferred()
        self.waiting.append(answer)
        if self.takes is not None:
            self._clock.callLater(self.takes, self.answer, answer)
        return answer

    def answer(self, waiting: Deferred[Any] | None = None) -> None:
        waiting = waiting or self.waiting[0]
        self.waiting.remove(waiting)
        waiting.callback(Answer(EventAck(interaction_id="x")))


class World:
    def __init__(self, clients: int = 1, takes: float | None = 0.1, warm_up: float = 0.0) -> None:
        self.clock = Clock()
        self.server = Server(self.clock, takes)
        self.ledger = Ledger()
        self.tally = Tally(warm_up)
        self.crews = [
            Crew(Hands(number, self.ledger, False, 1, "a"), lambda _: self.server)  # type: ignore[arg-type, return-value]
            for number in range(clients)
        ]
        self.content = repeat(Content({}))

    def parts(self, seconds: float, limit: int | None = None) -> tuple[Any, ...]:
        requests = Requests(Places(1, "email", "Q"), self.content)
        mix = Mix({Kind.SUBMIT: 1})
        length = Length(seconds, limit)
        return (self.clock, self.crews, requests, mix, length, self.tally, Random(1))

    def closed(self, seconds: float = 10.0, limit: int | None = None, **more: Any) -> ClosedRun:
        run = ClosedRun(*self.parts(seconds, limit))
        for name, value in more.items():
            setattr(run, name, value)
        run.start()
        return run

    def open(
        self, rate: float, seconds: float = 1.0, most: int = 10, limit: int | None = None
    ) -> OpenRun:
        run = OpenRun(*self.parts(seconds, limit))
        run.arrivals = arrivals(rate, 0.0, Spacing.EVEN, Random(1))
        run.max_in_flight = most
        run.start()
        return run

    def pass_time(self, seconds: float, step: float = 0.01) -> None:
        for _ in range(round(seconds / step)):
            self.clock.advance(step)

    def finish(self, run: Run) -> None:
        self.clock.pump([0.01] * 5000)
        result_of(run.ended)
        assert not self.clock.getDelayedCalls()


def test_a_closed_loop_sends_the_next_request_when_the_last_is_answered() -> None:
    world = World(clients=2)
    run = world.closed(seconds=1.05, depth=3)
    world.finish(run)
    assert run.sent == 2 * 3 * 11
    assert world.tally.all.count == run.sent
    assert world.ledger.submitted == run.sent
    assert world.tally.all.percentile(0.5) == pytest.approx(0.1, rel=0.05)


def test_a_run_ends_after_so_many_requests() -> None:
    world = World()
    run = world.closed(limit=7, depth=3)
    world.finish(run)
    assert run.sent == world.tally.all.count == 7


def test_lanes_begin_over_the_ramp_and_think_between_requests() -> None:
    world = World(clients=4)
    world.closed(ramp=4.0, think=100.0)
    world.pass_time(5.0)
    assert world.server.at == pytest.approx([0.0, 1.0, 2.0, 3.0], abs=0.02)
    world.pass_time(60.0)
    assert len(world.server.at) == 4, "they think for 50 seconds at least; the run is over"


def test_a_lane_that_is_refused_on_the_spot_lets_others_in() -> None:
    world = World()
    world.server.refuses = True
    run = world.closed(seconds=1.0)
    world.finish(run)
    assert run.sent == pytest.approx(1.0 / PAUSE, abs=3)
    assert world.tally.errors == {Code.BUSY: run.sent}


def test_an_open_loop_sends_at_its_times_whatever_is_answered() -> None:
    world = World(takes=5.0)
    run = world.open(rate=10.0, seconds=1.04, most=100)
    world.pass_time(1.1)
    assert world.server.at == pytest.approx([n / 10 for n in range(1, 10 + 1)], abs=0.011)
    assert run.in_flight == 10
    world.finish(run)
    assert (world.tally.all.count, world.tally.missed) == (10, 0)


def test_a_server_that_stalls_is_charged_from_when_requests_were_due() -> None:
    world = World(takes=0.001)
    run = world.open(rate=100.0, seconds=3.0, most=1000)
    world.pass_time(1.0)
    # Nothing at all happens for a second, as when the process itself was stopped.
    world.clock.advance(1.0)
    world.finish(run)
    assert world.tally.late == pytest.approx(0.99, abs=0.02)
    assert world.tally.all.longest == pytest.approx(0.99, abs=0.02)
    assert 90 <= sum(n for low, _, n in world.tally.all.rows() if low > 0.03) <= 110


def test_a_request_may_be_sent_a_little_early_and_counts_from_then() -> None:
    world = World(takes=0.5)
    run = world.open(rate=1 / EARLY / 0.9, seconds=EARLY / 2, most=10)
    world.finish(run)
    assert world.tally.all.longest <= 0.5 + 1e-9
    assert world.tally.late == 0.0


def test_with_too_many_in_flight_requests_are_missed_not_sent() -> None:
    world = World(takes=None)
    run = world.open(rate=10.0, seconds=1.04, most=3)
    world.pass_time(1.1)
    assert (len(world.server.at), world.tally.missed) == (3, 7)
    assert not run.ended.called, "what is in flight is waited for"
    for _ in range(3):
        world.server.answer()
    result_of(run.ended)


def test_an_open_loop_counts_what_it_missed_as_well() -> None:
    world = World(takes=0.001)
    run = world.open(rate=1000.0, limit=50)
    world.finish(run)
    assert run.sent == 50


def test_what_was_due_while_it_warmed_up_is_not_measured() -> None:
    world = World(warm_up=0.5, takes=0.001)
    run = world.open(rate=100.0)
    world.finish(run)
    assert world.tally.unmeasured == pytest.approx(50, abs=1)
    assert world.tally.all.count + world.tally.unmeasured == run.sent


def test_a_run_that_is_stopped_waits_for_what_is_in_flight() -> None:
    world = World(takes=None)
    run = world.closed(depth=2)
    world.pass_time(0.02)
    run.ended.addErrback(lambda _: None)
    run.ended.cancel()
    run.stop()
    drained = run.drained()
    world.server.answer()
    assert not drained.called
    world.server.answer()
    result_of(drained)
    assert run.sent == 2
    assert not world.clock.getDelayedCalls()


def test_content_that_ends_badly_ends_the_run_with_its_reason() -> None:
    world = World()

    def bad() -> Any:
        yield Content({})
        raise UsageError("line 7: not CSV")

    world.content = bad()
    run = world.closed()
    world.pass_time(0.5)
    assert str(failure_of(run.ended)) == "line 7: not CSV"


def test_what_is_on_hold_at_the_end_is_resumed() -> None:
    world = World(takes=0.1)
    names = count()
    for crew in world.crews:
        crew.hands.on_hold.extend(f"i{next(names)}" for _ in range(100))
    run = world.closed(seconds=0.001)
    resuming = Deferred.fromCoroutine(run.resume_all())
    world.pass_time(1.0)
    result_of(resuming)
    assert not world.crews[0].hands.on_hold
