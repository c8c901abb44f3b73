"""
The end of a reactor turn: each destination with output is flushed once.

Everything written to one destination in one turn leaves in one system call.
While a socket is being read, the reactor is certain to run its thread-call
queue before it waits again, so an entry there costs nothing; at any other
time a delayed call of zero seconds is the way to be called in this turn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.interfaces import IDelayedCall


class Destination(Protocol):
    """Something with gathered output."""

    def flush(self) -> None:
        """Send what was gathered; must not raise."""


class TurnEnd:
    """Flushes dirty destinations once at the end of the current turn."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._thread_calls: list[Any] | None = getattr(reactor, "threadCallQueue", None)
        self._dirty: list[Destination] = []
        self.reading = False
        """Set by a connection for as long as it handles what was read."""
        self.rest = 0.0
        """Seconds until the rest of what one peer sent at once is taken."""

    def mark(self, destination: Destination) -> None:
        """Have `destination` flushed; to be called once a turn for each."""
        if not self._dirty:
            if self.reading and self._thread_calls is not None:
                self._thread_calls.append((self.flush, (), {}))
            else:
                self._reactor.callLater(0, self.flush)
        self._dirty.append(destination)

    def next_turn(self, call: Callable[[], None]) -> IDelayedCall:
        """Have something done in another turn, after sockets were read and `rest` has passed."""
        later: IDelayedCall = self._reactor.callLater(self.rest, call)
        return later

    def flush(self) -> None:
        """Flush now; harmless when nothing is dirty."""
        dirty, self._dirty = self._dirty, []
        for destination in dirty:
            destination.flush()
