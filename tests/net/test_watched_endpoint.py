"""Why an attempt to connect came to nothing."""

from __future__ import annotations

import pytest
from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.error import ConnectionRefusedError, DNSLookupError, TimeoutError
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure
from zope.interface import implementer

from ixproxy.net.watched_endpoint import WatchedEndpoint, reason_of
from tests.deferreds import failure_of, result_of


@implementer(IStreamClientEndpoint)
class Scripted:
    def __init__(self, outcome: Deferred[IProtocol]) -> None:
        self.outcome = outcome

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        return self.outcome


def attempt(outcome: Deferred[IProtocol]) -> tuple[Deferred[IProtocol], list[str]]:
    reasons: list[str] = []
    watched = WatchedEndpoint(Scripted(outcome), reasons.append)
    return watched.connect(Factory.forProtocol(Protocol)), reasons


def test_a_connection_that_is_made_says_nothing() -> None:
    protocol = Protocol()
    connected, reasons = attempt(succeed(protocol))
    assert (result_of(connected), reasons) == (protocol, [])


def test_a_failure_is_told_and_still_fails() -> None:
    connected, reasons = attempt(fail(ConnectionRefusedError(111, "x")))
    assert isinstance(failure_of(connected), ConnectionRefusedError)
    assert reasons == ["connection refused"]


def test_an_attempt_that_was_given_up_is_no_failure_of_the_other_end() -> None:
    connected, reasons = attempt(fail(CancelledError()))
    assert isinstance(failure_of(connected), CancelledError)
    assert reasons == []


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (TimeoutError(), "timed out"),
        (DNSLookupError("no such host"), "DNS lookup failed: no such host"),
        (ValueError(), "ValueError"),
        (ValueError("odd."), "odd"),
    ],
)
def test_reasons_are_short(problem: Exception, reason: str) -> None:
    assert reason_of(Failure(problem)) == reason
