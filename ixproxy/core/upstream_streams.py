"""
The proxy's own reporting stream of each node.

Theory of operation: as long as anybody reports through this proxy it has one
stream of every node that is linked, of all the tenants there, in its own name
(client 0). It is asked for when the first subscriber comes, or the node; it is
ended when the last subscriber has gone. What a node sends is handed to the
composer, from the `Begin` after its answer on; all before that is of a stream
that is over. A stream that missed something is asked for anew, at most once a
second for each node. One that does not come to its `End` in time keeps nobody
waiting any longer; it counts when it does.

What a restart loses, and who restores it: all of it; new streams begin with
full states.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from enum import Enum

from ixproxy.core.composing import Composer
from ixproxy.core.links import Link
from ixproxy.core.pending import Pending
from ixproxy.core.state import ProxyState, error_code
from ixproxy.messages import (
    EventActivityReport,
    RequestStartPlaceAgentStateReportingAll,
    RequestStopPlaceAgentStateReportingAll,
)
from ixproxy.messages.message import Event
from ixproxy.values import NodeName
from ixproxy.wire.codec import decode
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Frame
from ixproxy.wire.streams import BEGIN

SPACING = 1.0
"""Seconds between two beginnings of one node's stream, at least."""
AFTER_REFUSAL = 10.0
"""The same after the node refused."""


class Stage(Enum):
    """How far the stream of a node is."""

    WAITS = "waits to be asked for"
    ASKED = "asked for"
    ANSWERED = "granted"
    BEGUN = "begun"


class Source:
    """
    The stream of one node.

    :ivar asked: the node may have begun it: it was asked for at least once.
    :ivar tenants: what it was asked for.
    :ivar again_at: when it may be asked for, while it waits.
    :ivar due: when its `End` must have come; None: it has, or was given up.
    :ivar settled: nobody waits for its state: it is there, or was given up.
    :ivar starting: the request for it under way.
    :ivar refusal: the code that it was refused with last.
    """

    __slots__ = (
        "again_at",
        "asked",
        "due",
        "refusal",
        "settled",
        "stage",
        "starting",
        "tenants",
    )

    def __init__(self, now: float, due: float) -> None:
        self.stage = Stage.WAITS
        self.asked = False
        self.tenants: frozenset[int] = frozenset()
        self.again_at = now
        self.due: float | None = due
        self.settled = False
        self.starting: _Starting | None = None
        self.refusal = 0


class UpstreamStreams:
    """
    The streams of all nodes, and what is composed of them.

    :param settled: is called when one node less may be waited for, and nothing was composed.
    :ivar composer: what is known of all agents.
    :ivar wanted: somebody reports.
    """

    def __init__(self, state: ProxyState, settled: Callable[[], None]) -> None:
        self._state = state
        self._settled = settled
        self._sources: dict[NodeName, Source] = {}
        self._started: dict[NodeName, float] = {}
        """When the stream of a node was asked for last."""
        self._known: set[NodeName] = set()
        """Nodes of which the composer has heard."""
        self.composer = Composer()
        self.wanted = False
        self._counted: Counter[str] = Counter()
        """What earlier composers met."""

    @property
    def counters(self) -> Counter[str]:
        """What composers met so far."""
        return self._counted + self.composer.counters

    @property
    def ready(self) -> bool:
        """Whether no node is waited for: a full state can be told."""
        return all(
            link.name in self._sources and self._sources[link.name].settled
            for link in self._state.links.values()
            if link.linked
        )

    def want(self) -> None:
        """The first subscriber came."""
        self.wanted = True
        for link in self._state.links.values():
            self.linked(link)

    def drop(self) -> None:
        """The last subscriber has gone."""
        self.wanted = False
        for name, source in self._sources.items():
            link = self._state.links[name]
            if link.linked and source.asked:
                message = RequestStopPlaceAgentStateReportingAll()
                self._state.ask(link, message, None, why="reporting")
        self._sources.clear()
        self._known.clear()
        self._counted += self.composer.counters
        self.composer = Composer()

    def linked(self, link: Link) -> None:
        """A node is offered for work: ask for its stream."""
        if self.wanted and link.linked and link.name not in self._sources:
            now = self._state.now
            source = Source(now, now + self._state.settings.request_timeout)
            self._sources[link.name] = source
            self._start_when_due(link, source)

    def lost(self, node: NodeName) -> list[Event]:
        """A link is lost; what reporting clients see of that."""
        self._sources.pop(node, None)
        self._started.pop(node, None)
        return self.composer.source_lost(node) if node in self._known else []

    def removed(self, node: NodeName) -> list[Event]:
        """A node left the deployment for good; what reporting clients see of that."""
        self._sources.pop(node, None)
        if node not in self._known:
            return []
        self._known.remove(node)
        return self.composer.source_removed(node)

    def deployment_changed(self) -> None:
        """Nodes may work for other tenants now."""
        for name, source in self._sources.items():
            link = self._state.links[name]
            if source.tenants != link.facts.tenants and source.stage is not Stage.WAITS:
                self._start_anew(link, source)

    def event_received(self, link: Link, frame: Frame) -> list[Event]:
        """
        An event of a node's stream; what reporting clients see of it.

        :raise RemoteProtocolError: it makes no sense.
        """
        state, source, composer = self._state, self._sources.get(link.name), self.composer
        if source is None or source.stage not in (Stage.ANSWERED, Stage.BEGUN):
            state.counters["events of no stream"] += 1
            return []
        event = decode(frame)
        if not isinstance(event, Event):
            return []
        if isinstance(event, EventActivityReport) and event.activity == BEGIN:
            source.stage = Stage.BEGUN
            self._known.add(link.name)
            composer.source_joined(link.name, link.facts.dbid)
        elif source.stage is Stage.ANSWERED:
            state.counters["events of no stream"] += 1
            return []
        composed = composer.event_received(link.name, event)
        if composer.wants_restart:
            self._start_who_missed()
        elif source.due is not None and composer.synced(link.name):
            source.due = None
            source.settled = True
        return composed

    def ticked(self) -> list[Event]:
        """Some time passed: ask again, give up who is late; what reporting clients see of it."""
        state = self._state
        for name, source in self._sources.items():
            link = state.links[name]
            if source.due is not None and state.now >= source.due:
                self._give_up(link, source)
            if source.stage is Stage.WAITS and state.now >= source.again_at:
                self._start(link, source)
        return self.composer.time_passed(state.now, state.settings.node_loss_grace)

    def _give_up(self, link: Link, source: Source) -> None:
        """Nobody waits for its state any longer."""
        source.due = None
        source.settled = True
        self._state.counters["streams not begun in time"] += 1
        self._state.note(
            "warn",
            "{link} does not tell the states of its agents: reporting goes on without them",
            link=str(link),
        )

    def _start_who_missed(self) -> None:
        missed, self.composer.wants_restart = self.composer.wants_restart, set()
        for name in missed:
            link, source = self._state.links.get(NodeName(name)), self._sources.get(NodeName(name))
            if link is not None and source is not None:
                self._state.counters["streams begun anew"] += 1
                self._state.note(
                    "warn", "Events of {link} were missed: its stream begins anew", link=str(link)
                )
                self._start_anew(link, source)

    def _start_anew(self, link: Link, source: Source) -> None:
        source.stage, source.starting = Stage.WAITS, None
        self._start_when_due(link, source)

    def _start_when_due(self, link: Link, source: Source) -> None:
        source.again_at = self._started.get(link.name, float("-inf")) + SPACING
        if self._state.now >= source.again_at:
            self._start(link, source)

    def _start(self, link: Link, source: Source) -> None:
        state = self._state
        if state.no_way_to(link, None):
            source.again_at = state.now + SPACING
            return
        source.stage = Stage.ASKED
        source.asked = True
        self._started[link.name] = state.now
        if source.settled:
            source.due = state.now + state.settings.request_timeout
        source.tenants = link.facts.tenants
        source.starting = _Starting(self, source)
        message = RequestStartPlaceAgentStateReportingAll(
            tenants={str(tenant): tenant for tenant in sorted(source.tenants)}
        )
        state.ask(link, message, source.starting, why="reporting")

    def refused(self, link: Link, source: Source, code: int) -> None:
        """A node tells nothing of itself; it is asked again later."""
        source.stage, source.due, source.settled = Stage.WAITS, None, True
        source.again_at = self._state.now + AFTER_REFUSAL
        self._state.counters["streams refused"] += 1
        if code != source.refusal:
            source.refusal = code
            self._state.note(
                "warn", "{link} refuses its reporting stream: {code}", link=str(link), code=code
            )
        self._settled()

    def silent(self, link: Link, source: Source) -> None:
        """A node did not answer in time; what it says later is of no stream."""
        source.stage = Stage.WAITS
        source.again_at = self._state.now + SPACING


class _Starting:
    """One request for a stream."""

    def __init__(self, streams: UpstreamStreams, source: Source) -> None:
        self._streams = streams
        self._source = source

    @property
    def _is_over(self) -> bool:
        return self._source.starting is not self or self._source.stage is not Stage.ASKED

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """The stream follows, or there is none."""
        if self._is_over:
            return
        if frame.kind == Kind.ERROR:
            self._streams.refused(link, self._source, error_code(frame))
        else:
            self._source.stage = Stage.ANSWERED
            self._source.refusal = 0

    def lost(self, link: Link, pending: Pending) -> None:
        """Time is up, or the link is gone, and with it the stream."""
        if not self._is_over:
            self._streams.silent(link, self._source)
