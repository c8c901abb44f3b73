"""`twistd ixnode` and `twistd ixproxy` as an operator has them: they serve, follow a file, stop."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.task import deferLater

from ixproxy import messages as m
from ixproxy.client import Client, connect
from ixproxy.errors import Code, RequestRefused
from ixproxy.testing.processes import RealCluster
from tests.documents import documented_cluster
from tests.ledgers import read_books

ROOT = Path(__file__).parent.parent
DOCUMENTED = documented_cluster(ROOT)
BOTH = 'connections = ["ixn1", "ixn2"]'


async def submit(client: Client, media_type: str, queue: str = "Q1") -> Any:
    """The id of a new interaction, or the code of the refusal."""
    request = m.RequestSubmit(tenant_id=1, media_type=media_type, queue=queue)
    try:
        return (await client.request(request)).interaction_id
    except RequestRefused as refusal:
        return refusal.code


async def said(reactor: Any, cluster: RealCluster, name: str, words: str) -> str:
    """The log of a process, once these words are in it."""
    while words not in (log := cluster.log(name).read_text()):
        cluster.servers.check()
        await deferLater(reactor, 0.02)
    return log


async def media_server(reactor: Any, cluster: RealCluster, name: str = "proxy1") -> Client:
    return await connect(
        reactor, cluster.endpoint(name), name="mail", client_type="MediaServer", tenants=[1]
    )


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_servers_follow_a_changed_file_and_not_a_bad_one(
    tmp_path: Path, real_reactor: Any
) -> None:
    # At first without the second node behind the proxy, and without the new media type.
    text = DOCUMENTED.replace(BOTH, 'connections = ["ixn1"]')
    assert text != DOCUMENTED
    async with RealCluster(real_reactor, tmp_path, text) as cluster:
        servers = ("ixn1", "ixn2", "proxy1")
        processes = cluster.servers.processes
        client = await media_server(real_reactor, cluster)
        before = [await submit(client, media) for media in ("email", "chat", "video")]
        assert before[2] == Code.NOT_ACCESSIBLE
        assert {each[:6] for each in before[:2]} == {before[0][:6]}, "one node serves"

        old = cluster.file.read_text()
        new = old.replace("chat = {}", "chat = {}\nvideo = {}")
        new = new.replace('connections = ["ixn1"]', BOTH)
        cluster.file.write_text(new.replace("id = 1\n", 'id = "one"\n'))
        for name in servers:
            processes[name].signal(signal.SIGHUP)
        for name in servers:
            log = await said(real_reactor, cluster, name, "was not applied")
            assert "line 2: [tenants.Environment] id" in log
        assert await submit(client, "video") == Code.NOT_ACCESSIBLE
        assert len(await submit(client, "email")) == len(before[0])

        cluster.file.write_text(new)
        for name in servers:
            processes[name].signal(signal.SIGHUP)
        for name in servers:
            await said(real_reactor, cluster, name, "was applied")
        await cluster.ready()
        made = [await submit(client, "video") for _ in range(4)]
        assert len({each[:6] for each in made}) == 2, "both nodes serve"
        assert client.incarnation == 1, "no client was dropped"
        await client.close()
        pids = [processes[name].pid for name in servers]
        assert await cluster.stop() == []
    for name, pid in zip(servers, pids, strict=True):
        assert processes[name].outcome == "stopped"
        log = cluster.log(name).read_text()
        assert "Server Shut Down." in log
        assert "Traceback" not in log
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.processes
@pytest.mark.parametrize("name", ["ixn1", "proxy1"])
@pytest_twisted.ensureDeferred
async def test_a_server_that_is_stopped_in_the_middle_of_work_leaves_nothing_undecided(
    tmp_path: Path, real_reactor: Any, name: str
) -> None:
    async with RealCluster(real_reactor, tmp_path, DOCUMENTED) as cluster:
        client = await media_server(real_reactor, cluster)
        under_way = [Deferred.fromCoroutine(submit(client, "email")) for _ in range(400)]
        first = await under_way.pop(0)
        assert await cluster.servers.end(name) == "stopped"
        # What still waits for a connection is given up by the client.
        await client.close()
        outcomes = [first, *(result for _, result in await DeferredList(under_way))]
        acknowledged = {each for each in outcomes if isinstance(each, str)}
        assert acknowledged <= read_books(cluster.stores()).nodes_of.keys()
        codes = {each for each in outcomes if isinstance(each, int)}
        assert codes <= {
            Code.LOST_CONNECTION, Code.STOPPING, Code.NO_SERVERS, Code.NOT_ACCESSIBLE,
            # Those in flight when the client itself said goodbye, perhaps done all the same.
            Code.NOT_REGISTERED, Code.CANCELLED,
        }  # fmt: skip
        assert len(outcomes) == 400
        assert "Traceback" not in cluster.log(name).read_text()
