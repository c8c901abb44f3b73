"""Pairs of nodes as real processes: what dies, stops, or stands still is followed by its backup."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from ixproxy.client import Client, connect
from ixproxy.errors import Code, RequestRefused
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


async def until(reactor: Any, true: Callable[[], bool]) -> None:
    while not true():
        await deferLater(reactor, 0.02)


async def client_of(cluster: RealCluster, reactor: Any, name: str) -> Client:
    return await connect(
        reactor, cluster.endpoint(name), name="mail", client_type="MediaServer"
    )


async def served_by(cluster: RealCluster, reactor: Any, name: str) -> None:
    """Wait until a server serves."""
    while await cluster.primary_of("ixn1") != name:
        await deferLater(reactor, 0.05)


class Submitter:
    """A client that submits again and again, much at once, until its server is gone."""

    def __init__(self, client: Client, user_data: dict[str, str]) -> None:
        self._client = client
        self._request = RequestSubmit(
            tenant_id=1, media_type="email", queue="Inbound", user_data=user_data
        )
        self.acknowledged: set[str] = set()
        self.lanes = [Deferred.fromCoroutine(self._lane()) for _ in range(30)]

    async def _lane(self) -> None:
        while True:
            try:
                ack = await self._client.request(self._request)
            except RequestRefused:
                return
            self.acknowledged.add(ack.interaction_id)

    async def ended(self) -> None:
        for lane in self.lanes:
            await lane


WRITE_LOCK = 120
"""The byte of an SQLite file `-shm` that is locked while somebody writes."""


def writes(pid: int, database: Path) -> bool:
    """Whether a process is inside a transaction that writes."""
    file = database.with_name(f"{database.name}-shm").stat().st_ino
    lock = rf"POSIX +ADVISORY +WRITE {pid} [0-9a-f]+:[0-9a-f]+:{file} {WRITE_LOCK} {WRITE_LOCK}$"
    return re.search(lock, Path("/proc/locks").read_text(), re.MULTILINE) is not None


async def pause_inside(cluster: RealCluster, reactor: Any, name: str, node: str) -> None:
    """Pause a server at a moment when it is inside a transaction."""
    process = cluster.servers.processes[name]
    while True:
        cluster.pause(name)
        if writes(process.pid, cluster.store(node)):
            return
        cluster.resume(name)
        await deferLater(reactor, 0.003)


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
        await served_by(cluster, real_reactor, "ixn1-b")
        after = await client_of(cluster, real_reactor, "ixn1-b")
        assert (after.server.name, after.server.epoch) == ("ixn1-b", 2)
        assert ids <= (await after.request(FIND)).interactions.keys()
        outcome = await first.when_ended()
        assert ("signal 9" in outcome) == (how != "stopped")
        await after.close()
        await client.close()


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_a_primary_that_hangs_inside_a_transaction_is_followed_by_its_backup(
    tmp_path: Path, real_reactor: Any
) -> None:
    async with RealCluster(real_reactor, tmp_path, PAIR) as cluster:
        client = await client_of(cluster, real_reactor, "ixn1")
        submitter = Submitter(client, {"text": "x" * 50_000})
        await until(real_reactor, lambda: len(submitter.acknowledged) > 100)
        await pause_inside(cluster, real_reactor, "ixn1", "ixn1")
        await served_by(cluster, real_reactor, "ixn1-b")
        await submitter.ended()
        after = await client_of(cluster, real_reactor, "ixn1-b")
        found = (await after.request(FIND)).interactions.keys()
        assert submitter.acknowledged <= found
        assert len(found) <= len(submitter.acknowledged) + len(submitter.lanes)
        assert "signal 9" in cluster.servers.processes["ixn1"].outcome
        assert re.search(
            r"ends process \d+ on .*, which has shown no life for 2\.\d s",
            cluster.log("ixn1-b").read_text(),
        )
        await after.close()
        await client.close()


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_an_old_primary_that_wakes_after_the_takeover_can_write_nothing(
    tmp_path: Path, real_reactor: Any
) -> None:
    """Somebody took its lease away, so nobody has ended it, and its own clock is still content."""
    async with RealCluster(real_reactor, tmp_path, PAIR) as cluster:
        client = await client_of(cluster, real_reactor, "ixn1")
        await client.request(SUBMIT)
        cluster.pause("ixn1")
        lost = client.request(SUBMIT)
        cluster.store("ixn1").with_name("ixn1.db.lease").unlink()
        await until(
            real_reactor, lambda: "is primary, term 1" in cluster.log("ixn1-b").read_text()
        )
        cluster.resume("ixn1")
        with pytest.raises(RequestRefused) as refused:
            await lost
        assert refused.value.code in (Code.STORE_FAILED, Code.STOPPING, Code.LOST_CONNECTION)
        after = await client_of(cluster, real_reactor, "ixn1-b")
        id = (await after.request(SUBMIT)).interaction_id
        assert len((await after.request(FIND)).interactions) == 2
        await until(
            real_reactor, lambda: "is primary no more" in cluster.log("ixn1").read_text()
        )
        await until(real_reactor, lambda: " waits: " in cluster.log("ixn1").read_text())
        assert cluster.servers.processes["ixn1"].running
        await cluster.kill("ixn1-b")
        await served_by(cluster, real_reactor, "ixn1")
        again = await client_of(cluster, real_reactor, "ixn1")
        assert again.server.epoch == 3
        assert id in (await again.request(FIND)).interactions
        for each in (again, after, client):
            await each.close()


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_a_second_node_on_one_database_waits_and_says_for_whom(
    tmp_path: Path, real_reactor: Any
) -> None:
    alone = PAIR.partition("[applications.ixn1-b]")[0].replace('backup = "ixn1-b"\n', "")
    database = tmp_path / "a" / "ixn1.db"
    async with RealCluster(real_reactor, tmp_path / "a", alone) as cluster:
        text = alone.replace("sqlite:ixn1.db", f"sqlite:{database}")
        other = RealCluster(real_reactor, tmp_path / "b", text)
        other.begin("ixn1")
        await other.waits("ixn1")
        pid = cluster.servers.processes["ixn1"].pid
        assert re.search(
            rf"Server ixn1 waits: process {pid} on .* is primary", other.log("ixn1").read_text()
        )
        assert await other.end("ixn1") == "stopped"
        assert await cluster.primary_of("ixn1") == "ixn1"
