"""How real servers of a node begin: a backup waits quietly, and what cannot be opened ends one."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_twisted
from twisted.internet.task import deferLater

from ixproxy.client import connect
from ixproxy.messages import RequestSubmit
from ixproxy.testing.processes import RealCluster
from tests.test_node_tap import ALONE, ONE_NODE


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_a_backup_that_waits_is_quiet_and_serves_by_the_file_that_it_was_told_of(
    tmp_path: Path, real_reactor: Any
) -> None:
    async with RealCluster(real_reactor, tmp_path, ONE_NODE) as cluster:
        log = cluster.log("ixn1-b")
        before = log.read_text()
        assert before.count(" waits: ") == 1
        assert not re.search("#(warn|error|critical)|Traceback", before)
        await cluster.change(ONE_NODE.replace("Inbound.views.All", "Later.views.All"))
        while (await cluster.primary_of("ixn1")) != "ixn1-b":
            await cluster.kill("ixn1")
            await deferLater(real_reactor, 0.05)
        quiet = log.read_text().partition(" is primary, term 1")[0]
        assert quiet.count(" waits: ") == 1, "a changed file is no news of who is primary"
        assert not re.search("#(warn|error|critical)|Traceback", quiet)
        client = await connect(
            real_reactor, cluster.endpoint("ixn1-b"), name="mail", client_type="MediaServer"
        )
        later = RequestSubmit(tenant_id=1, media_type="email", queue="Later")
        assert (await client.request(later)).interaction_id
        await client.close()


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_a_database_of_a_newer_version_ends_a_node_that_opens_it_first(
    tmp_path: Path, real_reactor: Any
) -> None:
    async with RealCluster(real_reactor, tmp_path, ALONE) as cluster:
        await cluster.end("ixn1")
        with sqlite3.connect(cluster.store("ixn1")) as database:
            database.execute("UPDATE meta SET schema_version = 9999")
        database.close()
        cluster.begin("ixn1")
        assert "exit code 1" in await cluster.servers.processes["ixn1"].when_ended()
        said = cluster.log("ixn1").read_text()
        assert re.search("Server ixn1 cannot serve: .*9999", said)
        assert "Traceback" not in said


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_a_postgresql_database_of_somebody_else_ends_a_node_that_opens_it_first(
    tmp_path: Path, real_reactor: Any, postgresql_database: str
) -> None:
    with psycopg.connect(postgresql_database) as session:
        session.execute("CREATE TABLE invoices (id int)")
    text = ALONE.replace("sqlite:ixn1.db", postgresql_database)
    cluster = RealCluster(real_reactor, tmp_path, text)
    cluster.begin("ixn1")
    assert "exit code 1" in await cluster.servers.processes["ixn1"].when_ended()
    said = cluster.log("ixn1").read_text()
    assert re.search("Server ixn1 cannot serve: .*invoices", said)
    assert "Traceback" not in said
