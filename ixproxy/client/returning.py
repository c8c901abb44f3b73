"""
Gives back what was handed over when nobody waited for it any more.

Theory of operation: a request that takes was cancelled or timed out, and its
answer came after all. The interaction is left (`RequestLeaveInteraction`), so
that it goes back to where it was taken from, and left again after a pause
while the outcome is uncertain. It is never listed as held. So a lost
connection ends the undertaking: the next registration does not name the id,
and the node puts it back by itself. A server that will not let the client
leave is made to do so in the same way: the connection is given up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from ixproxy.client.backoff import Backoff
from ixproxy.client.in_flight import Answer
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import RequestLeaveInteraction

_GONE = frozenset((Code.UNKNOWN_INTERACTION, Code.NOT_A_PARTY))
_LATER = frozenset((Code.BUSY, Code.EXPIRED, Code.NOT_ACCESSIBLE))


class _Return:
    """One interaction on its way back."""

    def __init__(self, request: RequestLeaveInteraction) -> None:
        self.request = request
        self.failures = 0
        self.retry: IDelayedCall | None = None


class Returning:
    """
    All interactions on their way back.

    :param leave: sends a request, whatever else is in flight.
    :param give_up: ends the connection, for a reason.
    """

    def __init__(
        self,
        clock: IReactorTime,
        random: Random,
        backoff: Backoff,
        leave: Callable[[RequestLeaveInteraction], Deferred[Answer]],
        give_up: Callable[[str], None],
    ) -> None:
        self._clock = clock
        self._random = random
        self._backoff = backoff
        self._leave = leave
        self._give_up = give_up
        self._returns: dict[str, _Return] = {}

    def __len__(self) -> int:
        return len(self._returns)

    def begin(self, identifier: str, tenant_id: int) -> None:
        """Give one interaction back."""
        self.stop(identifier)
        request = RequestLeaveInteraction(tenant_id=tenant_id, interaction_id=identifier)
        self._returns[identifier] = returned = _Return(request)
        self._try(identifier, returned)

    def stop_all(self, identifiers: Iterable[str]) -> None:
        """The client has these again, and keeps them."""
        for identifier in identifiers:
            self.stop(identifier)

    def stop(self, identifier: str) -> None:
        """The interaction was taken anew, and is wanted now; harmless when unknown."""
        returned = self._returns.pop(identifier, None)
        if returned is not None and returned.retry is not None and returned.retry.active():
            returned.retry.cancel()

    def clear(self) -> None:
        """The connection is lost: the next registration settles everything."""
        for identifier in tuple(self._returns):
            self.stop(identifier)

    def _try(self, identifier: str, returned: _Return) -> None:
        returned.retry = None
        self._leave(returned.request).addCallbacks(
            lambda _: self._left(identifier, returned),
            lambda failure: self._refused(identifier, returned, failure),
        )

    def _left(self, identifier: str, returned: _Return) -> None:
        if self._returns.get(identifier) is returned:
            del self._returns[identifier]

    def _refused(self, identifier: str, returned: _Return, failure: Failure) -> None:
        if self._returns.get(identifier) is not returned:
            return
        failure.trap(RequestRefused)
        problem = failure.value
        assert isinstance(problem, RequestRefused)
        if problem.in_doubt or problem.code in _LATER:
            pause = self._backoff.pause(returned.failures, self._random.random)
            returned.failures += 1
            returned.retry = self._clock.callLater(pause, self._try, identifier, returned)
            return
        del self._returns[identifier]
        if problem.code not in _GONE:
            self._give_up(f"{identifier} could not be given back: {problem}")
