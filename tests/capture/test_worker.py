"""Jobs are done by a thread of their own, one after another, and it can be left behind."""

from __future__ import annotations

from functools import partial
from threading import Event, current_thread
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred

from ixproxy.capture.worker import Worker


@pytest_twisted.ensureDeferred
async def test_jobs_are_done_in_order_elsewhere_and_answered_here(real_reactor: Any) -> None:
    worker = Worker(real_reactor, "worker under test")
    done: list[int] = []
    threads = set()

    def job(number: int) -> int:
        threads.add(current_thread().name)
        done.append(number)
        return number

    waiting = [worker.do(partial(job, number)) for number in range(20)]
    assert [await each for each in waiting] == done == list(range(20))
    assert threads == {"worker under test"}
    assert current_thread().name not in threads
    assert await worker.stop(30)


@pytest_twisted.ensureDeferred
async def test_what_a_job_raises_is_its_failure(real_reactor: Any) -> None:
    worker = Worker(real_reactor, "worker under test")
    with pytest.raises(ZeroDivisionError):
        await worker.do(lambda: 1 / 0)
    assert await worker.do(lambda: 5) == 5
    assert await worker.stop(30)
    with pytest.raises(RuntimeError):
        worker.do(lambda: 5)


@pytest_twisted.ensureDeferred
async def test_stopping_waits_for_what_was_given_but_not_for_ever(real_reactor: Any) -> None:
    worker = Worker(real_reactor, "worker under test")
    go_on = Event()
    hanging: Deferred[bool] = worker.do(lambda: go_on.wait(60))
    assert not await worker.stop(0.05)
    go_on.set()
    assert await hanging


@pytest_twisted.ensureDeferred
async def test_one_that_never_worked_stops_at_once(real_reactor: Any) -> None:
    assert await Worker(real_reactor, "worker under test").stop(30)
