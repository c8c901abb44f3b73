"""What a connection begins with is looked up when it begins."""

from __future__ import annotations

from typing import Any

import pytest_twisted
from twisted.internet.endpoints import connectProtocol
from twisted.internet.protocol import Factory, Protocol

from ixproxy.net.dialling import Dialling
from ixproxy.tls import TlsProblem
from tests.deferreds import failure_of
from tests.secured import AUTHORITY, HERE, LISTEN, credential

HOSTS = (HERE,)


class Listening(Protocol):
    """A client's end that can be asked for the certificate of the server."""

    def connectionLost(self, reason: Any = None) -> None:
        self.lost = True

    @property
    def serial(self) -> int | None:
        transport: Any = self.transport
        certificate = getattr(transport.socket, "peer_certificate", None)
        return certificate.serial_number if certificate else None


class Quiet(Factory):
    noisy = False

    def buildProtocol(self, addr: Any) -> Protocol:
        return Protocol()


@pytest_twisted.ensureDeferred
async def test_a_renewed_certificate_serves_new_connections_and_leaves_the_others(
    real_reactor: Any,
) -> None:
    old, new = (credential(AUTHORITY.issue("ixn1", HOSTS)) for _ in range(2))
    server = Dialling(real_reactor, old)
    assert server.expires == old.expires
    assert old.expires is not None
    assert server.certificate_expires() == old.expires.timestamp()
    assert Dialling(real_reactor).certificate_expires() is None
    port: Any = await server.listening(LISTEN).listen(Quiet())
    where = f"tcp:{HERE}:{port.getHost().port}"
    dial = Dialling(real_reactor, credential(None), frozenset({where})).endpoint(where, HERE)
    first = await connectProtocol(dial, Listening())
    server.use(new, frozenset())
    second = await connectProtocol(dial, Listening())
    assert (first.serial, second.serial) == (
        old.chain[0].serial_number,
        new.chain[0].serial_number,
    )
    assert not hasattr(first, "lost")
    for client in (first, second):
        client.transport.abortConnection()
    await port.stopListening()
    await connectionless(real_reactor)


@pytest_twisted.ensureDeferred
async def test_an_endpoint_follows_whether_its_server_listens_with_tls(real_reactor: Any) -> None:
    port: Any = await Dialling(real_reactor).listening(LISTEN).listen(Quiet())
    where = f"tcp:{HERE}:{port.getHost().port}"
    dialling = Dialling(real_reactor)
    dial = dialling.endpoint(where, HERE)
    plain = await connectProtocol(dial, Listening())
    assert plain.serial is None
    dialling.use(None, frozenset({where}))
    failed = failure_of(connectProtocol(dial, Listening()), TlsProblem)
    assert str(failed) == "it listens with TLS, and there is no tls table here"
    assert where in repr(dial)
    plain.transport.abortConnection()
    await port.stopListening()
    await connectionless(real_reactor)


async def connectionless(reactor: Any) -> None:
    """Returns when both ends of what was aborted are gone."""
    from twisted.internet.task import deferLater

    for _ in range(5):
        await deferLater(reactor, 0.005)
