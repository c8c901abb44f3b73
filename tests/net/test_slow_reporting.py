"""Reporting clients that do not read: what they cost, how they end, and that nobody else notices."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from ixproxy import messages as m
from ixproxy.errors import Code
from ixproxy.net.connection import FrameConnection
from ixproxy.net.keep_alive import KeepAlive
from ixproxy.net.listener import Limits, PeerListener
from ixproxy.net.perform import Performer
from ixproxy.net.turn import TurnEnd
from ixproxy.wire.codec import decode, encode
from ixproxy.wire.frames import FrameReader
from ixproxy.values import NodeName
from ixproxy.wire.prefix import Frame, read_frame
from tests.core.reporting import ALL, ANNA, NODES, Reporting, names, submitted
from tests.core.rig import EAST

LIMIT = 1 << 20
STATES = [
    m.EventPlaceAgentState(
        tenant_id=1,
        agent_id=f"agent-{number}",
        agent_session=(number + 1, 101),
        interactions={"i": {"Text": "x" * 900}},
    )
    for number in range(2000)
]


class Unread(StringTransport):
    """A socket whose peer reads nothing: the first write fills it."""

    stalled = False

    def write(self, raw: bytes) -> None:
        super().write(raw)
        if self.stalled:
            self.producer.pauseProducing()


class ToNode:
    """As much of a node's connection as sending needs."""

    def __init__(self, frames: list[Frame]) -> None:
        self._frames = frames

    def send_all(self, raws: list[bytes]) -> None:
        self._frames += map(read_frame, raws)


class Proxy:
    """The listener of a proxy whose nodes have reporting streams."""

    def __init__(self, **limits: Any) -> None:
        self.clock = Clock()
        self.rig = Reporting()
        self.core = self.rig.core
        self.performer = Performer(self.core, self.clock)
        for node in NODES:
            sink: Any = ToNode(self.rig.to_node[node])
            self.performer.connect(self.core.link(node), sink)
        self.listener = PeerListener(
            self.clock,
            self.core,
            self.performer,
            TurnEnd(self.clock),
            KeepAlive(self.clock),
            Limits(output=LIMIT, **limits),
        )

    def enter(
        self, client_type: str = "ReportingEngine", *, stalled: bool = False
    ) -> tuple[FrameConnection, Unread]:
        connection = self.listener.buildProtocol(None)
        assert connection is not None
        transport = Unread()
        connection.makeConnection(transport)  # type: ignore[no-untyped-call]
        registration = m.RequestRegisterClient(
            client_name="stat", client_type=client_type, path=["edge"]
        )
        connection.dataReceived(encode(registration, reference=1))
        for node in NODES:
            for frame in tuple(self.rig.to_node[node]):
                if isinstance(decode(frame), m.RequestRegisterClient):
                    self.rig.to_node[node].remove(frame)
                    self.rig.numbers[node] += 1
                    known = m.EventAck(proxy_client_id=self.rig.numbers[node])
                    self.from_node(node, encode(known, reference=frame.reference))
        assert isinstance(self.heard(transport)[0], m.EventAck)
        transport.stalled = stalled
        connection.dataReceived(encode(ALL, reference=2))
        self.clock.advance(0)
        return connection, transport

    def heard(self, transport: Unread) -> list[Any]:
        self.clock.advance(0)
        frames = FrameReader().feed(transport.value())
        transport.clear()
        return [decode(read_frame(raw)) for raw in frames if isinstance(raw, bytes)]

    def happen(self, number: int, size: int = 1000) -> None:
        event = submitted(f"i{number}", interaction={"Text": "x" * size})
        self.from_node(EAST, self.rig.next(EAST, event))

    def from_node(self, node: NodeName, *raws: bytes) -> None:
        self.core.node_frames_received(node, raws, self.clock.seconds())
        self.performer.perform()
        self.clock.advance(0)

    def begin(self, *states: Any) -> None:
        """The nodes tell their states."""
        told = m.EventActivityReport(activity="Begin", number_of_agents=len(states))
        for node in NODES:
            asked = next(
                frame for frame in self.rig.to_node[node] if isinstance(decode(frame), type(ALL))
            )
            mine = states if node == EAST else ()
            begin = told if mine else m.EventActivityReport(activity="Begin")
            answer = encode(m.EventAck(), reference=asked.reference)
            end = m.EventActivityReport(activity="End")
            self.rig.last[node] = 0
            self.from_node(node, answer, *map(encode, (begin, *mine, end)))


def test_who_does_not_read_its_stream_is_closed_with_a_reason_and_others_go_on() -> None:
    """Test idea 47."""
    proxy = Proxy()
    slow, unread = proxy.enter(stalled=True)
    _, transport = proxy.enter()
    proxy.begin(ANNA)
    for number in range(1100):
        proxy.happen(number)
        proxy.clock.advance(0.001)
        if slow.close_reason:
            break
    assert 900 < number < 1000, "at once when it is over its limit"
    assert "does not read" in slow.close_reason
    assert unread.disconnecting
    last = proxy.heard(unread)[-1]
    assert (last.error_code, "max-client-output" in last.error_description) == (
        Code.LIMIT_REACHED, True,
    )  # fmt: skip
    assert proxy.core.state.counters["slow readers closed"] == 1
    events = proxy.heard(transport)[-number - 1 :]
    assert [event.reporting_event_sequence_number for event in events] == list(range(1, number + 2))
    proxy.clock.advance(5)
    proxy.listener.ticked()
    assert unread.disconnected or not slow.connected_now, "it does not even take the reason"


def test_an_initial_state_may_wait_on_top_of_the_limit() -> None:
    proxy = Proxy()
    slow, unread = proxy.enter(stalled=True)
    proxy.begin(*STATES)
    assert slow.backlog > LIMIT, "the state of all agents waits"
    for number in range(900):
        proxy.happen(number)
    assert not slow.close_reason
    for number in range(900, 1100):
        proxy.happen(number)
    assert slow.close_reason
    assert proxy.heard(unread)[-1].error_code == Code.LIMIT_REACHED


def test_a_proxy_that_does_not_read_loses_its_stream_and_stays() -> None:
    proxy = Proxy(slow=60.0)
    edge, unread = proxy.enter("Proxy", stalled=True)
    _, transport = proxy.enter()
    proxy.begin()
    for number in range(1500):
        proxy.happen(number)
    assert not edge.close_reason
    assert edge.backlog < LIMIT + 5000, "nothing more of the stream waits for it"
    unread.stalled = False
    edge.resumeProducing()
    assert proxy.heard(unread)[-1].activity == "Lost"
    assert len(proxy.heard(transport)) >= 1500
    edge.dataReceived(encode(ALL, reference=3))
    proxy.performer.perform()
    assert names(proxy.heard(unread)) == ["EventAck", "EventActivityReport", "EventActivityReport"]


@pytest.mark.parametrize("sent_at_once", [16])
def test_twenty_that_never_read_of_20_mb_keep_no_more_than_one_limit(sent_at_once: int) -> None:
    """Test idea 47: what waits is the same bytes for all of them."""
    proxy = Proxy()
    readers = [proxy.enter()[1] for _ in range(3)]
    stalled = [proxy.enter(stalled=True)[0] for _ in range(20)]
    proxy.begin(ANNA)
    tracemalloc.start()
    most = 0
    for number in range(20_000 // sent_at_once):
        raws = [
            proxy.rig.next(EAST, submitted(f"i{number}-{each}", interaction={"Text": "x" * 1000}))
            for each in range(sent_at_once)
        ]
        proxy.from_node(EAST, *raws)
        for transport in readers:
            transport.clear()
        if number % (400 // sent_at_once) == 0:
            most = max(most, tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert all(connection.close_reason for connection in stalled)
    assert most < LIMIT + (5 << 20), "one copy for all that wait"
