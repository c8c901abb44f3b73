"""A load on a cluster in memory: clients that submit, pull and stop, and keep books."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from ixproxy import messages as m
from ixproxy.client import Client
from ixproxy.errors import RequestRefused
from ixproxy.messages.message import Request
from ixproxy.testing.cluster import Cluster
from ixproxy.values import id_origin
from tests.ledgers import NUMBER, Books, Ledger, wrong_entries

TENANT = 1
PAUSE_SECONDS = 0.05
LOOK_SECONDS, MOST_LOOKS = 0.1, 600

MOST_WAITING = 40
"""Interactions that wait before media servers do."""


class MemoryLoad:
    """
    Clients that go on until `end`, and what they were told.

    :ivar media: submit, by number, to its media type.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.ledger = Ledger()
        self.running = True
        self.media: dict[int, str] = {}
        self.clients: list[Client] = []
        self._lanes: list[Deferred[None]] = []
        self._numbers = iter(range(10**9))

    def submit(self, proxy: int, media: str = "email", lanes: int = 4) -> Client:
        """One more media server that hands in one after the other, in several lanes."""
        client = self._client(f"media-{len(self.clients)}", "MediaServer", proxy)
        for _ in range(lanes):
            self._start(self._submit(client, media))
        return client

    def work(self, proxy: int, lanes: int = 2) -> Client:
        """One more agent, logged in, that pulls and stops."""
        name = f"desk-{len(self.clients)}"
        client = self._client(name, "AgentApplication", proxy)
        login = m.RequestAgentLogin(
            tenant_id=TENANT, agent_id=name, place_id=name, media_list={"email": 1}
        )
        self.cluster.finish(client.request(login))
        for _ in range(lanes):
            self._start(self._work(client))
        return client

    def go_on(self, count: int = 200) -> None:
        """Run until so many more requests have their answers."""
        wanted = self.ledger.settled + count
        self.cluster.run_until(lambda: self.ledger.settled >= wanted, "nothing is answered")

    def until(self, condition: Callable[[], bool], otherwise: str) -> None:
        """
        Run until something is so, looked at now and then, while the load goes on.

        :raise AssertionError: it is not so after `MOST_LOOKS` looks.
        """
        for _ in range(MOST_LOOKS):
            if condition():
                return
            self.cluster.run(LOOK_SECONDS)
        raise AssertionError(otherwise)

    def chosen(self, count: int = 100) -> list[tuple[str, int | None]]:
        """Media type and node of so many submits that begin from now on."""
        first = next(self._numbers)

        def since() -> list[int]:
            return [number for number in self.ledger.acknowledged if number > first]

        self.until(lambda: len(since()) >= count, "nothing is submitted")
        return [
            (self.media[number], id_origin(self.ledger.acknowledged[number])) for number in since()
        ]

    def end(self) -> None:
        """Nothing new begins; runs until all is answered."""
        self.running = False
        for lane in self._lanes:
            self.cluster.finish(lane)

    def reconnected(self) -> list[str]:
        """The clients that had to connect more than once."""
        return [str(client) for client in self.clients if client.incarnation != 1]

    def unanswered(self) -> int:
        """How many requests have no answer."""
        return self.ledger.asked - self.ledger.settled

    def wrong(self) -> list[str]:
        """Where the databases are not as they must be, by what was answered."""
        books = Books()
        for row in self.cluster.rows("interactions"):
            if row["queue"] != "In":
                continue
            books.nodes_of.setdefault(row["id"], []).append(row["node"])
            books.ids_of.setdefault(_number(row), []).append(row["id"])
        return wrong_entries(self.ledger, books)

    def left_on(self, node: int) -> int:
        """How many interactions a node has."""
        return len(self.cluster.nodes[node].rows("interactions"))

    def waiting(self) -> int:
        """How many interactions are still to be worked off."""
        return sum(row["queue"] == "In" for row in self.cluster.rows("interactions"))

    def _client(self, name: str, client_type: str, proxy: int) -> Client:
        client = self.cluster.client(name, client_type, proxy=proxy, tenants=[TENANT])
        self.clients.append(client)
        return client

    def _start(self, lane: Any) -> None:
        self._lanes.append(Deferred.fromCoroutine(lane))

    async def _ask(self, client: Client, request: Request) -> Any:
        self.ledger.was_asked(request)
        try:
            answer = await client.request(request)
        except RequestRefused as problem:
            self.ledger.was_answered(request, problem)
            raise
        self.ledger.was_answered(request, None)
        return answer

    async def _pause(self) -> None:
        await deferLater(self.cluster.clock, PAUSE_SECONDS)

    async def _submit(self, client: Client, media: str) -> None:
        while self.running:
            if len(self.ledger.acknowledged) - len(self.ledger.stopped) > MOST_WAITING:
                await self._pause()
                continue
            number = next(self._numbers)
            request = m.RequestSubmit(
                tenant_id=TENANT, media_type=media, queue="In", user_data={NUMBER: number}
            )
            try:
                answer = await self._ask(client, request)
            except RequestRefused as problem:
                (self.ledger.doubtful if problem.in_doubt else self.ledger.refused).add(number)
                await self._pause()
                continue
            self.ledger.acknowledged[number] = answer.interaction_id
            self.media[number] = media

    async def _work(self, client: Client) -> None:
        while self.running:
            request = m.RequestPull(tenant_id=TENANT, view_id="In/All", number_of_interactions=5)
            try:
                taken = list((await self._ask(client, request)).interactions)
            except RequestRefused:
                taken = []
            for identifier in taken:
                await self._stop(client, identifier)
            if not taken:
                await self._pause()

    async def _stop(self, client: Client, identifier: str) -> None:
        request = m.RequestStopProcessing(tenant_id=TENANT, interaction_id=identifier)
        try:
            await self._ask(client, request)
        except RequestRefused as problem:
            if problem.in_doubt:
                self.ledger.perhaps_stopped.add(identifier)
        else:
            self.ledger.was_stopped(identifier)


def _number(row: dict[str, Any]) -> int:
    decoded: dict[str, Any] = msgspec.msgpack.decode(row["user_data"])
    return int(decoded[NUMBER])
