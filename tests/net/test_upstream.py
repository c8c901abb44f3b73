"""The node side of a proxy: connected, greeted, lost, and tried again."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionLost, ConnectionRefusedError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from zope.interface import implementer

from ixproxy.core.link_states import State
from ixproxy.core.link_times import LinkTimes
from ixproxy.errors import Code
from ixproxy.messages import EventAck, RequestRegisterClient, ServerFacts
from ixproxy.net.keep_alive import KeepAlive
from ixproxy.net.perform import Performer
from ixproxy.net.turn import TurnEnd
from ixproxy.net.upstream import CLOSE_LIMIT, Upstream
from ixproxy.wire.codec import decode, encode, error_frame
from ixproxy.wire.frames import FrameReader
from ixproxy.wire.prefix import Frame, read_frame
from tests.core.rig import EAST, Rig, at
from tests.deferreds import no_result, result_of

TIMES = LinkTimes()


@implementer(IStreamClientEndpoint)
class Node:
    """An endpoint at which a scripted node sits, or nobody."""

    def __init__(self) -> None:
        self.there = True
        self.attempts = 0
        self.protocol: Any = None
        self.transport = StringTransport()

    def connect(self, factory: Any) -> Deferred[Any]:
        self.attempts += 1
        if not self.there:
            return fail(ConnectionRefusedError())
        self.protocol, self.transport = factory.buildProtocol(None), StringTransport()
        self.protocol.makeConnection(self.transport)
        return succeed(self.protocol)

    def lose(self) -> None:
        self.protocol.connectionLost(Failure(ConnectionLost()))


class Linked:
    """One upstream of a proxy, on a clock."""

    def __init__(self, **more: Any) -> None:
        self.clock = Clock()
        self.core = Rig(link=False).core
        self.node = Node()
        self.upstream = Upstream(
            self.clock,
            lambda _: self.node,
            at(EAST, "east"),
            self.core,
            Performer(self.core, self.clock),
            TurnEnd(self.clock),
            KeepAlive(self.clock),
            chance=lambda: 0.5,
            **more,
        )

    def state(self) -> State:
        return self.core.link(EAST).state

    def greeting(self) -> Frame:
        self.clock.advance(0)
        (raw,) = FrameReader().feed(self.node.transport.value())
        self.node.transport.clear()
        assert isinstance(raw, bytes)
        return read_frame(raw)

    def accept(self) -> None:
        frame = self.greeting()
        facts = ServerFacts(name=EAST, role="node", dbid=101, epoch=1)
        self.node.protocol.dataReceived(encode(EventAck(server=facts), reference=frame.reference))


def test_a_node_is_greeted_and_then_linked() -> None:
    linked = Linked()
    linked.upstream.start()
    greeting = decode(linked.greeting())
    assert isinstance(greeting, RequestRegisterClient)
    assert greeting.client_type == "Proxy"
    assert greeting.path == ["proxy"]
    assert linked.state() is State.GREETING
    linked.node.lose()
    assert linked.state() is State.DOWN
    linked.clock.advance(TIMES.pauses[-1])
    linked.accept()
    assert linked.state() is State.LINKED
    linked.upstream.stop()
    assert linked.state() is State.DOWN


def test_a_node_that_is_away_is_tried_again_and_again() -> None:
    linked = Linked()
    linked.node.there = False
    linked.upstream.start()
    for _ in range(60):
        linked.clock.advance(0.1)
    assert 9 <= linked.node.attempts <= 14, "six seconds"
    linked.node.there = True
    for _ in range(10):
        linked.clock.advance(0.1)
    linked.accept()
    assert linked.state() is State.LINKED, "a second after it listens"
    linked.upstream.stop()


def test_a_node_that_refuses_the_proxy_is_left_and_tried_later() -> None:
    linked = Linked()
    linked.upstream.start()
    frame = linked.greeting()
    linked.node.protocol.dataReceived(error_frame(Code.INVALID_CLIENT, reference=frame.reference))
    assert linked.node.transport.disconnected or linked.node.transport.disconnecting
    linked.upstream.stop()


def test_whatever_speaks_another_protocol_is_no_node() -> None:
    linked = Linked()
    linked.upstream.start()
    linked.node.protocol.dataReceived(b"SSH-2.0-OpenSSH_9.2\r\n")
    assert linked.node.transport.disconnected or linked.node.transport.disconnecting
    linked.upstream.stop()


def test_a_node_that_does_not_read_is_full_until_it_does() -> None:
    linked = Linked(output_limit=1000)
    linked.upstream.start()
    linked.accept()
    link = linked.core.link(EAST)
    linked.node.protocol.pauseProducing()
    for _ in range(30):
        linked.node.protocol.send(bytes(100))
    fullness = [link.full]
    linked.node.protocol.resumeProducing()
    linked.clock.advance(0)
    fullness.append(link.full)
    assert fullness == [True, False]
    linked.upstream.stop()


def test_what_an_abandoned_connection_says_later_is_ignored() -> None:
    linked = Linked()
    linked.upstream.start()
    linked.accept()
    old = linked.node.protocol
    linked.upstream.stop()
    assert linked.state() is State.DOWN
    old.dataReceived(encode(EventAck(), reference=4))
    old.connectionLost(Failure(ConnectionLost()))
    assert linked.state() is State.DOWN


def test_a_node_that_never_comes_to_be_of_use_is_tried_less_and_less_often() -> None:
    linked = Linked()
    linked.upstream.start()
    for _ in range(200):
        if linked.node.protocol is not None and linked.node.transport.value():
            frame = linked.greeting()
            refusal = error_frame(Code.INVALID_CLIENT, reference=frame.reference)
            linked.node.protocol.dataReceived(refusal)
            linked.node.lose()
        linked.clock.advance(0.1)
    assert 25 <= linked.node.attempts <= 40, "twenty seconds, as if it did not accept"
    linked.clock.advance(3.0)
    linked.accept()
    before = linked.node.attempts
    linked.node.lose()
    linked.clock.advance(TIMES.pauses[0])
    assert linked.node.attempts == before + 1, "one that was of use is tried at once"
    linked.upstream.stop()


def test_a_link_that_is_not_wanted_is_cut_where_the_node_does_not_read() -> None:
    linked = Linked()
    linked.upstream.start()
    linked.accept()
    transport = linked.node.transport
    stopped = linked.upstream.stop()
    assert transport.disconnecting
    aborted: list[bool] = []
    transport.abortConnection = lambda: aborted.append(True)  # type: ignore[method-assign]
    linked.clock.advance(CLOSE_LIMIT - 0.1)
    assert not aborted
    linked.clock.advance(0.2)
    assert aborted
    no_result(stopped)
    linked.node.lose()
    result_of(stopped)
    assert not linked.clock.getDelayedCalls()


def test_a_link_that_closes_in_time_leaves_no_timer() -> None:
    linked = Linked()
    linked.upstream.start()
    linked.accept()
    stopped = linked.upstream.stop()
    linked.node.lose()
    result_of(stopped)
    assert not linked.clock.getDelayedCalls()


def test_the_limit_of_a_link_changes_live() -> None:
    linked = Linked(output_limit=1 << 20)
    linked.upstream.start()
    assert linked.node.protocol.output_limit == 1 << 20
    linked.upstream.limits_changed(4096)
    assert linked.node.protocol.output_limit == 4096
    assert linked.state() is State.GREETING
    linked.node.lose()
    linked.upstream.limits_changed(8192)
    linked.clock.advance(1)
    assert linked.node.protocol.output_limit == 8192
