"""
The client side of a proxy: accepts peers, reads and sends, decides nothing.

A peer that does not read is first left unread itself; one that stays above
its limit is closed with a reason. A peer that does not register in time is
closed too.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory
from twisted.logger import Logger

from ixproxy.core.proxy import ProxyCore
from ixproxy.errors import RemoteProtocolError
from ixproxy.net.connection import FrameConnection
from ixproxy.net.keep_alive import KeepAlive
from ixproxy.net.perform import Performer
from ixproxy.net.turn import TurnEnd
from ixproxy.wire.frames import Skipped

log = Logger()


class Limits:
    """
    What one connection may cost.

    :ivar connections: connections open at once.
    :ivar registration: seconds until a peer must have registered.
    :ivar output: bytes that may wait for a peer before it is left unread.
    :ivar slow: seconds that it may stay above that.
    :ivar link_output: bytes that may wait for one node; then it is busy.
    """

    __slots__ = ("connections", "link_output", "output", "registration", "slow")

    def __init__(
        self,
        connections: int = 20_000,
        registration: float = 10.0,
        output: int = 1 << 20,
        slow: float = 10.0,
        link_output: int = 16 << 20,
    ) -> None:
        self.connections = connections
        self.registration = registration
        self.output = output
        self.slow = slow
        self.link_output = link_output


class PeerListener(Factory):
    """Makes a connection for each peer and passes on what happens on it."""

    noisy = False

    def __init__(
        self,
        clock: IReactorTime,
        core: ProxyCore,
        performer: Performer,
        turn: TurnEnd,
        keep_alive: KeepAlive,
        limits: Limits | None = None,
    ) -> None:
        self._clock = clock
        self._core = core
        self._performer = performer
        self._turn = turn
        self._keep_alive = keep_alive
        self.limits = limits or Limits()
        self._numbers = count(1)
        self._peers: dict[FrameConnection, int] = {}
        self._unregistered: dict[FrameConnection, float] = {}
        self._slow: dict[FrameConnection, float] = {}

    @property
    def peers(self) -> int:
        """How many peers are connected."""
        return len(self._peers)

    @property
    def unregistered(self) -> int:
        """How many of them have not registered yet."""
        peers = self._core.state.clients.peers
        numbers = (self._peers[connection] for connection in self._unregistered)
        return sum(number not in peers or not peers[number].clients for number in numbers)

    @property
    def slow(self) -> int:
        """How many of them do not read what was sent to them."""
        return len(self._slow)

    def buildProtocol(self, addr: IAddress | None) -> FrameConnection | None:
        """The framework accepted a connection."""
        if len(self._peers) >= self.limits.connections:
            log.warn("Connection from {peer} refused: too many connections", peer=addr)
            return None
        return FrameConnection(
            self._turn,
            self,
            max_frame=self._core.state.settings.max_frame,
            output_limit=self.limits.output,
        )

    def connection_made(self, connection: FrameConnection) -> None:
        """A peer is there."""
        number = next(self._numbers)
        self._peers[connection] = number
        self._performer.peers[number] = connection
        permit = self._performer.door.permit(connection.certificate)
        self._performer.connect(
            self._core.peer_connected(number, self._clock.seconds(), permit), connection
        )
        self._unregistered[connection] = self._clock.seconds()
        self._keep_alive.watch(connection)

    def frames_received(
        self, connection: FrameConnection, frames: Sequence[bytes | Skipped]
    ) -> None:
        """A peer sent frames."""
        self._core.frames_received(self._peers[connection], frames, self._clock.seconds())
        self._performer.perform()

    def stream_broken(self, connection: FrameConnection, problem: RemoteProtocolError) -> None:
        """A peer sent what is no frame."""
        self._core.peer_broken(self._peers[connection], problem, self._clock.seconds())
        self._performer.perform()

    def output_exceeded(self, connection: FrameConnection) -> None:
        """A peer does not read: let it wait."""
        self._slow[connection] = self._clock.seconds()
        connection.pause_reading()

    def output_drained(self, connection: FrameConnection) -> None:
        """It reads again."""
        if self._slow.pop(connection, None) is not None:
            connection.resume_reading()

    def connection_lost(self, connection: FrameConnection, reason: str) -> None:
        """A peer is gone."""
        number = self._peers.pop(connection, None)
        if number is None:
            return
        self._unregistered.pop(connection, None)
        self._slow.pop(connection, None)
        self._keep_alive.forget(connection)
        self._performer.peers.pop(number, None)
        peer = self._core.state.clients.peers.get(number)
        if peer is not None:
            self._performer.disconnect(peer)
        self._core.peer_lost(number, self._clock.seconds())
        self._performer.perform()

    def limits_changed(self, limits: Limits) -> None:
        """Other limits, for those that are there, too; none is closed for their number."""
        self.limits = limits
        for connection in self._peers:
            connection.use_limits(
                max_frame=self._core.state.settings.max_frame, output_limit=limits.output
            )

    def ticked(self) -> None:
        """Some time passed: close who does not read and who does not register."""
        now = self._clock.seconds()
        for connection, since in list(self._slow.items()):
            if now - since >= self.limits.slow:
                log.warn(
                    "Peer {peer} does not read: {backlog} bytes wait; closed",
                    peer=self._peers.get(connection),
                    backlog=connection.backlog,
                )
                connection.abort("it does not read what it asked for")
        for connection, since in list(self._unregistered.items()):
            peer = self._core.state.clients.peers.get(self._peers[connection])
            if peer is not None and peer.clients:
                del self._unregistered[connection]
            elif now - since >= self.limits.registration:
                del self._unregistered[connection]
                connection.close("it did not register in time")

    def close_all(self, reason: str) -> None:
        """Close every peer, after what was sent to it."""
        for connection in list(self._peers):
            connection.close(reason)
