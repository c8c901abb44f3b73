"""
One reporting stream of a whole cluster, for a program that is connected to every server itself.

Theory of operation: there is a client for each server (`reporting_sources`), and
one composer for all of their streams. What it tells goes to the program as one
stream (`program_stream`). That begins when the state of every server is known
that is there, or when the servers have had their time; one that comes later, or
comes back, is told as differences. While agents are missing on all servers that are
there, the composer is told now and then that time passes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from random import Random

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from ixproxy.client.backoff import Backoff
from ixproxy.client.client import Callback, Client
from ixproxy.client.places import Where
from ixproxy.client.program_stream import ProgramStream
from ixproxy.client.reporting_sources import ReportingSource
from ixproxy.core.composing import Composer
from ixproxy.errors import NodeUnavailable, RequestRefused
from ixproxy.messages.message import Event, KeyValues

EventCallback = Callable[[Event], None]
GRACE = 30.0
"""
Seconds after which an agent is out whom no server has that is there, as
`node-loss-grace` is at a proxy when nobody says otherwise.
"""
LOOKS = 1.0
"""Seconds between two looks at who is missing."""

ServerCallback = Callable[[str, bool], None]
"""Told a server's name, and whether its state is known."""


class Reporting:
    """
    A reporting program's connections, and what it is told.

    Made by `ixproxy.client.report`.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        servers: Mapping[str, Where],
        connect: Callable[[Where, Callback], Deferred[Client]],
        tenants: Iterable[int],
        given: KeyValues,
        on_event: EventCallback,
        backoff: Backoff,
        random: Random,
        on_server: ServerCallback | None = None,
    ) -> None:
        self._clock = clock
        self._composer = Composer()
        self._stream = ProgramStream(tenants, given, on_event)
        self._started: Deferred[Reporting] = Deferred(lambda _: self._stop())
        self._patience: IDelayedCall | None = None
        self._next_look: IDelayedCall | None = None
        self._closed = False
        self._on_server = on_server
        self._there: dict[str, bool] = {}
        """What the program was told of each server, or takes for granted."""

        def source(name: str, where: Where) -> ReportingSource:
            return ReportingSource(
                name,
                self._composer,
                lambda heard: connect(where, heard),
                clock,
                backoff,
                random,
                self._told,
                self._moved,
            )

        self._sources = [source(name, where) for name, where in servers.items()]

    def __repr__(self) -> str:
        there = sum(self.servers.values())
        return f"<Reporting of {len(self._sources)} servers, {there} there>"

    @property
    def servers(self) -> dict[str, bool]:
        """The servers, and whether the state of each is known at this moment."""
        return {source.name: source.synced for source in self._sources}

    @property
    def counters(self) -> Counter[str]:
        """How often what is in `ixproxy.core.composing.COUNTED` has happened."""
        return self._composer.counters.copy()

    def start(self, patience: float) -> Deferred[Reporting]:
        """
        Connect to all servers.

        :param patience: seconds for which servers are waited for that are
            there, but do not say how they are.
        :return: fires when the program was told the initial state.
        """
        self._patience = self._clock.callLater(patience, self._time_is_up)
        for source in self._sources:
            source.start()
        return self._started

    async def close(self) -> None:
        """End all streams and close all connections; nothing is told any more."""
        self._stop_waiting()
        if self._closed:
            return
        self._closed = True
        self._look_when_needed()
        closing = [Deferred.fromCoroutine(source.close()) for source in self._sources]
        for each in closing:
            await each

    def _stop(self) -> None:
        Deferred.fromCoroutine(self.close())

    def _stop_waiting(self) -> None:
        if self._patience is not None and self._patience.active():
            self._patience.cancel()

    def _told(self, events: list[Event]) -> None:
        for event in events:
            if not self._closed:
                self._stream.event(event)
        self._look_when_needed()

    def _look_when_needed(self) -> None:
        """Have time pass for the composer as long as it waits for that."""
        if self._next_look is None and self._composer.waits and not self._closed:
            self._next_look = self._clock.callLater(LOOKS, self._look)
        elif self._next_look is not None and self._closed:
            self._next_look.cancel()
            self._next_look = None

    def _look(self) -> None:
        self._next_look = None
        self._told(self._composer.time_passed(self._clock.seconds(), GRACE))

    def _moved(self, source: ReportingSource) -> None:
        if source.facts is not None:
            self._stream.tenants_known(source.facts.tenants)
        if all(each.settled for each in self._sources):
            self._begin()
        if source.settled:
            self._say(source)

    def _say(self, source: ReportingSource) -> None:
        """Tell the program when a server is lost or is back; a stream begun anew is neither."""
        there = source.synced
        if self._closed or not self._stream.begun or self._there[source.name] == there:
            return
        self._there[source.name] = there
        if self._on_server is not None:
            try:
                self._on_server(source.name, there)
            except Exception:
                self.log.failure("A callback failed on {server}", server=source.name)

    def _time_is_up(self) -> None:
        self._begin()

    def _begin(self) -> None:
        """Whoever is there has said how it is, or has had its time."""
        if self._stream.begun or self._closed:
            return
        if any(source.synced for source in self._sources):
            self._stop_waiting()
            self._there = dict.fromkeys(self.servers, True)
            self._stream.begin(self._composer.states(self._stream.tenants))
            for source in self._sources:
                self._say(source)
            self._started.callback(self)
            return
        self._stop()
        self._started.errback(self._why_nobody())

    def _why_nobody(self) -> Exception:
        """No server gives a stream: what all of them refuse is refused, anything else may pass."""
        problems = [source.problem for source in self._sources]
        first = problems[0]
        if isinstance(first, RequestRefused) and all(
            isinstance(each, RequestRefused) for each in problems
        ):
            return first
        reasons = "; ".join(str(problem) for problem in problems if problem is not None)
        return NodeUnavailable(f"no server gives a reporting stream: {reasons or 'none in time'}")
