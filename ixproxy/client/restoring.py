"""
Brings back, on a connection that is just registered, what the client had on the one before.

Theory of operation: what is to come back is asked for in stages: logins, then
what was said of the agents, then subscriptions. All requests of a stage are sent at
once, in order, and a stage begins when every request of the one before is
settled: it succeeded, it was refused for good, or it is no longer wanted. One
that was refused for the moment, or whose outcome is not known, is sent again
after a pause, for repeating it does no harm. A lost connection ends the
undertaking, and the next registration begins it anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from ixproxy.client.backoff import Backoff
from ixproxy.client.in_flight import Answer
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages.message import Message

Asked = TypeVar("Asked", bound=Message)

NOT_NOW = frozenset(
    (
        Code.BUSY, Code.EXPIRED, Code.CANCELLED, Code.IN_PROGRESS, Code.NOT_ACCESSIBLE,
        Code.STOPPING, Code.STORE_FAILED,
    )
)  # fmt: skip
"""Refusals that say nothing against asking again."""


class Repeat(NamedTuple):
    """
    One request that is to be sent again.

    :ivar request: gives it as it is to be sent now; None: it is not wanted any more.
    :ivar refused: told when it was refused for good, and how.
    """

    request: Callable[[], Message | None]
    refused: Callable[[Message, RequestRefused], None]


def if_wanted(wanted: Callable[[Asked], bool], request: Asked) -> Asked | None:
    """For a `Repeat`: the request as it was, as long as it is wanted."""
    return request if wanted(request) else None


Stage = Callable[[], Sequence[Repeat]]
"""What a stage consists of, at the moment when it begins."""


class Restoring:
    """
    One client's way back; `active` for as long as it lasts.

    :param ask: sends a request on the connection, whatever else is in flight.
    :param done: told when all stages are over.
    """

    def __init__(
        self,
        clock: IReactorTime,
        random: Random,
        backoff: Backoff,
        ask: Callable[[Message], Deferred[Answer]],
        done: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._random = random
        self._backoff = backoff
        self._ask = ask
        self._done = done
        self._stages: list[Stage] = []
        self._unsettled: dict[Repeat, IDelayedCall | None] = {}
        self.active = False

    def begin(self, stages: Sequence[Stage]) -> None:
        """A connection is registered; `done` may be told at once."""
        self.stop()
        self.active = True
        self._stages = list(stages)
        self._go_on()

    def stop(self) -> None:
        """The connection is lost; harmless when nothing is under way."""
        self.active = False
        unsettled, self._unsettled = self._unsettled, {}
        for retry in unsettled.values():
            if retry is not None and retry.active():
                retry.cancel()

    def _go_on(self) -> None:
        while self.active and not self._unsettled:
            if not self._stages:
                self.active = False
                self._done()
                return
            repeats = self._stages.pop(0)()
            self._unsettled = dict.fromkeys(repeats)
            for repeat in repeats:
                self._try(repeat, 0)

    def _try(self, repeat: Repeat, failures: int) -> None:
        if repeat not in self._unsettled:
            # Sending the one before it lost the connection.
            return
        request = repeat.request()
        if request is None:
            self._settled(repeat)
            return
        self._unsettled[repeat] = None
        self._ask(request).addCallbacks(
            lambda _: self._settled(repeat),
            lambda failure: self._refused(repeat, request, failures, failure),
        )

    def _settled(self, repeat: Repeat) -> None:
        if repeat in self._unsettled:
            del self._unsettled[repeat]
            self._go_on()

    def _refused(self, repeat: Repeat, request: Message, failures: int, failure: Failure) -> None:
        failure.trap(RequestRefused)
        problem = failure.value
        assert isinstance(problem, RequestRefused)
        if repeat not in self._unsettled:
            return
        if problem.in_doubt or problem.code in NOT_NOW:
            pause = self._backoff.pause(failures, self._random.random)
            retry = self._clock.callLater(pause, self._try, repeat, failures + 1)
            self._unsettled[repeat] = retry
            return
        repeat.refused(request, problem)
        self._settled(repeat)
