"""
The node's side of its peers: accepts them, reads and sends, decides nothing.

A peer that does not read is first left unread itself; one that stays above
its limit is closed with a reason, and so is one that does not register. Peers
that send while far too much waits for the writer are left unread for a while.
"""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory
from twisted.logger import Logger

from ixproxy.errors import RemoteProtocolError
from ixproxy.net.connection import FrameConnection
from ixproxy.net.keep_alive import KeepAlive
from ixproxy.net.node_limits import PROXY_FACTOR
from ixproxy.net.node_peers import NodePeer
from ixproxy.net.node_requests import NodeRequests
from ixproxy.net.node_state import NodeState
from ixproxy.net.turn import TurnEnd
from ixproxy.wire.codec import error_frame
from ixproxy.wire.frames import Skipped

log = Logger()


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
        self._unregistered: dict[FrameConnection, float] = {}
        self._slow: dict[FrameConnection, float] = {}
        self._held_back: dict[FrameConnection, None] = {}

    @property
    def peers(self) -> int:
        """How many peers are connected."""
        return len(self._peers)

    @property
    def unregistered(self) -> int:
        """How many of them have not registered yet."""
        return sum(not self._peers[connection].clients for connection in self._unregistered)

    @property
    def slow(self) -> int:
        """How many of them do not read what was sent to them."""
        return len(self._slow)

    def buildProtocol(self, addr: IAddress | None) -> FrameConnection | None:
        """The framework accepted a connection."""
        limits = self._state.limits
        if self._state.stopping or len(self._peers) >= limits.max_connections:
            log.warn("Connection from {peer} refused: too many connections", peer=addr)
            return None
        return FrameConnection(
            self._turn, self, max_frame=limits.max_frame, output_limit=limits.max_client_output
        )

    def connection_made(self, connection: FrameConnection) -> None:
        """A peer is there."""
        peer = self._peers[connection] = NodePeer(
            connection, self._state.door.permit(connection.certificate)
        )
        peer.max_frame = self._state.limits.max_frame
        self._unregistered[connection] = self._state.clock.seconds()
        self._keep_alive.watch(connection)

    def frames_received(
        self, connection: FrameConnection, frames: Sequence[bytes | Skipped]
    ) -> None:
        """A peer sent frames."""
        self._requests.frames_received(self._peers[connection], frames)
        if self._state.writer.flooded:
            self._state.counters["peers held back"] += 1
            self._held_back[connection] = None
            connection.pause_reading()

    def stream_broken(self, connection: FrameConnection, problem: RemoteProtocolError) -> None:
        """A peer sent what is no frame."""
        self._state.counters["broken streams"] += 1
        connection.send(error_frame(problem.code, problem.description))
        connection.close(problem.description)

    def output_exceeded(self, connection: FrameConnection) -> None:
        """A peer does not read: let it wait."""
        self._slow[connection] = self._state.clock.seconds()
        connection.pause_reading()

    def output_drained(self, connection: FrameConnection) -> None:
        """It reads again."""
        if self._slow.pop(connection, None) is not None:
            self._read_on(connection)

    def _read_on(self, connection: FrameConnection) -> None:
        if connection not in self._slow and connection not in self._held_back:
            connection.resume_reading()

    def connection_lost(self, connection: FrameConnection, reason: str) -> None:
        """A peer is gone."""
        peer = self._peers.pop(connection, None)
        self._unregistered.pop(connection, None)
        self._slow.pop(connection, None)
        self._held_back.pop(connection, None)
        self._keep_alive.forget(connection)
        if peer is not None:
            self._requests.registrar.peer_lost(peer)

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
        if self._held_back and not self._state.writer.full:
            held_back, self._held_back = self._held_back, {}
            for connection in held_back:
                self._read_on(connection)
        for connection, since in list(self._slow.items()):
            if now - since >= limits.max_output_timeout:
                log.warn(
                    "A peer does not read: {backlog} bytes wait; closed", backlog=connection.backlog
                )
                self._state.counters["slow readers closed"] += 1
                connection.abort("it does not read what it asked for")
        for connection, since in list(self._unregistered.items()):
            if self._peers[connection].clients:
                del self._unregistered[connection]
            elif now - since >= limits.registration_timeout:
                del self._unregistered[connection]
                self._state.counters["unregistered closed"] += 1
                connection.close("it did not register in time")

    def close_all(self, reason: str) -> None:
        """Close every peer, after what was sent to it."""
        for connection in list(self._peers):
            connection.close(reason)
