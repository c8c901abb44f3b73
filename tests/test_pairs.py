"""Pairs of nodes as real processes: what dies, stops, or stands still is followed by its backup."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.task import deferLater

from ixproxy.client import Client, connect
from ixproxy.messages import RequestFindInteractions, RequestSubmit
from ixproxy.testing.processes import RealCluster

LIMIT = 2

PAIR = f"""\
[tenants.Environment]
id = 1
[tenants.Environment.media-types]
email = {{}}
[tenants.Environment.queues.Inbound.views.All]

[applications.ixn1]
type = "Interaction Server"
dbid = 101
tenants = ["Environment"]
listen = "tcp:7101:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:7101"
backup = "ixn1-b"
store = "sqlite:ixn1.db"
[applications.ixn1.options.settings]
lease-limit = {LIMIT}
max-interactions-per-find = 99999

[applications.ixn1-b]
listen = "tcp:7111:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:7111"
"""
SUBMIT = RequestSubmit(tenant_id=1, media_type="email", queue="Inbound")
FIND = RequestFindInteractions(tenant_id=1, number_of_interactions=99999)

SERVED_IN = LIMIT + 2.0
"""Seconds within which a node is served again, whatever its primary died of."""


async def until(reactor: Any, true: Callable[[], bool]) -> None:
    while not true():
        await deferLater(reactor, 0.02)


async def client_of(cluster: RealCluster, reactor: Any, name: str) -> Client:
    return await connect(
        reactor, cluster.endpoint(name), name="mail", client_type="MediaServer"
    )


async def served_by(cluster: RealCluster, reactor: Any, name: str) -> float:
    """Wait until a server serves; how long that took."""
    began = reactor.seconds()
    while await cluster.primary_of("ixn1") != name:
        await deferLater(reactor, 0.05)
    return float(reactor.seconds() - began)


@pytest.mark.processes
@pytest.mark.parametrize("how", ["killed", "stopped", "paused"])
@pytest_twisted.ensureDeferred
async def test_whatever_becomes_of_the_primary_its_backup_goes_on(
    tmp_path: Path, real_reactor: Any, how: str
) -> None:
    async with RealCluster(real_reactor, tmp_path, PAIR) as cluster:
        client = await client_of(cluster, real_reactor, "ixn1")
        ids = {(await client.request(SUBMIT)).interaction_id for _ in range(20)}
        first = cluster.servers.processes["ixn1"]
        match how:
            case "killed":
                await cluster.kill("ixn1")
            case "stopped":
                first.signal(signal.SIGTERM)
            case "paused":
                cluster.pause("ixn1")
        assert await served_by(cluster, real_reactor, "ixn1-b") < SERVED_IN + 3
        after = await client_of(cluster, real_reactor, "ixn1-b")
        assert (after.server.name, after.server.epoch) == ("ixn1-b", 2)
        assert ids <= (await after.request(FIND)).interactions.keys()
        outcome = await first.when_ended()
        assert ("signal 9" in outcome) == (how != "stopped")
        await after.close()
        await client.close()
