"""
The load of a chaos run: everybody who asks something of the cluster, on all proxies.

`go_on` has documents handed in and `rest` no new ones; workers go on in
between, until nothing is left. See `chaos_workers` for what they do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

from twisted.internet.defer import DeferredList

from ixproxy import messages as m
from ixproxy.client import Client
from ixproxy.client.places import Endpoint
from ixproxy.testing.chaos_asking import Asking
from ixproxy.testing.chaos_history import History
from ixproxy.testing.chaos_workers import AGENTS, Desk, Router, Shift, hand_in
from ixproxy.testing.watching import StreamWatch
from ixproxy.values import ClientType

LANES = 3
"""Documents that a media server hands in at a time."""


class Load:
    """
    All clients.

    :param endpoints: of the proxies.
    :param rate: documents that are handed in per second, about.
    :ivar seen: receipt to the ids of interactions that say it is theirs.
    """

    def __init__(
        self,
        reactor: Any,
        history: History,
        endpoints: Sequence[Endpoint],
        random: Random,
        rate: float,
    ) -> None:
        self._reactor = reactor
        self._history = history
        self._endpoints = endpoints
        self._rate = rate
        self.shift = Shift(random, lambda receipt, identifier: self.seen[receipt].add(identifier))
        self.askers: list[Asking] = []
        self.watches: dict[Asking, StreamWatch] = {}
        self.desks: list[Desk] = []
        self.seen: dict[str, set[str]] = defaultdict(set)

    async def begin(self) -> None:
        """Connect all, and have them work; nothing is handed in before `go_on`."""
        run, shift = self.shift.run, self.shift
        seconds = len(self._endpoints) * LANES / self._rate
        for number in range(len(self._endpoints)):
            await self.watch(await self.come(f"stat-{number}", "ReportingEngine", number))
            media = await self.come(f"mail-{number}", ClientType.MEDIA_SERVER, number)
            for _ in range(LANES):
                run(hand_in(media, shift, seconds))
            router = await self.come(f"router-{number}", ClientType.ROUTING_ENGINE, number)
            run(Router(router, shift).work())
        for number, agent in enumerate(AGENTS):
            asker = await self.come(f"desk-{agent}", ClientType.AGENT_APPLICATION, number)
            desk = Desk(asker, shift, agent)
            self.desks.append(desk)
            run(desk.work())

    async def come(self, name: str, client_type: str, first: int, *, stays: bool = False) -> Asking:
        """
        One more client, which begins at one of the proxies and knows the others.

        :param stays: it knows no other.
        """
        first %= len(self._endpoints)
        where = [*self._endpoints[first:], *([] if stays else self._endpoints[:first])]
        where = where[:1] if stays else where
        asker = await Asking.come(self._reactor, self._history, where, name, client_type)
        self.askers.append(asker)
        return asker

    async def watch(self, reporter: Asking) -> StreamWatch:
        """Have a client told everything that is reported."""
        watch = self.watches[reporter] = StreamWatch(reporter.name)
        reporter.client.on_event(watch.event_received)
        start = m.RequestStartPlaceAgentStateReportingAll()
        while (await reporter.ask(start)).refusal is not None:
            await reporter.pause()
        return watch

    def go_on(self) -> None:
        """Hand in."""
        self.shift.resting = False

    def rest(self) -> None:
        """Hand in nothing new; what was begun is repeated until it is acknowledged."""
        self.shift.resting = True

    @property
    def clients(self) -> list[Client]:
        """Those of everybody."""
        return [asker.client for asker in self.askers]

    @property
    def agents(self) -> list[str]:
        """Who believes to be logged in."""
        return [desk.agent for desk in self.desks if desk.logged_in]

    @property
    def busy(self) -> str:
        """What is not done yet; empty: nothing."""
        holding = sum(len(client.holding) for client in self.clients)
        if self.shift.open or holding:
            return f"{len(self.shift.open)} submits not acknowledged, {holding} interactions held"
        if len(self.agents) < len(self.desks):
            return f"{len(self.desks) - len(self.agents)} agents not logged in"
        return ""

    def problems(self) -> list[str]:
        """What went wrong with the clients themselves, and with what they were told."""
        return [
            *(problem for asker in self.askers for problem in asker.problems),
            *(failure.getTraceback() for failure in self.shift.broken),
            *(problem for watch in self.watches.values() for problem in watch.problems),
        ]

    async def leave(self, askers: Iterable[Asking]) -> None:
        """These say goodbye."""
        leaving = list(askers)
        for asker in leaving:
            self.askers.remove(asker)
            self.watches.pop(asker, None)
        await DeferredList([each.client.close() for each in leaving], consumeErrors=True)

    async def close(self) -> None:
        """Everybody says goodbye."""
        self.shift.over = True
        await self.leave(list(self.askers))
        await self.shift.end()
