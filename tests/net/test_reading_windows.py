"""Clients with very much on the way are left unread until answers came."""

from __future__ import annotations

from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from ixproxy.core.clients import Client
from ixproxy.messages import (
    EventAck,
    RequestChangeProperties,
    RequestLocate,
    RequestPull,
    RequestRegisterClient,
    RequestSubmit,
)
from ixproxy.messages.message import Message
from ixproxy.net.keep_alive import KeepAlive
from ixproxy.net.listener import Limits, PeerListener
from ixproxy.net.perform import Performer
from ixproxy.net.turn import TurnEnd
from ixproxy.values import NodeName
from ixproxy.wire.codec import encode
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Flag, Frame, read_frame
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig

WINDOW = 4
CHANGE = RequestChangeProperties(tenant_id=TENANT, interaction_id="e")
HELD = RequestPull(tenant_id=TENANT, view_id="In/All", extension={"pull-for-strategy": 1})


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
    """A proxy's listener between nodes that the test plays and one registered client."""

    def __init__(self, client_type: str = "RoutingEngine") -> None:
        self.core = Rig().core
        self.core.state.owners.confirm(b"e", EAST)
        self.performer = Performer(self.core)
        clock = Clock()
        self.listener = PeerListener(
            clock,
            self.core,
            self.performer,
            TurnEnd(clock),
            KeepAlive(clock),
            Limits(window=WINDOW),
        )
        self.nodes = {name: Node(self, name) for name in (EAST, NORTH, WEST)}
        for name, node in self.nodes.items():
            self.performer.connect(self.core.link(name), node)  # type: ignore[arg-type]
        self.connection = self.listener.buildProtocol(None)
        self.transport = StringTransport()
        self.connection.makeConnection(self.transport)  # type: ignore[no-untyped-call]
        self.reference = 0
        self.ask(1, RequestRegisterClient(client_name="c", client_type=client_type))
        for number, node in enumerate(self.nodes.values(), 1):
            node.answer(1, EventAck(proxy_client_id=number))

    def ask(self, number: int, message: Message, **prefix: Any) -> None:
        for _ in range(number):
            self.reference += 1
            self.connection.dataReceived(encode(message, reference=self.reference, **prefix))

    def reads(self) -> bool:
        return self.transport.producerState == "producing"

    @property
    def client(self) -> Client:
        return next(iter(self.core.state.clients))


def test_a_client_is_left_unread_above_its_window_and_read_when_half_is_answered() -> None:
    house = House()
    house.ask(WINDOW, CHANGE)
    assert house.reads()
    house.ask(1, CHANGE)
    assert not house.reads()
    house.nodes[EAST].answer(2, EventAck())
    assert not house.reads()
    house.nodes[EAST].answer(1, EventAck())
    assert house.reads()


def test_held_pulls_do_not_close_the_window_of_a_router() -> None:
    house = House()
    house.ask(50, HELD)
    assert house.reads()
    for node in house.nodes.values():
        node.frames.clear()
    house.ask(WINDOW + 1, CHANGE)
    assert not house.reads()
    house.nodes[EAST].answer(WINDOW + 1, EventAck())
    assert house.reads()
    assert (len(house.client.inflight), house.client.on_the_way) == (50, 0)


def test_requests_without_a_reply_open_the_window_too() -> None:
    house = House("MediaServer")
    submit = RequestSubmit(tenant_id=TENANT, media_type="email", queue="In")
    house.ask(3 * WINDOW, submit, flags=int(Flag.NO_REPLY))
    assert not house.reads()
    for node in house.nodes.values():
        node.answer(3 * WINDOW, EventAck())
    assert house.reads()


def test_a_proxy_is_always_read_for_it_has_many_clients() -> None:
    house = House("Proxy")
    house.ask(5 * WINDOW, RequestLocate(tenant_id=TENANT, interaction_id="x"))
    assert house.client.on_the_way == 5 * WINDOW
    assert house.reads()


def test_nobody_stays_unread_when_its_requests_were_given_up() -> None:
    house = House()
    house.ask(WINDOW + 1, CHANGE)
    house.core.node_lost(EAST, 1000.0)
    for destination in house.core.take_outputs():
        destination.take()
    assert not house.reads(), "its answers got lost on the way to the socket"
    house.listener.ticked()
    assert house.reads()
    assert house.performer.windows.closed == {}


def test_a_peer_that_is_gone_is_forgotten() -> None:
    house = House()
    house.ask(WINDOW + 1, CHANGE)
    house.connection.connectionLost(Failure(ConnectionDone()))
    assert house.performer.windows.closed == {}
    house.nodes[EAST].answer(WINDOW + 1, EventAck())
