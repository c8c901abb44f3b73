from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Queue
from typing import Any

import pytest
from twisted.python.failure import Failure

from ixproxy.net.executors import ThreadExecutor
from tests.deferreds import no_result, result_of


class Reactor:
    """What an executor needs of one: calls from threads, run when the test says so."""

    def __init__(self) -> None:
        self._calls: Queue[tuple[Callable[..., Any], tuple[Any, ...]]] = Queue()

    def callFromThread(self, function: Callable[..., Any], *args: Any) -> None:
        self._calls.put((function, args))

    def run(self, number: int = 1) -> None:
        for _ in range(number):
            function, args = self._calls.get(timeout=10)
            function(*args)


def executor(reactor: Reactor) -> ThreadExecutor:
    return ThreadExecutor(reactor, "worker")  # type: ignore[arg-type]


def test_jobs_are_done_in_order_in_one_other_thread_and_heard_of_in_this_one() -> None:
    reactor = Reactor()
    worker = executor(reactor)
    threads: list[threading.Thread] = []
    heard: list[tuple[int, threading.Thread]] = []
    for number in range(5):

        def job(number: int = number) -> int:
            threads.append(threading.current_thread())
            return number

        worker.submit(job, lambda result: heard.append((result, threading.current_thread())))  # type: ignore[arg-type]
    assert heard == []
    reactor.run(5)
    assert [number for number, _ in heard] == list(range(5))
    assert {thread for _, thread in heard} == {threading.current_thread()}
    assert len(set(threads)) == 1
    assert threads[0] is not threading.current_thread()
    stopped = worker.stop()
    reactor.run()
    result_of(stopped)
    assert not threads[0].is_alive()


def test_what_a_job_raises_comes_as_a_failure_and_the_next_job_is_done() -> None:
    reactor = Reactor()
    worker = executor(reactor)
    heard: list[Any] = []

    def broken() -> None:
        raise ZeroDivisionError("by plan")

    worker.submit(broken, heard.append)
    worker.submit(lambda: "fine", heard.append)
    reactor.run(2)
    assert isinstance(heard[0], Failure)
    assert heard[0].check(ZeroDivisionError)
    assert heard[1] == "fine"
    stopped = worker.stop()
    reactor.run()
    result_of(stopped)


def test_stopping_waits_for_what_was_given_and_takes_no_more() -> None:
    reactor = Reactor()
    worker = executor(reactor)
    go = threading.Event()
    heard: list[bool] = []
    worker.submit(lambda: go.wait(10), heard.append)  # type: ignore[arg-type]
    stopped, again = worker.stop(), worker.stop()
    no_result(stopped)
    with pytest.raises(RuntimeError):
        worker.submit(lambda: None, lambda _: None)
    go.set()
    reactor.run(2)
    assert heard == [True]
    result_of(stopped)
    result_of(again)
    result_of(worker.stop())


def test_an_executor_without_a_job_has_no_thread() -> None:
    before = threading.active_count()
    worker = executor(Reactor())
    assert threading.active_count() == before
    result_of(worker.stop())
