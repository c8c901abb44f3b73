"""A proxy's mind between scripted nodes and clients: frames in, frames out, no socket."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ixproxy.core.clients import Peer
from ixproxy.core.proxy import ProxyCore
from ixproxy.core.settings import Deployment, ProxySettings, Strategies
from ixproxy.messages import (
    EventAck,
    RequestClientsGone,
    RequestLocate,
    RequestRegisterClient,
    RequestUnregisterClient,
    ServerFacts,
)
from ixproxy.messages.message import Message
from ixproxy.strategies import merge_union, pull_in_turn, round_robin
from ixproxy.values import NodeFacts, NodeName, Server, TenantFacts
from ixproxy.wire import codec
from ixproxy.wire.codec import encode, error_frame
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Frame, read_frame

TENANT = 1
MEDIA = {"email": True, "chat": True, "fax": False}
EAST, NORTH, WEST, SOUTH = (NodeName(name) for name in ("east", "north", "west", "south"))
NODES = (EAST, NORTH, WEST, SOUTH)


def decode(frame: Frame) -> Any:
    """The message in a frame; tests know which."""
    return codec.decode(frame)


def apart(raw: bytes) -> list[bytes]:
    """Whole frames that stand one behind the other."""
    frames = []
    while raw:
        size = 4 + int.from_bytes(raw[:4], "big")
        frames.append(raw[:size])
        raw = raw[size:]
    return frames


def facts(name: NodeName, dbid: int = 0, **more: Any) -> NodeFacts:
    """A node of the rig's tenant."""
    number = dbid or 101 + NODES.index(name)
    return NodeFacts(name, number, more.pop("tenants", frozenset({TENANT})), **more)


def at(name: NodeName, *endpoints: str, **more: Any) -> NodeFacts:
    """The same, with a server at each of the endpoints."""
    servers = tuple(Server(f"{name}-{number}", each) for number, each in enumerate(endpoints))
    return facts(name, pairs=(servers,), **more)


class Rig:
    """One proxy, its nodes by name, its clients by peer number."""

    def __init__(
        self,
        nodes: Iterable[NodeFacts] = (facts(EAST), facts(NORTH), facts(WEST)),
        *,
        link: bool = True,
        fast_path: bool = True,
        routing: Any = None,
        pull: Any = None,
        merge: Any = None,
        tenants: dict[int, TenantFacts] | None = None,
        first_snapshot: int = 1,
        **settings: Any,
    ) -> None:
        found = {node.name: node for node in nodes}
        self.now = 1000.0
        self.deployment = Deployment(
            tenants or {TENANT: TenantFacts(TENANT, "Environment", MEDIA)}, found
        )
        self.strategies = Strategies(
            routing or round_robin.make({}),
            pull or pull_in_turn.make({}),
            merge or merge_union.make({}),
        )
        self.core = ProxyCore(
            ProxySettings(fast_path=fast_path, **settings),
            self.deployment,
            self.strategies,
            first_snapshot,
        )
        self.to_node: dict[NodeName, list[Frame]] = {name: [] for name in found}
        self.to_peer: dict[int, list[Frame]] = {}
        self.effects: list[Any] = []
        self.numbers: dict[NodeName, int] = dict.fromkeys(found, 0)
        self._peers = 0
        self._reference = 0
        if link:
            for name in found:
                self.link(name)

    def pump(self) -> None:
        """Move what the mind put out to where the test looks for it."""
        shared = [(to, raw) for raw, many in self.core.take_shared() for to in many]
        outputs = [(to, b"".join(to.take())) for to in self.core.take_outputs()]
        for destination, raw in shared + outputs:
            # An entry may be several whole frames: a stream is joined for all who read it.
            frames = list(map(read_frame, apart(raw)))
            if isinstance(destination, Peer):
                self.to_peer.setdefault(destination.id, []).extend(frames)
            else:
                self.to_node[destination.name].extend(frames)  # type: ignore[attr-defined]
        self.effects += self.core.take_effects()

    def link(self, node: NodeName) -> None:
        """A node comes (back): it accepts the proxy and every client."""
        self.core.node_connected(node, self.now)
        self.pump()
        self.accept(node)

    def accept(self, node: NodeName) -> None:
        """Let a node accept all registrations and other housekeeping it was sent."""
        while self._accept_once(node):
            self.pump()

    def _accept_once(self, node: NodeName) -> bool:
        waiting, self.to_node[node] = self.to_node[node], []
        found = False
        for frame in waiting:
            message = decode(frame) if frame.kind == Kind.REQUEST else None
            answer: Message | None = None
            if isinstance(message, RequestRegisterClient):
                answer = self._registered(node, message)
            elif isinstance(message, RequestUnregisterClient | RequestClientsGone):
                answer = EventAck()
            if answer is None:
                self.to_node[node].append(frame)
            else:
                found = True
                self.answer(node, frame, answer)
        return found

    def _registered(self, node: NodeName, message: RequestRegisterClient) -> EventAck:
        if message.client_type == "Proxy":
            link = self.core.link(node)
            server = ServerFacts(name=node, role="node", dbid=link.facts.dbid, epoch=1)
            return EventAck(server=server)
        self.numbers[node] += 1
        return EventAck(proxy_client_id=self.numbers[node], held=dict(message.holding))

    def lose(self, node: NodeName) -> None:
        """The link to a node breaks."""
        self.core.node_lost(node, self.now)
        self.to_node[node] = []
        self.pump()

    def tick(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds
        self.core.ticked(self.now)
        self.pump()

    def peer(self) -> int:
        """A connection comes in; nobody is registered on it yet."""
        self._peers += 1
        self.core.peer_connected(self._peers, self.now)
        self.to_peer[self._peers] = []
        return self._peers

    def client(self, client_type: str = "AgentApplication", **registration: Any) -> int:
        """A registered client; its peer's number."""
        peer = self.peer()
        name = registration.pop("client_name", f"client-{peer}")
        self.ask(
            peer,
            RequestRegisterClient(client_name=name, client_type=client_type, **registration),
        )
        for node in self.to_node:
            self.accept(node)
        self.pump()
        self.to_peer[peer] = []
        return peer

    def ask(self, peer: int, message: Message, **prefix: Any) -> int:
        """A client sends a request; its reference."""
        self._reference += 1
        reference = prefix.pop("reference", self._reference)
        self.raw(peer, encode(message, reference=reference, **prefix))
        return int(reference)

    def raw(self, peer: int, raw: bytes) -> None:
        """A client sends a frame."""
        self.core.frames_received(peer, [raw], self.now)
        self.pump()

    def hang_up(self, peer: int) -> None:
        """A client's connection breaks."""
        self.core.peer_lost(peer, self.now)
        self.pump()

    def sent(self, node: NodeName) -> list[Frame]:
        """What a node was sent and has not answered; it is taken."""
        frames, self.to_node[node] = self.to_node[node], []
        return frames

    def answer(self, node: NodeName, frame: Frame, message: Message, **prefix: Any) -> None:
        """A node answers one frame."""
        raw = encode(message, client=frame.client, reference=frame.reference, **prefix)
        self.from_node(node, raw)

    def refuse(self, node: NodeName, frame: Frame, code: int) -> None:
        """A node refuses one frame."""
        self.from_node(node, error_frame(code, client=frame.client, reference=frame.reference))

    def from_node(self, node: NodeName, raw: bytes) -> None:
        """A node sends a frame."""
        self.core.node_frames_received(node, [raw], self.now)
        self.pump()

    def got(self, peer: int) -> list[Any]:
        """What a client received; it is taken."""
        return [decode(frame) for frame in self.got_frames(peer)]

    def got_frames(self, peer: int) -> list[Frame]:
        """The same as frames."""
        frames, self.to_peer[peer] = self.to_peer[peer], []
        return frames

    def located(self, node: NodeName, found: bool) -> None:
        """Answer the locates that a node was sent, and leave the rest."""
        from ixproxy.errors import Code

        frames = self.sent(node)
        for frame in frames:
            if isinstance(decode(frame), RequestLocate):
                if found:
                    self.answer(node, frame, EventAck(interaction_id=frame.interaction))
                else:
                    self.refuse(node, frame, Code.UNKNOWN_INTERACTION)
            else:
                self.to_node[node].append(frame)


def only(items: list[Any]) -> Any:
    """The one item there is."""
    assert len(items) == 1, items
    return items[0]
