"""Over real sockets, by the addresses that programs are given."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_twisted
from twisted.internet.endpoints import serverFromString

from ixproxy import messages as m
from ixproxy.client import Backoff, Settings, connect
from ixproxy.errors import Code, RequestRefused
from tests.client.servers import Server


async def listening(reactor: Any, server: Server) -> Any:
    """A port of this machine."""
    return await serverFromString(reactor, "tcp:0:interface=127.0.0.1").listen(server)


def address(port: Any) -> str:
    return f"tcp:127.0.0.1:{port.getHost().port}"


@pytest_twisted.ensureDeferred
async def test_a_client_speaks_over_tcp(real_reactor: Any) -> None:
    server = Server()
    server.replies[m.RequestSubmit] = lambda _: m.EventAck(interaction_id="A")
    port = await listening(real_reactor, server)
    client = await connect(real_reactor, address(port), name="mail-1", client_type="MediaServer")
    ack = await client.request(m.RequestSubmit(tenant_id=1, media_type="email", queue="Q1"))
    assert ack.interaction_id == "A"
    await client.close()
    assert server.registered[0].client_name == "mail-1"
    assert len(server.registered[0].session) == 16
    await port.stopListening()


@pytest_twisted.ensureDeferred
async def test_a_client_moves_to_the_next_address_when_its_server_goes(
    real_reactor: Any,
) -> None:
    first, second = Server(), Server()
    ports = [await listening(real_reactor, server) for server in (first, second)]
    settings = Settings(backoff=Backoff(first=0.0, spread=0.0))
    client = await connect(
        real_reactor,
        [address(port) for port in ports],
        name="desktop-1",
        client_type="AgentApplication",
        settings=settings,
    )
    second.replies[m.RequestHold] = lambda _: m.EventAck()
    in_flight = client.request(m.RequestHold(tenant_id=1, interaction_id="A"))
    await ports[0].stopListening()
    assert first.last.transport is not None
    first.last.transport.loseConnection()
    with pytest.raises(RequestRefused) as refusal:
        await in_flight
    assert refusal.value.code == Code.LOST_CONNECTION
    assert refusal.value.in_doubt
    await client.request(m.RequestHold(tenant_id=1, interaction_id="A"))
    assert second.registered[0].session == first.registered[0].session
    assert second.registered[0].incarnation == 2
    await client.close()
    await ports[1].stopListening()
