"""
Reporting clients of a node: their streams begun, gone on with, and ended.

Theory of operation: a subscriber *joins* its stream when the writer says so.
From then on the stream's events are kept for it, while the states are read on
a reader connection, as of an event number S that lies behind its joining.
Events up to S are in the states and are dropped; `Begin`, which names the
stream's number of the last of them, can only be told when all of them have
come from the writer. The states go out as fast as they are taken, then `End`,
then what was kept, and then events as they happen.

Nobody is waited for. A reporting client that lets more than `max-client-output`
wait is closed at once, with a reason. A proxy works for others and loses only
its stream, which ends with `Lost`; it may start it anew. States are read a
part at a time and never are much of what waits.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from twisted.logger import Logger
from twisted.python.failure import Failure

from ixproxy.errors import RequestRefused, StorageError
from ixproxy.messages import EventActivityReport
from ixproxy.messages.message import Event
from ixproxy.net.connection import FrameConnection
from ixproxy.net.long_readers import PartsRead
from ixproxy.net.node_peers import Asking, NodeClient, NodePeer
from ixproxy.net.node_state import NodeState
from ixproxy.net.reporting_streams import Stream, Streams, Subscriber, Told
from ixproxy.node.initial_states import Head, StatesWanted, states_of
from ixproxy.node.work import CloseStream, OpenStream, StreamEnded
from ixproxy.wire.codec import encode
from ixproxy.wire.streams import BEGIN, END, LOST

log = Logger()

READING = "reporting streams"
"""For whom states are read: all who join a stream have turns together."""


class _Reader(Subscriber):
    """
    One client's part in a stream.

    :ivar number: the writer's name for it.
    :ivar joined_at: the stream's last number when it joined.
    :ivar kept: events since, until the states are out; None: they are.
    :ivar head: of the states; None: not read yet.
    """

    __slots__ = (
        "begun",
        "client",
        "head",
        "joined_at",
        "kept",
        "kept_bytes",
        "now",
        "number",
        "reading",
        "reporting",
        "stream",
    )

    stream: Stream

    def __init__(self, reporting: NodeReporting, client: NodeClient, opened: OpenStream) -> None:
        self.reporting = reporting
        self.client = client
        self.number = opened.number
        self.now = opened.now
        self.joined_at = 0
        self.kept: list[Told] | None = []
        self.kept_bytes = 0
        self.head: Head | None = None
        self.begun = False
        self.reading: PartsRead | None = None

    def told(self, told: Told) -> None:
        """See `Subscriber`."""
        if self.kept is None:
            peer = self.client.peer
            peer.send(told.frame(self.client.number, peer.max_frame))
        elif self.head is None or told.event_number > self.head.as_of:
            self.kept.append(told)
            self.kept_bytes += len(told.raw)
        else:
            self.joined_at = told.number
        self.reporting.check(self)


class NodeReporting:
    """
    :param close: closes a connection that does not read what was sent to it.
    """

    def __init__(self, state: NodeState, close: Callable[[FrameConnection], None]) -> None:
        self._state = state
        self._close = close
        self._readers: dict[NodeClient, _Reader] = {}
        self._settled = 0
        self.streams = Streams()

    def __len__(self) -> int:
        return len(self._readers)

    def open(self, effect: OpenStream) -> None:
        """A client begins a stream, in place of the one that it has."""
        asking = effect.asked_by
        assert isinstance(asking, Asking)
        client, state = asking.client, self._state
        self.forget(client)
        if state.sessions.at(client.sender.session) is not client or state.stopping:
            return
        reader = _Reader(self, client, effect)
        reader.stream = self.streams.join(effect.key, reader)
        reader.joined_at = reader.stream.last
        self._readers[client] = reader
        if state.readers.full(READING):
            state.counters["busy"] += 1
            self._lose(reader, "the node's queue of long reads is full")
            return
        wanted = StatesWanted(
            effect.key, effect.now, state.dbid, client.number, client.peer.max_frame
        )
        reader.reading = state.readers.read_parts(
            lambda store: states_of(store, wanted),
            partial(self._was_read, reader),
            partial(self._all_read, reader),
            READING,
        )

    def cannot_open(self, effect: OpenStream) -> None:
        """A mistake of ours: the client must not wait for a stream that does not come."""
        asking = effect.asked_by
        if isinstance(asking, Asking):
            self.forget(asking.client)
            self._state.writer.add(StreamEnded(asking.client.sender.session, effect.number))

    def close(self, effect: CloseStream) -> None:
        """A client ends its stream."""
        asking = effect.asked_by
        assert isinstance(asking, Asking)
        self.forget(asking.client)

    def report(self, event: Event) -> None:
        """Tell an event to whom it concerns."""
        self.streams.report(event)

    def settled(self, number: int) -> None:
        """All events up to `number` were reported."""
        self._settled = number
        for reader in list(self._readers.values()):
            if not reader.begun:
                self._begin(reader)

    def forget(self, client: NodeClient) -> None:
        """A client is gone, or superseded, or wants no stream."""
        reader = self._readers.pop(client, None)
        if reader is not None:
            self.streams.leave(reader.stream, reader)
            if reader.reading is not None:
                reader.reading.stop()

    def _was_read(self, reader: _Reader, part: Head | list[bytes]) -> None:
        if isinstance(part, Head):
            reader.head = part
            self._begin(reader)
            return
        connection = reader.client.peer.connection
        if connection is not None and reader.reading is not None:
            connection.send_all(part)
            connection.when_read(reader.reading.more)

    def _begin(self, reader: _Reader) -> None:
        """Tell `Begin`, once all events that the states include have come."""
        head = reader.head
        if head is None or self._settled < head.as_of:
            return
        reader.begun = True
        kept: list[Told] = []
        reader.kept_bytes = 0
        for told in reader.kept or ():
            if told.event_number <= head.as_of:
                reader.joined_at = told.number
            else:
                kept.append(told)
                reader.kept_bytes += len(told.raw)
        reader.kept = kept
        self._bracket(reader, BEGIN, reader.joined_at, head.agents)
        if reader.reading is not None:
            reader.reading.more()

    def _bracket(self, reader: _Reader, activity: str, number: int = 0, agents: int = 0) -> None:
        report = EventActivityReport(
            event_time=reader.now,
            event_number=reader.head.as_of if reader.head is not None else 0,
            dbid=self._state.dbid,
            reporting_event_sequence_number=number,
            activity=activity,
            number_of_agents=agents,
        )
        reader.client.peer.send(encode(report, client=reader.client.number))

    def _all_read(self, reader: _Reader, problem: Failure | None) -> None:
        if problem is not None:
            reason = problem.getErrorMessage()
            if not problem.check(StorageError, RequestRefused):
                log.failure("The states of a reporting stream could not be read", failure=problem)
            self._lose(reader, reason)
            return
        self._bracket(reader, END)
        kept, reader.kept = reader.kept or [], None
        peer = reader.client.peer
        for told in kept:
            peer.send(told.frame(reader.client.number, peer.max_frame))
        self.check(reader)

    def check(self, reader: _Reader) -> None:
        """See to it that not too much waits for a subscriber."""
        connection = reader.client.peer.connection
        if connection is None:
            return
        waiting = reader.kept_bytes if reader.kept is not None else 0
        if connection.paused:
            waiting += connection.backlog
        if waiting <= self._state.limits.max_client_output:
            return
        if reader.client.peer.proxy:
            self._lose(reader, f"{waiting} bytes wait to be read")
        else:
            self._too_slow(reader.client)

    def exceeded(self, peer: NodePeer) -> bool:
        """Whether a peer that lets too much wait has a stream of its own, and is closed for it."""
        client = peer.clients.get(0)
        if client is None or peer.proxy or client not in self._readers:
            return False
        self._too_slow(client)
        return True

    def _too_slow(self, client: NodeClient) -> None:
        connection = client.peer.connection
        log.warn("{client} does not read its reporting stream; closed", client=str(client))
        self._state.counters["slow reporting clients closed"] += 1
        self.forget(client)
        if connection is not None:
            self._close(connection)

    def _lose(self, reader: _Reader, reason: str) -> None:
        """A stream cannot go on, and its client may begin it anew."""
        client = reader.client
        self.forget(client)
        if self._state.stopping:
            return
        log.warn(
            "The reporting stream of {client} ends: {reason}", client=str(client), reason=reason
        )
        self._state.counters["reporting streams lost"] += 1
        self._bracket(reader, LOST)
        self._state.writer.add(StreamEnded(client.sender.session, reader.number))
