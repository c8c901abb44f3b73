from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.task import Clock

from ixproxy import messages as m
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.log_rows import Row, rows_at
from ixproxy.testing.table_logs import SqliteLogs, TableLogs, WorksHere


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    made = Cluster(3, nodes=2, proxies=1)
    yield made
    made.close()


def submitted(cluster: Cluster, logs: TableLogs, number: int = 6) -> None:
    """Some interactions come in on both nodes, and are logged."""
    logs.follow(cluster)
    mail = cluster.client("mail-1", "MediaServer")
    for place in range(number):
        request = m.RequestSubmit(
            tenant_id=1,
            media_type="email",
            queue="In",
            user_data={"Priority": place, "label": f"L{place}"},
        )
        cluster.finish(mail.request(request))
    cluster.run(3)
    logs.close()


def dbids(rows: list[Row]) -> set[int]:
    return {row["dbid"] for row in rows}


def test_each_node_has_a_log_of_its_own(cluster: Cluster, tmp_path: Path) -> None:
    logs = TableLogs(SqliteLogs(tmp_path / "made"), shared=False)
    submitted(cluster, logs)
    assert logs.addresses == [f"sqlite:{tmp_path}/made/node{number}.db" for number in (1, 2)]
    one, other = (rows_at(address) for address in logs.addresses)
    assert (dbids(one), dbids(other)) == ({101}, {102})
    labels = {row["c_label"]: row["c_priority"] for row in (*one, *other)}
    assert labels == {f"L{place}": place for place in range(6)}


def test_or_all_nodes_have_one(cluster: Cluster, tmp_path: Path) -> None:
    logs = TableLogs(SqliteLogs(tmp_path), shared=True)
    submitted(cluster, logs)
    [address] = logs.addresses
    assert address == f"sqlite:{tmp_path}/all.db"
    assert dbids(rows_at(address)) == {101, 102}


def test_logs_are_told_what_else_they_are_to_know(cluster: Cluster, tmp_path: Path) -> None:
    logs = TableLogs(SqliteLogs(tmp_path), shared=True, settings={"custom-fields": {"x": "label"}})
    submitted(cluster, logs, 1)
    [row] = rows_at(logs.addresses[0])
    assert (row["c_x"], "c_label" in row) == ("L0", False)


def _fail() -> None:
    raise ZeroDivisionError


def test_jobs_are_done_in_their_order_and_never_at_once() -> None:
    clock, done = Clock(), []
    works = WorksHere(clock, "a log")
    first = works.do(lambda: done.append(1))
    second = works.do(_fail)
    stopped: list[bool] = []
    works.stop(1.0).addCallback(stopped.append)
    assert not done
    clock.advance(0)
    assert first.called
    assert (done, stopped) == ([1], [True])
    failures: list[Any] = []
    second.addErrback(lambda failure: failures.append(failure.type))
    assert failures == [ZeroDivisionError]
