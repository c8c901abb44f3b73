"""
Streams: which events are whose, by what numbers, encoded once.

Streams about the same tenants count together. A filtered stream has the
numbers of the whole one, and says with each event which number came before it
in the filtered one; a stream of a single kind of subscriber is made when the
first one comes, and forgotten with the last.
"""

from __future__ import annotations

from collections.abc import Iterator

from ixproxy.messages.message import Event
from ixproxy.wire.codec import encode
from ixproxy.wire.prefix import readdress
from ixproxy.wire.shortening import shortened
from ixproxy.wire.streams import Numbering, StreamKey, numbered


class Told:
    """
    One event of one stream.

    :ivar event_number: the node's number of it; `number` is the stream's.
    :ivar raw: its frame, for a peer's own client.
    """

    __slots__ = ("_event", "_short", "event_number", "number", "raw")

    def __init__(self, event: Event, number: int, previous: int) -> None:
        self._event = numbered(event, number, previous)
        self._short = b""
        self.event_number = event.event_number
        self.number = number
        self.raw = encode(self._event)

    def frame(self, client: int, max_frame: int) -> bytes:
        """The frame for a client whose peer takes frames up to `max_frame`."""
        raw = self.raw
        if len(raw) - 4 > max_frame:
            raw = self._short = self._short or encode(shortened(self._event))
        return readdress(raw, client, 0) if client else raw


class _Whole:
    """Streams about the same tenants, and their common numbers."""

    def __init__(self, tenants: frozenset[int]) -> None:
        self.tenants = tenants
        self.numbering = Numbering()
        self.streams: dict[StreamKey, Stream] = {}


class Stream:
    """
    One stream.

    :ivar last: the number of its last event.
    :ivar subscribers: how many read it.
    """

    __slots__ = ("key", "last", "narrows", "subscribers", "whole")

    def __init__(self, key: StreamKey, whole: _Whole) -> None:
        self.key = key
        self.narrows = key.narrows
        self.whole = whole
        self.last = whole.numbering.last
        self.subscribers: dict[Subscriber, None] = {}


class Subscriber:
    """Who reads a stream: told of each event."""

    def told(self, told: Told) -> None:
        """An event of the stream."""
        raise NotImplementedError


class Streams:
    """All streams of a server."""

    def __init__(self) -> None:
        self._wholes: dict[frozenset[int], _Whole] = {}

    def __len__(self) -> int:
        return sum(len(whole.streams) for whole in self._wholes.values())

    def __iter__(self) -> Iterator[Stream]:
        for whole in self._wholes.values():
            yield from whole.streams.values()

    def join(self, key: StreamKey, subscriber: Subscriber) -> Stream:
        """Have `subscriber` told of all that belongs into the stream, from now on."""
        tenants = key.tenants
        whole = self._wholes.get(tenants)
        if whole is None:
            whole = self._wholes[tenants] = _Whole(tenants)
        stream = whole.streams.get(key)
        if stream is None:
            stream = whole.streams[key] = Stream(key, whole)
        stream.subscribers[subscriber] = None
        return stream

    def leave(self, stream: Stream, subscriber: Subscriber) -> None:
        """Take a subscriber off; with the last one the stream is forgotten."""
        stream.subscribers.pop(subscriber, None)
        whole = stream.whole
        if not stream.subscribers and whole.streams.get(stream.key) is stream:
            del whole.streams[stream.key]
            if not whole.streams:
                del self._wholes[whole.tenants]

    def report(self, event: Event) -> None:
        """Tell an event to whom it concerns."""
        tenant = getattr(event, "tenant_id", 0)
        for whole in list(self._wholes.values()):
            if tenant not in whole.tenants:
                continue
            number = whole.numbering.next()
            for stream in list(whole.streams.values()):
                if not stream.key.accepts(event):
                    continue
                told = Told(event, number, stream.last if stream.narrows else 0)
                stream.last = number
                for subscriber in list(stream.subscribers):
                    subscriber.told(told)
