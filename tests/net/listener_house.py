"""A proxy's listener between nodes that the test plays and clients on transports."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from ixproxy.core.clients import Client
from ixproxy.messages import EventAck, RequestRegisterClient
from ixproxy.messages.message import Message
from ixproxy.net.connection import FrameConnection
from ixproxy.net.keep_alive import KeepAlive
from ixproxy.net.listener import Limits, PeerListener
from ixproxy.net.perform import Performer
from ixproxy.net.turn import TurnEnd
from ixproxy.values import NodeName
from ixproxy.wire.codec import encode
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Frame, read_frame
from tests.core.rig import EAST, NORTH, WEST, Rig


class Node:
    """One node, in the place of its connection: frames are kept until it answers."""

    def __init__(self, house: House, name: NodeName) -> None:
        self.house = house
        self.name = name
        self.frames: list[Frame] = []

    def send_all(self, frames: list[bytes]) -> None:
        self.frames += [frame for frame in map(read_frame, frames) if frame.kind == Kind.REQUEST]

    def answer(self, number: int, message: Message) -> None:
        frames, self.frames = self.frames[:number], self.frames[number:]
        for frame in frames:
            raw = encode(message, client=frame.client, reference=frame.reference)
            self.house.core.node_frames_received(self.name, [raw], 1000.0)
            self.house.performer.perform()


class House:
    """
    The listener.

    :param window: requests of one client that may be on their way.
    :ivar connection: of the first client, which is registered.
    """

    def __init__(self, client_type: str = "RoutingEngine", window: int = 4) -> None:
        self.core = Rig().core
        self.core.state.owners.confirm(b"e", EAST)
        clock = Clock()
        self.turn = TurnEnd(clock)
        self.performer = Performer(self.core, clock)
        self.listener = PeerListener(
            clock,
            self.core,
            self.performer,
            self.turn,
            KeepAlive(clock),
            Limits(window=window),
        )
        self.nodes = {name: Node(self, name) for name in (EAST, NORTH, WEST)}
        for name, node in self.nodes.items():
            self.performer.connect(self.core.link(name), node)  # type: ignore[arg-type]
        self.reference = 0
        self.entered = 0
        self.connection, self.transport = self.enter(client_type)

    def enter(self, client_type: str) -> tuple[FrameConnection, StringTransport]:
        """One more client connects and registers."""
        connection, transport = self.listener.buildProtocol(None), StringTransport()
        connection.makeConnection(transport)  # type: ignore[no-untyped-call]
        registration = RequestRegisterClient(client_name="c", client_type=client_type)
        connection.dataReceived(encode(registration, reference=1))
        for node in self.nodes.values():
            self.entered += 1
            node.answer(1, EventAck(proxy_client_id=self.entered))
        return connection, transport

    def ask(self, number: int, message: Message, **prefix: Any) -> None:
        for _ in range(number):
            self.reference += 1
            self.connection.dataReceived(encode(message, reference=self.reference, **prefix))

    def reads(self) -> bool:
        return self.transport.producerState == "producing"

    @property
    def client(self) -> Client:
        return next(iter(self.core.state.clients))
