from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from OpenSSL import SSL
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock

from ixproxy.capture.web_service import make
from ixproxy.capture.web_tls import LOOK_SECONDS, Certificates
from ixproxy.errors import ConfigError
from ixproxy.net.tls_endpoints import TlsClientEndpoint
from ixproxy.testing.certificates import Authority
from ixproxy.testing.fake_intake import FakeIntake
from ixproxy.tls import client_context, read_credential
from ixproxy.values import TlsFiles

NOW = datetime.now(UTC).timestamp()


class Talk(Protocol):
    """Asks for health, and keeps all that comes until the connection is lost."""

    def __init__(self) -> None:
        self.raw = b""
        self.over: Deferred[bytes] = Deferred()

    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.write(b"GET /health HTTP/1.1\r\nConnection: close\r\n\r\n")

    def dataReceived(self, data: bytes) -> None:
        self.raw += data

    def connectionLost(self, reason: object = None) -> None:
        self.over.callback(self.raw)


async def asked(reactor: Any, port: int, files: TlsFiles) -> bytes:
    context = client_context(read_credential(files, datetime.now(UTC)))
    inner = TCP4ClientEndpoint(reactor, "127.0.0.1", port)
    endpoint = TlsClientEndpoint(reactor, inner, lambda: context, "localhost")
    talk: Any = await endpoint.connect(Factory.forProtocol(Talk))
    return bytes(await talk.over)


@pytest_twisted.ensureDeferred
async def test_a_verified_service_answers_and_may_demand_certificates(
    tmp_path: Path, real_reactor: Any
) -> None:
    authority = Authority("Trial")
    trust = authority.write(tmp_path / "ca.pem")
    server = authority.issue("web", ("localhost",)).write(tmp_path, "web")
    client = authority.issue("client", ("client",)).write(tmp_path, "client")
    known = TlsFiles(client.certificate, client.private_key, trust)
    unknown = TlsFiles(trust=trust)
    files = {"certificate": server.certificate, "private-key": server.private_key}
    for more, shown in (({}, unknown), ({"trust": trust}, known)):
        point = make({"listen": "tcp:0:interface=127.0.0.1", **files, **more})
        point.begin(FakeIntake(real_reactor))
        number = point._term._port.getHost().port  # type: ignore[union-attr]
        assert b'{"status":"ok"}' in await asked(real_reactor, number, shown)
        if more:
            assert await asked(real_reactor, number, unknown) == b""
        await point.end()


def connection(certificates: Certificates) -> SSL.Connection:
    return certificates.serverConnectionForTLS(None)  # type: ignore[arg-type]


def test_a_renewed_certificate_serves_who_comes_later(tmp_path: Path) -> None:
    authority = Authority("Trial")
    files = authority.issue("web", ("localhost",)).write(tmp_path, "web")
    clock = Clock()
    clock.advance(NOW)
    certificates = Certificates(files, NOW)
    certificates.wrap(Factory(), clock)
    first = connection(certificates).get_context()
    authority.issue("web", ("localhost",)).write(tmp_path, "web")
    os.utime(files.certificate, (NOW, NOW))
    assert connection(certificates).get_context() is first
    clock.advance(LOOK_SECONDS)
    second = connection(certificates).get_context()
    assert second is not first
    clock.advance(LOOK_SECONDS)
    assert connection(certificates).get_context() is second


def test_half_a_renewed_pair_is_waited_for(tmp_path: Path) -> None:
    authority = Authority("Trial")
    files = authority.issue("web", ("localhost",)).write(tmp_path, "web")
    clock = Clock()
    clock.advance(NOW)
    certificates = Certificates(files, NOW)
    certificates.wrap(Factory(), clock)
    first = connection(certificates).get_context()
    key = Path(files.private_key).read_bytes()
    authority.issue("web", ("localhost",)).write(tmp_path, "web")
    renewed = Path(files.private_key).read_bytes()
    Path(files.private_key).write_bytes(key)
    clock.advance(LOOK_SECONDS)
    assert connection(certificates).get_context() is first
    Path(files.private_key).unlink()
    clock.advance(LOOK_SECONDS)
    assert connection(certificates).get_context() is first
    Path(files.private_key).write_bytes(renewed)
    clock.advance(LOOK_SECONDS)
    assert connection(certificates).get_context() is not first


@pytest.mark.parametrize("missing", ["certificate", "private-key"])
def test_files_that_cannot_be_used_are_told_by_their_key(tmp_path: Path, missing: str) -> None:
    files = Authority("Trial").issue("web", ("localhost",)).write(tmp_path, "web")
    gone = files.certificate if missing == "certificate" else files.private_key
    Path(gone).unlink()
    with pytest.raises(ConfigError) as refused:
        Certificates(files, NOW)
    assert refused.value.problems[0].key == missing
