"""Clients that count their answers, and nodes without a mind."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.protocol import Protocol
from twisted.internet.testing import StringTransport

from ixproxy.messages import (
    EventAck,
    RequestGetInteractionProperties,
    RequestLocate,
    RequestPing,
    RequestRegisterClient,
)
from ixproxy.testing.fuzz_proxy import Report
from ixproxy.testing.scripted_ends import FuzzClient, ScriptedNode
from ixproxy.values import NodeFacts, NodeName
from ixproxy.wire.codec import decode, encode, error_frame
from ixproxy.wire.frames import FrameReader
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Flag, Frame, read_frame, write_frame
from tests.deferreds import failure_of, result_of

PING = encode(RequestPing(), reference=7)


class Silent:
    """A proxy that answers what it is told to."""

    def __init__(self) -> None:
        self.received = b""
        self.transport: Any = None

    def buildProtocol(self, addr: object) -> Silent:
        return self

    def makeConnection(self, transport: StringTransport) -> None:
        self.transport = transport

    def dataReceived(self, received: bytes) -> None:
        self.received += received

    def connectionLost(self, reason: object) -> None:
        self.transport = None


def met(role: str = "MediaServer") -> tuple[FuzzClient, Silent, Report]:
    proxy, report = Silent(), Report()
    return FuzzClient(proxy, role, report, 1 << 16), proxy, report  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answers", "wrong"),
    [
        ([], "0 answers"),
        ([error_frame(2000, reference=7)], ""),
        ([error_frame(2000, reference=7)] * 2, "2 answers"),
        ([encode(EventAck(), reference=7, flags=Flag.MORE)], "0 answers"),
        ([error_frame(2000, reference=8)], "1 answers"),
    ],
)
def test_a_client_knows_how_many_answers_it_must_get(answers: list[bytes], wrong: str) -> None:
    client, proxy, report = met()
    assert client.send(PING)
    proxy.transport.write(b"".join(answers))
    client.check()
    assert [wrong in each for each in report.wrong[:1]] == ([True] if wrong else [])
    assert report.codes[2000] == sum(1 for raw in answers if raw[5] == Kind.ERROR)


@pytest.mark.parametrize(
    ("raw", "least", "most"),
    [
        (PING, 1, 1),
        (encode(RequestPing(), flags=Flag.NO_REPLY), 0, 0),
        (write_frame(Kind.CANCEL, 0, reference=7), 0, 0),
        (write_frame(Kind.PONG, 0), 0, 0),
        (write_frame(Kind.REQUEST, 44, reference=7, interaction=b"\xff"), 1, 1),
        (write_frame(Kind.REQUEST, 44, reference=7, body=b"x" * (1 << 16)), 1, 1),
        (write_frame(Kind.EVENT, 1102, reference=7, body=b"x" * (1 << 16)), 0, 0),
        (b"GET / HTTP/1.0\r\n\r\n", 1, 1),
        (
            encode(
                RequestRegisterClient(
                    client_name="x", client_type="MediaServer", holding_continues=True
                )
            ),
            0,
            1,
        ),
    ],
)
def test_a_client_reads_what_the_proxy_must_read(raw: bytes, least: int, most: int) -> None:
    client, _, report = met()
    client.send(raw)
    assert [sum(each[at] for each in client._wanted.values()) for at in (0, 1)] == [least, most]
    client.check()
    assert len(report.wrong) == least


def test_a_client_leaves_what_it_may_not_ask_and_answers_pings() -> None:
    client, proxy, _ = met("ReportingEngine")
    may_not = [encode(RequestLocate(tenant_id=1, interaction_id="a"))]
    client.ask(may_not, Random(1))
    assert proxy.received == b""
    proxy.transport.write(write_frame(Kind.PING, 0))
    client.read()
    assert proxy.received == write_frame(Kind.PONG, 0)
    proxy.transport.loseConnection()
    client.read()
    assert client.gone
    assert client.send(PING)
    assert proxy.received == write_frame(Kind.PONG, 0)


def test_a_client_that_is_left_hanging_says_that_nothing_goes_on() -> None:
    client, _, _ = met()
    endless = b"\x00\x00\xff\xff\xe1\x01"
    assert client.send(endless)
    assert client.send(b"\0" * 9)
    assert not client.send(b"\0" * 9)


class Proxy(Protocol):
    """The other end of a node: keeps what it reads."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.lost = False
        self._reader = FrameReader()

    def buildProtocol(self, addr: object) -> Proxy:
        return self

    def dataReceived(self, received: bytes) -> None:
        for raw in self._reader.feed(received):
            assert isinstance(raw, bytes)
            self.frames.append(read_frame(raw))

    def connectionLost(self, reason: object = None) -> None:
        self.lost = True

    def send(self, raw: bytes) -> None:
        transport: Any = self.transport
        transport.write(raw)


@pytest.fixture
def node() -> ScriptedNode:
    return ScriptedNode(NodeFacts(NodeName("node1"), 101, frozenset({1})), Random(1))


@pytest.fixture
def proxy(node: ScriptedNode) -> Proxy:
    proxy = Proxy()
    result_of(node.connect(proxy))
    return proxy


def test_a_node_registers_at_once_and_answers_the_rest_as_it_is_told(
    node: ScriptedNode, proxy: Proxy
) -> None:
    for number, kind in enumerate(("Proxy", "MediaServer"), 1):
        message = RequestRegisterClient(client_name="x", client_type=kind, holding={"a": 2})
        proxy.send(encode(message, reference=number))
    get = RequestGetInteractionProperties(tenant_id=1, interaction_id="a")
    proxy.send(encode(get, client=1, reference=9))
    node.turn(0.0)
    greeting, registered = (decode(frame) for frame in proxy.frames)
    assert isinstance(greeting, EventAck)
    assert greeting.server is not None
    assert greeting.server.dbid == 101
    assert isinstance(registered, EventAck)
    assert (registered.proxy_client_id, registered.held) == (1, {"a": 2})
    assert len(node.owed) == 1
    node.turn(1.0)
    assert (proxy.frames[-1].client, proxy.frames[-1].reference) == (1, 9)
    assert node.owed == []


def test_a_node_that_is_gone_for_good_is_not_there(node: ScriptedNode, proxy: Proxy) -> None:
    node.lose()
    assert proxy.lost
    result_of(node.connect(Proxy()))
    node.lose(for_good=True)
    failure_of(node.connect(Proxy()), ConnectionRefusedError)


def test_a_node_spoils_answers_that_somebody_waits_for(node: ScriptedNode, proxy: Proxy) -> None:
    get = RequestGetInteractionProperties(tenant_id=1, interaction_id="a")
    for number in range(40):
        proxy.send(encode(get, client=1, reference=number + 1))
    lasted = [node.spoil(write_frame(Kind.PONG, 0), seed) for seed in range(5)]
    assert proxy.frames or not all(lasted)
    assert len(node.owed) < 40 or proxy.lost


def test_a_node_with_a_frame_that_never_ends_lets_go(node: ScriptedNode, proxy: Proxy) -> None:
    while not proxy.lost:
        if not node.spoil(b"\x00\x00\xff\xff\xe1\x01", 3):
            break
    assert proxy.lost
    assert node.owed == []
