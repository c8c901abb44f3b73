"""A real node takes rows of PostgreSQL; both are killed meanwhile, and each row is marked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

import psycopg
import pytest
from pytest_twisted import blockon
from twisted.internet.task import deferLater

from ixproxy.client import connect
from ixproxy.messages import RequestStopProcessing
from ixproxy.testing import postgresql
from ixproxy.testing.postgresql import PostgresqlServer
from ixproxy.testing.processes import RealCluster
from tests.test_captured_records import at_least, count, taken, wait

pytestmark = pytest.mark.processes

DEPLOYMENT = """\
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
store = "sqlite:ixn1.db"

[[applications.ixn1.capture]]
name = "orders"
use = "database"
queue = "Inbound"
address = "{address}"
cycle = 0.1
fetch-size = 200
batch-size = 50
storing-timeout = 0.1
reconnect-timeout = 0.5
capture-query = '''SELECT number AS "ExternalId", priority AS "Priority", photo AS "Photo"
    FROM orders WHERE state = 'new' ORDER BY number'''
captured-update = '''UPDATE orders SET state = 'taken', ixn = ?'InteractionId'
    WHERE number = ?'ExternalId' '''
error-update = '''UPDATE orders SET state = 'error', why = ?'ErrorDescription'
    WHERE number = ?'ExternalId' '''
stopped-update = '''UPDATE orders SET state = 'stopped', ended = ?'EventTime', who = ?'ActorType'
    WHERE ixn = ?'InteractionId' '''
default-values = {{ MediaType = "email" }}
"""

TABLE = """CREATE TABLE orders (number INTEGER PRIMARY KEY, state VARCHAR(16) DEFAULT 'new',
    ixn VARCHAR(64), priority INTEGER, photo BYTEA, why VARCHAR(256), ended TIMESTAMP,
    who VARCHAR(32))"""

ROWS = 5000
BAD = 50
A_LIFE = 900
PATIENCE = 240.0


def test_rows_are_taken_once_and_marked_whenever_node_and_database_fail(
    real_reactor: Any, tmp_path: Path
) -> None:
    if reason := postgresql.unusable():
        pytest.skip(reason)
    random = Random(3)
    with PostgresqlServer() as server:
        address = server.make_database("orders")
        with psycopg.connect(address) as connection:
            connection.execute(TABLE)
            connection.cursor().executemany(
                "INSERT INTO orders (number, priority, photo) VALUES (%s, %s, %s)",
                [
                    (number, number % 9, b"\xff" if number % (ROWS // BAD) == 0 else None)
                    for number in range(ROWS)
                ],
            )
        good = [str(number) for number in range(ROWS) if number % (ROWS // BAD)]

        def states() -> Counter[str]:
            with psycopg.connect(address) as connection:
                found = connection.execute("SELECT state, count(*) FROM orders GROUP BY state")
                return Counter(dict(found.fetchall()))

        def later(seconds: float) -> None:
            blockon(deferLater(real_reactor, seconds))

        def until(happened: Callable[[], object]) -> None:
            end = monotonic() + PATIENCE
            while not happened():
                assert monotonic() < end, f"it did not happen; rows are {states()}"
                later(0.05)

        cluster = RealCluster(
            real_reactor, tmp_path / "cluster", DEPLOYMENT.format(address=address)
        )
        wait(cluster.start())
        store = cluster.store("ixn1")
        try:
            while (before := count(store)) < len(good) * 9 // 10:
                wanted = min(before + random.randint(1, A_LIFE), len(good) * 9 // 10)
                until(at_least(store, wanted))
                if random.random() < 0.5:
                    server.kill()
                    later(random.uniform(0, 0.5))
                    server.start()
                wait(cluster.kill("ixn1"))
                wait(cluster.restart("ixn1"))
            until(lambda: not states()["new"])
            assert taken(store) == Counter(good)
            assert states() == {"taken": len(good), "error": BAD}
            wait(stop_some(real_reactor, cluster, address, 100))
            until(lambda: states()["stopped"] == 100)
            with psycopg.connect(address) as connection:
                found = connection.execute(
                    "SELECT DISTINCT who, ended IS NULL FROM orders WHERE state = 'stopped'"
                )
                assert found.fetchall() == [("media-server", False)]
        finally:
            wait(cluster.stop())


async def stop_some(reactor: Any, cluster: RealCluster, address: str, number: int) -> None:
    """Have some of the interactions stopped by somebody else."""
    with psycopg.connect(address) as connection:
        ids = connection.execute(
            "SELECT ixn FROM orders WHERE state = 'taken' ORDER BY number LIMIT %s", (number,)
        ).fetchall()
    client = await connect(
        reactor, cluster.endpoint("ixn1"), name="mail-1", client_type="MediaServer"
    )
    try:
        for (id,) in ids:
            await client.request(RequestStopProcessing(tenant_id=1, interaction_id=id))
    finally:
        await client.close()
