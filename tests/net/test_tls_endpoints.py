"""Endpoints over TLS: bounded handshakes, verified names, and nothing before both."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import clientFromString, connectProtocol, serverFromString
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock, deferLater
from twisted.logger import capturedLogs, formatEvent

from ixproxy.net import tls_endpoints
from ixproxy.net.tls_endpoints import (
    HANDSHAKE_SECONDS,
    TlsClientEndpoint,
    TlsServerEndpoint,
    is_ip_address,
)
from ixproxy.testing.certificates import Authority
from ixproxy.tls import Credential, TlsProblem, client_context, server_context
from tests.deferreds import failure_of

AUTHORITY = Authority("Trial CA")
SERVER = AUTHORITY.issue("server", ("localhost", "127.0.0.1"))
SHOWN = Credential((SERVER.certificate,), SERVER.key, ())
TRUSTING = Credential((), None, (AUTHORITY.certificate,))


class Echo(Protocol):
    """Sends back what it gets."""

    def dataReceived(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(data)


class Listening(Protocol):
    """A client; `heard` fires when enough has come."""

    def __init__(self, expected: int = 1) -> None:
        self.received = b""
        self.expected = expected
        self.heard: Deferred[bytes] = Deferred()
        self.lost: Deferred[None] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self.received += data
        if len(self.received) >= self.expected and not self.heard.called:
            self.heard.callback(self.received)

    def connectionLost(self, reason: Any = None) -> None:
        self.lost.callback(None)


class Silent(Factory):
    """A server that never says anything."""

    noisy = False

    def __init__(self) -> None:
        self.peers: list[Listening] = []

    def buildProtocol(self, addr: Any) -> Listening:
        self.peers.append(Listening())
        return self.peers[-1]

    async def alone(self) -> None:
        """Returns when every peer is gone."""
        for peer in self.peers:
            await peer.lost


@asynccontextmanager
async def silence(reactor: Any) -> AsyncIterator[int]:
    factory = Silent()
    port: Any = await serverFromString(reactor, "tcp:0:interface=127.0.0.1").listen(factory)
    yield port.getHost().port
    await deferLater(reactor, 0)
    await factory.alone()
    await port.stopListening()


class Serving(Factory):
    """Makes echoes, or refuses to."""

    noisy = False

    def __init__(self, wanted: bool = True) -> None:
        self.wanted = wanted
        self.made = 0

    def buildProtocol(self, addr: Any) -> Protocol | None:
        self.made += 1
        return Echo() if self.wanted else None


@asynccontextmanager
async def serving(reactor: Any, factory: Factory, clock: Any = None) -> AsyncIterator[int]:
    context = server_context(SHOWN)
    inner = serverFromString(reactor, "tcp:0:interface=127.0.0.1")
    port: Any = await TlsServerEndpoint(clock or reactor, inner, lambda: context).listen(factory)
    try:
        yield port.getHost().port
    finally:
        await port.stopListening()


def to(reactor: Any, port: int, host: str = "127.0.0.1", clock: Any = None) -> TlsClientEndpoint:
    context = client_context(TRUSTING)
    inner = clientFromString(reactor, f"tcp:127.0.0.1:{port}")
    return TlsClientEndpoint(clock or reactor, inner, lambda: context, host)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest_twisted.ensureDeferred
async def test_what_is_sent_arrives_however_much_it_is(real_reactor: Any, host: str) -> None:
    async with serving(real_reactor, Serving()) as port:
        large = bytes(range(256)) * 8192
        client = await connectProtocol(to(real_reactor, port, host), Listening(len(large)))
        client.transport.write(large)
        assert await client.heard == large
        client.transport.loseConnection()
        await client.lost


@pytest_twisted.ensureDeferred
async def test_a_name_that_is_not_in_the_certificate_ends_the_connection_unmade(
    real_reactor: Any,
) -> None:
    factory = Serving()
    async with serving(real_reactor, factory) as port:
        with pytest.raises(TlsProblem, match=r"for localhost, 127.0.0.1, not for other\.exam"):
            await connectProtocol(to(real_reactor, port, "other.example"), Listening())
        await deferLater(real_reactor, 0.01)


@pytest_twisted.ensureDeferred
async def test_a_connection_that_the_server_does_not_want_is_closed(real_reactor: Any) -> None:
    factory = Serving(wanted=False)
    async with serving(real_reactor, factory) as port:
        client = await connectProtocol(to(real_reactor, port), Listening())
        await client.lost
    assert factory.made == 1


@pytest_twisted.ensureDeferred
async def test_who_says_nothing_is_closed_in_time(real_reactor: Any) -> None:
    clock, factory = Clock(), Serving()
    async with serving(real_reactor, factory, clock) as port:
        plain = clientFromString(real_reactor, f"tcp:127.0.0.1:{port}")
        silent = await connectProtocol(plain, Listening())
        while not clock.getDelayedCalls():
            await deferLater(real_reactor, 0.005)
        with capturedLogs() as logged:
            clock.advance(HANDSHAKE_SECONDS)
        assert "handshake took too long" in str([formatEvent(event) for event in logged])
        await silent.lost
    assert factory.made == 0


@pytest_twisted.ensureDeferred
async def test_too_many_handshakes_are_refused_and_a_stop_ends_those_under_way(
    real_reactor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_endpoints, "MOST_HANDSHAKES", 1)
    async with serving(real_reactor, Serving()) as port:
        plain = clientFromString(real_reactor, f"tcp:127.0.0.1:{port}")
        first = await connectProtocol(plain, Listening())
        second = await connectProtocol(plain, Listening())
        await second.lost
    await first.lost


@pytest_twisted.ensureDeferred
async def test_a_server_that_never_answers_is_given_up(real_reactor: Any) -> None:
    clock = Clock()
    async with silence(real_reactor) as port:
        connecting = connectProtocol(to(real_reactor, port, clock=clock), Listening())
        while not clock.getDelayedCalls():
            await deferLater(real_reactor, 0.005)
        clock.advance(HANDSHAKE_SECONDS)
        failed = failure_of(connecting, TlsProblem)
        assert str(failed) == "the handshake took too long"


@pytest_twisted.ensureDeferred
async def test_an_attempt_can_be_cancelled_before_and_during_the_handshake(
    real_reactor: Any,
) -> None:
    async with silence(real_reactor) as port:
        at_once = connectProtocol(to(real_reactor, port), Listening())
        at_once.cancel()
        failure_of(at_once, CancelledError)
        later = connectProtocol(to(real_reactor, port), Listening())
        await deferLater(real_reactor, 0.05)
        later.cancel()
        failure_of(later, CancelledError)


def test_a_host_that_can_have_no_certificate_is_refused_at_once(real_reactor: Any) -> None:
    endpoint = to(real_reactor, 1, "x" * 64 + ".example")
    failed = failure_of(endpoint.connect(Factory.forProtocol(Protocol)), TlsProblem)
    assert "is no name of a host" in str(failed)


@pytest.mark.parametrize(
    ("host", "is_one"),
    [("127.0.0.1", True), ("::1", True), ("localhost", False), ("1.2.3", False), ("", False)],
)
def test_addresses_are_told_from_names(host: str, is_one: bool) -> None:
    assert is_ip_address(host) is is_one
