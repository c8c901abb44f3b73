"""
A reporting client of a script that is connected to every node itself.

It answers requests for streams as a server does, and has the stream from
`ixproxy.client.report`. A stream that begins anew is another one, with new
connections, and so is one whose connections were all lost: a client of one
server gets a whole state then.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from msgspec.structs import replace
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import deferLater

from ixproxy import messages as m
from ixproxy.client import Client, Reporting, connect, report
from ixproxy.client.in_flight import Answer
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages.message import Event, Message, Request
from ixproxy.testing.cluster import CLIENT_SETTINGS, Cluster
from ixproxy.testing.memory_servers import node_address
from ixproxy.testing.process import ProcessClock
from ixproxy.testing.steps import TENANT, ScriptClient
from ixproxy.values import ClientType
from ixproxy.wire.streams import END, StreamKey, numbered, tenants_of
from ixproxy.wire.subscribing import Subscribed

ON_ITS_WAY = 0.001
"""Seconds that an answer takes, as from a server."""

_SERVICES = (m.RequestStartExternalServiceReporting, m.RequestStopExternalServiceReporting)
_STARTS = (m.RequestStartPlaceAgentStateReporting, m.RequestStartPlaceAgentStateReportingAll)


class ComposingClient:
    """What a script takes for a reporting client of one server."""

    def __init__(self, cluster: Cluster, name: str, host: str, process: ProcessClock) -> None:
        self.host = host
        self.process = process
        self._cluster = cluster
        self._name = name
        self._callbacks: list[Callable[[Any], None]] = []
        self._subscribed = Subscribed()
        self._reporting: Deferred[Reporting] | None = None
        self._at_nodes: list[Client] = []
        """Of each node, by which it hears of calls to external servers."""

    def on_event(self, callback: Callable[[Any], None]) -> None:
        """See `ixproxy.client.Client`."""
        self._callbacks.append(callback)

    def ask(self, message: Request) -> Deferred[Any]:
        """Begin or end a stream, or the reporting of calls; nothing else is asked of it."""
        if isinstance(message, _SERVICES):
            return Deferred.fromCoroutine(self._ask_all(message))
        return Deferred.fromCoroutine(self._ask(message))

    async def _ask_all(self, message: Request) -> Answer:
        """Each node tells of the calls that it makes."""
        if not self._at_nodes:
            for node in self._cluster.nodes:
                where = self._cluster.network.client_endpoint(node_address(node.name), self.host)
                client = await connect(
                    self.process,
                    where,
                    name=self._name,
                    client_type=ClientType.REPORTING_ENGINE,
                    settings=CLIENT_SETTINGS,
                    random=Random(self._cluster.random.random()),
                    on_event=self._hear,
                )
                self._at_nodes.append(client)
        answers = [await client.ask(message) for client in self._at_nodes]
        return answers[0]

    async def _ask(self, message: Request) -> Answer:
        await deferLater(self.process, ON_ITS_WAY)
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
            case _:
                assert isinstance(message, m.RequestStopPlaceAgentStateReportingAll)
                self._subscribed = before.end_all()
        if self._subscribed != before or isinstance(message, _STARTS):
            self._end()
            # As from a server: the answer comes before the stream.
            self.process.callLater(0, self.begin)
        return Answer(m.EventAck())

    def begin(self) -> None:
        """Begin the stream, if one was asked for."""
        self._end()
        key = self._subscribed.key
        if key is None:
            return
        network = self._cluster.network
        self._reporting = report(
            self.process,
            {
                node.name: network.client_endpoint(node_address(node.name), self.host)
                for node in self._cluster.nodes
            },
            name=self._name,
            on_event=_Narrowed(key, self._tell).event_received,
            settings=CLIENT_SETTINGS,
            random=Random(self._cluster.random.random()),
        )

    def _end(self) -> None:
        reporting, self._reporting = self._reporting, None
        if reporting is None:
            return
        if reporting.called:
            reporting.addCallback(lambda each: Deferred.fromCoroutine(each.close()))
        else:
            reporting.cancel()
        reporting.addErrback(lambda _: None)

    def _hear(self, event: Message) -> None:
        """A node says something to this connection alone."""
        assert isinstance(event, Event)
        self._tell(event)

    def _tell(self, event: Event) -> None:
        for callback in self._callbacks:
            callback(event)

    def close(self) -> Deferred[None]:
        """Say goodbye everywhere."""
        self._end()
        for client in self._at_nodes:
            client.close()
        return succeed(None)


class _Narrowed:
    """A whole stream as one is told it who wants less of it."""

    def __init__(self, key: StreamKey, tell: Callable[[Event], None]) -> None:
        self._key = key
        self._tell = tell
        self._last = 0
        self._initial: list[Event] | None = None

    def event_received(self, event: Event) -> None:
        """The next event of the whole stream."""
        key = self._key
        if isinstance(event, m.EventActivityReport) and event.activity != END:
            self._last = event.reporting_event_sequence_number
            self._initial = [event]
        elif isinstance(event, m.EventPlaceAgentState):
            assert self._initial is not None
            if key.accepts(event):
                self._initial.append(key.narrowed(event))
        elif isinstance(event, m.EventActivityReport):
            assert self._initial is not None
            begin, *states = self._initial
            assert isinstance(begin, m.EventActivityReport)
            for each in (replace(begin, number_of_agents=len(states)), *states, event):
                self._tell(each)
        elif key.accepts(event):
            number = event.reporting_event_sequence_number
            self._tell(numbered(event, number, self._last if key.narrows else 0))
            self._last = number


class ComposingCluster(Cluster):
    """A cluster whose reporting clients are connected to all nodes, and to no proxy."""

    def script_client(self, number: int, client: ScriptClient) -> Any:
        """Connect a client of a script: a reporting client when it asks for a stream."""
        if not client.reports:
            return super().script_client(number, client)
        host = f"reporting{len(self._processes) + 1}"
        process = self._processes[host] = ProcessClock(self.clock)
        return ComposingClient(self, client.name, host, process)

    def lose_client(self, client: Any) -> None:
        """Break all connections of a client."""
        if isinstance(client, ComposingClient):
            self.network.lose(client.host)
            client.begin()
        else:
            super().lose_client(client)

    def kill_client(self, client: Any) -> None:
        """A client's program dies."""
        if isinstance(client, ComposingClient):
            client.process.kill()
            self.network.vanish(client.host)
        else:
            super().kill_client(client)
