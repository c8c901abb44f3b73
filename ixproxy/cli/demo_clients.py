"""The demo's clients: media servers, agents and routing clients, through both proxies."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, DeferredList, DeferredSemaphore
from twisted.internet.task import deferLater

from ixproxy.cli.connecting import Asking
from ixproxy.cli.demo_deployment import TENANT_ID, Plan
from ixproxy.cli.latencies import Latencies
from ixproxy.client import Client, Settings, connect
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages.message import Request
from ixproxy.values import ClientType

T = TypeVar("T")

REQUEST_SECONDS = 60.0
ATTEMPTS = 8
"""How often a request is sent that was answered busy, with nothing done."""

_LATER = frozenset((Code.BUSY, Code.EXPIRED))


@dataclass(slots=True)
class Measured:
    """What was measured over all clients: latencies by request, errors by what they were."""

    latencies: dict[str, Latencies] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)
    partial: int = 0

    def failed(self, request: Request, problem: RequestRefused) -> None:
        """A request came to nothing."""
        self.errors[f"{type(request).__name__}: {problem}"] += 1


class Clients:
    """
    All clients that the demo has open.

    :param reactor: its clock measures latencies.
    """

    def __init__(self, reactor: Any, plan: Plan) -> None:
        self._reactor = reactor
        self._plan = plan
        self._open: list[Client] = []
        self.measured = Measured()

    async def open(self, proxy: str, name: str, client_type: ClientType) -> Client:
        """One client more, through a proxy."""
        client = await connect(
            self._reactor,
            self._plan.endpoint(proxy),
            name=name,
            client_type=client_type,
            tenants=[TENANT_ID],
            settings=Settings(timeout=REQUEST_SECONDS, max_in_flight=10_000),
        )
        self._open.append(client)
        return client

    async def close(self) -> None:
        """Say goodbye, all of them."""
        clients, self._open = self._open, []
        await DeferredList([client.close() for client in clients], consumeErrors=True)

    async def ask(self, client: Asking, request: Request, kind: str = "") -> Any:
        """
        Send a request, again if it was answered busy; measured.

        :param kind: what it is measured as; "": its name.
        :raise RequestRefused: it was refused.
        """
        kind = kind or type(request).__name__.removeprefix("Request")
        latencies = self.measured.latencies.setdefault(kind, Latencies())
        for attempt in range(1, ATTEMPTS + 1):
            began = self._reactor.seconds()
            try:
                answer = await client.ask(request)
            except RequestRefused as problem:
                if problem.code not in _LATER or attempt == ATTEMPTS:
                    raise
                await deferLater(self._reactor, 0.02 * 2**attempt)
            else:
                latencies.add(self._reactor.seconds() - began)
                self.measured.partial += answer.partial
                return answer.message
        raise AssertionError("the last attempt returns or raises")

    async def tried(self, client: Asking, request: Request, kind: str = "") -> Any:
        """As `ask`, but an error is counted and gives None."""
        try:
            return await self.ask(client, request, kind)
        except RequestRefused as problem:
            self.measured.failed(request, problem)
            return None


@asynccontextmanager
async def clients(reactor: Any, plan: Plan) -> AsyncIterator[Clients]:
    """Clients that are closed at the end, whatever happens."""
    opened = Clients(reactor, plan)
    try:
        yield opened
    finally:
        await opened.close()


async def in_flight(works: Iterable[T], limit: int, do: Callable[[T], Awaitable[None]]) -> None:
    """
    Do something with each, never more than `limit` at a time.

    The first one that raises ends it, once those under way are done.
    """
    permits = DeferredSemaphore(limit)
    failures: list[BaseException] = []

    async def one(work: T) -> None:
        try:
            await do(work)
        except Exception as problem:
            failures.append(problem)
        finally:
            permits.release()

    for work in works:
        await permits.acquire()
        if failures:
            permits.release()
            break
        Deferred.fromCoroutine(one(work))
    for _ in range(limit):
        await permits.acquire()
    if failures:
        raise failures[0]
