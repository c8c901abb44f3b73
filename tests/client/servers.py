"""A server that does only what a test tells it to, for clients in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from ixproxy.client import Backoff, Client, Settings, connect
from ixproxy.messages import (
    EventAck,
    EventError,
    RequestRegisterClient,
    RequestUnregisterClient,
    ServerFacts,
)
from ixproxy.messages.message import Message
from ixproxy.testing.clock import SteppingClock
from ixproxy.testing.network import MemoryNetwork, settle
from ixproxy.wire.codec import decode, encode
from ixproxy.wire.frames import FrameReader
from ixproxy.wire.names import Kind
from ixproxy.wire.parts import join_frames
from ixproxy.wire.prefix import Flag, Frame, read_frame, write_frame

SESSION = bytes(range(16))


class Served(Protocol):
    """One connection of a server: what came, and what to answer."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.reader = FrameReader()
        self.parts: list[bytes] = []
        self.asked: list[tuple[Frame, Message]] = []
        self.cancelled: list[int] = []
        self.pongs = 0
        self.closed = False

    def dataReceived(self, data: bytes) -> None:
        for raw in self.reader.feed(data):
            assert isinstance(raw, bytes)
            self.frame_received(read_frame(raw))

    def frame_received(self, frame: Frame) -> None:
        if frame.kind == Kind.CANCEL:
            self.cancelled.append(frame.reference)
        elif frame.kind == Kind.PING:
            if self.server.alive:
                self.write(write_frame(Kind.PONG, 0))
        elif frame.kind == Kind.PONG:
            self.pongs += 1
        elif frame.flags & Flag.MORE:
            self.parts.append(frame.raw)
        else:
            whole = read_frame(join_frames([*self.parts, frame.raw]))
            self.parts.clear()
            self.asked.append((frame, decode(whole)))
            self.server.asked(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.closed = True

    def write(self, raw: bytes) -> None:
        assert self.transport is not None
        self.transport.write(raw)

    def answer(self, message: Message, number: int = -1, flags: int = 0) -> None:
        """Answer request `number`, the last one if none is named."""
        self.write(encode(message, reference=self.asked[number][0].reference, flags=flags))

    def refuse(self, code: int, number: int = -1, *, in_doubt: bool = False) -> None:
        self.answer(EventError(error_code=code, error_description="no", in_doubt=in_doubt), number)

    @property
    def requests(self) -> list[Message]:
        """What was asked, but for registrations."""
        return [
            request for _, request in self.asked if not isinstance(request, RequestRegisterClient)
        ]


class Server(Factory):
    """
    Registers clients by itself, until told otherwise; all else is up to the test.

    :ivar facts: what it says of itself.
    :ivar refusal: the code that registrations are refused with, or 0.
    :ivar held: what it says that a session holds; None: what the client says.
    :ivar replies: what it answers a request with by itself.
    """

    def __init__(self) -> None:
        self.connections: list[Served] = []
        self.registered: list[RequestRegisterClient] = []
        self.facts = ServerFacts(name="server", role="node", dbid=101, epoch=1)
        self.refusal = 0
        self.alive = True
        self.silent = False
        self.held: Mapping[str, int] | None = None
        self.replies: dict[type[Message], Callable[[Any], Message]] = {
            RequestUnregisterClient: lambda _: EventAck()
        }

    def buildProtocol(self, addr: IAddress | None) -> Served:
        served = Served(self)
        self.connections.append(served)
        return served

    def asked(self, served: Served) -> None:
        """A request came."""
        request = served.asked[-1][1]
        if isinstance(request, RequestRegisterClient):
            self.registered.append(request)
            if self.refusal:
                served.refuse(self.refusal)
            elif not self.silent:
                held = request.holding if self.held is None else self.held
                served.answer(EventAck(server=self.facts, held=dict(held)))
        elif reply := self.replies.get(type(request)):
            served.answer(reply(request))

    @property
    def last(self) -> Served:
        return self.connections[-1]


class World:
    """Servers `s:1`, `t:1` and a client on host `c`."""

    def __init__(self, **settings: Any) -> None:
        self.clock = SteppingClock(1000.0)
        self.network = MemoryNetwork(self.clock, Random(1))
        self.server, self.other = Server(), Server()
        self.network.listen("s:1", self.server)
        self.network.listen("t:1", self.other)
        self.events: list[Message] = []
        self.settings = Settings(**{"backoff": Backoff(1.0, 2.0, 8.0, 0.0), **settings})

    def connecting(self, *addresses: str, **arguments: Any) -> Deferred[Client]:
        """Begin to connect a client."""
        targets = [self.network.client_endpoint(address, "c") for address in addresses or ("s:1",)]
        return connect(
            self.clock,
            targets,
            **{
                "name": "desktop-1",
                "client_type": "AgentApplication",
                "session": SESSION,
                "random": Random(2),
                "settings": self.settings,
                "on_event": self.events.append,
                **arguments,
            },
        )

    def client(self, *addresses: str, **arguments: Any) -> Client:
        """A client that is connected."""
        connecting = self.connecting(*addresses, **arguments)
        self.rest()
        assert isinstance(connecting.result, Client)
        return connecting.result

    def rest(self) -> None:
        """Let everything arrive."""
        assert settle(self.clock, self.network)

    def lose(self) -> None:
        """Break the client's connection."""
        assert self.network.lose("c") == 1
