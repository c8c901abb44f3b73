"""
The node's side of its peers: accepts them, reads and sends, decides nothing.

A peer that does not read is first left unread itself; one that stays above
its limit is closed with a reason, and so is one that does not register. Peers
that send while far too much waits for the writer are left unread for a while,
and so is a client of whose own requests many wait.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory

from ixproxy.errors import RemoteProtocolError
from ixproxy.net.connection import FrameConnection
from ixproxy.net.keep_alive import KeepAlive
from ixproxy.net.node_limits import PROXY_FACTOR
from ixproxy.net.node_peers import Asking, NodePeer
from ixproxy.net.node_requests import NodeRequests
from ixproxy.net.node_state import NodeState
from ixproxy.net.slow_readers import SlowReaders
from ixproxy.net.turn import TurnEnd
from ixproxy.net.waiting_room import WaitingRoom
from ixproxy.node.work import RouterReads
from ixproxy.wire.codec import error_frame
from ixproxy.wire.frames import Skipped

TURN_FRAMES = 16
"""Frames of one peer in one turn of the reactor, at most."""
PROXY_TURN_FRAMES = 64
"""The same of a proxy, which sends for many."""
ALONE_TURN_FRAMES = 1000
"""The same while others send little."""
CROWDED = 64
"""Times in one tick that another peer was read than before, from which on others send too."""
MUCH_WAITS = "much of what it asked waits"


class NodeListener(Factory):
    """Makes a connection for each peer and passes on what happens on it."""

    noisy = False

    def __init__(
        self,
        state: NodeState,
        requests: NodeRequests,
        turn: TurnEnd,
        keep_alive: KeepAlive,
    ) -> None:
        self._state = state
        self._requests = requests
        self._turn = turn
        self._keep_alive = keep_alive
        self._peers: dict[FrameConnection, NodePeer] = {}
        self._waiting_room = WaitingRoom(state.counters, self._is_registered)
        self._slow = SlowReaders(state.counters)
        self._held_back: dict[FrameConnection, NodePeer] = {}
        self._last: FrameConnection | None = None
        self._changes = 0
        self._crowded = False
        self.exceeds_stream: Callable[[NodePeer], bool] = lambda _: False
        """Told of a peer that does not read: whether it has been closed for that."""

    @property
    def peers(self) -> int:
        """How many peers are connected."""
        return len(self._peers)

    @property
    def unregistered(self) -> int:
        """How many of them have not registered yet."""
        return sum(not self._is_registered(connection) for connection in self._waiting_room.since)

    def _is_registered(self, connection: FrameConnection) -> bool:
        return bool(self._peers[connection].clients)

    @property
    def slow(self) -> int:
        """How many of them do not read what was sent to them."""
        return len(self._slow)

    def buildProtocol(self, addr: IAddress | None) -> FrameConnection | None:
        """The framework accepted a connection."""
        limits = self._state.limits
        if self._state.stopping:
            return None
        return FrameConnection(
            self._turn, self, max_frame=limits.max_frame, output_limit=limits.max_client_output
        )

    def connection_made(self, connection: FrameConnection) -> None:
        """A peer is there."""
        limits = self._state.limits
        if len(self._peers) - len(self._waiting_room) >= limits.max_connections:
            self._waiting_room.refuse(connection, "max-connections is reached")
            return
        peer = self._peers[connection] = NodePeer(
            connection, self._state.door.permit(connection.certificate)
        )
        peer.max_frame = limits.max_frame
        self._waiting_room.enter(connection, self._state.clock.seconds(), limits.max_unregistered)
        self._keep_alive.watch(connection)

    def frames_received(
        self, connection: FrameConnection, frames: Sequence[bytes | Skipped]
    ) -> int:
        """A peer sent frames: take some, for others wait too."""
        self._state.fence()
        peer = self._peers[connection]
        if connection is not self._last:
            self._last = connection
            self._changes += 1
        most = PROXY_TURN_FRAMES if peer.proxy else TURN_FRAMES
        if not self._crowded:
            most = ALONE_TURN_FRAMES
        taken = self._requests.frames_received(peer, frames, most)
        if not self._may_ask_more(peer, self._state.limits.client_window):
            self._state.counters["peers held back"] += 1
            self._held_back[connection] = peer
            connection.pause_reading(MUCH_WAITS)
        if connection in self._waiting_room.since:
            if peer.clients:
                self._waiting_room.leave(connection)
            elif not peer.parts:
                self._waiting_room.heard(connection, taken)
        return taken

    def _may_ask_more(self, peer: NodePeer, most: int) -> bool:
        """Whether a peer is read: a client that is no proxy's only while few of its works wait."""
        if self._state.writer.flooded:
            return False
        client = peer.clients.get(0)
        return client is None or peer.proxy or client.waiting <= most

    def batch_begins(self) -> None:
        """Some of what waited does so no more: read on where little enough is left."""
        if self._held_back and not self._state.writer.full:
            half = self._state.limits.client_window // 2
            for connection, peer in list(self._held_back.items()):
                if self._may_ask_more(peer, half):
                    del self._held_back[connection]
                    connection.resume_reading(MUCH_WAITS)

    def stream_broken(self, connection: FrameConnection, problem: RemoteProtocolError) -> None:
        """A peer sent what is no frame."""
        self._state.counters["broken streams"] += 1
        connection.send(error_frame(problem.code, problem.description))
        connection.close(problem.description)

    def output_exceeded(self, connection: FrameConnection) -> None:
        """A peer does not read: let it wait, unless it was to be told what happens."""
        peer = self._peers[connection]
        if self.exceeds_stream(peer):
            return
        self._pushed_to(peer, reads=False)
        self._slow.exceeded(connection, self._state.clock.seconds())

    def close_slow(self, connection: FrameConnection) -> None:
        """Close a peer that does not read, at once."""
        self._slow.end(connection, self._state.clock.seconds())

    def output_drained(self, connection: FrameConnection) -> None:
        """It reads again, and what it asked may be run."""
        self._slow.drained(connection)
        if connection in self._peers:
            self._pushed_to(self._peers[connection], reads=True)
        self._state.writer.wake()

    def _pushed_to(self, peer: NodePeer, *, reads: bool) -> None:
        """Routers get no more than they read."""
        for client in peer.clients.values():
            if client.strategies:
                self._state.writer.add(RouterReads(client.sender.session, reads))

    def connection_lost(self, connection: FrameConnection, reason: str) -> None:
        """A peer is gone."""
        peer = self._peers.pop(connection, None)
        if connection is self._last:
            self._last = None
        self._waiting_room.leave(connection)
        self._slow.forget(connection)
        self._held_back.pop(connection, None)
        self._keep_alive.forget(connection)
        if peer is not None:
            self._requests.registrar.peer_lost(peer)
            self._state.writer.wake()

    def limits_changed(self) -> None:
        """Other limits, for the peers that are there, too; none is closed for their number."""
        limits = self._state.limits
        for connection, peer in self._peers.items():
            factor = PROXY_FACTOR if peer.proxy else 1
            connection.use_limits(
                max_frame=limits.max_frame, output_limit=limits.max_client_output * factor
            )

    def ticked(self) -> None:
        """Some time passed: close who does not read and who does not register."""
        now, limits = self._state.clock.seconds(), self._state.limits
        self._crowded, self._changes = self._changes >= CROWDED, 0
        self.batch_begins()
        self._slow.ticked(now, limits.max_output_timeout)
        self._waiting_room.ticked(now, limits.registration_timeout)
        self._state.writer.wake()

    def unsettled(self) -> list[Asking]:
        """The requests of all peers that await their answers."""
        return [
            asking
            for peer in self._peers.values()
            for client in peer.clients.values()
            for asking in client.asked.values()
        ]

    def close_all(self, reason: str) -> None:
        """Close every peer, after what was sent to it."""
        for connection in list(self._peers):
            connection.close(reason)

    def abort_all(self, reason: str) -> None:
        """Close every peer at once, whether or not it has read what was sent to it."""
        for connection in list(self._peers):
            connection.abort(reason)
