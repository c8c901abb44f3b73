"""
A whole node under peers that send frames with something wrong in them.

Theory of operation: one node, on a clock and a network in memory, serves peers
of every kind: some that never register, clients of several types, proxies with
clients behind them. All of them send mutated frames, some of which still fit
the node's deployment. Each peer reads its own output with a reader of its own
and so knows what the node must have read: every whole request must get exactly
one answer, those without a reply none, and a peer that was closed none twice.
Between turns the node's tables are measured and its database is looked through;
in the end all peers go, and with them all that the node remembers of them.
"""

from __future__ import annotations

import gc
import random
from collections import Counter
from collections.abc import Sequence

from twisted.internet.protocol import Factory
from twisted.logger import ILogObserver, LogEvent, LogLevel, globalLogPublisher
from zope.interface import implementer

from ixproxy.net.connection import FrameConnection
from ixproxy.net.node_limits import NodeLimits
from ixproxy.net.node_peers import Asking, NodeClient, NodePeer
from ixproxy.net.node_server import NodeServer
from ixproxy.node.log_rules import LogRules
from ixproxy.node.model import NodeModel, NodeSettings
from ixproxy.testing.clock import SteppingClock
from ixproxy.testing.executor import SimulatedExecutor
from ixproxy.testing.fitting_frames import (
    AGENTS,
    SESSIONS,
    delivery,
    fitting_frames,
    login,
    requests_of,
)
from ixproxy.testing.fuzz_frames import mutated_frames
from ixproxy.testing.fuzz_peers import FuzzPeer, Report
from ixproxy.testing.network import MemoryNetwork
from ixproxy.testing.node_checks import mistakes, sizes
from ixproxy.testing.places import MemoryPlace, columns_of
from ixproxy.testing.tenants import CUSTOM_PROPERTIES, TENANT
from ixproxy.values import ClientType
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import MIN_LENGTH, write_frame

ADDRESS = "node1:7101"
TIME_OF_DAY = 1_800_000_000.0
LIMITS = NodeLimits(
    max_frame=1 << 16,
    max_client_output=1 << 20,
    max_connections=40,
    max_pending_per_client=10,
    max_current_clients=16,
    max_current_request_queue_size=25,
    max_userdata_size=8192,
)
SETTINGS = NodeSettings(
    agent_session_restore_timeout=20,
    handling_timeout=1,
    routing_timeout=1,
    pull_hold_timeout=3,
    max_interactions_per_find=50,
    max_interactions_per_pull=10,
    max_userdata_size=8192,
    logs={"log": LogRules()},
)
LONGEST_HOLD = 620.0
"""Seconds after which every request must be answered, held pulls too."""

AFTERWARDS = SETTINGS.agent_session_restore_timeout + 30.0
"""Seconds after the last peer has gone until nothing is left of it."""

_ROLES = ("nobody", *ClientType, ClientType.PROXY, ClientType.PROXY)
_BEHIND_A_PROXY = (
    ClientType.AGENT_APPLICATION, ClientType.MEDIA_SERVER, ClientType.ROUTING_ENGINE,
)  # fmt: skip
_OF_PEERS = (FrameConnection, NodePeer, NodeClient, Asking)


def fuzz_node(
    seed: int,
    count: int,
    frames: Sequence[bytes],
    *,
    limits: NodeLimits = LIMITS,
    settings: NodeSettings = SETTINGS,
) -> Report:
    """
    Feed `count` mutated frames to a node; the same for the same seed.

    :param frames: whole frames without a fault, such as recorded ones; those
        of `fitting_frames` are added.
    """
    report = Report()

    @implementer(ILogObserver)
    def logged(event: LogEvent) -> None:
        if event.get("log_level", LogLevel.info) >= LogLevel.error:
            failure = event.get("log_failure")
            text = failure.getTraceback() if failure else event.get("log_format")
            report.exceptions.append(f"{text} {event.get('problem', '')}")

    globalLogPublisher.addObserver(logged)
    try:
        _Fuzz(seed, report, limits, settings).run(frames, count)
    finally:
        globalLogPublisher.removeObserver(logged)
    return report


class _Fuzz:
    """One run."""

    def __init__(
        self, seed: int, report: Report, limits: NodeLimits, settings: NodeSettings
    ) -> None:
        self.seed = seed
        self.chance = chance = random.Random(f"{seed} peers")
        self.report = report
        self.clock = SteppingClock(1000.0)
        self.network = MemoryNetwork(self.clock, random.Random(f"{seed} network"))
        self.place = MemoryPlace(None, columns_of(CUSTOM_PROPERTIES))
        self.peers: list[FuzzPeer] = []
        self.before: Counter[str] = Counter()
        self.requests = {str(each): requests_of(each) for each in ClientType}
        self.made = 0
        self.server = NodeServer(
            self.clock,
            self.network.server_endpoint(ADDRESS),
            self.place.store(),
            NodeModel([TENANT], CUSTOM_PROPERTIES),
            settings,
            limits,
            name="node1",
            dbid=101,
            now=lambda: TIME_OF_DAY + self.clock.seconds(),
            new_session=lambda: chance.randbytes(16),
            executors=lambda _: SimulatedExecutor(self.clock, random.Random(chance.random())),
        )

    def run(self, frames: Sequence[bytes], count: int) -> None:
        """All of it."""
        self.before = _living()
        self.server.startService()
        self.clock.run(1.0)
        corpus = [*frames, *fitting_frames() * (1 + len(frames) // 40)]
        left = 0
        for number, raw in enumerate(mutated_frames(corpus, self.seed, count)):
            if not left:
                left = self.chance.choice((1, 2, 5, 20, 60))
                seconds = self.chance.choice((0.0, 0.001, 0.01, 0.5))
                self.turn(seconds, answered=seconds == 0.5)
                self.gather()
            left -= 1
            self.feed(self.chance.choice(self.peers), raw)
            self.work(self.chance.choice(self.peers))
            if not self.chance.randrange(100):
                self.deliver()
            if number % 2000 == 1999:
                self.report.wrong += mistakes(self.place, self.server)
        self.report.frames = count
        self.end()

    def end(self) -> None:
        """Every answer is there; then everybody goes."""
        self.turn(LONGEST_HOLD)
        self.check(at_last=True)
        self.network.lose("node1")
        self.peers.clear()
        self.clock.run(AFTERWARDS)
        self.report.wrong += mistakes(self.place, self.server)
        self.report.left = {name: size for name, size in sizes(self.server).items() if size}
        self.report.left.update(_living() - self.before)
        if self.server.lost.called:
            self.report.wrong.append(f"the node stopped serving: {self.server.lost.result}")
        self.server.stopService()
        self.clock.run(1.0)
        self.place.discard()

    def turn(self, seconds: float, *, answered: bool = False) -> None:
        """
        What was given is sent, and some time passes.

        :param answered: enough of it for everybody to be answered.
        """
        for peer in self.peers:
            peer.flush()
        self.clock.run(seconds)
        for name, size in sizes(self.server).items():
            self.report.largest[name] = max(size, self.report.largest[name])
        if answered:
            self.check()

    def check(self, *, at_last: bool = False) -> None:
        """Whether everybody was answered, at last those with held pulls too."""
        for peer in self.peers:
            peer.check(at_last=at_last)

    def gather(self) -> None:
        """Whoever was closed comes again."""
        self.peers = [peer for peer in self.peers if peer.open and not peer.gone]
        here = Counter(peer.role for peer in self.peers)
        made = [
            self.connect(role)
            for role, wanted in Counter(_ROLES).items()
            for _ in range(wanted - here[role])
        ]
        for peer in made:
            if peer.role != "nobody":
                peer.register(peer.role, self.session(), 1 + self.made % 3)
        if made:
            self.turn(0.1)
        for peer in made:
            if peer.role == ClientType.PROXY:
                for client_type in _BEHIND_A_PROXY:
                    peer.register(client_type, self.session())
        if made:
            self.turn(0.1)
        for peer in made:
            for number, kind in peer.types.items():
                if kind == ClientType.AGENT_APPLICATION:
                    peer.ask(login(self.chance.choice(AGENTS)), number)

    def connect(self, role: str) -> FuzzPeer:
        """One more peer."""
        made: list[FuzzPeer] = []
        report, max_frame = self.report, self.server.state.limits.max_frame

        class Peers(Factory):
            noisy = False

            def buildProtocol(self, addr: object) -> FuzzPeer:
                made.append(FuzzPeer(role, report, max_frame))
                return made[0]

        self.made += 1
        self.network.client_endpoint(ADDRESS, f"host{self.made}").connect(Peers())
        while not made:
            self.clock.step()
        self.peers += made
        return made[0]

    def session(self) -> bytes:
        """One of a few that many share, none, or one of its own."""
        own = self.chance.randbytes(16)
        return self.chance.choice((self.chance.choice(SESSIONS), b"", own, own, own, own))

    def work(self, peer: FuzzPeer) -> None:
        """A peer asks for something that makes sense, or cancels it."""
        if peer.role == "nobody":
            return
        number = self.chance.choice(peer.numbers)
        peer.ask(self.chance.choice(self.requests[peer.types[number]]), number)
        if not self.chance.randrange(8):
            peer.give(write_frame(Kind.CANCEL, 0, client=number, reference=peer.reference))

    def deliver(self) -> None:
        """Somebody submits, a router pulls and delivers, and an agent makes something of it."""
        for number, frames in enumerate(delivery(self.chance.randbytes(4).hex(), self.chance)):
            kinds = ("MediaServer", "RoutingEngine", "RoutingEngine", "AgentApplication")
            for peer in self.peers:
                for client, kind in peer.types.items():
                    if kind == kinds[number]:
                        for raw in frames:
                            peer.ask(raw, client)
            self.turn(0.05)
        self.report.wrong += mistakes(self.place, self.server)

    def feed(self, peer: FuzzPeer, raw: bytes) -> None:
        """Give one frame to a peer, with a reference that is often new."""
        if self.chance.randrange(8) and len(raw) > MIN_LENGTH:
            peer.ask(raw, self.chance.choice(peer.numbers))
        else:
            peer.give(raw)
        if peer.silent > 3 or (peer.useless > 4 and peer.role != "nobody"):
            # The rest of a frame never comes, or nothing is done for it any more.
            peer.leave()


def _living() -> Counter[str]:
    """The objects that stand for peers and what they asked."""
    gc.collect()
    found = (type(each).__name__ for each in gc.get_objects() if isinstance(each, _OF_PEERS))
    return Counter(found)
