"""
Reporting through the proxy: one stream composed of all nodes' streams.

Theory of operation: clients ask for a stream and are answered by the proxy
itself. The first one has the proxy ask every node for its stream, and the last
one that goes ends these (`upstream_streams`). What nodes send is composed to
what happened (`composing`) and goes to all who want it (`subscribers`). A
stream begins with the state of all agents as soon as no linked node's state is
waited for; one subscriber has one stream, which begins anew with each request
that changes it, at most once a second. A subscriber that does not keep up is
closed by whoever sends; a proxy that does not loses its stream only.

What a restart loses, and who restores it: all of it; clients ask for their
streams again and get full states.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import partial

from ixproxy.core.clients import Client, Peer
from ixproxy.core.links import Link
from ixproxy.core.state import Asked, ProxyState
from ixproxy.core.subscribers import Counting, Stream
from ixproxy.core.upstream_streams import SPACING, UpstreamStreams
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import (
    EventAck,
    EventActivityReport,
    RequestStartPlaceAgentStateReporting,
    RequestStartPlaceAgentStateReportingAll,
    RequestStopPlaceAgentStateReporting,
    RequestStopPlaceAgentStateReportingAll,
)
from ixproxy.messages.message import Event, Message
from ixproxy.values import ClientType, NodeName
from ixproxy.wire.codec import decode, encode
from ixproxy.wire.prefix import Frame
from ixproxy.wire.streams import LOST, StreamKey, tenants_of
from ixproxy.wire.subscribing import Subscribed, check_streams

_STARTS = RequestStartPlaceAgentStateReportingAll | RequestStartPlaceAgentStateReporting
NOTE_SPACING = 10.0
"""Seconds between two words about events that fit nothing, at least."""
UNFIT = "events without a state"


class Subscriber:
    """
    One reporting client.

    :ivar subscribed: what it asked for.
    :ivar stream: None: it waits for its initial state.
    """

    __slots__ = ("client", "stream", "subscribed")

    def __init__(self, client: Client) -> None:
        self.client = client
        self.subscribed = Subscribed()
        self.stream: Stream | None = None


class Streams:
    """
    All reporting through one proxy.

    :ivar gathered: streams with something that was not handed on; empty
        between two inputs.
    """

    def __init__(self, state: ProxyState) -> None:
        self._state = state
        self._upstream = UpstreamStreams(state, self._begin)
        self._subscribers: dict[Client, Subscriber] = {}
        self._waiting: dict[Subscriber, None] = {}
        self._countings: dict[frozenset[int], Counting] = {}
        self._wanted: Counter[StreamKey] = Counter()
        """What clients asked for, and how many of them asked for the same."""
        self.gathered: list[Stream] = []
        self._version = 0
        """Counts what changes the state of all agents."""
        self._unfit = 0
        self._unfit_noted_at = float("-inf")

    @property
    def subscribers(self) -> int:
        """How many clients have a stream, or wait for it."""
        return len(self._subscribers)

    @property
    def number(self) -> int:
        """How many different streams there are."""
        return sum(len(counting.streams) for counting in self._countings.values())

    def start(self, asked: Asked) -> None:
        """
        A client asks for a stream, or for its end.

        :raise RemoteProtocolError: the request cannot be decoded.
        """
        client, message = asked.client, decode(asked.frame)
        subscriber = self._subscribers.get(client)
        before = subscriber.subscribed if subscriber is not None else Subscribed()
        try:
            after = self._after(client, before, message)
            if after.key is not None and client.type != ClientType.PROXY:
                check_streams(self._wanted, after.key, before.key)
        except RequestRefused as refusal:
            self._state.refuse(asked, refusal.code, refusal.description)
            return
        self._state.answer_message(asked, EventAck())
        if not after.each:
            self.leave(client)
        elif after != before or isinstance(message, _STARTS):
            self._subscribe(client, after)

    def _after(self, client: Client, before: Subscribed, message: Message) -> Subscribed:
        """
        What a client has asked for with this request.

        :raise RequestRefused: it asks for what it may not have, or what makes no sense.
        """
        if client.number:
            raise RequestRefused(
                Code.NOT_ALLOWED, "a client behind a proxy has its stream of that proxy"
            )
        match message:
            case RequestStartPlaceAgentStateReportingAll():
                tenants = self._tenants(client, tenants_of(message.tenants))
                return before.begin_all(tenants, message)
            case RequestStartPlaceAgentStateReporting():
                self._tenants(client, frozenset({message.tenant_id}))
                return before.begin(message)
            case RequestStopPlaceAgentStateReporting():
                return before.end(message)
            case _:
                assert isinstance(message, RequestStopPlaceAgentStateReportingAll)
                return before.end_all()

    def _tenants(self, client: Client, named: frozenset[int]) -> frozenset[int]:
        """
        The tenants of a stream: those that are named, narrowed to the client's; or all of these.

        :raise RequestRefused: one is not known, or none is the client's.
        """
        known = self._state.deployment.tenants
        for tenant in sorted(named):
            if tenant not in known:
                raise RequestRefused(Code.UNKNOWN_TENANT, f"tenant {tenant} is not known here")
        tenants = frozenset(tenant for tenant in named or known if client.may_use(tenant))
        if not tenants:
            raise RequestRefused(
                Code.NOT_ALLOWED,
                f"{client.name!r} does not work for tenant {', '.join(map(str, sorted(named)))}",
            )
        return tenants

    def _subscribe(self, client: Client, subscribed: Subscribed) -> None:
        first = not self._subscribers
        subscriber = self._subscribers.get(client)
        if subscriber is None:
            subscriber = self._subscribers[client] = Subscriber(client)
        self._leave_stream(subscriber)
        self._want_no_more(subscriber)
        subscriber.subscribed = subscribed
        if subscribed.key is not None:
            self._wanted[subscribed.key] += 1
        client.peer.reporting = True
        self._waiting[subscriber] = None
        if first:
            self._upstream.want()
        self._begin()

    def _begin(self) -> None:
        """Begin the streams of those who wait, if that can be."""
        if not self._waiting or not self._upstream.ready:
            return
        self.hand_on()
        now = self._state.now
        for subscriber in list(self._waiting):
            peer = subscriber.client.peer
            if now - peer.told_at < SPACING:
                continue
            del self._waiting[subscriber]
            peer.told_at = now
            wanted = subscriber.subscribed.key
            assert wanted is not None
            counting = self._countings.setdefault(wanted.tenants, Counting())
            stream = counting.streams.get(wanted)
            if stream is None:
                last = counting.numbering.last
                stream = counting.streams[wanted] = Stream(self._state, wanted, last)
            subscriber.stream = stream
            states = partial(self._upstream.composer.states, wanted.tenants)
            stream.begin(peer, states, self._version)

    def leave(self, client: Client) -> None:
        """A client wants no stream any more, or is gone; harmless when it had none."""
        subscriber = self._subscribers.pop(client, None)
        if subscriber is None:
            return
        self._leave_stream(subscriber)
        self._want_no_more(subscriber)
        client.peer.reporting = False
        if not self._subscribers:
            self._upstream.drop()

    def _want_no_more(self, subscriber: Subscriber) -> None:
        key = subscriber.subscribed.key
        if key is not None:
            self._wanted[key] -= 1
            if not self._wanted[key]:
                del self._wanted[key]

    def _leave_stream(self, subscriber: Subscriber) -> None:
        self._waiting.pop(subscriber, None)
        stream, subscriber.stream = subscriber.stream, None
        if stream is None:
            return
        self.hand_on()
        stream.remove(subscriber.client.peer)
        if not stream:
            tenants = stream.wanted.tenants
            counting = self._countings[tenants]
            del counting.streams[stream.wanted]
            if not counting.streams:
                del self._countings[tenants]

    def outrun(self, peer: Peer) -> None:
        """A proxy does not read as fast as its stream goes on: it loses the stream, and is told."""
        client = peer.clients.get(0)
        if client is not None and client in self._subscribers:
            self._state.counters["streams lost by slow proxies"] += 1
            self._state.note(
                "warn", "Proxy {proxy} does not keep up with its stream", proxy=str(client)
            )
            self.leave(client)
            peer.send(encode(EventActivityReport(activity=LOST)))

    def event_received(self, link: Link, frame: Frame) -> None:
        """
        An event of a node's stream; `hand_on` tells what comes of it.

        :raise RemoteProtocolError: it makes no sense.
        """
        self._publish(self._upstream.event_received(link, frame))
        self._version += 1
        if self._waiting:
            self._begin()

    def _publish(self, events: Iterable[Event]) -> None:
        for event in events:
            self._state.counters["composed events"] += 1
            tenant = getattr(event, "tenant_id", None)
            for tenants, counting in self._countings.items():
                if tenant is None or tenant in tenants:
                    number = counting.numbering.next()
                    for wanted, stream in counting.streams.items():
                        if wanted.accepts(event) and stream.gather(event, number):
                            self.gathered.append(stream)

    def hand_on(self) -> None:
        """Put out all that was gathered."""
        for stream in self.gathered:
            stream.hand_on()
        self.gathered.clear()

    def node_linked(self, link: Link) -> None:
        """A node is offered for work."""
        self._upstream.linked(link)

    def node_lost(self, node: NodeName) -> None:
        """A link is lost: its agents stay as they are, as far as they may be so."""
        self._changed(self._upstream.lost(node))

    def node_removed(self, node: NodeName) -> None:
        """A node left the deployment: what only it had is over."""
        self._changed(self._upstream.removed(node))

    def deployment_changed(self) -> None:
        """Nodes may have other tenants."""
        self._upstream.deployment_changed()

    def _changed(self, events: Iterable[Event]) -> None:
        self._version += 1
        self._publish(events)
        self.hand_on()
        self._begin()

    def ticked(self) -> None:
        """Some time passed."""
        if events := self._upstream.ticked():
            self._changed(events)
        self._begin()
        self._note_unfit()

    def _note_unfit(self) -> None:
        """Say, now and then, that nodes tell what fits nothing that is known."""
        unfit = self.counters[UNFIT]
        if unfit != self._unfit and self._state.now - self._unfit_noted_at >= NOTE_SPACING:
            self._state.note(
                "warn",
                "{number} events about agents that are not logged in were dropped",
                number=unfit - self._unfit,
            )
            self._unfit, self._unfit_noted_at = unfit, self._state.now

    @property
    def counters(self) -> Counter[str]:
        """What the composer met so far, in all."""
        return self._upstream.counters
