"""Waiting that can be ended: of a capture point's own coroutine, one at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred


class Nap:
    """
    :param reactor: its clock.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._waiting: Deferred[None] | None = None

    async def sleep(self, seconds: float) -> None:
        """Wait so long, or until `wake`."""
        waiting = self._waiting = Deferred[None]()
        call = self._reactor.callLater(seconds, self.wake)
        try:
            await waiting
        finally:
            if call.active():
                call.cancel()

    async def until(self, subscribe: Callable[[Callable[[], None]], object]) -> None:
        """Wait until what `subscribe` is given is called, or until `wake`."""
        waiting = self._waiting = Deferred[None]()

        def told() -> None:
            # It may be told long after somebody else has woken it.
            if self._waiting is waiting:
                self.wake()

        subscribe(told)
        if not waiting.called:
            await waiting

    def wake(self) -> None:
        """End what is waited for; harmless when nothing is."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)
