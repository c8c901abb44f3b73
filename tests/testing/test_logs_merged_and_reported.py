"""Nodes log, the commands merge and report: what the page says is what happened."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest

from ixproxy import messages as m
from ixproxy.cli.main import parser, run_command
from ixproxy.eventlog.postgresql_log import PostgresqlTables
from ixproxy.eventlog.settings import TableSettings
from ixproxy.eventlog.sqlite_log import SqliteTables
from ixproxy.eventlog.table_log import TableLog, Tables
from ixproxy.net.log_plans import LogPacing, LogPlan
from ixproxy.node.log_rules import LogRules
from ixproxy.storage.postgresql_session import Place
from ixproxy.testing.cluster import Cluster
from tests.eventlog.log_rig import AtOnce
from tests.eventlog.logs import in_schema, rows_of

MAILS = 7
AGENTS = ("anna", "bert")


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    made = Cluster(5, nodes=2, proxies=1)
    yield made
    made.close()


def log_into(cluster: Cluster, *made: tuple[Tables, TableSettings]) -> None:
    """One log for each node."""
    for node, (tables, settings) in zip(cluster.nodes, made, strict=True):

        def make(tables: Tables = tables, settings: TableSettings = settings) -> TableLog:
            return TableLog(tables, settings, AtOnce)

        plan = LogPlan("log", tables.kind, make, {"at": tables.name}, LogRules(), LogPacing())
        node.log(plan)
    cluster.run(1)


def work(cluster: Cluster) -> None:
    """Some mails come, two agents take and end what they get, and nodes log no longer."""
    mail = cluster.client("mail", "MediaServer", proxy=0)
    desks = {name: cluster.client(f"desk-{name}", "AgentApplication", proxy=0) for name in AGENTS}
    for name, desk in desks.items():
        login = m.RequestAgentLogin(tenant_id=1, agent_id=name, media_list={"email": 1})
        cluster.finish(desk.request(login))
    for _ in range(MAILS):
        submit = m.RequestSubmit(tenant_id=1, media_type="email", queue="In")
        cluster.finish(mail.request(submit))
        cluster.run(1)
    for name, desk in desks.items():
        for _ in range(2):
            taken = cluster.finish(desk.request(m.RequestPull(tenant_id=1, view_id="In/All")))
            cluster.run(3)
            for identifier in taken.interactions:
                stop = m.RequestStopProcessing(tenant_id=1, interaction_id=identifier)
                cluster.finish(desk.request(stop))
        cluster.finish(desk.request(m.RequestAgentLogout(tenant_id=1, agent_id=name)))
    cluster.run(30)
    for node in cluster.nodes:
        # Which lets go of the databases.
        node.log()
    cluster.run(5)


def ixctl(*argv: str) -> dict[str, Any]:
    """What a verb of `ixctl eventlog` says, if it did what it should."""
    out, err = io.StringIO(), io.StringIO()
    args = parser(["eventlog"]).parse_args(["eventlog", *argv, "--json"])
    assert run_command(args, out, err) == 0, (out.getvalue(), err.getvalue())
    said: dict[str, Any] = json.loads(out.getvalue())
    return said


def numbers_of(page: Path, table: str) -> dict[str, list[str]]:
    """The rows of a table of a page, by what stands first in them."""
    (found,) = [
        each
        for each in fromstring(page.read_text()).iter()
        if each.tag.rpartition("}")[2] == "table" and each.get("id") == table
    ]
    rows = [
        ["".join(cell.itertext()) for cell in row]
        for row in found.iter()
        if row.tag.rpartition("}")[2] == "tr"
    ]
    return {row[0]: row[1:] for row in rows}


def is_whole(cluster: Cluster, folder: Path, logs: list[str], target: str, *options: str) -> None:
    """What nodes logged, merged and reported by the commands, is what queries find, once each."""
    merged = ixctl("merge", *logs, "--into", target, "--final", *options)
    assert ixctl("merge", *logs, "--into", target, "--final", *options)["counted"] == {}
    counted = merged["counted"]
    assert counted["events"] == counted["rows"] + counted["copies"] + counted.get("repeats", 0)
    page = folder / "page.html"
    said = ixctl("report", target, "--output", str(page), *options)
    sources = len(cluster.nodes)
    opened = target if "=" in target or not options else f"{target}?schema-name={options[1]}"
    amounts = {
        table: rows_of(opened, f"SELECT count(*) FROM {table}")[0][0]
        for table in ("rpt_interaction", "rpt_agent", "rpt_esp", "rpt_custom")
    }
    assert said["events"] == sum(amounts.values()) == counted["rows"]
    (*shown, whole, _) = numbers_of(page, "table-nodes")["All nodes"]
    assert [int(each) for each in shown] == list(amounts.values())
    assert int(whole) == said["events"]
    assert len(numbers_of(page, "table-nodes")) == sources + 2

    def count(event: str, more: str = "") -> int:
        statement = f"SELECT count(*) FROM rpt_interaction WHERE event = '{event}' {more}"
        return int(rows_of(opened, statement)[0][0])

    taken = count("EventTakenFromQueue", "AND party_agent IS NOT NULL")
    stopped = count("EventProcessingStopped")
    assert (count("EventInteractionSubmitted"), taken) == (MAILS, stopped)
    assert stopped > 0
    row = numbers_of(page, "table-queues")["In"]
    assert [row[at] for at in (0, 2, 5, 6)] == [
        str(each) for each in (MAILS, taken, stopped, MAILS - taken)
    ]
    for event in ("EventAgentLogin", "EventAgentLogout"):
        statement = f"SELECT agent_id FROM rpt_agent WHERE event = '{event}' ORDER BY 1"
        assert rows_of(opened, statement) == [(name,) for name in AGENTS]
    agents = numbers_of(page, "table-agents")
    assert [agents[name][0] for name in AGENTS] == ["1", "1"]
    assert agents["All agents"][0] == "2"


def test_logs_of_files(cluster: Cluster, tmp_path: Path) -> None:
    paths = [tmp_path / f"{node.name}.db" for node in cluster.nodes]
    settings = TableSettings("x")
    log_into(cluster, *((SqliteTables(str(path), settings), settings) for path in paths))
    work(cluster)
    logs = [f"sqlite:{path}" for path in paths]
    is_whole(cluster, tmp_path, logs, f"sqlite:{tmp_path / 'merged.db'}")


def test_a_log_that_is_shared(cluster: Cluster, tmp_path: Path) -> None:
    path, settings = tmp_path / "log.db", TableSettings("x")
    log_into(cluster, *((SqliteTables(str(path), settings), settings) for _ in cluster.nodes))
    work(cluster)
    is_whole(cluster, tmp_path, [f"sqlite:{path}"], f"sqlite:{tmp_path / 'merged.db'}")


@pytest.mark.processes
def test_logs_of_schemas(cluster: Cluster, tmp_path: Path, postgresql_database: str) -> None:
    names = [f"Log of {node.name}" for node in cluster.nodes]
    logs = [in_schema(postgresql_database, name) for name in names]
    target = in_schema(postgresql_database, "merged")
    all_settings = [TableSettings("x", schema_name=name) for name in names]
    place = Place(postgresql_database)
    log_into(cluster, *((PostgresqlTables(place, each), each) for each in all_settings))
    work(cluster)
    is_whole(cluster, tmp_path, logs, target)
    assert rows_of(target, "SELECT version, kind FROM log_schema") == [(1, "merged")]
    # The same by the option, which means what names no schema itself: here the target.
    in_schema(postgresql_database, "again")
    is_whole(cluster, tmp_path, logs, postgresql_database, "--schema-name", "again")
