"""
A whole proxy between clients and nodes of which one side sends what is wrong.

Theory of operation: one proxy service, its sockets in memory and its time a
test's clock, stands between clients of every kind and scripted nodes. Either
the clients send mutated frames and the nodes answer well, out of order and
late; or the clients ask well and the nodes answer with mutated frames, mostly
under references that the proxy waits for. Each client reads with a reader of
its own what the proxy must have read: a whole request gets exactly one answer,
one that wants no reply none. A node that talks nonsense must be dropped and
met again. In the end all go, and with them all that the proxy remembers.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.address import UNIXAddress
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IListeningPort, IStreamServerEndpoint
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, LogLevel, globalLogPublisher
from zope.interface import implementer, provider

from ixproxy.core.proxy import ProxyCore
from ixproxy.core.settings import Deployment, ProxySettings
from ixproxy.net.listener import Limits
from ixproxy.net.proxy_server import ProxyServer
from ixproxy.testing.fitting_frames import SESSIONS, fitting_frames, registration
from ixproxy.testing.fuzz_frames import mutated_frames
from ixproxy.testing.members import usual_strategies
from ixproxy.testing.scripted_ends import FuzzClient, ScriptedNode
from ixproxy.testing.tenants import TENANT, facts_of
from ixproxy.values import ClientType, NodeFacts, NodeName, Server

SETTINGS = ProxySettings(
    max_frame=1 << 16,
    min_peer_frame=1 << 14,
    max_clients=30,
    max_pending_per_client=20,
    max_pending_per_node=200,
    max_waiting_per_id=5,
    max_ids_per_pull=20,
    interaction_cache_size=100,
    node_loss_grace=5.0,
    parking_window=3.0,
    max_parked_per_node=20,
)
LIMITS = Limits(connections=20)
NODES = tuple(
    NodeFacts(NodeName(name), 100 + number, frozenset({TENANT.id}), pairs=((Server(name, ""),),))
    for number, name in enumerate(("node1", "node2", "node3"), 1)
)
CLIENTS = 8
AFTERWARDS = 60.0
"""Seconds after the last client has gone until nothing is left of it."""

_ROLES = ("nobody", *ClientType, ClientType.AGENT_APPLICATION, ClientType.PROXY)
_BEHIND_A_PROXY = (ClientType.AGENT_APPLICATION, ClientType.MEDIA_SERVER, ClientType.ROUTING_ENGINE)


@dataclass(slots=True)
class Report:
    """
    What came of it.

    :ivar frames: mutated frames that were sent, of which `damaging` broke
        something: a client's connection or a node's link.
    :ivar answered: answers that were expected, and came.
    :ivar codes: error code to how often a client got it.
    :ivar failures: what was logged with a traceback, or as critical.
    :ivar wrong: too many answers, or too few.
    :ivar largest: how large each table grew, and `left`: those that were not
        empty some time after all had gone.
    """

    frames: int = 0
    damaging: int = 0
    answered: int = 0
    codes: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    largest: Counter[str] = field(default_factory=Counter)
    left: dict[str, int] = field(default_factory=dict)


def fuzz_proxy_by_clients(
    seed: int, count: int, frames: Sequence[bytes], *, fast_path: bool = True
) -> Report:
    """
    Feed `count` mutated frames to a proxy as its clients; the same for the same seed.

    :param frames: whole frames without a fault, such as recorded ones.
    """
    return _watched(seed, fast_path, lambda fuzz: fuzz.by_clients(count, frames))


def fuzz_proxy_by_nodes(
    seed: int, count: int, frames: Sequence[bytes], *, fast_path: bool = True
) -> Report:
    """The same, as its nodes."""
    return _watched(seed, fast_path, lambda fuzz: fuzz.by_nodes(count, frames))


def _watched(seed: int, fast_path: bool, run: Callable[[_Fuzz], None]) -> Report:
    report = Report()

    @provider(ILogObserver)
    def logged(event: LogEvent) -> None:
        failure = event.get("log_failure")
        if failure is not None or event.get("log_level") is LogLevel.critical:
            text = failure.getTraceback() if failure is not None else event.get("log_format")
            report.failures.append(str(text))

    globalLogPublisher.addObserver(logged)
    try:
        run(_Fuzz(seed, report, fast_path))
    finally:
        globalLogPublisher.removeObserver(logged)
    return report


def sizes(core: ProxyCore) -> dict[str, int]:
    """How much each table of a proxy holds; what it may keep for good is left out."""
    state = core.state
    clients, links = list(state.clients), list(state.links.values())
    sessions = core._agents.sessions
    return {
        "peers": len(state.clients.peers),
        "clients": len(state.clients),
        "client sessions": len(state.clients.by_session),
        "clients in flight": sum(len(client.inflight) for client in clients),
        "patient requests": sum(len(client.patient) for client in clients),
        "fan-outs": state.fan_outs.number,
        "bytes of fan-outs": state.fan_outs.kept,
        "snapshots": len(state.snapshots) + len(core.snapshots.unreleased),
        "workbins that are listened to": len(core._workbins.listeners),
        "listeners to workbins": core._workbins.listeners.number,
        "workbins in change": len(core._workbins._waiting),
        "holdings": sum(len(client.holding) for client in clients),
        "parts": sum(len(peer.holding_parts) for peer in state.clients.peers.values()),
        "unconfirmed": len(state.unconfirmed),
        "clients on nodes": sum(len(link.clients) for link in links),
        "pending": sum(link.pending.count for link in links),
        "unfinished answers": sum(len(link.unfinished) for link in links),
        "parked": core.parking.count + core.parking.size,
        "located": len(core._locator.in_flight),
        "clients that wait to locate": len(core._locator.turns.waiting),
        "registrations to be told later": len(core._requests.later),
        "ids in unfinished registrations": sum(state.clients.listed.values()),
        "agents": len(sessions),
        "agents in change": len(core._agents.busy),
        "agent events that wait": len(core._agents.forced),
        "agent events that nodes may not agree on": len(core._agents.forced.agreeing),
        "logouts that nodes missed": len(sessions.absences),
        "clients with what stands": len(sessions.standing),
        "sessions that nodes lack": len(sessions.lacking),
        "reporting clients": core._streams.subscribers,
        "reporting streams": core._streams.number,
        "streams of nodes": len(core._streams._upstream._sources),
        "composed": len(core._streams._upstream.composer),
        "sessions that were ousted": sum(map(len, sessions._ousted.values())),
        "confirmations that wait": sum(map(len, core._agents._waiting.values())),
        "outputs": len(state.outputs.dirty),
        "effects": len(state.effects),
        "owners beyond their limit": max(0, len(state.owners) - state.owners.size),
    }


@implementer(IStreamServerEndpoint, IListeningPort)
class _Door:
    """Where clients come in."""

    def listen(self, protocolFactory: Any) -> Deferred[Any]:
        """Open at once."""
        return succeed(self)

    def startListening(self) -> None:
        """It listens already."""

    def getHost(self) -> UNIXAddress:
        """Nowhere."""
        return UNIXAddress(None)

    def stopListening(self) -> None:
        """Closed at once."""


class _Fuzz:
    """One run."""

    def __init__(self, seed: int, report: Report, fast_path: bool) -> None:
        self.seed = seed
        self.chance = random.Random(f"{seed} proxy")
        self.report = report
        self.clock = Clock()
        names = {field: getattr(SETTINGS, field) for field in SETTINGS.__slots__}
        self.core = ProxyCore(
            ProxySettings(**{**names, "fast_path": fast_path}),
            Deployment({TENANT.id: facts_of(TENANT)}, {node.name: node for node in NODES}),
            usual_strategies(),
        )
        self.nodes = {node.name: ScriptedNode(node, self.chance) for node in NODES}
        self.proxy = ProxyServer(
            self.clock,
            self.core,
            _Door(),
            lambda server: self.nodes[NodeName(server.name)],
            limits=LIMITS,
        )
        self.clients: list[FuzzClient] = []
        self.fitting, self.asked = fitting_frames(), fitting_frames(unfit=False)
        self.proxy.startService()
        self.settle()

    def by_clients(self, count: int, frames: Sequence[bytes]) -> None:
        """Clients send frames that are broken, or that fit; nodes answer well."""
        chance, report = self.chance, self.report
        mutated = mutated_frames([*frames, *self.fitting, *self.fitting], self.seed, count)
        for raw in mutated:
            self.meet_clients()
            client = chance.choice(self.clients)
            report.frames += 1
            if chance.random() < 0.5:
                raw = client.addressed(raw, chance)
            if chance.random() < 0.3:
                client.send(client.addressed(chance.choice(self.fitting), chance))
            if not client.send(raw):
                report.damaging += 1
                client.leave()
            if chance.random() < 0.3:
                self.turn(chance.choice((0.0, 0.001, 0.01, 0.3)))
            if chance.random() < 0.002:
                chance.choice(list(self.nodes.values())).lose()
            if chance.random() < 0.005:
                client.leave()
            if not report.frames % 500:
                self.check()
        self.end()

    def by_nodes(self, count: int, frames: Sequence[bytes]) -> None:
        """Clients ask well; nodes answer with frames that are broken, or say more than asked."""
        chance, report = self.chance, self.report
        mutated = mutated_frames(frames, self.seed, count)
        for raw in mutated:
            self.meet_clients()
            for _ in range(4):
                client = chance.choice(self.clients)
                client.ask(self.asked, chance)
            self.turn(chance.choice((0.0, 0.01, 0.3)), share=0.4)
            node = chance.choice(list(self.nodes.values()))
            report.frames += 1
            if not node.spoil(raw, self.seed + report.frames):
                report.damaging += 1
                for _ in range(3):
                    self.turn(0.2, share=0.4)
            if not report.frames % 500:
                # What a node answered with nothing that makes sense times out.
                self.clock.pump([1.0] * int(SETTINGS.request_timeout + 1))
                self.check()
        self.end()

    def meet_clients(self) -> None:
        """Have as many clients as there should be."""
        chance = self.chance
        self.clients = [client for client in self.clients if not client.gone]
        while len(self.clients) < CLIENTS:
            # Somebody is always there who may ask for nearly everything.
            served = any(each.role == ClientType.AGENT_APPLICATION for each in self.clients)
            role = chance.choice(_ROLES) if served else ClientType.AGENT_APPLICATION
            client = FuzzClient(self.proxy.listener, role, self.report, SETTINGS.max_frame)
            self.clients.append(client)
            if role == "nobody":
                continue
            session = chance.choice((b"",) * 9 + SESSIONS)
            client.send(registration(role, session, chance.randrange(1, 4), client.reference()))
            if role == ClientType.PROXY:
                for kind in _BEHIND_A_PROXY:
                    client.send(registration(kind, b"", 1, client.reference()))
            self.turn(0.0, share=1.0)

    def turn(self, seconds: float, share: float = 0.7) -> None:
        """Time passes; nodes read, and answer a share of what they owe; clients read."""
        self.clock.advance(seconds)
        for node in self.nodes.values():
            node.turn(share)
        self.clock.advance(0)
        for client in self.clients:
            client.read()
        for name, size in sizes(self.core).items():
            self.report.largest[name] = max(self.report.largest[name], size)

    def settle(self) -> None:
        """Let nodes come back and answer all that they owe."""
        for _ in range(12):
            self.turn(1.0, share=1.0)

    def check(self) -> None:
        """Everything that was asked has its answer."""
        self.settle()
        for _ in range(8):
            # Steps of a pull, of an agent's change: each waits for the one before.
            self.turn(0.0, share=1.0)
        for client in self.clients:
            client.check()

    def end(self) -> None:
        """All go."""
        self.check()
        for client in self.clients:
            client.leave()
        self.settle()
        for node in self.nodes.values():
            node.lose(for_good=True)
        self.clock.pump([1.0] * int(AFTERWARDS))
        self.report.left = {name: size for name, size in sizes(self.core).items() if size}
        self.proxy.stopService()
        left = [call for call in self.clock.getDelayedCalls() if call.active()]
        if left:
            self.report.left["timers"] = len(left)
