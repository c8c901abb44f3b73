"""Servers at endpoints, that accept or do not, and say what they are."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionLost, ConnectionRefusedError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from zope.interface import implementer

from ixproxy.errors import Code
from ixproxy.messages import EventAck, RequestRegisterClient, ServerFacts
from ixproxy.wire.codec import decode, encode, error_frame
from ixproxy.wire.frames import FrameReader
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Frame, read_frame, write_frame


class Transport(StringTransport):
    """One that breaks at once when it is aborted."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.protocol: Any = None
        self.lost = False

    def abortConnection(self) -> None:
        self.lose()

    def loseConnection(self) -> None:
        self.lose()

    def lose(self) -> None:
        """The connection breaks, once."""
        if not self.lost:
            self.lost = self.disconnecting = True
            self.protocol.connectionLost(Failure(ConnectionLost()))


@implementer(IStreamClientEndpoint)
class ScriptedServer:
    """
    One server.

    :ivar there: it accepts connections.
    :ivar silent: nobody knows whether it does.
    :ivar stopped: its kernel accepts, and it says nothing.
    """

    def __init__(self, facts: ServerFacts) -> None:
        self.facts = facts
        self.there = True
        self.silent = False
        self.stopped = False
        self.attempts = 0
        self.transports: list[Transport] = []
        self._clients = 0

    def connect(self, factory: Any) -> Deferred[Any]:
        self.attempts += 1
        if self.silent:
            return Deferred()
        if not self.there:
            return fail(ConnectionRefusedError())
        transport = Transport()
        self.transports.append(transport)
        transport.protocol = factory.buildProtocol(None)
        transport.protocol.makeConnection(transport)
        return succeed(transport.protocol)

    @property
    def open(self) -> list[Transport]:
        """Its connections that last."""
        return [each for each in self.transports if not each.lost]

    def heard(self) -> list[tuple[Transport, Frame]]:
        """What came in since the last time."""
        found: list[tuple[Transport, Frame]] = []
        for transport in () if self.stopped else self.open:
            frames = FrameReader().feed(transport.value())  # type: ignore[no-untyped-call]
            transport.clear()  # type: ignore[no-untyped-call]
            found += [(transport, read_frame(raw)) for raw in frames if isinstance(raw, bytes)]
        return found

    def answer(self) -> int:
        """Say what it is to proxies, and yes to all else; returns how many there were."""
        asked = self.heard()
        for transport, frame in asked:
            if frame.kind == Kind.PING:
                transport.protocol.dataReceived(write_frame(Kind.PONG, 0))
                continue
            message = decode(frame)
            ack = EventAck(server=self.facts)
            if isinstance(message, RequestRegisterClient) and message.client_type != "Proxy":
                self._clients += 1
                ack = EventAck(proxy_client_id=self._clients)
            transport.protocol.dataReceived(encode(ack, reference=frame.reference))
        return len(asked)

    def refuse(self) -> None:
        """Refuse whoever has asked."""
        for transport, frame in self.heard():
            raw = error_frame(Code.INVALID_CLIENT, reference=frame.reference)
            transport.protocol.dataReceived(raw)

    def lose(self) -> None:
        """Break all its connections."""
        for transport in self.open:
            transport.lose()


def node(name: str, epoch: int, dbid: int = 101) -> ScriptedServer:
    """One server of a node's pair."""
    return ScriptedServer(ServerFacts(name=name, role="node", dbid=dbid, epoch=epoch))


def proxy(name: str, *path: str) -> ScriptedServer:
    """An upstream proxy."""
    return ScriptedServer(ServerFacts(name=name, role="proxy", path=[name, *path]))
