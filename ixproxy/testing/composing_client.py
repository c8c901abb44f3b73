"""
A reporting client of a script that is connected to every node itself.

It answers requests for streams as a server does, by the stream that it
composes (`ixproxy.client.composed`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from ixproxy import messages as m
from ixproxy.client import Client
from ixproxy.client.composed import ComposedStream
from ixproxy.client.in_flight import Answer
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages.message import Request
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.steps import TENANT, ScriptClient
from ixproxy.wire.streams import tenants_of
from ixproxy.wire.subscribing import Subscribed

ON_ITS_WAY = 0.001
"""Seconds that an answer takes, as from a server."""


class ComposingClient:
    """
    What a script takes for a client of one server.

    :param clients: connected to the nodes, by their names.
    """

    def __init__(self, clock: IReactorTime, clients: Mapping[str, Client]) -> None:
        self._clock = clock
        self.clients = clients
        self._stream = ComposedStream(clients)
        self._subscribed = Subscribed()

    def on_event(self, callback: Callable[[Any], None]) -> None:
        """See `ixproxy.client.Client`."""
        self._stream.on_event(callback)

    def ask(self, message: Request) -> Deferred[Any]:
        """A stream is begun or ended here; anything else is asked of the first node."""
        return Deferred.fromCoroutine(self._ask(message))

    async def _ask(self, message: Request) -> Answer:
        await deferLater(self._clock, ON_ITS_WAY)
        before = self._subscribed
        match message:
            case m.RequestStartPlaceAgentStateReportingAll():
                named = tenants_of(message.tenants)
                for tenant in sorted(named - {TENANT}):
                    text = f"tenant {tenant} is not known here"
                    raise RequestRefused(Code.UNKNOWN_TENANT, text)
                self._subscribed = before.begin_all(named or frozenset({TENANT}), message)
            case m.RequestStartPlaceAgentStateReporting():
                self._subscribed = before.begin(message)
            case m.RequestStopPlaceAgentStateReporting():
                self._subscribed = before.end(message)
            case m.RequestStopPlaceAgentStateReportingAll():
                self._subscribed = before.end_all()
            case _:
                return await next(iter(self.clients.values())).ask(message)
        key = self._subscribed.key
        if key is None:
            await self._stream.stop()
        elif self._subscribed != before or isinstance(message, _STARTS):
            # As from a server: the answer comes before the stream.
            self._clock.callLater(0, self._start)
        return Answer(m.EventAck(), partial=False)

    def _start(self) -> None:
        key = self._subscribed.key
        if key is not None:
            Deferred.fromCoroutine(self._stream.start(key))

    def close(self) -> Deferred[Any]:
        """Say goodbye everywhere."""
        return DeferredList([client.close() for client in self.clients.values()])


_STARTS = (m.RequestStartPlaceAgentStateReporting, m.RequestStartPlaceAgentStateReportingAll)


class ComposingCluster(Cluster):
    """A cluster whose reporting clients are connected to all nodes, and to no proxy."""

    def script_client(self, number: int, client: ScriptClient) -> Any:
        """Connect a client of a script: a reporting client to every node."""
        if not client.reports:
            return super().script_client(number, client)
        return ComposingClient(
            self.clock,
            {
                node.name: self.client(client.name, client.client_type, node=at)
                for at, node in enumerate(self.nodes)
            },
        )

    def lose_client(self, client: Any) -> None:
        """Break all connections of a client."""
        for each in _all_of(client):
            super().lose_client(each)

    def kill_client(self, client: Any) -> None:
        """A client's program dies."""
        for each in _all_of(client):
            super().kill_client(each)


def _all_of(client: Any) -> list[Client]:
    return list(client.clients.values()) if isinstance(client, ComposingClient) else [client]
