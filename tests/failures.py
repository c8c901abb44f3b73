"""The failures that were logged while a test ran; each must have been expected."""

from __future__ import annotations

from typing import cast

from twisted.logger import ILogObserver, LogEvent, formatEvent
from twisted.python.failure import Failure
from zope.interface import implementer


@implementer(ILogObserver)
class LoggedFailures:
    """
    An observer of the log that keeps its failures.

    A test that provokes one asks for the fixture `logged_failures` and calls
    `flush` when it should be there; what is left at its end fails the test.
    """

    def __init__(self) -> None:
        self._events: list[LogEvent] = []

    def __call__(self, event: LogEvent) -> None:
        """Keep `event` if it carries a failure."""
        if isinstance(event.get("log_failure"), Failure):
            self._events.append(event)

    def flush(self, *expected: type[BaseException]) -> list[BaseException]:
        """
        Take out the failures of the `expected` types (none named: all) and return their exceptions.
        """
        taken: list[BaseException] = []
        left: list[LogEvent] = []
        for event in self._events:
            failure = cast(Failure, event["log_failure"])
            if not expected or failure.check(*expected):
                assert failure.value is not None
                taken.append(failure.value)
            else:
                left.append(event)
        self._events = left
        return taken

    def report(self) -> str:
        """All failures still here, for a person; empty if there are none."""
        return "\n".join(
            f"{formatEvent(event)}\n{event['log_failure'].getTraceback()}" for event in self._events
        )
