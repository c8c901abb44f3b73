"""Callers that do not behave: an external server closes them, and goes on."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from twisted.internet.protocol import Factory, Protocol

from ixproxy.client.third_party_server import CallLimits, Result, ThirdPartyServer, serve
from ixproxy.errors import Code
from ixproxy.messages import (
    Event3rdServerResponse,
    EventAck,
    EventError,
    Request3rdServer,
    RequestPing,
    RequestRegisterClient,
    RequestUnregisterClient,
)
from ixproxy.messages.message import Message
from ixproxy.testing.clock import SteppingClock
from ixproxy.testing.network import MemoryNetwork, settle
from ixproxy.wire.codec import decode, encode
from ixproxy.wire.frames import FrameReader
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Frame, read_frame, write_frame
from tests.deferreds import result_of

ADDRESS = "esp:7301"
CALL = Request3rdServer(tenant_id=1, envelope3rd_server={"Method": "M"})
REGISTER = RequestRegisterClient(client_name="raw", client_type="InteractionServer")


class Raw(Protocol):
    """One caller that sends what it likes."""

    def __init__(self) -> None:
        self._reader = FrameReader(1 << 24)
        self.frames: list[Frame] = []
        self.open = True

    def dataReceived(self, data: bytes) -> None:
        for raw in self._reader.feed(data):
            assert isinstance(raw, bytes)
            self.frames.append(read_frame(raw))

    def connectionLost(self, reason: Any = None) -> None:
        self.open = False

    def write(self, raw: bytes) -> None:
        assert self.transport is not None
        self.transport.write(raw)


class World:
    """One external server, and raw callers."""

    def __init__(self, **limits: Any) -> None:
        self.clock = SteppingClock()
        self.network = MemoryNetwork(self.clock, Random(1), delay=0.0001)
        self.hosts = 0
        where = self.network.server_endpoint(ADDRESS)
        serving = serve(
            self.clock, where, name="esp", answer=lambda call: Result(), limits=CallLimits(**limits)
        )
        self.server: ThirdPartyServer = result_of(serving)

    def caller(self) -> Raw:
        self.hosts += 1
        made: list[Raw] = []

        class Callers(Factory):
            def buildProtocol(self, addr: Any) -> Raw:
                made.append(Raw())
                return made[0]

        endpoint = self.network.client_endpoint(ADDRESS, f"host{self.hosts}")
        endpoint.connect(Callers()).addErrback(lambda _: None)
        settle(self.clock, self.network)
        return made[0]

    def say(self, caller: Raw, *what: Message | bytes) -> list[Any]:
        """Send messages, or bytes as they are; what is answered to these."""
        before = len(caller.frames)
        for number, each in enumerate(what, 1):
            caller.write(each if isinstance(each, bytes) else encode(each, reference=number))
        settle(self.clock, self.network)
        return [
            decode(frame) if frame.kind in (Kind.REPLY, Kind.ERROR) else frame.kind
            for frame in caller.frames[before:]
        ]

    def registered(self) -> Raw:
        caller = self.caller()
        (ack,) = self.say(caller, REGISTER)
        assert isinstance(ack, EventAck)
        assert ack.server is not None
        assert (ack.server.name, ack.server.role) == ("esp", "external")
        return caller


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    # Whatever was done to it: others are served.
    (answer,) = made.say(made.registered(), CALL)
    assert isinstance(answer, Event3rdServerResponse)
    made.server.stop()
    made.clock.run(10.0)
    assert made.clock.getDelayedCalls() == []


def code(answers: list[Any]) -> int:
    (error,) = answers
    assert isinstance(error, EventError)
    return error.error_code


def test_nobody_calls_without_being_registered(world: World) -> None:
    caller = world.caller()
    assert code(world.say(caller, CALL)) == Code.NOT_REGISTERED


def test_a_connection_registers_once(world: World) -> None:
    caller = world.registered()
    assert code(world.say(caller, REGISTER)) == Code.INVALID_CLIENT


@pytest.mark.parametrize(
    ("registration", "expected"),
    [
        (RequestRegisterClient(client_name="", client_type="RoutingEngine"), Code.INVALID_CLIENT),
        (RequestRegisterClient(client_name="x", client_type="Cook"), Code.INVALID_CLIENT),
        (RequestRegisterClient(client_name="x", client_type="Proxy"), Code.NOT_ALLOWED),
        (
            RequestRegisterClient(client_name="x", client_type="RoutingEngine", max_frame=9),
            Code.INVALID_CLIENT,
        ),
        (
            RequestRegisterClient(client_name="x", client_type="RoutingEngine", versions=(9,)),
            Code.UNSUPPORTED_VERSION,
        ),
    ],
)
def test_a_registration_that_does_not_fit_is_refused(
    world: World, registration: RequestRegisterClient, expected: int
) -> None:
    assert code(world.say(world.caller(), registration)) == expected


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (encode(CALL, reference=9, client=7), Code.INVALID_CLIENT),
        (encode(Request3rdServer(), reference=9), Code.MISSING_VALUE),
        (write_frame(Kind.REQUEST, 80, reference=9, tenant=1, body=b"\x91\x01"), Code.BAD_FRAME),
        (write_frame(Kind.REPLY, 1012, reference=9), Code.BAD_FRAME),
        (write_frame(Kind.REQUEST, 999, reference=9), Code.BAD_FRAME),
    ],
    ids=["client", "tenant", "body", "reply", "name"],
)
def test_what_is_wrong_with_a_frame_is_answered(world: World, frame: bytes, expected: int) -> None:
    assert code(world.say(world.registered(), frame)) == expected


def test_pings_and_goodbyes_are_answered_and_cancels_are_not(world: World) -> None:
    caller = world.registered()
    assert world.say(caller, write_frame(Kind.PING, 0)) == [Kind.PONG]
    assert world.say(caller, write_frame(Kind.CANCEL, 0, reference=5)) == []
    assert world.say(caller, RequestPing(), RequestUnregisterClient()) == [EventAck(), EventAck()]


def test_what_is_no_frame_closes_the_connection(world: World) -> None:
    caller = world.registered()
    world.say(caller, b"GET / HTTP/1.1\r\n\r\n" * 3)
    assert not caller.open


def test_a_frame_that_is_too_long_is_answered_and_skipped(world: World) -> None:
    caller = world.registered()
    length = 2 << 20
    head = length.to_bytes(4, "big") + encode(CALL, reference=9)[4:32]
    assert code(world.say(caller, head + bytes(length - 28))) == Code.TOO_LARGE
    (answer,) = world.say(caller, CALL)
    assert isinstance(answer, Event3rdServerResponse)


def test_who_does_not_register_in_time_is_closed(world: World) -> None:
    caller = world.caller()
    world.clock.run(35.0)
    assert not caller.open


def test_there_are_so_many_connections_and_no_more() -> None:
    world = World(max_connections=1)
    world.registered()
    caller = world.caller()
    world.clock.run(0.1)
    assert not caller.open
    assert code([decode(frame) for frame in caller.frames]) == Code.TOO_MANY_CLIENTS


def test_a_reference_in_use_is_refused() -> None:
    from twisted.internet.defer import Deferred

    clock = SteppingClock()
    network = MemoryNetwork(clock, Random(1), delay=0.0001)
    where = network.server_endpoint(ADDRESS)
    serving = serve(clock, where, name="esp", answer=lambda call: Deferred())
    world = World.__new__(World)
    world.clock, world.network, world.hosts = clock, network, 0
    world.server = result_of(serving)
    caller = world.registered()
    again = encode(CALL, reference=5)
    assert code(world.say(caller, again, again)) == Code.BAD_FRAME


@pytest.mark.parametrize("seed", range(10))
def test_any_bytes_at_all_harm_nobody_else(world: World, seed: int) -> None:
    random = Random(seed)
    caller = world.registered()
    whole = bytearray(encode(CALL, reference=3) * 3)
    for _ in range(random.randrange(1, 9)):
        whole[random.randrange(len(whole))] = random.randrange(256)
    caller.write(bytes(whole))
    settle(world.clock, world.network)
