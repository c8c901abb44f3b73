"""
A TCP relay on this machine, whose connections can be cut or hang.

    relay = Relay(reactor, broker.port)
    await relay.start()
    relay.port              # connect here
    relay.cut()             # all connections are lost, both ways; new ones are let in
    relay.hang()            # nothing passes, and nobody is told, until
    relay.go_on()
"""

from __future__ import annotations

from functools import partial
from random import SystemRandom
from typing import Any

from twisted.internet.defer import maybeDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint, connectProtocol
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from ixproxy.testing.ports import free_ports

LOCAL = "127.0.0.1"
CONNECT_SECONDS = 10.0


class _Leg(Protocol):
    """One of the two connections of which a relayed one consists."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self.other: _Leg | None = None
        self.held: list[bytes] = []

    def dataReceived(self, data: bytes) -> None:
        """Pass it on, or keep it while everything hangs."""
        if self._relay.hangs or self.other is None:
            self.held.append(data)
        else:
            self._write_to_other(data)

    def flush(self) -> None:
        """Pass on what was kept."""
        held, self.held = self.held, []
        if self.other is not None and held:
            self._write_to_other(b"".join(held))

    def _write_to_other(self, data: bytes) -> None:
        assert self.other is not None
        transport: Any = self.other.transport
        transport.write(data)

    def join(self, other: _Leg) -> None:
        """From now on what comes goes to `other`, no faster than that reads."""
        self.other = other
        transport: Any = other.transport
        transport.registerProducer(self.transport, True)

    def abort(self) -> None:
        """Lose the connection."""
        transport: Any = self.transport
        if transport is not None:
            transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The other one is lost with it; what was on its way is not."""
        self._relay.legs.discard(self)
        other, self.other = self.other, None
        if other is not None:
            other.other = None
            transport: Any = other.transport
            transport.unregisterProducer()
            # A producer that goes on is not waited for.
            transport.resumeProducing()
            transport.loseConnection()


class _Front(_Leg):
    """Towards whoever connects to the relay."""

    def connectionMade(self) -> None:
        """Connect to where it leads; what comes meanwhile waits."""
        self._relay.legs.add(self)
        back = _Leg(self._relay)
        endpoint = TCP4ClientEndpoint(self._relay.reactor, LOCAL, self._relay.to, CONNECT_SECONDS)
        connectProtocol(endpoint, back).addCallbacks(self._connected, lambda _: self.abort())

    def _connected(self, back: _Leg) -> None:
        if self not in self._relay.legs:
            back.abort()
            return
        self._relay.legs.add(back)
        self.join(back)
        back.join(self)
        if not self._relay.hangs:
            self.flush()
            back.flush()


class Relay:
    """
    :param to: the port of the loopback interface that it leads to.
    :ivar port: where it listens, there as well.
    """

    def __init__(self, reactor: Any, to: int) -> None:
        self.reactor = reactor
        self.to = to
        self.port = 0
        self.hangs = False
        self.legs: set[_Leg] = set()
        self._listening: Any = None

    async def start(self) -> None:
        """Listen."""
        factory = Factory.forProtocol(partial(_Front, self))
        while self._listening is None:
            (self.port,) = free_ports(1, SystemRandom())
            endpoint = TCP4ServerEndpoint(self.reactor, self.port, interface=LOCAL)
            try:
                self._listening = await endpoint.listen(factory)
            except CannotListenError:
                continue

    async def stop(self) -> None:
        """Let nobody in any more, and cut what there is."""
        self.cut()
        listening, self._listening = self._listening, None
        if listening is not None:
            await maybeDeferred(listening.stopListening)

    def cut(self) -> None:
        """Lose all connections."""
        for leg in list(self.legs):
            leg.abort()

    def hang(self) -> None:
        """Let nothing pass until `go_on`; connections stay as they are."""
        self.hangs = True

    def go_on(self) -> None:
        """Let pass what was kept, and all that comes."""
        self.hangs = False
        for leg in list(self.legs):
            leg.flush()
