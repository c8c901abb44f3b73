"""An endpoint that says why an attempt to connect to it came to nothing."""

from __future__ import annotations

import os
from collections.abc import Callable

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import TimeoutError
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.python.failure import Failure
from zope.interface import implementer


@implementer(IStreamClientEndpoint)
class WatchedEndpoint:
    """
    Connects as another endpoint does; whoever retries would keep the reason to itself.

    :param failed: is told the reason of each failure.
    """

    def __init__(self, endpoint: IStreamClientEndpoint, failed: Callable[[str], None]) -> None:
        self._endpoint = endpoint
        self._failed = failed

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """The framework wants a connection."""
        connecting: Deferred[IProtocol] = self._endpoint.connect(protocolFactory)
        return connecting.addErrback(self._note)

    def _note(self, failure: Failure) -> Failure:
        if not failure.check(CancelledError):
            self._failed(reason_of(failure))
        return failure


def reason_of(failure: Failure) -> str:
    """In few words: `connection refused` says more than the name of a class and a full stop."""
    problem = failure.value
    if isinstance(problem, TimeoutError):
        return "timed out"
    code = getattr(problem, "osError", None)
    if isinstance(code, int):
        return os.strerror(code).lower()
    return failure.getErrorMessage().strip().rstrip(".") or type(problem).__name__
