"""A whole node on a clock and a network in memory, and peers that speak bare frames to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure

from ixproxy.interfaces import IStore
from ixproxy.messages import EventError, RequestRegisterClient, ServerFacts
from ixproxy.messages.message import Message
from ixproxy.net.node_limits import NodeLimits
from ixproxy.net.node_server import NodeServer
from ixproxy.node.esp_servers import ExternalServer
from ixproxy.node.model import NodeModel, NodeSettings
from ixproxy.testing.clock import SteppingClock
from ixproxy.testing.faults import FaultyStore
from ixproxy.testing.network import MemoryNetwork, settle
from ixproxy.testing.places import MemoryPlace
from ixproxy.testing.tenants import TENANT
from ixproxy.wire.codec import decode, encode
from ixproxy.wire.frames import FrameReader, Skipped
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Frame, read_frame, write_frame

T = TypeVar("T")
TIME_OF_DAY = 1_800_000_000.0
ADDRESS = "node:1"


class ManualExecutor:
    """An executor whose jobs run at once, or when a test says so."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self.jobs: deque[tuple[Callable[[], Any], Callable[[Any], None]]] = deque()
        self.paused = False
        self.ran = 0
        self.stopped = False

    def submit(self, job: Callable[[], T], done: Callable[[T | Failure], None]) -> None:
        self.jobs.append((job, done))
        if not self.paused:
            self._clock.callLater(0, self.run_one)

    def stop(self) -> Deferred[None]:
        self.stopped = True
        return succeed(None)

    def run_one(self) -> None:
        """Run the next job; its result comes as soon as the clock goes on."""
        if not self.jobs:
            return
        job, done = self.jobs.popleft()
        self.ran += 1
        result: Any
        try:
            result = job()
        except Exception:
            result = Failure()
        self._clock.callLater(0, done, result)

    def resume(self) -> None:
        self.paused = False
        for _ in self.jobs:
            self._clock.callLater(0, self.run_one)


class RawPeer(Protocol):
    """One connection; what arrives is kept as (frame, message)."""

    def __init__(self, rig: NodeRig) -> None:
        self._rig = rig
        self._reader = FrameReader(1 << 24)
        self.frames: list[Frame] = []
        self.closed = ""
        self.reference = 0

    def dataReceived(self, data: bytes) -> None:
        for raw in self._reader.feed(data):
            assert not isinstance(raw, Skipped)
            frame = read_frame(raw)
            if frame.kind == Kind.PING:
                self.write(write_frame(Kind.PONG, 0))
            else:
                self.frames.append(frame)

    def connectionLost(self, reason: Failure = None) -> None:  # type: ignore[assignment]
        self.closed = reason.getErrorMessage() or "closed"

    def write(self, raw: bytes) -> None:
        """Send bytes as they are."""
        assert self.transport is not None
        self.transport.write(raw)

    def send(self, message: Message, *, client: int = 0, ttl: int = 0, flags: int = 0) -> int:
        """Send a request; returns its reference."""
        self.reference += 1
        raw = encode(message, client=client, reference=self.reference, ttl=ttl, flags=flags)
        self.write(raw)
        return self.reference

    def cancel(self, reference: int, client: int = 0) -> None:
        """Send a cancel frame."""
        self.write(write_frame(Kind.CANCEL, 0, client=client, reference=reference))

    def ask(self, message: Message, *, client: int = 0, ttl: int = 0, flags: int = 0) -> Any:
        """Send a request, let the node work, and return the one answer to it."""
        reference = self.send(message, client=client, ttl=ttl, flags=flags)
        self._rig.settle()
        return self.answer(reference, client)

    @property
    def open(self) -> bool:
        """Whether the connection lasts."""
        return not self.closed

    def answers(self, reference: int, client: int = 0) -> list[Any]:
        """The messages that answered a request."""
        return [
            decode(frame)
            for frame in self.frames
            if frame.reference == reference
            and frame.client == client
            and frame.kind in (Kind.REPLY, Kind.ERROR)
        ]

    def answer(self, reference: int, client: int = 0) -> Any:
        """The one answer."""
        found = self.answers(reference, client)
        assert len(found) == 1, found
        return found[0]

    def events(self, client: int = 0) -> list[Any]:
        """The events for a client, in order."""
        return [
            decode(frame)
            for frame in self.frames
            if frame.kind == Kind.EVENT and frame.client == client
        ]

    def register(self, client_type: str = "MediaServer", **attributes: Any) -> Any:
        """Register, and return the answer."""
        attributes = {"client_name": client_type.lower(), "max_frame": 1 << 20, **attributes}
        return self.ask(RequestRegisterClient(client_type=client_type, **attributes))

    def number(self, client_type: str, **attributes: Any) -> int:
        """On a proxy's peer: register a client, and return its number."""
        ack = self.register(client_type, **attributes)
        number: int = ack.proxy_client_id
        return number

    def lose(self) -> None:
        """Break the connection."""
        transport: Any = self.transport
        transport.abortConnection()
        self._rig.settle()


class NodeRig:
    """A node and what it stands in."""

    def __init__(
        self,
        limits: NodeLimits | None = None,
        settings: NodeSettings | None = None,
        store: Callable[[IStore], FaultyStore] = FaultyStore,
        place: MemoryPlace | None = None,
        servers: Sequence[ExternalServer] = (),
    ) -> None:
        self.clock = SteppingClock(1000.0)
        self.network = MemoryNetwork(self.clock, Random(1), delay=0.0001)
        self.place = place or MemoryPlace()
        self.store = store(self.place.store())
        self.executors: dict[str, ManualExecutor] = {}
        self.sessions = 0
        self.server = NodeServer(
            self.clock,
            self.network.server_endpoint(ADDRESS),
            self.store,
            NodeModel([TENANT]),
            settings or NodeSettings(),
            limits or NodeLimits(),
            name="node1",
            dbid=101,
            now=self.now,
            new_session=self._new_session,
            executors=self._executor,
            servers=servers,
            third_party=lambda text: self.network.client_endpoint(text, "node"),
        )

    def now(self) -> float:
        return TIME_OF_DAY + self.clock.seconds()

    def _new_session(self) -> bytes:
        self.sessions += 1
        return b"made" + self.sessions.to_bytes(12, "big")

    def _executor(self, name: str) -> ManualExecutor:
        return self.executors.setdefault(name, ManualExecutor(self.clock))

    @property
    def writer(self) -> ManualExecutor:
        return self.executors["writer"]

    def start(self) -> NodeRig:
        self.server.startService()
        self.settle()
        return self

    def settle(self) -> None:
        settle(self.clock, self.network)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.run(seconds)
        self.settle()

    def peer(self) -> RawPeer:
        """A new connection."""
        made: list[RawPeer] = []

        rig = self

        class Peers(Factory):
            def buildProtocol(self, addr: Any) -> RawPeer:
                made.append(RawPeer(rig))
                return made[0]

        endpoint = self.network.client_endpoint(ADDRESS, f"host{len(self.network._ends)}")
        endpoint.connect(Peers()).addErrback(lambda _: made.clear())
        self.settle()
        return made[0]

    def client(self, client_type: str = "MediaServer", **attributes: Any) -> RawPeer:
        """A new connection that is registered."""
        peer = self.peer()
        ack = peer.register(client_type, **attributes)
        assert not isinstance(ack, EventError), ack
        return peer

    def proxy(self, name: str = "proxy1") -> RawPeer:
        """A new connection of a proxy."""
        return self.client("Proxy", client_name=name)

    def client_types(self) -> list[str]:
        """What the registered clients are."""
        peers = self.server.listener._peers.values()
        return [client.sender.client_type for peer in peers for client in peer.clients.values()]

    def rows(self, table: str) -> list[dict[str, Any]]:
        """What the database has."""
        return self.place.rows(table)

    def stop(self) -> None:
        self.server.stopService()
        self.settle()


FACTS = ServerFacts(
    name="node1", role="node", version=1, dbid=101, epoch=1, tenants=[1], max_frame=1 << 20
)
