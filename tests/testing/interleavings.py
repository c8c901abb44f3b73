"""
Proxies and nodes with nothing between them but queues: every order of deliveries.

The proxies' minds and the nodes' rules are the real ones. A world is a value:
it is copied, and each copy goes on another way. Whatever is in flight on one
link in one direction arrives in order; between links any order is possible.
"""

from __future__ import annotations

import io
import pickle  # noqa: TID251 (worlds that were made here are copied, nothing comes from outside)
from collections.abc import Iterator
from random import Random
from typing import Any

from ixproxy.core.proxy import ProxyCore
from ixproxy.core.settings import Deployment, ProxySettings, Strategies
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import (
    EventAck,
    RequestAgentLogin,
    RequestClientsGone,
    RequestRegisterClient,
    ServerFacts,
)
from ixproxy.messages.message import Request
from ixproxy.node.expiry import end_old_login, old_logins
from ixproxy.node.journal import Journal
from ixproxy.node.memory import Memory, Reporter
from ixproxy.node.model import MediaPlan, NodeModel, NodeSettings, TenantPlan
from ixproxy.node.requests import perform
from ixproxy.node.turn import Identity, Turn
from ixproxy.node.work import Answer, Asked, ClientsLost, Registered, Report, Sender, Tell
from ixproxy.strategies import merge_union, pull_in_turn, round_robin
from ixproxy.values import NodeFacts, NodeName, TenantFacts
from ixproxy.wire.codec import decode, encode, error_frame
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import read_frame
from ixproxy.wire.subscribing import Subscribed

TENANT = 1
MODEL = NodeModel((TenantPlan(TENANT, "Environment", {"email": MediaPlan()}),), {})
STRATEGIES = Strategies(
    round_robin.make({}),
    pull_in_turn.make({}),
    merge_union.make({}),
)
LOGIN = RequestAgentLogin(tenant_id=TENANT, agent_id="ann", place_id="p1", media_list={"email": 1})
Lane = tuple[int, str, bool]
"""A proxy, a node, and whether it is the way to the node."""


def session_of(number: int) -> bytes:
    """The session of a client."""
    return bytes([65 + number]) * 16


class NoRows:
    """A database in which no interactions are."""

    def put(self, row: object) -> None:
        """It is in memory, too."""

    remove = put

    def held_by(self, session: bytes) -> list[Any]:
        """Nothing."""
        return []


class ModelNode:
    """A node's rules over its memory."""

    def __init__(self, name: str, dbid: int, mode: str) -> None:
        self.identity = Identity(name, dbid, 1)
        self.settings = NodeSettings(allow_multiple_agent_connections=mode)
        self.memory = Memory(Journal())
        self.numbers: dict[tuple[int, int], Sender] = {}
        self.reported: list[str] = []
        """What its reporting streams were sent."""
        self.memory.reporters[b"reporter"] = Reporter(1, Subscribed(), frozenset({TENANT}))
        self.last = 0
        self.now = 1000.0

    def turn(self) -> Turn:
        rows: Any = NoRows()
        return Turn(rows, self.memory, MODEL, self.settings, self.identity, self.now)

    def received(self, proxy: int, raw: bytes) -> list[tuple[int, bytes]]:
        """What it says to whom."""
        frame = read_frame(raw)
        if frame.kind != Kind.REQUEST:
            return []
        request, turn = decode(frame), self.turn()
        address: Any = {"client": frame.client, "reference": frame.reference}
        try:
            answer = self._answer(turn, proxy, frame.client, request)
            self.memory.journal.forget()
        except RequestRefused as refusal:
            self.memory.journal.undo()
            return [(proxy, error_frame(refusal.code, refusal.description, **address))]
        said = [(proxy, encode(answer, **address))]
        for effect in turn.tells:
            if isinstance(effect, Report):
                self.reported.append(type(effect.event).__name__)
            elif isinstance(effect, Tell):
                for (other, number), sender in self.numbers.items():
                    if sender.session == effect.session:
                        said.append((other, encode(effect.event, client=number)))
        return said

    def _answer(self, turn: Turn, proxy: int, client: int, request: Any) -> Any:
        match request:
            case RequestRegisterClient(client_type="Proxy"):
                name, dbid, _ = self.identity
                return EventAck(server=ServerFacts(name=name, role="node", dbid=dbid, epoch=1))
            case RequestRegisterClient():
                tenants = frozenset({TENANT})
                sender = Sender(
                    request.session, request.client_name, request.client_type, tenants, True
                )
                perform(turn, Registered(sender))
                # The session is on its newest registration, as a node's server has it.
                others = {at: s for at, s in self.numbers.items() if s.session != sender.session}
                self.numbers = others
                self.last += 1
                self.numbers[proxy, self.last] = sender
                return EventAck(proxy_client_id=self.last)
            case RequestClientsGone():
                self._lose(turn, proxy, request.clients)
                return EventAck()
        assert isinstance(request, Request)
        if (proxy, client) not in self.numbers:
            raise RequestRefused(Code.SUPERSEDED)
        effect = perform(turn, Asked(self.numbers[proxy, client], request))
        assert isinstance(effect, Answer)
        return effect.message

    def _lose(self, turn: Turn, proxy: int, numbers: list[int]) -> None:
        gone = [self.numbers.pop((proxy, number), None) for number in numbers]
        perform(turn, ClientsLost(tuple(sender.session for sender in gone if sender is not None)))

    def lost(self, proxy: int) -> None:
        """The connection of a proxy broke."""
        turn = self.turn()
        self._lose(turn, proxy, [number for other, number in self.numbers if other == proxy])
        self.memory.journal.forget()

    def wait(self, seconds: float) -> None:
        """Time passes, and logins that nobody confirmed end."""
        self.now += seconds
        turn = self.turn()
        for row in old_logins(turn):
            end_old_login(turn, row)
        self.memory.journal.forget()

    def rows(self) -> list[Any]:
        """The sessions of the agent, confirmed or not."""
        found = self.memory.agent_rows((TENANT, "ann"))
        return sorted(((r.number, r.dbid), r.confirmed, tuple(sorted(r.sessions))) for r in found)


class World:
    """
    Some proxies, each with one client, and some nodes.

    :ivar lanes: what is in flight.
    :ivar accidents: what may yet happen, once each: a link (proxy, node) breaks.
    """

    def __init__(self, proxies: int, nodes: int, mode: str, skew: float = 0.0) -> None:
        names = [f"n{number}" for number in range(nodes)]
        facts = {
            NodeName(name): NodeFacts(NodeName(name), 101 + at, frozenset({TENANT}))
            for at, name in enumerate(names)
        }
        tenants = {TENANT: TenantFacts(TENANT, "Environment", {"email": True})}
        self.deployment = Deployment(tenants, facts)
        self.nodes = {name: ModelNode(name, 101 + at, mode) for at, name in enumerate(names)}
        for at, node in enumerate(self.nodes.values()):
            node.now += at * skew
        self.proxies: list[ProxyCore] = []
        self.now = 0.0
        self.lanes: dict[Lane, list[bytes]] = {}
        self.heard: list[list[Any]] = []
        self.accidents: tuple[tuple[int, str], ...] = ()
        self.reference = 10
        for at in range(proxies):
            self.add_proxy()
            self.register(at, at)
        self.run()
        self.heard = [[] for _ in range(proxies)]

    def add_proxy(self) -> None:
        """One more proxy, linked to all nodes."""
        at = len(self.proxies)
        settings = ProxySettings(name=f"proxy{at}")
        self.proxies.append(ProxyCore(settings, self.deployment, STRATEGIES))
        self.heard.append([])
        for name in self.nodes:
            self.connect(at, name)
        self.run()

    def register(self, proxy: int, session: int) -> None:
        """A client comes to a proxy that has none."""
        self.proxies[proxy].peer_connected(1, self.now)
        registration = RequestRegisterClient(
            client_name="desk",
            client_type="AgentApplication",
            session=session_of(session),
            incarnation=1 + proxy,
        )
        self.say(proxy, registration)

    def leave(self, proxy: int) -> None:
        """The connection of a proxy's client breaks."""
        self.proxies[proxy].peer_lost(1, self.now)
        self.pump(proxy)

    def say(self, proxy: int, request: Request) -> None:
        """A proxy's client asks for something."""
        self.reference += 1
        raw = encode(request, reference=self.reference)
        self.proxies[proxy].frames_received(1, [raw], self.now)
        self.pump(proxy)

    def pump(self, proxy: int) -> None:
        """Put what a proxy says into its lanes."""
        core = self.proxies[proxy]
        for destination in core.take_outputs():
            for raw in destination.take():
                name = getattr(destination, "name", None)
                if name is None:
                    self.heard[proxy].append(decode(read_frame(raw)))
                else:
                    self.lanes.setdefault((proxy, name, True), []).append(raw)
        core.take_effects()

    def moves(self) -> list[Any]:
        """What can happen next."""
        lanes: list[Any] = sorted(lane for lane, frames in self.lanes.items() if frames)
        return lanes + [("lose", *pair) for pair in self.accidents]

    def move(self, move: Any) -> None:
        """Let it happen."""
        if move[0] == "lose":
            self.accidents = tuple(pair for pair in self.accidents if pair != move[1:])
            self.lose(*move[1:])
            return
        proxy, name, up = move
        raw = self.lanes[move].pop(0)
        if up:
            for receiver, said in self.nodes[name].received(proxy, raw):
                self.lanes.setdefault((receiver, name, False), []).append(said)
        else:
            self.proxies[proxy].node_frames_received(NodeName(name), [raw], self.now)
            self.pump(proxy)

    def lose(self, proxy: int, name: str) -> None:
        """A link breaks, with all that is in flight on it."""
        for up in (True, False):
            self.lanes.pop((proxy, name, up), None)
        self.nodes[name].lost(proxy)
        self.proxies[proxy].node_lost(NodeName(name), self.now)
        self.lanes.pop((proxy, name, True), None)
        self.pump(proxy)

    def connect(self, proxy: int, name: str) -> None:
        """A link is made."""
        self.proxies[proxy].node_connected(NodeName(name), self.now)
        self.pump(proxy)

    def run(self) -> None:
        """Deliver everything, in some order."""
        while True:
            lanes = [lane for lane, frames in self.lanes.items() if frames]
            if not lanes:
                return
            self.move(min(lanes))

    def settle(self) -> None:
        """All links are there again, everything arrives, and what nobody confirmed ends."""
        self.accidents = ()
        self.run()
        for at, proxy in enumerate(self.proxies):
            for name, link in proxy.state.links.items():
                if not link.speaks:
                    self.connect(at, name)
                    self.run()
        for node in self.nodes.values():
            node.wait(11.0)
        self.run()

    def fingerprint(self) -> Any:
        """What tells two worlds apart."""
        lanes = tuple((lane, tuple(said)) for lane, said in sorted(self.lanes.items()) if said)
        nodes = tuple(
            (repr(node.rows()), repr(sorted(node.memory.lost)), repr(node.memory.logging_in))
            for node in self.nodes.values()
        )
        proxies = tuple(_told(proxy) for proxy in self.proxies)
        return lanes, nodes, proxies, self.accidents, tuple(map(repr, self.heard))


def _told(proxy: ProxyCore) -> Any:
    agents: Any = proxy._agents
    changes = [
        (
            type(change).__name__, change._phase, sorted(link.name for link in change._awaited),
            [link.name for link in change._accepted], change._refusal,
            getattr(change, "_stamp", None),
        )
        for change in agents.busy.values()
    ]  # fmt: skip
    sessions = [(s.stamp, len(s.clients), s.state) for s in agents.sessions]
    links = [link.state.value for link in proxy.state.links.values()]
    missed = {name: len(found) for name, found in agents.sessions.absences._missed.items()}
    return repr((changes, sessions, links, missed, len(agents.forced)))


class _Pickler(pickle.Pickler):
    def persistent_id(self, obj: Any) -> Any:
        return "strategies" if obj is STRATEGIES else None


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, pid: Any) -> Any:
        return STRATEGIES


def frozen(world: World) -> bytes:
    """A world as bytes."""
    kept = io.BytesIO()
    _Pickler(kept, pickle.HIGHEST_PROTOCOL).dump(world)
    return kept.getvalue()


def thawed(raw: bytes) -> World:
    """The world again."""
    world = _Unpickler(io.BytesIO(raw)).load()
    assert isinstance(world, World)
    return world


def every_end(world: World, most: int = 1_000_000) -> Iterator[World]:
    """
    Every world that can come of this one, settled.

    :raise AssertionError: there are more states on the way than `most`.
    """
    waiting, seen = [frozen(world)], {world.fingerprint()}
    ends = set()
    while waiting:
        kept = waiting.pop()
        moves = thawed(kept).moves()
        for move in moves:
            after = thawed(kept)
            after.move(move)
            print_of = after.fingerprint()
            if print_of in seen:
                continue
            seen.add(print_of)
            assert len(seen) <= most, "there are too many states to see all"
            waiting.append(frozen(after))
        if all(move[0] == "lose" for move in moves):
            end = thawed(kept)
            end.settle()
            ends.add(end.fingerprint())
            yield end


def some_ends(world: World, seed: int, count: int) -> Iterator[World]:
    """Some worlds that can come of this one, settled, by chance."""
    chance, kept = Random(seed), frozen(world)
    for _ in range(count):
        after = thawed(kept)
        while moves := after.moves():
            after.move(chance.choice(moves))
        after.settle()
        yield after
