"""Real servers with a client that never reads, one that floods, and a crowd: memory is bounded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import clientFromString, connectProtocol
from twisted.internet.protocol import Protocol
from twisted.internet.task import deferLater

from ixproxy import messages as m
from ixproxy.client import connect
from ixproxy.messages.message import Message
from ixproxy.testing.processes import RealCluster
from ixproxy.testing.servers import resident_memory
from ixproxy.wire.codec import encode
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import read_frame, write_frame
from tests.test_real_servers import DOCUMENTED

BIG = 200 << 10
READS = 2_000
"""400 MB that one client asks for and never reads."""
FLOOD = 4_000
CROWD = 300
ROUNDS = 40
GROWTH = 160 << 20
"""Bytes by which one server may grow; what is asked for above is several times as much."""


class Raw(Protocol):
    """A client of bare frames that reads what it wants."""

    def __init__(self) -> None:
        self.received = b""
        self.first: Deferred[bytes] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self.received += data
        if self.first.called:
            self.received = b""
        elif len(self.received) > 4 and len(self.received) >= 4 + self._length():
            self.first.callback(self.received[: 4 + self._length()])

    def _length(self) -> int:
        return int.from_bytes(self.received[:4], "big")

    def write(self, raw: bytes) -> None:
        assert self.transport is not None
        self.transport.write(raw)

    async def ask(self, message: Message) -> Any:
        self.received, self.first = b"", Deferred()
        self.write(encode(message, reference=1))
        return read_frame(await self.first)

    def leave(self) -> None:
        transport: Any = self.transport
        transport.abortConnection()


def numbered(message: Message, number: int) -> bytes:
    raw = encode(message, reference=1)
    return b"".join(raw[:12] + at.to_bytes(4, "big") + raw[16:] for at in range(10, 10 + number))


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_memory_of_all_servers_is_bounded_whatever_a_few_clients_do(
    tmp_path: Path, real_reactor: Any
) -> None:
    async with RealCluster(real_reactor, tmp_path, DOCUMENTED) as cluster:

        async def raw(client_type: str = "MediaServer") -> Raw:
            endpoint = clientFromString(real_reactor, cluster.endpoint("proxy1"))
            peer: Raw = await connectProtocol(endpoint, Raw())
            if client_type:
                registration = m.RequestRegisterClient(client_name="x", client_type=client_type)
                await peer.ask(registration)
            return peer

        calm = await connect(
            real_reactor, cluster.endpoint("proxy1"), name="calm", client_type="MediaServer"
        )
        submit = m.RequestSubmit(tenant_id=1, media_type="email", queue="Q1")
        own = (await calm.request(submit)).interaction_id
        mute = await raw()
        big = await mute.ask(
            m.RequestSubmit(tenant_id=1, media_type="email", queue="Q1", user_data={"t": "x" * BIG})
        )
        pids = {name: process.pid for name, process in cluster.servers.processes.items()}
        before = {name: resident_memory(pid)[0] for name, pid in pids.items()}

        transport: Any = mute.transport
        transport.pauseProducing()
        get = m.RequestGetInteractionProperties(tenant_id=1, interaction_id=big.interaction)
        mute.write(numbered(get, READS))
        flooding, finding, router = await raw(), await raw(), await raw("RoutingEngine")
        flooding.write(numbered(submit, FLOOD))
        finding.write(numbered(m.RequestFindInteractions(tenant_id=1), FLOOD // 4))
        router.write(numbered(m.RequestPull(tenant_id=1, view_id="Q1/Urgent"), FLOOD))
        garbage = await raw()
        garbage.write(b"".join(write_frame(Kind.REQUEST, 9999, reference=n) for n in range(FLOOD)))
        crowd = await gatherResults([Deferred.fromCoroutine(raw("")) for _ in range(CROWD)])
        half = (900_000).to_bytes(4, "big") + b"\xe1\x01" + bytes(300_000)
        for peer in crowd:
            peer.write(half)

        # Everybody else is served all the while; that it is so long is all that is waited for.
        for number in range(ROUNDS):
            change = m.RequestChangeProperties(
                tenant_id=1, interaction_id=own, changed_properties={"number": number}
            )
            await calm.request(change)
            await deferLater(real_reactor, 0.02)
        grown = {name: resident_memory(pid)[1] - before[name] for name, pid in pids.items()}
        for peer in (mute, flooding, finding, router, garbage, *crowd):
            peer.leave()
        await calm.close()
    assert all(size <= GROWTH for size in grown.values()), grown
    for name in pids:
        assert "Traceback" not in cluster.log(name).read_text(), name
