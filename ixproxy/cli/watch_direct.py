"""
Watches all nodes at once, past the proxies: their streams are made into one here.

Theory of operation: each node has a client of its own, which asks for the whole
stream of the tenants, for what is left out cannot be composed. `Composer` makes
one stream of them, which is narrowed and numbered here. It begins when every
node that was reached at the start has told its state; others join later, and
what they have then is told as events.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace
from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.python.failure import Failure

from ixproxy import messages as m
from ixproxy.cli.connecting import dial
from ixproxy.cli.outcomes import UsageError
from ixproxy.cli.output import Output
from ixproxy.cli.watch_stream import Watch
from ixproxy.client import Client
from ixproxy.client.places import Where
from ixproxy.config import (
    Cluster,
    Deployment,
    NodeApplication,
    ProxyApplication,
    ServerApplication,
    client_view,
)
from ixproxy.core.composing import Composer
from ixproxy.errors import NodeUnavailable, RequestRefused
from ixproxy.messages.message import Event, Message
from ixproxy.wire.streams import BEGIN, END, Numbering, StreamFilter, filter_of, numbered

EVER = 1 << 30
"""Rounds of attempts to reach a node that was not there."""


class NodePlace(NamedTuple):
    """A node, and where it is."""

    name: str
    place: Where


def nodes_of(deployment: Deployment, application: str) -> list[NodePlace]:
    """
    The nodes that are, or stand behind, an application of a deployment file.

    :raise UsageError: there is none such, or no node.
    """
    named = deployment.applications.get(application)
    if named is None:
        there = ", ".join(deployment.applications) or "none"
        raise UsageError(f"no application {application!r} in the file; there are: {there}")
    nodes = dict.fromkeys(_behind(deployment, [named]))
    if not nodes:
        raise UsageError(f"{application} is no node and has none behind it")
    return [NodePlace(name, client_view(deployment, name).place) for name in nodes]


def _behind(deployment: Deployment, applications: Iterable[object]) -> Iterator[str]:
    for each in applications:
        match each:
            case NodeApplication():
                yield each.name
            case ProxyApplication():
                yield from (node.name for node in deployment.nodes_behind(each.name))
            case Cluster() | ServerApplication():
                connected = deployment.connected(each.connections)
                yield from _behind(deployment, map(deployment.applications.get, connected))


class Together:
    """
    The streams of some nodes as one.

    :param wanted: what of it is wanted.
    :param told: is told the stream.
    """

    def __init__(self, wanted: StreamFilter, told: Watch) -> None:
        self._wanted = wanted
        self._told = told
        self._composer = Composer()
        self._numbers = Numbering()
        self._shown = 0
        """The number of the last event that was told."""
        self._begun = False
        self._awaited: set[str] = set()
        self.anew: dict[str, Any] = {}
        """Node to what asks for its stream once more."""

    def await_(self, nodes: Iterable[str]) -> None:
        """The initial state is not whole without these."""
        self._awaited.update(nodes)

    def joined(self, node: str, dbid: int) -> None:
        """A node's stream is about to be asked for."""
        self._composer.source_joined(node, dbid)

    def lost(self, node: str) -> None:
        """A node is away."""
        self._tell(self._composer.source_lost(node))
        self._no_longer_awaited(node)

    def event_received(self, node: str, event: Message) -> None:
        """A node told something."""
        if not isinstance(event, Event):
            return
        self._tell(self._composer.event_received(node, event))
        if self._composer.synced(node):
            self._no_longer_awaited(node)
        for each in sorted(self._composer.wants_restart):
            self._told.gaps += 1
            self.anew[each]()

    def _no_longer_awaited(self, node: str) -> None:
        self._awaited.discard(node)
        if self._awaited or self._begun:
            return
        self._begun = True
        tenants = self._wanted.tenants
        states = [each for each in self._composer.states(tenants) if self._wanted.accepts(each)]
        begin = m.EventActivityReport(activity=BEGIN, number_of_agents=len(states))
        for event in (begin, *states, m.EventActivityReport(activity=END)):
            self._told.event_received(event)

    def _tell(self, events: Iterable[Event]) -> None:
        # What comes before the whole state is part of it.
        for event in events if self._begun else ():
            number = self._numbers.next()
            if self._wanted.accepts(event):
                previous = self._shown if self._wanted.narrows else 0
                self._told.event_received(numbered(event, number, previous))
                self._shown = number


async def watch_nodes(
    reactor: Any,
    args: Namespace,
    nodes: Sequence[NodePlace],
    tenants: Sequence[int],
    request: m.RequestStartPlaceAgentStateReportingAll,
    watch: Watch,
    output: Output,
) -> None:
    """
    Watch all nodes until it is enough.

    :raise NodeUnavailable: none of them could be reached.
    :raise RequestRefused: a node refused its stream.
    """
    clients: dict[str, Client] = {}
    later: list[Deferred[None]] = []
    try:
        failures = await _reach(reactor, args, nodes, tenants, clients)
        served = {id for client in clients.values() for id in client.server.tenants}
        wanted = filter_of(tenants or served, request.filter)
        whole = replace(request, filter={})
        together = Together(wanted, watch)
        together.await_(clients)
        for name, problem in failures.items():
            output.note(f"{name} is not there, and waited for: {problem}")
        for each in nodes:
            if each.name in failures:
                joining = _join_later(reactor, args, each, tenants, whole, together, watch, clients)
                later.append(Deferred.fromCoroutine(joining))
                later[-1].addErrback(_unless_cancelled, watch)
        for name, client in tuple(clients.items()):
            await _join(name, client, whole, together, watch)
        await watch.over
    finally:
        for waiting in later:
            waiting.cancel()
        await DeferredList([client.close() for client in clients.values()], consumeErrors=True)


async def _reach(
    reactor: Any,
    args: Namespace,
    nodes: Sequence[NodePlace],
    tenants: Sequence[int],
    clients: dict[str, Client],
) -> dict[str, NodeUnavailable]:
    """Connect to all of them; why it could not be done, where nobody answered."""
    failures: dict[str, NodeUnavailable] = {}

    async def reach(node: NodePlace) -> None:
        try:
            clients[node.name] = await dial(reactor, args, node.place, tenants)
        except NodeUnavailable as problem:
            failures[node.name] = problem

    for done, result in await DeferredList(
        [Deferred.fromCoroutine(reach(node)).addBoth(_outcome) for node in nodes]
    ):
        assert done, result
        if isinstance(result, Exception):
            raise result
    if not clients:
        raise next(iter(failures.values()))
    return failures


def _outcome(result: Failure | None) -> Exception | None:
    if result is None:
        return None
    assert isinstance(result.value, Exception)
    return result.value


async def _join_later(
    reactor: Any,
    args: Namespace,
    node: NodePlace,
    tenants: Sequence[int],
    request: m.RequestStartPlaceAgentStateReportingAll,
    together: Together,
    watch: Watch,
    clients: dict[str, Client],
) -> None:
    client = await dial(reactor, args, node.place, tenants, rounds=EVER)
    clients[node.name] = client
    await _join(node.name, client, request, together, watch)


async def _join(
    name: str,
    client: Client,
    request: m.RequestStartPlaceAgentStateReportingAll,
    together: Together,
    watch: Watch,
) -> None:
    """Ask a node for its stream, now and whenever it is needed anew."""

    def moved(server: m.ServerFacts | None) -> None:
        if client.closing:
            return
        if server is None:
            together.lost(name)
        else:
            together.joined(name, server.dbid)

    def anew() -> None:
        together.joined(name, client.server.dbid)
        client.request(request).addErrback(lambda failure: failure.trap(RequestRefused))

    client.on_event(lambda event: together.event_received(name, event))
    client.on_connection(moved)
    client.on_not_restored(lambda _, problem: watch.failed(problem))
    together.anew[name] = anew
    together.joined(name, client.server.dbid)
    await client.request(request)


def _unless_cancelled(failure: Failure, watch: Watch) -> None:
    if not failure.check(CancelledError):
        assert isinstance(failure.value, Exception)
        watch.failed(failure.value)
