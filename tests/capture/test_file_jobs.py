"""Jobs in threads, one of a kind at a time."""

from __future__ import annotations

import pytest

from ixproxy.capture.file_jobs import Jobs
from tests.capture.threadless import ThreadlessClock
from tests.deferreds import failure_of, no_result, result_of


def test_a_job_gives_its_result_or_its_failure() -> None:
    clock = ThreadlessClock()
    jobs = Jobs(clock)
    good, bad = jobs.do("a", divmod, 7, 2), jobs.do("b", divmod, 7, 0)
    assert jobs.is_running("a")
    settled = no_result(jobs.settled())
    clock.advance(0)
    clock.advance(0)
    assert result_of(good) == (3, 1)
    failure_of(bad, ZeroDivisionError)
    assert not jobs.is_running("a")
    assert not jobs.is_running("b")
    result_of(settled)


def test_there_is_one_of_a_kind_at_a_time() -> None:
    clock = ThreadlessClock()
    jobs = Jobs(clock)
    jobs.do("a", int)
    with pytest.raises(AssertionError):
        jobs.do("a", int)


def test_nothing_running_is_settled() -> None:
    result_of(Jobs(ThreadlessClock()).settled())
