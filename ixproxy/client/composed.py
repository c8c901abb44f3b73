"""
One reporting stream for a client that is connected to all nodes itself.

    composed = ComposedStream(clients)
    composed.on_event(callback)
    await composed.start()

Theory of operation: each of the clients is connected to one node, and asks it
for its whole stream. The streams are composed as a proxy composes them
(`ixproxy.core.composing`): the callbacks hear `Begin`, the states of all
agents, `End`, and then what happens, numbered from the number that `Begin`
carries. So it is again when no node was connected. A node that is away keeps what it had; a client that comes back begins
its node's stream anew, and what was missed is told as events marked `Resync`.
A stream that has a gap is asked for again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger
from twisted.python.failure import Failure

from ixproxy import messages as m
from ixproxy.client.client import Client
from ixproxy.client.in_flight import Answer
from ixproxy.core.composing import Composer
from ixproxy.messages.message import Event, Message
from ixproxy.wire.streams import BEGIN, END, Numbering, StreamKey, numbered

_IN_STREAMS = (m.EventActivityReport, m.EventPlaceAgentState)


class ComposedStream:
    """
    The streams of some nodes as one.

    :param clients: by a name for its node: clients of type ReportingEngine,
        each connected to one node.
    :param wanted: what belongs into the stream; None: everything.
    """

    log = Logger()

    def __init__(self, clients: Mapping[str, Client], wanted: StreamKey | None = None) -> None:
        self._clients = dict(clients)
        self._wanted = wanted
        self._composer = Composer()
        self._callbacks: list[Callable[[Event], None]] = []
        self._numbering = Numbering()
        self._last = 0
        self._begun = False
        self._running = False
        self._away: set[str] = set()
        for name, client in self._clients.items():
            client.on_event(partial(self._heard, name))
            client.on_connection(partial(self._moved, name))

    @property
    def counters(self) -> Counter[str]:
        """What the composer met so far."""
        return self._composer.counters

    def on_event(self, callback: Callable[[Event], None]) -> None:
        """Have `callback` told every event of the stream."""
        self._callbacks.append(callback)

    async def start(self, wanted: StreamKey | None = None) -> None:
        """
        Begin the stream, or begin it anew.

        :param wanted: what belongs into it from now on; None: everything.
        :raise ixproxy.errors.RequestRefused: every node refuses, the first one so.
        """
        self._wanted = wanted
        self._begun = False
        if self._running:
            self._begin()
            return
        self._running = True
        asked = []
        for name, client in self._clients.items():
            if client.connected:
                asked.append(self._ask(name))
            else:
                self._away.add(name)
        outcomes: list[tuple[bool, Any]] = await DeferredList(asked, consumeErrors=True)
        failed = [outcome for _, outcome in outcomes if isinstance(outcome, Failure)]
        if failed and len(failed) == len(outcomes):
            self._running = False
            failed[0].raiseException()
        self._begin()

    async def stop(self) -> None:
        """End the stream, on all nodes."""
        self._running = self._begun = False
        self._composer, self._away = Composer(), set()
        stop = m.RequestStopPlaceAgentStateReportingAll()
        asked = [client.ask(stop) for client in self._clients.values() if client.connected]
        await DeferredList(asked, consumeErrors=True)

    def _ask(self, name: str) -> Deferred[Answer]:
        """Ask a node for its stream, which begins anew if there is one."""
        client = self._clients[name]
        self._away.discard(name)
        self._composer.source_joined(name, client.server.dbid)
        return client.ask(m.RequestStartPlaceAgentStateReportingAll())

    def _moved(self, name: str, facts: m.ServerFacts | None) -> None:
        """A client has lost its connection, or has one again and asks for its stream by itself."""
        if not self._running:
            return
        if facts is None:
            self._away.add(name)
            self._tell(self._composer.source_lost(name))
            # Who is away from all of them is told anew how everything is then.
            self._begun = self._begun and len(self._away) < len(self._clients)
        else:
            self._away.discard(name)
            self._composer.source_joined(name, facts.dbid)
        self._begin()

    def _heard(self, name: str, event: Message) -> None:
        if not self._running or not isinstance(event, Event):
            return
        if isinstance(event, _IN_STREAMS) or event.reporting_event_sequence_number:
            self._tell(self._composer.event_received(name, event))
            for broken in tuple(self._composer.wants_restart):
                self._ask(broken).addErrback(self._lacks, broken)
            self._begin()

    def _lacks(self, failure: object, name: str) -> None:
        text = "{node} does not begin its stream anew: {failure}"
        self.log.warn(text, node=name, failure=failure)

    def _begin(self) -> None:
        """Tell the state of all agents, as soon as no node's is waited for."""
        waited = [name for name in self._clients if name not in self._away]
        if self._begun or not all(map(self._composer.synced, waited)):
            return
        self._begun = True
        states: list[Event] = [
            state if self._wanted is None else self._wanted.narrowed(state)
            for state in self._composer.states(self._tenants())
            if self._wanted is None or self._wanted.accepts(state)
        ]
        self._last = self._numbering.last
        begin = m.EventActivityReport(
            activity=BEGIN,
            number_of_agents=len(states),
            reporting_event_sequence_number=self._last,
        )
        self._hand_on([begin, *states, m.EventActivityReport(activity=END)])

    def _tenants(self) -> frozenset[int]:
        if self._wanted is not None:
            return self._wanted.tenants
        servers = (client.server for client in self._clients.values())
        return frozenset(tenant for server in servers for tenant in server.tenants)

    def _tell(self, events: Iterable[Event]) -> None:
        """Number what happened, and hand on what belongs into the stream."""
        for event in events:
            number = self._numbering.next()
            if self._begun and (self._wanted is None or self._wanted.accepts(event)):
                narrow = self._wanted is not None and self._wanted.narrows
                told = numbered(event, number, self._last if narrow else 0)
                self._last = number
                self._hand_on([told])

    def _hand_on(self, events: Iterable[Event]) -> None:
        for event in events:
            for callback in tuple(self._callbacks):
                try:
                    callback(event)
                except Exception:
                    self.log.failure("A callback failed on {event}", event=type(event).__name__)


