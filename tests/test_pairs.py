"""Pairs of nodes as real processes: what dies, stops, or stands still is followed by its backup."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from ixproxy.client import Client, connect
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import RequestFindInteractions, RequestSubmit
from ixproxy.testing.processes import RealCluster

LIMIT = 2

SQLITE = "sqlite:ixn1.db"

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
store = "{SQLITE}"
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
    return await connect(reactor, cluster.endpoint(name), name="mail", client_type="MediaServer")


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


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> str:
    """The address of a new database."""
    if request.param == "sqlite":
        return SQLITE
    return str(request.getfixturevalue("postgresql_database"))


WRITE_LOCK = 120
"""The byte of an SQLite file `-shm` that is locked while somebody writes."""

IN_TRANSACTION = """
SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in trans%'
"""


def writes(cluster: RealCluster, store: str) -> bool:
    """Whether the primary is inside a transaction."""
    if store != SQLITE:
        with psycopg.connect(store, autocommit=True) as session:
            return bool(session.execute(IN_TRANSACTION).fetchall())
    pid, database = cluster.servers.processes["ixn1"].pid, cluster.store("ixn1")
    file = database.with_name(f"{database.name}-shm").stat().st_ino
    lock = rf"POSIX +ADVISORY +WRITE {pid} [0-9a-f]+:[0-9a-f]+:{file} {WRITE_LOCK} {WRITE_LOCK}$"
    return re.search(lock, Path("/proc/locks").read_text(), re.MULTILINE) is not None


async def pause_inside(cluster: RealCluster, reactor: Any, store: str) -> None:
    """Pause the primary at a moment when it is inside a transaction."""
    while True:
        cluster.pause("ixn1")
        if writes(cluster, store):
            return
        cluster.resume("ixn1")
        await deferLater(reactor, 0.003)


def said(cluster: RealCluster, name: str, words: str) -> Callable[[], bool]:
    """Asks whether the log of a server has these words."""
    return lambda: words in cluster.log(name).read_text()


@pytest.mark.processes
@pytest.mark.parametrize("how", ["killed", "stopped", "paused"])
@pytest_twisted.ensureDeferred
async def test_whatever_becomes_of_the_primary_its_backup_goes_on(
    tmp_path: Path, real_reactor: Any, how: str, store: str
) -> None:
    async with RealCluster(real_reactor, tmp_path, PAIR.replace(SQLITE, store)) as cluster:
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
        if how == "paused" and store != SQLITE:
            await wakes(cluster, real_reactor, client, after)
        else:
            assert ("signal 9" in await first.when_ended()) == (how != "stopped")
        await after.close()
        await client.close()


async def wakes(cluster: RealCluster, reactor: Any, client: Client, after: Client) -> None:
    """The old primary goes on: it writes nothing, says so, and waits."""
    before = (await after.request(FIND)).interactions.keys()
    lost = client.request(SUBMIT)
    cluster.resume("ixn1")
    with pytest.raises(RequestRefused) as refused:
        await lost
    assert refused.value.code in (Code.STORE_FAILED, Code.STOPPING, Code.LOST_CONNECTION)
    await until(reactor, said(cluster, "ixn1", "is primary no more"))
    await until(reactor, said(cluster, "ixn1", " waits: "))
    assert cluster.servers.processes["ixn1"].running
    assert (await after.request(FIND)).interactions.keys() == before


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_a_primary_that_hangs_inside_a_transaction_is_followed_by_its_backup(
    tmp_path: Path, real_reactor: Any, store: str
) -> None:
    async with RealCluster(real_reactor, tmp_path, PAIR.replace(SQLITE, store)) as cluster:
        client = await client_of(cluster, real_reactor, "ixn1")
        submitter = Submitter(client, {"text": "x" * 50_000})
        await until(real_reactor, lambda: len(submitter.acknowledged) > 100)
        await pause_inside(cluster, real_reactor, store)
        await served_by(cluster, real_reactor, "ixn1-b")
        after = await client_of(cluster, real_reactor, "ixn1-b")
        before = (await after.request(FIND)).interactions.keys()
        cluster.resume("ixn1")
        await submitter.ended()
        found = (await after.request(FIND)).interactions.keys()
        assert submitter.acknowledged <= found == before
        assert len(found) <= len(submitter.acknowledged) + len(submitter.lanes)
        if store == SQLITE:
            assert "signal 9" in cluster.servers.processes["ixn1"].outcome
        else:
            await until(real_reactor, said(cluster, "ixn1", "is primary no more"))
            await until(real_reactor, said(cluster, "ixn1", " waits: "))
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
        cluster.store("ixn1").with_name("ixn1.db.lease").unlink()
        await until(real_reactor, said(cluster, "ixn1-b", "is primary, term 1"))
        after = await client_of(cluster, real_reactor, "ixn1-b")
        await wakes(cluster, real_reactor, client, after)
        id = (await after.request(SUBMIT)).interaction_id
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
