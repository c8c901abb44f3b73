"""
The client side of a proxy: accepts peers, reads and sends, decides nothing.

A peer that does not read is first left unread itself; one that stays above
its limit is closed with a reason, and so is at once who has a stream.
A peer that does not register in time is closed too. One with very much on the
way is left unread until answers came.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory

from ixproxy.core.clients import FAN_OUT_WEIGHT, Peer
from ixproxy.core.proxy import ProxyCore
from ixproxy.errors import RemoteProtocolError
from ixproxy.net.connection import FrameConnection
from ixproxy.net.keep_alive import KeepAlive
from ixproxy.net.perform import Performer
from ixproxy.net.reading_windows import DEFAULT_WINDOW
from ixproxy.net.slow_readers import SlowReaders
from ixproxy.net.turn import TurnEnd
from ixproxy.net.waiting_room import WaitingRoom
from ixproxy.values import ClientType
from ixproxy.wire.frames import Skipped

TURN_BUDGET = 64
"""What one peer's frames may cost in one turn (`ProxyCore.frames_received`)."""
PROXY_BUDGET = 4 * TURN_BUDGET
"""The same for a proxy, which carries many clients."""
ALONE_BUDGET = 1024
"""The same while others send little."""
REST = 0.003
"""
Seconds between turns of a peer that has more than fits into one, while others
send too: the machine is theirs as well.
"""
CROWDED = 16
"""Times in one tick that another peer was read than before, from which on others send too."""


class Limits:
    """
    What one connection may cost.

    :ivar connections: registered peers at once.
    :ivar unregistered: peers at once that have not registered.
    :ivar registration: seconds until a peer must have registered.
    :ivar output: bytes that may wait for a peer before it is left unread.
    :ivar slow: seconds that it may stay above that.
    :ivar link_output: bytes that may wait for one node; then it is busy.
    :ivar window: requests of one client on their way before it is left unread.
    """

    __slots__ = (
        "connections",
        "link_output",
        "output",
        "registration",
        "slow",
        "unregistered",
        "window",
    )

    def __init__(
        self,
        connections: int = 20_000,
        registration: float = 10.0,
        output: int = 1 << 20,
        slow: float = 10.0,
        link_output: int = 16 << 20,
        unregistered: int = 1_000,
        window: int = DEFAULT_WINDOW,
    ) -> None:
        self.connections = connections
        self.registration = registration
        self.output = output
        self.slow = slow
        self.link_output = link_output
        self.unregistered = unregistered
        self.window = window


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
        self._limits = limits or Limits()
        self._numbers = count(1)
        self._last: FrameConnection | None = None
        self._changes = 0
        self._budget = ALONE_BUDGET
        self._peers: dict[FrameConnection, Peer] = {}
        counters = core.state.counters
        self._waiting_room = WaitingRoom(counters, self._is_registered)
        self._unregistered = self._waiting_room.since
        self._windows = performer.windows
        self._slow = SlowReaders(counters)
        self.limits = self._limits

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

    @property
    def limits(self) -> Limits:
        """What one connection may cost."""
        return self._limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._limits = limits
        self._windows.window = limits.window
        # So many cannot be above it, be they all fan-outs.
        self._few = limits.window // (1 + FAN_OUT_WEIGHT)

    def buildProtocol(self, addr: IAddress | None) -> FrameConnection:
        """The framework accepted a connection."""
        return FrameConnection(
            self._turn,
            self,
            max_frame=self._core.state.settings.max_frame,
            output_limit=self.limits.output,
        )

    def connection_made(self, connection: FrameConnection) -> None:
        """A peer is there."""
        if len(self._peers) - len(self._waiting_room) >= self.limits.connections:
            self._waiting_room.refuse(connection, "max-connections is reached")
            return
        number = next(self._numbers)
        permit = self._performer.door.permit(connection.certificate)
        peer = self._core.peer_connected(number, self._clock.seconds(), permit)
        self._peers[connection] = peer
        self._performer.peers[number] = connection
        self._performer.connect(peer, connection)
        self._waiting_room.enter(connection, self._clock.seconds(), self.limits.unregistered)
        self._keep_alive.watch(connection)

    def frames_received(
        self, connection: FrameConnection, frames: Sequence[bytes | Skipped]
    ) -> int:
        """A peer sent frames: take some, for others wait too."""
        peer = self._peers[connection]
        if connection is not self._last:
            self._last = connection
            self._changes += 1
        budget, client = self._budget, peer.clients.get(0)
        if len(frames) > 1 and client is not None and client.type is ClientType.PROXY:
            budget = max(budget, PROXY_BUDGET)
        taken = self._core.frames_received(peer.id, frames, self._clock.seconds(), budget)
        self._performer.perform()
        if client is None:
            client = peer.clients.get(0)
        if client is None or connection in self._unregistered:
            self._heard_unregistered(connection, peer, taken)
        elif len(client.inflight) > self._few and client.on_the_way > self._windows.window:
            self._windows.exceeded(client, connection)
        return taken

    def _heard_unregistered(self, connection: FrameConnection, peer: Peer, frames: int) -> None:
        if peer.clients:
            self._waiting_room.leave(connection)
        elif connection in self._unregistered and not peer.holding_parts:
            self._waiting_room.heard(connection, frames)

    def stream_broken(self, connection: FrameConnection, problem: RemoteProtocolError) -> None:
        """A peer sent what is no frame."""
        self._core.peer_broken(self._peers[connection].id, problem, self._clock.seconds())
        self._performer.perform()

    def output_exceeded(self, connection: FrameConnection) -> None:
        """A peer does not read: let it wait; its stream does not."""
        peer, now = self._peers[connection], self._clock.seconds()
        if peer.reporting and peer.clients[0].type is not ClientType.PROXY:
            self._slow.end(connection, now)
            return
        self._slow.exceeded(connection, now)
        if peer.reporting:
            self._core.stream_outrun(peer.id, now)
            self._performer.perform()

    def output_drained(self, connection: FrameConnection) -> None:
        """It reads again."""
        self._slow.drained(connection)

    def connection_lost(self, connection: FrameConnection, reason: str) -> None:
        """A peer is gone."""
        peer = self._peers.pop(connection, None)
        if peer is None:
            return
        if connection is self._last:
            self._last = None
        self._waiting_room.leave(connection)
        self._slow.forget(connection)
        self._keep_alive.forget(connection)
        self._performer.peers.pop(peer.id, None)
        self._performer.disconnect(peer)
        self._windows.forget(peer)
        self._core.peer_lost(peer.id, self._clock.seconds())
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
        self._slow.ticked(now, self.limits.slow)
        self._waiting_room.ticked(now, self.limits.registration)
        self._windows.ticked()
        crowded, self._changes = self._changes >= CROWDED, 0
        self._budget = TURN_BUDGET if crowded else ALONE_BUDGET
        self._turn.rest = REST if crowded else 0.0

    def close_all(self, reason: str) -> None:
        """Close every peer, after what was sent to it."""
        for connection in list(self._peers):
            connection.close(reason)
