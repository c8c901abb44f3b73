"""The cluster of examples/tls as processes, looked at by somebody else: OpenSSL's own client."""

from __future__ import annotations

import runpy
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.task import deferLater
from twisted.internet.utils import getProcessOutputAndValue

from ixproxy import messages as m
from ixproxy.client import TlsFiles, connect
from ixproxy.errors import IxproxyError
from ixproxy.testing.processes import RealCluster

EXAMPLE = Path(__file__).parent.parent / "examples" / "tls"
make_certificates = runpy.run_path(str(EXAMPLE / "make_certificates.py"))["main"]

pytestmark = pytest.mark.processes


def files(directory: Path, name: str) -> TlsFiles:
    return TlsFiles(
        str(directory / f"{name}.pem"), str(directory / f"{name}.key"), str(directory / "ca.pem")
    )


@asynccontextmanager
async def running(reactor: Any, directory: Path) -> AsyncIterator[RealCluster]:
    make_certificates(directory)
    text = (EXAMPLE / "cluster.toml").read_text()
    async with RealCluster(reactor, directory, text, tls=files(directory, "operator")) as cluster:
        yield cluster


class Looking:
    """`openssl s_client`, asked about one server."""

    def __init__(self, reactor: Any, cluster: RealCluster) -> None:
        self._reactor = reactor
        self._cluster = cluster

    async def at(self, server: str, *arguments: str) -> str:
        """What it says of a server, errors included."""
        address = self._cluster.endpoint(server).removeprefix("tcp:")
        out, err, _ = await getProcessOutputAndValue(
            "/usr/bin/openssl",
            ["s_client", "-connect", address, *arguments],
            reactor=self._reactor,
            stdinBytes=b"Q\n",
        )
        said: str = (out + err).decode("utf-8", "replace")
        return said


@pytest_twisted.ensureDeferred
async def test_an_independent_client_agrees_on_protocol_chain_and_name(
    tmp_path: Path, real_reactor: Any
) -> None:
    trust = ("-CAfile", str(tmp_path / "ca.pem"), "-verify_return_error")
    async with running(real_reactor, tmp_path) as cluster:
        look = Looking(real_reactor, cluster)
        said = await look.at("proxy1", *trust, "-verify_ip", "127.0.0.1")
        assert "Verify return code: 0 (ok)" in said
        assert "TLSv1.3" in said
        assert "subject=CN = proxy1, O = Acme" in said
        assert "Acceptable client certificate CA names" in said
        assert "TLSv1.2" in await look.at("proxy1", *trust, "-tls1_2")
        old = await look.at("proxy1", *trust, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
        assert "protocol version" in old
        assert "no peer certificate available" in old
        # Who trusts only the authorities of the system goes no further.
        assert "certificate verify failed" in await look.at("proxy1", "-verify_return_error")
        named = await look.at("proxy1", *trust, "-verify_hostname", "elsewhere.example")
        assert "hostname mismatch" in named
        # Nodes demand a certificate; this is what they say to whoever shows none.
        assert "certificate required" in await look.at("ixn1", *trust, "-ign_eof")


@pytest_twisted.ensureDeferred
async def test_everybody_is_what_the_example_says(tmp_path: Path, real_reactor: Any) -> None:
    async with running(real_reactor, tmp_path) as cluster:

        async def as_client(server: str, shows: str, client_type: str) -> str:
            tls = files(tmp_path, shows) if shows else TlsFiles(trust=str(tmp_path / "ca.pem"))
            try:
                client = await connect(
                    real_reactor,
                    cluster.endpoint(server),
                    name="somebody",
                    client_type=client_type,
                    tls=tls,
                )
            except IxproxyError as problem:
                return str(problem)
            await client.close()
            return "let in"

        assert await as_client("proxy1", "mail", "MediaServer") == "let in"
        assert await as_client("proxy1", "desk", "AgentApplication") == "let in"
        assert await as_client("proxy1", "operator", "RoutingEngine") == "let in"
        assert "CN=mail may not register as RoutingEngine" in await as_client(
            "proxy1", "mail", "RoutingEngine"
        )
        assert "shows no certificate may not register" in await as_client(
            "proxy1", "", "MediaServer"
        )
        assert "CN=mail may not register" in await as_client("ixn1", "mail", "MediaServer")
        assert "may not register as Proxy" in await as_client("ixn1", "operator", "Proxy")
        assert await as_client("ixn1", "proxy1", "Proxy") == "let in"


@pytest_twisted.ensureDeferred
async def test_a_renewed_certificate_serves_whoever_comes_and_drops_nobody(
    tmp_path: Path, real_reactor: Any
) -> None:
    async with running(real_reactor, tmp_path) as cluster:
        look = Looking(real_reactor, cluster)

        async def shown(server: str) -> str:
            said = await look.at(server, "-CAfile", str(tmp_path / "ca.pem"))
            return said.partition("-----BEGIN CERTIFICATE-----")[2].partition("-----END")[0]

        client = await connect(
            real_reactor,
            cluster.endpoint("proxy1"),
            name="mail",
            client_type="MediaServer",
            tls=files(tmp_path, "mail"),
        )
        submit = m.RequestSubmit(tenant_id=1, media_type="email", queue="Inbound")
        await client.request(submit)
        before = {name: await shown(name) for name in ("ixn1", "proxy1")}
        make_certificates(tmp_path)
        for name in ("ixn1", "ixn2", "proxy1"):
            cluster.servers.processes[name].signal(signal.SIGHUP)
        for name in before:
            while await shown(name) in (before[name], ""):
                await deferLater(real_reactor, 0.05)
        for _ in range(4):
            await client.request(submit)
        assert client.incarnation == 1
        # What is begun now is begun with the new certificates, at both ends.
        await cluster.restart("ixn1")
        await client.request(submit)
        assert client.incarnation == 1
        # A bad one changes nothing, and the log says why.
        (tmp_path / "proxy1.pem").write_text("no certificate")
        cluster.servers.processes["proxy1"].signal(signal.SIGHUP)
        while "expected certificates in PEM form" not in cluster.log("proxy1").read_text():
            await deferLater(real_reactor, 0.02)
        assert await shown("proxy1")
        await client.request(submit)
        await client.close()
