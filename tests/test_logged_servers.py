"""Event logs with real processes: one is away, its node dies, and nothing is lost or doubled."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import DeferredList
from twisted.internet.task import deferLater

from ixproxy import messages as m
from ixproxy.client import Client, connect
from ixproxy.messages.status import LogStatus
from ixproxy.testing.processes import RealCluster

DEPLOYMENT = """
[tenants.Environment]
id = 1
[tenants.Environment.media-types]
email = {}
[tenants.Environment.queues.Q1.views.All]

[applications.ixn1]
type = "Interaction Server"
dbid = 101
tenants = ["Environment"]
listen = "tcp:7101:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:7101"
store = "sqlite:ixn1.db"
[[applications.ixn1.event-logs]]
name = "log"
address = "sqlite:away/log.db"
storing-timeout = 500
"""
LONGEST = 60.0
"""Seconds in which what is awaited has happened, or never does."""
AT_ONCE = 40


def rows(place: Path, asked: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{place}?mode=ro", uri=True)) as database:
        return database.execute(asked).fetchall()


async def submit_some(client: Client, number: int) -> int:
    """How many were acknowledged."""
    request = m.RequestSubmit(tenant_id=1, media_type="email", queue="Q1")
    asked: list[Any] = [client.request(request) for _ in range(number)]
    results: Sequence[Any] = await DeferredList(asked, consumeErrors=True)
    return sum(bool(done) for done, _ in results)


async def status(client: Client) -> LogStatus:
    answer: Any = await client.request(m.RequestServerStatus())
    (log,) = answer.node_status.event_logs
    assert isinstance(log, LogStatus)
    return log


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_a_log_that_was_away_has_everything_though_its_node_was_killed(
    tmp_path: Path, real_reactor: Any
) -> None:
    cluster = RealCluster(real_reactor, tmp_path, DEPLOYMENT)

    async def until(client: Client, waiting: int) -> LogStatus:
        began = real_reactor.seconds()
        while (log := await status(client)).waiting != waiting:
            assert real_reactor.seconds() - began < LONGEST, log
            await deferLater(real_reactor, 0.1)
        return log

    async with cluster:
        where = cluster.endpoint("ixn1")
        client = await connect(real_reactor, where, name="mail", client_type="MediaServer")
        acknowledged = await submit_some(client, AT_ONCE)
        log = await until(client, acknowledged)
        assert log.state.startswith(("connecting", "failing"))
        assert log.counts.get("stored", 0) == 0
        doubtful = submit_some(client, AT_ONCE)
        await cluster.kill("ixn1")
        (tmp_path / "away").mkdir()
        cluster.begin("ixn1")
        await cluster.ready()
        acknowledged += await doubtful
        acknowledged += await submit_some(client, AT_ONCE)
        await until(client, 0)
        await client.close()
        store = cluster.store("ixn1")
    place = tmp_path / "away" / "log.db"
    logged = rows(place, "SELECT dbid, epoch, event_number, interaction_id FROM rpt_interaction")
    kept = {id for (id,) in rows(store, "SELECT id FROM interactions")}
    assert len(kept) >= acknowledged >= 2 * AT_ONCE
    assert {id for *_, id in logged} == kept
    assert len(logged) == len(kept), "none of them twice"
    assert {dbid for dbid, *_ in logged} == {101}
    assert rows(store, "SELECT * FROM outbox") == []
    assert rows(place, "SELECT * FROM rpt_dropped") == []
