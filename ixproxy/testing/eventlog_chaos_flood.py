"""
So many events in little time that a log's spool is full: a client of one node.

Whoever pulls a hundred interactions and goes makes hundreds of events with three requests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from ixproxy import messages as m
from ixproxy.client import connect
from ixproxy.client.places import Endpoint
from ixproxy.errors import Code, IxproxyError, RequestRefused
from ixproxy.testing.chaos_asking import SETTINGS, Asking
from ixproxy.testing.chaos_deployment import MEDIA, PROBES, TENANT
from ixproxy.testing.chaos_history import History
from ixproxy.values import ClientType

AT_ONCE = 100
"""Interactions in one pull."""

LANES = 20
"""Requests of one kind on their way at a time."""


class Flood:
    """
    :param endpoints: of both servers of the node.
    :ivar open: receipts of documents that were not acknowledged yet.
    :ivar refused: how many requests were refused because the log is full.
    :ivar mild: likewise for another reason, about which it asked again.
    """

    def __init__(self, reactor: Any, history: History, endpoints: Sequence[Endpoint]) -> None:
        self._reactor = reactor
        self._history = history
        self._endpoints = list(endpoints)
        self._asker: Asking | None = None
        self._router: Asking | None = None
        self._ids: set[str] = set()
        self.open: list[str] = []
        self.handed_in = 0
        self.refused = 0
        self.mild = 0

    async def begin(self) -> None:
        """:raise ixproxy.errors.IxproxyError: nobody takes it."""
        come = Asking.come
        self._asker = await come(
            self._reactor, self._history, self._endpoints, "flood", ClientType.MEDIA_SERVER
        )
        self._router = await come(
            self._reactor, self._history, self._endpoints, "sink", ClientType.ROUTING_ENGINE
        )

    @property
    def asker(self) -> Asking:
        """
        Who hands in.

        :raise IxproxyError: it has not begun.
        """
        if self._asker is None:
            raise IxproxyError("the flood has not begun")
        return self._asker

    async def submit(self, count: int) -> None:
        """Hand documents in, each once; what is not acknowledged is `open`."""
        receipts = [f"F{self.handed_in + number}" for number in range(1, count + 1)]
        self.handed_in += count
        self.open += receipts
        await self.hand_in_again()

    async def hand_in_again(self) -> None:
        """Hand in what is open, each once."""
        todo = list(self.open)

        async def lane() -> None:
            while todo:
                await self._submit(todo.pop())

        lanes = [Deferred.fromCoroutine(lane()) for _ in range(LANES)]
        await gatherResults(lanes, consumeErrors=True)

    async def _submit(self, receipt: str) -> None:
        request = m.RequestSubmit(
            tenant_id=TENANT,
            media_type=MEDIA,
            queue=PROBES,
            user_data={"Receipt": receipt},
            submit_receipt=receipt,
        )
        answer, refusal = await self.asker.ask(request)
        if answer is not None:
            self._ids.add(answer.interaction_id)
            self.open.remove(receipt)
        else:
            self._count(refusal)

    def _count(self, refusal: RequestRefused | None) -> None:
        if refusal is not None and refusal.code == Code.EVENT_LOG_FULL:
            self.refused += 1
        else:
            self.mild += 1

    async def until(self, enough: Callable[[], bool], seconds: float = 120.0) -> bool:
        """Make events until there are enough; whether there are, after so many seconds."""
        deadline = self._reactor.seconds() + seconds
        while not enough() and self._reactor.seconds() < deadline:
            await self.churn()
        return enough()

    async def churn(self) -> None:
        """Pull some and go, so that all of them go back: some hundred events."""
        try:
            client = await connect(
                self._reactor, self._endpoints, name="churn",
                client_type=ClientType.ROUTING_ENGINE, tenants=[TENANT], settings=SETTINGS,
            )  # fmt: skip
        except IxproxyError:
            await self.asker.pause()
            return
        try:
            await client.request(_pull())
        except RequestRefused as refusal:
            self._count(refusal)
            await self.asker.pause(0.05)
        finally:
            # A server that is being killed does not say goodbye.
            client.close().addErrback(lambda _: None)

    async def known(self) -> bool:
        """Whether the node says what it knows of one of the interactions."""
        identifier = min(self._ids)
        request = m.RequestGetInteractionProperties(tenant_id=TENANT, interaction_id=identifier)
        return (await self.asker.ask(request)).answer is not None

    async def drain(self, seconds: float = 120.0) -> list[str]:
        """Hand in what is open and end everything; what is wrong with that."""
        deadline = self._reactor.seconds() + seconds
        while self._reactor.seconds() < deadline:
            if self.open:
                await self.hand_in_again()
            elif self._ids:
                await self._stop_some()
            else:
                return []
            await self.asker.pause(0.05)
        return [f"{len(self.open)} documents are not acknowledged, {len(self._ids)} not ended"]

    async def _stop_some(self) -> None:
        assert self._router is not None
        answer, refusal = await self._router.ask(_pull())
        if answer is None:
            self._count(refusal)
            return
        ending = [Deferred.fromCoroutine(self._stop(each)) for each in answer.interactions]
        await gatherResults(ending, consumeErrors=True)

    async def _stop(self, identifier: str) -> None:
        assert self._router is not None
        request = m.RequestStopProcessing(tenant_id=TENANT, interaction_id=identifier)
        while True:
            answer, refusal = await self._router.ask(request)
            if answer is not None or (refusal and refusal.code == Code.UNKNOWN_INTERACTION):
                self._ids.discard(identifier)
                return
            self._count(refusal)
            if refusal is not None and refusal.code == Code.NOT_A_PARTY:
                # A server that was killed has put it back: it is pulled again.
                return
            await self._router.pause()

    async def end(self) -> None:
        """Go."""
        for asker in (self._asker, self._router):
            if asker is not None:
                await asker.client.close()
        self._asker = self._router = None


def _pull() -> m.RequestPull:
    return m.RequestPull(
        tenant_id=TENANT,
        view_id=f"{PROBES}/All",
        number_of_interactions=AT_ONCE,
        extension={"pull-for-strategy": 1},
    )
