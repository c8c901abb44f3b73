"""The client side of a proxy: accepts, reads, sends, and lets nobody cost too much."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from ixproxy.errors import Code
from ixproxy.messages import EventAck, RequestPing, RequestRegisterClient
from ixproxy.net.connection import FrameConnection
from ixproxy.net.keep_alive import KeepAlive
from ixproxy.net.listener import Limits, PeerListener
from ixproxy.net.perform import Performer
from ixproxy.net.turn import TurnEnd
from ixproxy.wire.codec import decode, encode
from ixproxy.wire.frames import FrameReader
from ixproxy.wire.prefix import read_frame
from tests.core.rig import Rig

REGISTRATION = RequestRegisterClient(client_name="desk", client_type="AgentApplication")


class Door:
    """A listener of a proxy without nodes, on a clock."""

    def __init__(self, **limits: Any) -> None:
        self.clock = Clock()
        self.core = Rig(link=False).core
        self.listener = PeerListener(
            self.clock,
            self.core,
            Performer(self.core, self.clock),
            TurnEnd(self.clock),
            KeepAlive(self.clock),
            Limits(**limits),
        )

    def enter(self) -> tuple[FrameConnection, StringTransport]:
        connection = self.listener.buildProtocol(None)
        assert connection is not None
        transport = StringTransport()
        connection.makeConnection(transport)  # type: ignore[no-untyped-call]
        return connection, transport

    def heard(self, transport: StringTransport) -> list[Any]:
        self.clock.advance(0)
        frames = FrameReader().feed(transport.value())
        transport.clear()
        return [decode(read_frame(raw)) for raw in frames if isinstance(raw, bytes)]


def test_a_client_registers_asks_and_leaves_nothing_behind() -> None:
    door = Door()
    connection, transport = door.enter()
    connection.dataReceived(encode(REGISTRATION, reference=1) + encode(RequestPing(), reference=2))
    registered, refused = door.heard(transport)
    assert isinstance(registered, EventAck)
    assert refused.error_code == Code.UNSUPPORTED_OPERATION
    connection.connectionLost(Failure(ConnectionDone()))
    assert not door.core.state.clients.peers
    assert len(door.core.state.clients) == 0


def test_a_connection_too_many_is_told_so_and_closed() -> None:
    door = Door(connections=1)
    connection, transport = door.enter()
    connection.dataReceived(encode(REGISTRATION, reference=1))
    door.heard(transport)
    _, refused = door.enter()
    (error,) = door.heard(refused)
    assert error.error_code == Code.TOO_MANY_CLIENTS
    assert refused.disconnecting
    assert not transport.disconnecting


def test_a_peer_that_does_not_register_in_time_is_closed() -> None:
    door = Door(registration=5.0)
    _, late = door.enter()
    connection, punctual = door.enter()
    connection.dataReceived(encode(REGISTRATION, reference=1))
    door.clock.advance(5)
    door.listener.ticked()
    assert late.disconnecting
    assert not punctual.disconnecting


def test_what_is_no_frame_is_answered_with_what_is_wrong_and_closed() -> None:
    door = Door()
    connection, transport = door.enter()
    connection.dataReceived(b"GET / HTTP/1.1\r\n\r\n")
    (error,) = door.heard(transport)
    assert error.error_code == Code.BAD_FRAME
    assert transport.disconnecting


def test_a_peer_that_does_not_read_is_first_left_unread_and_then_closed() -> None:
    door = Door(output=1000, slow=5.0)
    connection, transport = door.enter()
    connection.dataReceived(encode(REGISTRATION, reference=1))
    door.heard(transport)
    connection.pauseProducing()
    for reference in range(2, 30):
        connection.dataReceived(encode(RequestPing(), reference=reference))
    assert transport.producerState == "paused"
    door.listener.ticked()
    assert connection.connected_now
    connection.resumeProducing()
    door.clock.advance(0)
    assert transport.producerState == "producing", "it reads again, so it is read again"
    connection.pauseProducing()
    for reference in range(30, 60):
        connection.dataReceived(encode(RequestPing(), reference=reference))
    door.clock.advance(5)
    door.listener.ticked()
    assert transport.disconnecting or transport.disconnected
    assert "does not read" in connection.close_reason


def test_closing_all_says_why_to_each() -> None:
    door = Door()
    peers = [door.enter() for _ in range(3)]
    door.listener.close_all("the proxy stops")
    assert all(transport.disconnecting for _, transport in peers)
    assert {connection.close_reason for connection, _ in peers} == {"the proxy stops"}


def test_limits_change_for_peers_that_are_there_and_none_is_closed() -> None:
    door = Door(output=1 << 20, registration=100.0)
    connection, transport = door.enter()
    door.listener.limits_changed(Limits(connections=0, output=4096, registration=5.0))
    assert connection.output_limit == 4096
    _, refused = door.enter()
    assert refused.disconnecting
    assert not transport.disconnecting
    door.clock.advance(6)
    door.listener.ticked()
    assert bool(transport.disconnecting), "it did not register in the time that holds now"


def test_a_peer_may_send_what_it_was_told_it_may() -> None:
    door = Door()
    connection, _ = door.enter()
    state = door.core.state
    told = state.settings.max_frame
    for now, read in ((2 * told, 2 * told), (told // 2, 2 * told)):
        state.settings = replace(state.settings, max_frame=now)
        door.listener.limits_changed(Limits())
        assert connection.max_frame == read
        newcomer = door.listener.buildProtocol(None)
        assert newcomer is not None
        assert newcomer.max_frame == now
