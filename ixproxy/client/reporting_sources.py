"""
One server that a reporting program is connected to, and its stream.

Theory of operation: the client connects, and connects again after a loss; a
server that never was there, or that refused it for good, is tried again after
a pause. When it is registered its stream is asked for: by the client itself,
which brings subscriptions back, once one was answered; here before that, and
when a stream is of no use any more. The composer is told at each of
these moments, so that it takes what comes for the beginning of a stream. A
stream that is lost again and again is begun ever more slowly.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from ixproxy.client.backoff import Backoff
from ixproxy.client.client import Callback, Client
from ixproxy.core.composing import Composer
from ixproxy.errors import RequestRefused
from ixproxy.messages import RequestStartPlaceAgentStateReportingAll, ServerFacts
from ixproxy.messages.message import Event, Message

Connect = Callable[[Callback], Deferred[Client]]
"""Connects a client that tells its events to a callback."""


class ReportingSource:
    """
    One server.

    :param told: told what the composer makes of what the server says.
    :param moved: told when `settled`, `problem` or the server's facts may have changed.
    :ivar settled: its state is known, or it is not there.
    :ivar problem: why it is not there, as far as that is known.
    """

    log = Logger()

    def __init__(
        self,
        name: str,
        composer: Composer,
        connect: Connect,
        clock: IReactorTime,
        backoff: Backoff,
        random: Random,
        told: Callable[[list[Event]], None],
        moved: Callable[[ReportingSource], None],
    ) -> None:
        self.name = name
        self.settled = False
        self.problem: Exception | None = None
        self.facts: ServerFacts | None = None
        self._composer = composer
        self._connect = connect
        self._clock = clock
        self._backoff = backoff
        self._random = random
        self._told = told
        self._moved = moved
        self._request = RequestStartPlaceAgentStateReportingAll()
        self._subscribed = False
        self._failures = 0
        self._connecting: Deferred[Client] | None = None
        self._client: Client | None = None
        self._timer: IDelayedCall | None = None
        self._closed = False

    @property
    def connected(self) -> bool:
        """Whether the client is registered there."""
        return self._client is not None and self._client.connected

    @property
    def synced(self) -> bool:
        """Whether the server's whole state is known, and its events follow."""
        return self._composer.synced(self.name)

    def start(self) -> None:
        """Connect."""
        self._connecting = self._connect(self._heard)
        self._connecting.addCallbacks(self._is_there, self._is_not_there)

    async def close(self) -> None:
        """Say goodbye, or stop trying."""
        self._closed = True
        self._stop_waiting()
        if self._client is not None:
            await self._client.close()
        elif self._connecting is not None:
            self._connecting.cancel()

    def _is_there(self, client: Client) -> None:
        self._client = client
        self._subscribed = False
        client.on_connection(self._connection)
        client.on_not_restored(self._not_restored)
        client.on_end(self._gave_up)
        self._connection(client.server)

    def _is_not_there(self, failure: Failure) -> None:
        self._connecting = None
        if self._closed or failure.check(CancelledError):
            return
        assert isinstance(failure.value, Exception)
        self._gave_up(failure.value)

    def _gave_up(self, problem: Exception) -> None:
        """The client will not connect by itself."""
        self._client, self.problem = None, problem
        self._settle()
        self._wait(self.start)

    def _connection(self, server: ServerFacts | None) -> None:
        if self._closed:
            return
        self._stop_waiting()
        if server is None:
            self._told(self._composer.source_lost(self.name))
            self._settle()
            return
        self.facts, self.problem = server, None
        self._begin()
        if not self._subscribed:
            self._ask()

    def _begin(self) -> None:
        """A stream is, or will be, asked for."""
        self.settled = False
        dbid = self.facts.dbid if self.facts is not None else 0
        self._composer.source_joined(self.name, dbid)
        self._moved(self)

    def _ask(self) -> None:
        assert self._client is not None
        self._client.request(self._request).addCallbacks(self._answered, self._refused)

    def _answered(self, _: Message) -> None:
        self._subscribed = True

    def _refused(self, failure: Failure) -> None:
        failure.trap(RequestRefused)
        if not self._closed and self.connected:
            problem = failure.value
            assert isinstance(problem, RequestRefused)
            self._not_given(problem)

    def _not_restored(self, _: Message, refusal: RequestRefused) -> None:
        self._subscribed = False
        self._not_given(refusal)

    def _not_given(self, refusal: RequestRefused) -> None:
        """The server gives no stream, at least not now."""
        self.log.warn(
            "{server} gives no reporting stream: {refusal}", server=self.name, refusal=refusal
        )
        self.problem = refusal
        self._settle()
        self._wait(self._ask_again)

    def _ask_again(self) -> None:
        if self.connected:
            self._begin()
            self._ask()

    def _heard(self, event: Message) -> None:
        if self._closed or not isinstance(event, Event):
            return
        was = self.synced
        self._told(self._composer.event_received(self.name, event))
        if self.synced and not was:
            self._failures, self.problem = 0, None
            self._settle()
        if self.name in self._composer.wants_restart:
            self._composer.wants_restart.discard(self.name)
            self.log.warn("The reporting stream of {server} begins anew", server=self.name)
            self._wait(self._ask_again)

    def _settle(self) -> None:
        self.settled = True
        self._moved(self)

    def _wait(self, then: Callable[[], None]) -> None:
        """Do something after a pause, if nothing else waits."""
        if self._timer is None and not self._closed:
            pause = self._backoff.pause(self._failures, self._random.random)
            self._failures += 1
            self._timer = self._clock.callLater(pause, self._waited, then)

    def _waited(self, then: Callable[[], None]) -> None:
        self._timer = None
        then()

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
