"""Nodes that log into tables, in memory but for the file: what happened is there, once each."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.eventlog.custom_fields import CustomField
from ixproxy.eventlog.settings import TableSettings
from ixproxy.eventlog.sqlite_log import SqliteTables
from ixproxy.eventlog.table_log import TableLog
from ixproxy.net.log_plans import LogPacing, LogPlan
from ixproxy.node.log_rules import LogRules
from ixproxy.testing.cluster import Cluster
from tests.eventlog.log_rig import AtOnce

SETTINGS = TableSettings("x", fields=(CustomField("customer", "Customer"),))


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    made = Cluster(3, nodes=2, proxies=0)
    yield made
    made.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


def log_into(path: Path, cluster: Cluster) -> None:
    """All nodes share one file."""
    for node in cluster.nodes:
        node.log(
            LogPlan(
                "log",
                "sqlite",
                lambda: TableLog(SqliteTables(str(path), SETTINGS), SETTINGS, AtOnce),
                {"address": str(path)},
                LogRules(),
                LogPacing(),
            )
        )
    cluster.run(1)


def ask(path: Path, question: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(question).fetchall()
    finally:
        connection.close()


def submit(cluster: Cluster, mail: Any, customer: str) -> str:
    request = m.RequestSubmit(
        tenant_id=1, media_type="email", queue="In", user_data={"Customer": customer, "x": b"\0"}
    )
    return str(cluster.finish(mail.request(request)).interaction_id)


def test_what_happens_on_nodes_that_share_a_file_is_there_once(
    cluster: Cluster, path: Path
) -> None:
    log_into(path, cluster)
    mails = [cluster.client(f"mail-{at}", "MediaServer", node=at) for at in (0, 1)]
    ids = {submit(cluster, mail, f"c{at}") for at in range(3) for mail in mails}
    cluster.run(3)
    rows = ask(path, "SELECT interaction_id, event, c_customer, submitted_by FROM rpt_interaction")
    assert {row[0] for row in rows} == ids
    assert len(rows) == 6
    assert {row[1:] for row in rows} == {
        ("EventInteractionSubmitted", f"c{at}", f"mail-{node}")
        for at in range(3)
        for node in (0, 1)
    }
    sources = ask(path, "SELECT dbid, node FROM rpt_source ORDER BY dbid")
    assert [node for _, node in sources] == [node.name for node in cluster.nodes]


def test_a_crash_loses_nothing_and_doubles_nothing(cluster: Cluster, path: Path) -> None:
    log_into(path, cluster)
    mail = cluster.client("mail-0", "MediaServer", node=0)
    ids = [submit(cluster, mail, "before")]
    cluster.nodes[0].kill()
    cluster.nodes[0].start()
    cluster.run(5)
    ids.append(submit(cluster, mail, "after"))
    cluster.run(5)
    rows = ask(path, "SELECT interaction_id, epoch FROM rpt_interaction ORDER BY event_time")
    assert [row[0] for row in rows] == ids
    assert rows[0][1] < rows[1][1]


def test_rest_moves_on_how_far_the_log_is(cluster: Cluster, path: Path) -> None:
    log_into(path, cluster)
    mail = cluster.client("mail-0", "MediaServer", node=0)
    submit(cluster, mail, "x")
    cluster.run(3)
    until = "SELECT logged_until FROM rpt_source ORDER BY dbid LIMIT 1"
    ((before,),) = ask(path, until)
    cluster.run(60)
    ((after,),) = ask(path, until)
    assert after > before + 30
