"""Endpoint strings of clients, with TLS or without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.endpoints import TCP4ClientEndpoint, UNIXClientEndpoint

from ixproxy.client import TlsFiles, connect
from ixproxy.client.securing import Securing, host_of
from ixproxy.errors import NodeUnavailable
from ixproxy.net.tls_endpoints import TlsClientEndpoint
from ixproxy.tls import TlsProblem
from tests.secured import AUTHORITY, HERE, SETTINGS, Secured, credential


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("tcp:node-a.example:7101", "node-a.example"),
        ("tcp:127.0.0.1:7101:timeout=3", "127.0.0.1"),
        (r"tcp:\:\:1:7101", "::1"),
        ("tcp:port=7101:host=node-a.example", "node-a.example"),
        ("tcp:", ""),
    ],
)
def test_the_host_of_an_endpoint_is_what_a_certificate_must_have(text: str, host: str) -> None:
    assert host_of(text) == host


def test_endpoints_speak_tls_where_they_say_so_or_all_of_tcp_where_files_are_given(
    real_reactor: Any, tmp_path: Path
) -> None:
    files = TlsFiles(trust=AUTHORITY.write(tmp_path / "ca.pem"))

    def made(text: str, tls: TlsFiles | None = None) -> type:
        return type(Securing(real_reactor, tls).endpoint(text))

    assert made("tcp:a:1") is TCP4ClientEndpoint
    assert made("tcp:a:1", files) is TlsClientEndpoint
    assert made("tls:a:1") is made("tls:a:1", files) is TlsClientEndpoint
    assert made("unix:/run/ixproxy") is made("unix:/run/ixproxy", files) is UNIXClientEndpoint
    there = Securing(real_reactor).endpoint("tcp:a:1")
    assert Securing(real_reactor, files).endpoint(there) is there
    with pytest.raises(ValueError):
        Securing(real_reactor).endpoint("tcp:nowhere")


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, real_reactor: Any) -> None:
    with pytest.raises(TlsProblem, match=r"ca\.pem: cannot be read"):
        connect(
            real_reactor,
            "tcp:a:1",
            name="mail",
            client_type="MediaServer",
            tls=TlsFiles(trust=str(tmp_path / "ca.pem")),
        )


@pytest_twisted.ensureDeferred
async def test_a_client_connects_by_files_and_not_to_whom_it_does_not_trust(
    real_reactor: Any, tmp_path: Path
) -> None:
    shown = AUTHORITY.issue("mail").write(tmp_path, "mail")
    files = TlsFiles(shown.certificate, shown.private_key, AUTHORITY.write(tmp_path / "ca.pem"))
    servers = Secured(
        real_reactor, credential(AUTHORITY.issue("ixn1", (HERE,)), demands=True), None
    )
    await servers.start_node()
    where = f"{HERE}:{servers.ports['ixn1']}"
    client = await connect(
        real_reactor, f"tcp:{where}", name="mail", client_type="MediaServer", tls=files
    )
    await client.close()
    with pytest.raises(NodeUnavailable, match="not from an authority that is trusted here"):
        await connect(
            real_reactor,
            f"tls:{where}",
            name="mail",
            client_type="MediaServer",
            settings=SETTINGS,
        )
    await servers.stop()
