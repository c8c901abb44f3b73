"""Waiting that can be ended: of a capture point's own coroutines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred


class Nap:
    """
    Any number of coroutines may wait in one.

    :param reactor: its clock.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._waiting: set[Deferred[None]] = set()

    async def rest(self, seconds: float) -> None:
        """Wait so long, or until `wake`."""
        waiting = self._begin()
        call = self._reactor.callLater(seconds, self._end, waiting)
        try:
            await waiting
        finally:
            if call.active():
                call.cancel()

    async def until(self, subscribe: Callable[[Callable[[], None]], object]) -> None:
        """Wait until what `subscribe` is given is called, or until `wake`."""
        waiting = self._begin()
        subscribe(lambda: self._end(waiting))
        await waiting

    def wake(self) -> None:
        """End what is waited for; harmless when nothing is."""
        for waiting in list(self._waiting):
            self._end(waiting)

    def _begin(self) -> Deferred[None]:
        waiting: Deferred[None] = Deferred()
        self._waiting.add(waiting)
        return waiting

    def _end(self, waiting: Deferred[None]) -> None:
        # It may be told long after somebody else has woken it.
        if waiting in self._waiting:
            self._waiting.discard(waiting)
            waiting.callback(None)
