from __future__ import annotations

from random import Random

import pytest
from twisted.python.failure import Failure

from ixproxy.net.executors import Executor
from ixproxy.testing.clock import SteppingClock
from ixproxy.testing.executor import SimulatedExecutor
from ixproxy.testing.process import ProcessClock
from tests.deferreds import no_result, result_of


class Thread:
    """An executor, and what it did."""

    def __init__(self, seed: int = 1) -> None:
        self.clock = SteppingClock()
        self.process = ProcessClock(self.clock)
        self.executor = SimulatedExecutor(self.process, Random(seed), 1.0)
        self.told: list[object] = []
        self.did: list[tuple[int, float]] = []

    def submit(self, number: int) -> None:
        def job() -> int:
            self.did.append((number, self.clock.seconds()))
            return number

        executor: Executor = self.executor
        executor.submit(job, self.told.append)


def test_jobs_are_done_in_order_one_at_a_time_and_told_later() -> None:
    thread = Thread()
    for number in range(5):
        thread.submit(number)
    assert thread.did == []
    thread.clock.run(100)
    assert [number for number, _ in thread.did] == [0, 1, 2, 3, 4]
    times = [at for _, at in thread.did]
    assert times == sorted(times)
    assert len(set(times)) == 5
    assert thread.told == [0, 1, 2, 3, 4]
    assert thread.executor.finished == 5


def test_a_job_that_raises_is_told_as_a_failure_and_the_next_is_done() -> None:
    thread = Thread()
    thread.executor.submit(lambda: 1 / 0, thread.told.append)
    thread.submit(1)
    thread.clock.run(100)
    failure, number = thread.told
    assert isinstance(failure, Failure)
    assert failure.check(ZeroDivisionError)
    assert number == 1


def test_a_killed_program_may_have_done_a_job_that_nobody_was_told_of() -> None:
    outcomes = set()
    for seed in range(50):
        thread = Thread(seed)
        thread.submit(1)
        thread.clock.run(1.5)
        thread.process.kill()
        thread.clock.run(100)
        outcomes.add((len(thread.did), len(thread.told)))
    assert outcomes == {(0, 0), (1, 0), (1, 1)}


def test_stopping_waits_for_what_was_given() -> None:
    thread = Thread()
    thread.submit(1)
    stopped = no_result(thread.executor.stop())
    with pytest.raises(RuntimeError, match="is stopped"):
        thread.submit(2)
    thread.clock.run(100)
    result_of(stopped)
    assert thread.told == [1]
    result_of(thread.executor.stop())


def test_a_result_may_lead_to_the_next_job() -> None:
    thread = Thread()
    thread.executor.submit(lambda: 1, lambda _: thread.submit(2))
    thread.clock.run(100)
    assert thread.told == [2]
