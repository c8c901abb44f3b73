from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred, fail, succeed

from tests.deferreds import failure_of, no_result, result_of


async def wait_for(deferred: Deferred[int]) -> int:
    return 2 * await deferred


def test_a_result_is_taken_from_a_deferred_and_from_a_coroutine() -> None:
    assert result_of(succeed(3)) == 3
    assert result_of(wait_for(succeed(3))) == 6


def test_a_failure_is_raised_where_a_result_was_wanted() -> None:
    with pytest.raises(KeyError):
        result_of(wait_for(fail(KeyError("k"))))


def test_a_result_that_is_not_there_yet_fails_the_test() -> None:
    with pytest.raises(AssertionError, match="nothing has fired"):
        result_of(Deferred[int]())


def test_an_expected_failure_is_handed_over_and_another_is_raised() -> None:
    assert isinstance(failure_of(fail(KeyError("k")), KeyError), KeyError)
    with pytest.raises(KeyError):
        failure_of(fail(KeyError("k")), ValueError)
    with pytest.raises(AssertionError, match="expected a failure"):
        failure_of(succeed(1), KeyError)


def test_a_waiting_deferred_goes_on_after_it_was_looked_at() -> None:
    gate = Deferred[int]()
    waiting = no_result(wait_for(gate))
    gate.callback(4)
    assert result_of(waiting) == 8


@pytest.mark.parametrize("done", [succeed(1), fail(KeyError("k"))], ids=["success", "failure"])
def test_a_deferred_that_is_done_is_not_waiting(done: Deferred[int]) -> None:
    with pytest.raises(AssertionError, match="expected no result"):
        no_result(done)
