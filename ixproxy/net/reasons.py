"""Why an attempt to connect came to nothing, in few words."""

from __future__ import annotations

import os

from twisted.internet.defer import TimeoutError as GivenUp
from twisted.internet.error import TimeoutError
from twisted.python.failure import Failure


def is_late(failure: Failure) -> bool:
    """Whether nobody answered in time, as opposed to a refusal."""
    return failure.check(GivenUp, TimeoutError) is not None


def reason_of(failure: Failure) -> str:
    """`connection refused` says more than the name of a class and a full stop."""
    problem = failure.value
    if is_late(failure):
        return "timed out"
    code = getattr(problem, "osError", None)
    if isinstance(code, int):
        return os.strerror(code).lower()
    return failure.getErrorMessage().strip().rstrip(".") or type(problem).__name__
