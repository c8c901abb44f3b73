"""Looking into Deferreds that have fired already, for tests that need no running reactor."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

T = TypeVar("T")

Awaited = Deferred[T] | Coroutine[Any, Any, T]


def result_of(awaited: Awaited[T]) -> T:
    """
    The result of a Deferred or coroutine that is done.

    :raise AssertionError: it is not done yet.
    :raise Exception: it failed; its own exception is raised.
    """
    outcome = _outcome(awaited)
    if isinstance(outcome, Failure):
        outcome.raiseException()
    return outcome


def failure_of(awaited: Awaited[T], *expected: type[BaseException]) -> BaseException:
    """
    The exception of a Deferred or coroutine that has failed with one of `expected`.

    :raise AssertionError: it is not done yet, or it has succeeded.
    :raise Exception: it failed with something that was not expected.
    """
    outcome = _outcome(awaited)
    if not isinstance(outcome, Failure):
        raise AssertionError(f"expected a failure, got {outcome!r}")
    if expected and outcome.check(*expected) is None:
        outcome.raiseException()
    assert outcome.value is not None
    return outcome.value


def no_result(awaited: Awaited[T]) -> Deferred[T]:
    """
    Make sure that a Deferred or coroutine is still waiting, and hand it back to go on with.

    :raise AssertionError: it is done.
    """
    waiting = _as_deferred(awaited)
    outcomes: list[object] = []

    def look(result: Any) -> Any:
        outcomes.append(result)
        return result

    waiting.addBoth(look)
    if outcomes:
        waiting.addErrback(lambda _: None)
        raise AssertionError(f"expected no result yet, got {outcomes[0]!r}")
    return waiting


def _as_deferred(awaited: Awaited[T]) -> Deferred[T]:
    return awaited if isinstance(awaited, Deferred) else Deferred.fromCoroutine(awaited)


def _outcome(awaited: Awaited[T]) -> T | Failure:
    outcomes: list[T | Failure] = []
    _as_deferred(awaited).addBoth(outcomes.append)
    if not outcomes:
        raise AssertionError("expected a result, but nothing has fired yet")
    return outcomes[0]
