"""
Reporting streams to clients: one for all that want the same.

Theory of operation: a stream is encoded once. What happens within one input is
gathered, joined, and handed to all its subscribers as the same bytes, so what
one of them costs is a list entry and its share of a `socket.send`. All streams
of the same tenants count alike: a filtered one says with each event which
number came before it there. An initial state is put out for one subscriber at
a time, between two events of the stream, so nothing is missed or repeated; it
is kept for the next one until something happens. A subscriber is a connection
that is a client itself: who is behind a proxy has its stream of that proxy.

What a restart loses, and who restores it: all of it; clients ask for their
streams again and get full states.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from msgspec.structs import replace

from ixproxy.core.clients import Peer
from ixproxy.core.state import ProxyState
from ixproxy.messages import EventActivityReport, EventPlaceAgentState
from ixproxy.messages.message import Event
from ixproxy.wire.codec import encode
from ixproxy.wire.prefix import DEFAULT_MAX_FRAME
from ixproxy.wire.shortening import SHORTENED, shortened
from ixproxy.wire.streams import BEGIN, END, Numbering, StreamKey, numbered

States = Iterable[EventPlaceAgentState]

CHUNK = 64 << 10
"""Bytes of an initial state that are joined: a socket's buffer takes as much at once."""


class Stream:
    """
    What belongs to one key, as it is sent to everybody who wants it.

    :ivar last: the number of its last event; before the first, of the last
        event that was not for it.
    """

    def __init__(self, state: ProxyState, wanted: StreamKey, last: int) -> None:
        self._state = state
        self.wanted = wanted
        self._narrows = wanted.narrows
        self.last = last
        self._peers: dict[Peer, None] = {}
        self._readers: tuple[Peer, ...] | None = None
        """The same; None: they have changed."""
        self._shortest = DEFAULT_MAX_FRAME
        """The longest frame that each of them takes."""
        self._gathered: list[bytes] = []
        self._initial = _NOTHING_YET

    def __len__(self) -> int:
        return len(self._peers)

    def add(self, peer: Peer) -> None:
        """A subscriber gets what happens from now on."""
        self._peers[peer] = None
        self._readers = None
        self._shortest = min(self._shortest, peer.max_frame)

    def remove(self, peer: Peer) -> None:
        """A subscriber gets nothing more; harmless when it was none."""
        self._peers.pop(peer, None)
        self._readers = None
        self._shortest = min((each.max_frame for each in self._peers), default=DEFAULT_MAX_FRAME)

    def gather(self, event: Event, number: int) -> bool:
        """
        Something happened; `hand_on` tells it.

        :return: whether that is to be called for what it has now.
        """
        event = numbered(event, number, self.last if self._narrows else 0)
        self.last = number
        self._initial = _NOTHING_YET
        raw = encode(event)
        if len(raw) - 4 <= self._shortest:
            self._gathered.append(raw)
            return len(self._gathered) == 1
        self.hand_on()
        short = encode(shortened(event))
        for peer in self._peers:
            fits = raw if len(raw) - 4 <= peer.max_frame else short
            if len(fits) - 4 <= peer.max_frame:
                peer.send(fits)
            else:
                self._state.counters["events too long"] += 1
        return False

    def hand_on(self) -> None:
        """Put out what was gathered, to all alike."""
        gathered = self._gathered
        if not gathered:
            return
        if self._readers is None:
            self._readers = tuple(self._peers)
        together = gathered[0] if len(gathered) == 1 else b"".join(gathered)
        self._state.outputs.share(together, self._readers)
        gathered.clear()

    def begin(self, peer: Peer, states: Callable[[], States], version: int) -> None:
        """
        Tell one subscriber the state of all agents; what happens follows.

        :param states: makes those of the tenants of the stream.
        :param version: changes with each of them.
        """
        self.hand_on()
        initial, longest = self._initial, peer.max_frame
        if (initial.version, initial.longest) != (version, longest):
            chunks = list(self._encoded(states(), longest))
            initial = self._initial = _Initial(version, longest, chunks)
        peer.extra = max(peer.extra, sum(map(len, initial.chunks)))
        for chunk in initial.chunks:
            peer.send(chunk)
        self.add(peer)

    def _encoded(self, states: States, longest: int) -> Iterator[bytes]:
        told = [raw for state in states for raw in self._told(state, longest)]
        begin = EventActivityReport(
            activity=BEGIN,
            number_of_agents=len(told),
            reporting_event_sequence_number=self.last,
        )
        chunk, size = [encode(begin)], 0
        for raw in told:
            chunk.append(raw)
            size += len(raw)
            if size >= CHUNK:
                yield b"".join(chunk)
                chunk, size = [], 0
        chunk.append(encode(EventActivityReport(activity=END)))
        yield b"".join(chunk)

    def _told(self, state: EventPlaceAgentState, longest: int) -> Iterator[bytes]:
        """One agent's state, if it belongs into the stream."""
        if not self.wanted.accepts(state):
            return
        for shown in _ever_shorter(self.wanted.narrowed(state)):
            raw = encode(shown)
            if len(raw) - 4 <= longest:
                yield raw
                return
        self._state.counters["events too long"] += 1


class _Initial(NamedTuple):
    """An initial state, encoded for hops that take frames of so many bytes."""

    version: int
    longest: int
    chunks: list[bytes]


_NOTHING_YET = _Initial(-1, 0, [])


def _ever_shorter(state: EventPlaceAgentState) -> Iterator[EventPlaceAgentState]:
    """A state, and what can be told of it where there is less room."""
    yield state
    less = replace(state, extension={**state.extension, SHORTENED: 1})
    held = {
        identifier: {key: value for key, value in properties.items() if key != "UserData"}
        for identifier, properties in state.interactions.items()
    }
    yield replace(less, interactions=held)
    yield replace(less, interactions={identifier: {} for identifier in held})
    yield replace(less, interactions={}, parties={})


class Counting:
    """
    All streams of the same tenants, which count alike.

    :ivar streams: them by their keys; at least one.
    """

    __slots__ = ("numbering", "streams")

    def __init__(self) -> None:
        self.numbering = Numbering()
        self.streams: dict[StreamKey, Stream] = {}
