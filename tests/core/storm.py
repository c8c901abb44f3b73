"""
Everything at once: clients, nodes, time and configuration, by chance and a seed.

Nodes answer late, wrongly, twice, in parts or never; links and connections
break at any moment; whatever a proxy must withstand is here, and what must
hold all the same is said by `Storm.faults`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any

from ixproxy import messages as m
from ixproxy.core.settings import Deployment
from ixproxy.effects import ClosePeer, Note, ResetLink
from ixproxy.errors import Code
from ixproxy.messages.message import Message
from ixproxy.values import NodeName
from ixproxy.wire.codec import decode, encode
from ixproxy.wire.names import BY_CODE, BY_MESSAGE, Kind
from ixproxy.wire.prefix import Flag, Frame, with_body, write_frame
from tests.core.rig import EAST, NODES, NORTH, TENANT, WEST, Rig, facts
from tests.core.storm_words import IDS, about_snapshots, some_event, some_request

TYPES = (*["AgentApplication"] * 5, "MediaServer", "RoutingEngine", "Proxy", "Toaster")
SESSIONS = (b"", b"s" * 16, b"t" * 16)
CODES = (
    *(Code.UNKNOWN_INTERACTION, Code.BUSY, Code.STOPPING, Code.STORE_FAILED, Code.NOT_QUEUED),
    Code.UNKNOWN_SNAPSHOT,
)
GARBAGE = (b"\xc1", b"\x81\xa1k", b"\x90", b"\x81\xabTakeNumbers\x05", b"\x81\xa4Held\x01", b"\xff")
Key = tuple[int, int]


class Storm:
    """
    One storm over one proxy.

    :ivar transcript: every frame that left the proxy, in order.
    """

    def __init__(self, seed: int, *, fast_path: bool, **settings: Any) -> None:
        self.chance = Random(seed)
        self.rig = Rig(
            fast_path=fast_path,
            replay_window=1,
            register_window=2,
            max_clients=20,
            max_pending_per_client=6,
            max_pending_per_node=25,
            max_waiting_per_id=4,
            **settings,
        )
        self.state = self.rig.core.state
        self.peers = [self.rig.client(), self.rig.client()]
        self.owed: dict[NodeName, list[Frame]] = {name: [] for name in NODES}
        self.numbers = self.rig.numbers
        self.asked: dict[Key, tuple[str, int]] = {}
        self.answered: Counter[Key] = Counter()
        self.gone: set[int] = set()
        self.incarnation = 1
        self.transcript: list[Any] = []
        self.seen: Counter[str] = Counter()

    def blow(self, steps: int) -> None:
        """Do so many things."""
        things = (
            [self.ask] * 10 + [self.answer] * 14 + [self.come] * 2 + [self.connect] * 3
            + [self.event, self.cancel, self.tick, self.tick, self.lose, self.hang_up]
            + [self.goodbye, self.change, self.fill, self.clients_gone]
        )  # fmt: skip
        if self.state.settings.parking_window:
            things += [self.lose] * 2 + [self.ask] * 10
        for _ in range(steps):
            thing = self.chance.choice(things)
            self.seen[thing.__name__] += 1
            thing()
            self.collect()

    def calm(self) -> None:
        """Everything breaks, and time passes."""
        for name in list(self.rig.core.state.links):
            self.rig.lose(name)
            self.collect()
        for _ in range(4):
            self.rig.tick(40.0)
            self.collect()

    def end(self) -> None:
        """All clients leave."""
        for peer in list(self.peers):
            self.rig.hang_up(peer)

    def faults(self) -> list[str]:
        """What is wrong after `calm`."""
        state, core = self.state, self.rig.core
        found = [f"{key} was answered {n} times" for key, n in self.answered.items() if n > 1]
        for key in self.answered:
            if key not in self.asked:
                found.append(f"{key} was answered and not asked")
        for key in self.asked:
            if key[0] not in self.gone and key not in self.answered:
                found.append(f"{key} was never answered: {self.asked[key]}")
        found += [f"{c.name} has {c.inflight} in flight" for c in state.clients if c.inflight]
        found += [f"{link.name} has pending" for link in state.links.values() if link.pending.count]
        found += [f"{link.name} has clients" for link in state.links.values() if link.clients]
        if core.parking.count or core.parking.size:
            found.append(f"{core.parking.count} wait for nodes")
        if core._locator.in_flight:
            found.append(f"in flight: {core._locator.in_flight}")
        if core._agents.busy:
            found.append(f"busy: {core._agents.busy}")
        if core._agents._waiting:
            found.append(f"waiting: {core._agents._waiting}")
        if state.fan_outs.number or state.snapshots._takes or state.snapshots._leaving:
            found.append("fan-outs are in flight")
        if len(core._agents.forced):
            found.append("events about agents wait")
        return found

    def remains(self) -> list[str]:
        """What is left in tables after `end`."""
        state, core = self.state, self.rig.core
        tables = {
            "peers": state.clients.peers,
            "sessions": state.clients.by_session,
            "unconfirmed": state.unconfirmed,
            "agents": core._agents.sessions._sessions,
            "agents of clients": core._agents.sessions._of_client,
            "missed logouts": core._agents.sessions.absences._missed,
            "logouts of clients": core._agents.sessions.absences._of_client,
            "lacking": core._agents.sessions.lacking._of_node,
            "told again": core._agents.retelling._awaited,
            "waiting events about agents": core._agents.forced._waiting,
            "sessions that were ended": core._agents.sessions._ousted,
            "subscribers": core._streams._subscribers,
            "who waits for a stream": core._streams._waiting,
            "streams": core._streams._countings,
            "snapshots": state.snapshots._by_id,
            "snapshots of clients": state.snapshots._of_client,
            "unreleased": core.snapshots.unreleased._due,
            "counts of unreleased": core.snapshots.unreleased.number,
            "gathered": core._streams.gathered,
            "upstream streams": core._streams._upstream._sources,
            "known upstream": core._streams._upstream._known,
            "composed": range(len(core._streams._upstream.composer)),
            "links of clients": [x for x in state.links.values() if x.clients],
            "standing": core._agents.sessions.standing._of_client,
            "outputs": state.outputs.dirty,
            "effects": state.effects,
        }
        found = [f"{name}: {table}" for name, table in tables.items() if table]
        if len(state.clients):
            found.append(f"{len(state.clients)} clients are counted")
        return found

    def collect(self) -> None:
        """Look at what came out, and do what the world does."""
        for name in NODES:
            for frame in self.rig.to_node.get(name, []):
                self.transcript.append((name, frame.raw))
                if frame.kind == Kind.REQUEST and frame.reference:
                    self.owed[name].append(frame)
            self.rig.to_node[name] = []
        for peer, frames in self.rig.to_peer.items():
            for frame in frames:
                self.transcript.append((peer, frame.raw))
                final = frame.kind == Kind.ERROR or not frame.flags & Flag.MORE
                if frame.kind in (Kind.REPLY, Kind.ERROR) and final and peer not in self.gone:
                    self.answered[peer, frame.reference] += 1
            frames.clear()
        effects, self.rig.effects = self.rig.effects, []
        for effect in effects:
            if isinstance(effect, ResetLink):
                self.seen["reset"] += 1
                self._down(effect.node)
            elif isinstance(effect, ClosePeer):
                self._away(effect.peer)
            else:
                assert isinstance(effect, Note)
                str(effect.format.format(**effect.fields))
        if effects:
            self.collect()

    def _down(self, node: NodeName) -> None:
        self.owed[node] = []
        self.rig.lose(node)

    def _away(self, peer: int) -> None:
        if peer in self.peers:
            self.peers.remove(peer)
            self.gone.add(peer)
            self.rig.hang_up(peer)

    def come(self) -> None:
        """A connection comes in and registers, or an old one does anew."""
        chance = self.chance
        if not self.peers or chance.random() < 0.6:
            self.peers.append(self.rig.peer())
        peer = chance.choice(self.peers)
        self.incarnation += chance.choice((0, 1, 1, 1, 1, -1))
        names = chance.sample(IDS, chance.randrange(3))
        message = m.RequestRegisterClient(
            client_name=chance.choice(("one", "two", "three", "four", "")),
            client_type=chance.choice(TYPES),
            session=chance.choice(SESSIONS),
            incarnation=max(1, self.incarnation),
            moves=[chance.randrange(3)] * chance.randrange(2),
            holding={name: chance.randrange(9) for name in names},
            holding_continues=chance.random() < 0.1,
            max_frame=chance.choice((1 << 20, 1 << 20, 200_000)),
        )
        self._send(peer, message, not message.holding_continues)

    def _send(self, peer: int, message: Message, answered: bool, **prefix: Any) -> None:
        reference = self.rig._reference + 1
        if answered and not prefix.get("flags", 0) & Flag.NO_REPLY:
            name = BY_MESSAGE[type(message)].name
            self.asked[peer, reference] = name, int(prefix.get("client", 0))
        self.rig.ask(peer, message, **prefix)

    def ask(self) -> None:
        """A client asks for something."""
        if not self.peers:
            return
        chance = self.chance
        peer = chance.choice(self.peers)
        numbers = list(self.state.clients.peers[peer].clients) or [0]
        flags = chance.choice((0,) * 8 + (Flag.NO_REPLY, Flag.RECEIPT))
        ttl = chance.choice((0, 0, 0, 500, 5000))
        message = some_request(chance)
        self._send(peer, message, True, client=chance.choice(numbers), flags=flags, ttl=ttl)

    def answer(self) -> None:
        """A node answers one of its requests, well or not."""
        chance = self.chance
        nodes = [name for name in NODES if self.owed[name] and self._open(name)]
        if not nodes:
            return
        node = chance.choice(nodes)
        # Mostly in order, as nodes do.
        at = 0 if chance.random() < 0.7 else chance.randrange(len(self.owed[node]))
        frame = self.owed[node].pop(at)
        how = chance.random()
        if how < 0.01:
            self._raw_answer(node, frame, chance.choice((Kind.REPLY, Kind.ERROR)), b"")
        elif how < 0.02:
            self._raw_answer(node, frame, Kind.REPLY, chance.choice(GARBAGE))
        elif how < 0.15:
            self.rig.refuse(node, frame, chance.choice(CODES))
        else:
            answer = self._good_answer(node, frame)
            if how < 0.2 and isinstance(
                answer, m.EventPulledInteractions | m.EventInteractionsFound
            ):
                self.rig.answer(node, frame, answer, flags=Flag.MORE)
                self.owed[node].insert(0, frame)
                return
            self.rig.answer(node, frame, answer)
            if how < 0.25:
                self.rig.answer(node, frame, answer)

    def _open(self, node: NodeName) -> bool:
        link = self.state.links.get(node)
        return link is not None and link.state.value != "down"

    def _raw_answer(self, node: NodeName, frame: Frame, kind: Kind, body: bytes) -> None:
        name = 1001 if kind is Kind.ERROR else 1011
        if body:
            answer = BY_CODE[frame.name].answer
            name = next(code for code, row in BY_CODE.items() if row.name == answer)
        raw = write_frame(kind, name, client=frame.client, reference=frame.reference)
        self.rig.from_node(node, with_body(raw, 32, body or b"\x80"))

    def _good_answer(self, node: NodeName, frame: Frame) -> Message:
        chance = self.chance
        request = decode(frame)
        if isinstance(request, m.RequestRegisterClient):
            if request.client_type == "Proxy":
                dbid = self.rig.core.link(node).facts.dbid + (chance.random() < 0.05)
                return m.EventAck(server=m.ServerFacts(name=node, role="node", dbid=dbid, epoch=1))
            self.numbers[node] += 1
            held = {key: take for key, take in request.holding.items() if chance.random() < 0.7}
            kept = [each for each in request.snapshots or () if chance.random() < 0.7]
            return m.EventAck(proxy_client_id=self.numbers[node], held=held, snapshots=kept)
        take = chance.choice((0, 5))
        takes = dict.fromkeys(chance.sample(IDS, chance.randrange(3)), 4)
        match BY_CODE[frame.name].answer:
            case "EventPulledInteractions":
                return m.EventPulledInteractions(
                    interactions={name: {"k": 1} for name in takes},
                    take_numbers=dict(takes),
                    errors={} if takes else {"a": Code.NOT_QUEUED},
                )
            case "EventInteractionsFound":
                return m.EventInteractionsFound(interactions={name: {"k": 1} for name in takes})
            case "EventInteractionProperties":
                return m.EventInteractionProperties(interaction_id=frame.interaction)
            case "EventWorkbinTypesInfo":
                return m.EventWorkbinTypesInfo(workbin_types={"Drafts": {}})
        snapshot = about_snapshots(chance, BY_CODE[frame.name].answer)
        if snapshot is not None:
            return snapshot
        stamped = isinstance(request, m.RequestAgentLogin) and chance.random() < 0.95
        return m.EventAck(
            interaction_id=frame.interaction or chance.choice(IDS),
            take_number=take,
            agent_session=(chance.randrange(1, 9), 101) if stamped else None,
        )

    def event(self) -> None:
        """A node says what happened."""
        chance = self.chance
        node = chance.choice(NODES)
        if not self._open(node):
            return
        number = chance.randrange(self.numbers[node] + 2)
        message = some_event(chance)
        if not number:
            message = m.EventNodeLoad(queues={TENANT: {"Q1": 3}}, media_types={TENANT: ["email"]})
        self.rig.from_node(node, encode(message, client=number))

    def connect(self) -> None:
        """A node is there again."""
        down = [n for n, link in self.state.links.items() if link.state.value == "down"]
        if down:
            node = self.chance.choice(down)
            self.owed[node] = []
            self.rig.core.node_connected(node, self.rig.now)
            self.rig.pump()

    def lose(self) -> None:
        """A link breaks."""
        if self.chance.random() < 0.3 and self.state.links:
            self._down(self.chance.choice(list(self.state.links)))

    def tick(self) -> None:
        """Time passes."""
        self.rig.tick(self.chance.choice((0.25, 0.25, 1.0, 6.0, 16.0)))

    def hang_up(self) -> None:
        """A connection breaks."""
        if self.peers and self.chance.random() < 0.3:
            self._away(self.chance.choice(self.peers))

    def goodbye(self) -> None:
        """A client unregisters."""
        if self.peers and self.chance.random() < 0.3:
            peer = self.chance.choice(self.peers)
            numbers = list(self.state.clients.peers[peer].clients) or [0]
            self._send(peer, m.RequestUnregisterClient(), True, client=self.chance.choice(numbers))

    def clients_gone(self) -> None:
        """A downstream proxy lost clients."""
        if self.peers:
            peer = self.chance.choice(self.peers)
            clients = self.state.clients.peers[peer].clients
            gone = self.chance.sample([*(number for number in clients if number), 98, 99], 2)
            self._send(peer, m.RequestClientsGone(clients=gone), True)

    def cancel(self) -> None:
        """A client wants no answer any more."""
        if self.peers and self.asked:
            peer, reference = self.chance.choice(list(self.asked))
            if peer in self.peers:
                numbers = list(self.state.clients.peers[peer].clients) or [0]
                client = self.chance.choice(numbers)
                raw = write_frame(Kind.CANCEL, 0, client=client, reference=reference)
                self.rig.raw(peer, raw)

    def fill(self) -> None:
        """A link is above its high mark, or below it again."""
        link = self.chance.choice(list(self.state.links.values()) or [None])
        if link is not None and link.state.value != "down":
            link.full = self.chance.random() < 0.2

    def change(self) -> None:
        """The deployment file changes."""
        chance = self.chance
        if chance.random() < 0.8:
            return
        names = [EAST, *chance.sample((NORTH, WEST), chance.randrange(3))]
        nodes = {name: facts(name) for name in names}
        deployment = Deployment(self.rig.deployment.tenants, nodes)
        timeout = chance.choice((10.0, 30.0))
        settings = replace(self.state.settings, request_timeout=timeout)
        self.rig.core.configuration_changed(settings, deployment, self.rig.strategies, self.rig.now)
        self.rig.pump()
        for name in NODES:
            if name not in nodes:
                self.owed[name] = []
