"""Connecting to a broker: passwords, virtual hosts, and TLS on real sockets."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory
from twisted.internet.task import deferLater

from ixproxy.brokers.amqp_links import AmqpLost
from ixproxy.eventlog.amqp_address import read_address
from ixproxy.eventlog.amqp_opening import endpoint_of, open_queue
from ixproxy.eventlog.amqp_settings import QUEUE, AmqpLogSettings
from ixproxy.net.tls_endpoints import TlsServerEndpoint
from ixproxy.testing.certificates import Authority
from ixproxy.testing.stomp_peer import until
from ixproxy.tls import TlsProblem, read_credential, server_context
from tests.brokers.played_amqp import PlayedAmqpBroker
from tests.capture.threadless import ThreadlessClock
from tests.eventlog.amqp_rig import Rig, entry


class Secured(Factory):
    """A broker in memory behind TLS, and the files that lead to it."""

    noisy = False

    def __init__(self, folder: Path, reactor: Any, *, demands: bool = False) -> None:
        self.reactor = reactor
        self.broker = PlayedAmqpBroker("RabbitMQ", version="3.10.8")
        authority = Authority("ours")
        self.trust = authority.write(folder / "ca.pem")
        self.other = Authority("another").write(folder / "other.pem")
        self.own = authority.issue("ixn1").write(folder, "own")
        shown = authority.issue("broker", ["127.0.0.1"]).write(folder, "broker")
        files = replace(shown, trust=self.trust if demands else "")
        files = replace(files, require_client_certificate=demands)
        self._context = server_context(read_credential(files, datetime.now(UTC)))
        self._port: Any = None

    async def start(self) -> None:
        inner = serverFromString(self.reactor, "tcp:0:interface=127.0.0.1")
        endpoint = TlsServerEndpoint(self.reactor, inner, lambda: self._context)
        self._port = await endpoint.listen(self)

    def buildProtocol(self, addr: Any) -> Any:
        connection = self.broker.accept()
        self.broker.connections.append(connection)
        return connection

    async def stop(self) -> None:
        # The ends of connections that were refused are read first.
        await deferLater(self.reactor, 0.1, lambda: None)
        await self._port.stopListening()

    async def connect(self, query: str) -> str:
        """Connect and leave; the address of the queue, or what is wrong."""
        address = read_address(f"amqps://127.0.0.1:{self._port.getHost().port}?{query}")
        gone: list[AmqpLost] = []
        settings = AmqpLogSettings(address)
        try:
            opened = await open_queue(self.reactor, settings, gone.append, found=False)
        except AmqpLost as problem:
            return str(problem)
        opened.client.close()
        await until(self.reactor, lambda: gone, 10)
        await until(self.reactor, lambda: not self.broker.connections, 10)
        return opened.address


@ensureDeferred
async def test_a_broker_is_spoken_to_over_tls_if_it_is_who_it_should_be(
    tmp_path: Path, real_reactor: Any
) -> None:
    there = Secured(tmp_path, real_reactor)
    await there.start()
    assert await there.connect(f"trust={there.trust}") == f"/queue/{QUEUE}"
    stranger = "is not from an authority that is trusted here"
    assert stranger in await there.connect(f"trust={there.other}")
    assert stranger in await there.connect("heart-beat=5")
    await there.stop()


@ensureDeferred
async def test_a_broker_that_demands_a_certificate_is_shown_one(
    tmp_path: Path, real_reactor: Any
) -> None:
    there = Secured(tmp_path, real_reactor, demands=True)
    await there.start()
    own = f"certificate={there.own.certificate}&private-key={there.own.private_key}"
    assert await there.connect(f"trust={there.trust}&{own}") == f"/queue/{QUEUE}"
    assert await there.connect(f"trust={there.trust}") != f"/queue/{QUEUE}"
    await there.stop()


@pytest.mark.parametrize("key", ["trust", "certificate"])
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, key: str) -> None:
    path = tmp_path / "file.pem"
    more = f"&private-key={path}" if key == "certificate" else ""
    address = read_address(f"amqps://broker.example?{key}={path}{more}")
    with pytest.raises(TlsProblem, match=f"{path}: cannot be read: No such file"):
        endpoint_of(ThreadlessClock(), address)
    for text in ("nothing", "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"):
        path.write_text(text)
        with pytest.raises(TlsProblem, match=f"{path}: expected certificates in PEM form"):
            endpoint_of(ThreadlessClock(), address)


def test_a_password_is_read_at_each_connection(tmp_path: Path) -> None:
    path = tmp_path / "password"
    rig = Rig(address=f"amqp://ixproxy@broker.example?password-file={path}")
    rig.begin()
    assert rig.figure("state") == f"connecting: {path} cannot be read: No such file or directory"
    path.write_text("geheim\n")
    rig.broker.lets_in = False
    rig.go(1)
    assert "does not let in user 'ixproxy'" in rig.figure("state")


def test_a_virtual_host_is_asked_for_in_the_words_of_rabbitmq() -> None:
    rig = Rig(address="amqp://broker.example/contact%2Fcentre")
    rig.begin()
    rig.store([entry(1)])
    (connection,) = rig.broker.connections
    assert connection.connection.remote_hostname == "vhost:contact/centre"


def test_an_address_of_six_numbers_is_connected_to_as_it_is() -> None:
    rig = Rig(address="amqp://[::1]")
    rig.begin()
    assert rig.reactor.asked == [("::1", 5672)]
