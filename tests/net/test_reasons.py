"""Why an attempt to connect came to nothing."""

from __future__ import annotations

import pytest
from twisted.internet.defer import TimeoutError as GivenUp
from twisted.internet.error import ConnectionRefusedError, DNSLookupError, TimeoutError
from twisted.python.failure import Failure

from ixproxy.net.reasons import is_late, reason_of


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (TimeoutError(), "timed out"),
        (GivenUp(1.0, "Deferred"), "timed out"),
        (ConnectionRefusedError(111, "x"), "connection refused"),
        (DNSLookupError("no such host"), "DNS lookup failed: no such host"),
        (ValueError(), "ValueError"),
        (ValueError("odd."), "odd"),
    ],
)
def test_reasons_are_short(problem: Exception, reason: str) -> None:
    assert reason_of(Failure(problem)) == reason


@pytest.mark.parametrize(
    ("problem", "late"),
    [
        (TimeoutError(), True),
        (GivenUp(1.0, "Deferred"), True),
        (ConnectionRefusedError(), False),
        (ValueError(), False),
    ],
)
def test_silence_is_told_from_a_refusal(problem: Exception, late: bool) -> None:
    assert is_late(Failure(problem)) is late
