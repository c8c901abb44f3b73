"""What doc/event-log-tables.md says of the tables is so, and its queries run on both databases."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ixproxy import messages as m
from ixproxy.eventlog.postgresql_log import PostgresqlTables
from ixproxy.eventlog.rows import RowMaker
from ixproxy.eventlog.settings import TableSettings
from ixproxy.eventlog.sqlite_log import SqliteTables
from ixproxy.eventlog.table_log import Tables
from ixproxy.messages.message import Event
from ixproxy.node.log_work import Entry
from ixproxy.storage.postgresql_session import Place
from ixproxy.testing.eventlog_outside import NOW, gap
from tests.documents import blocks

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "doc" / "event-log-tables.md"
QUERIES = [each.text for each in blocks(PAGE, PAGE.read_text()) if each.language == "sql"]

MAIL: dict[str, Any] = {"tenant_id": 1, "media_type": "email", "interaction_id": "i1"}
ANN: dict[str, Any] = {"tenant_id": 1, "agent_id": "ann", "agent_session": (7, 101)}


def history(dbid: int) -> list[Entry]:
    """Of one node: an agent, and on the first an interaction that waits half a minute."""
    events: list[Event] = [
        m.EventAgentLogin(event_time=NOW + dbid, **ANN),
        m.EventAgentLogout(event_time=NOW + 600 + dbid, **ANN),
    ]
    if dbid == 101:
        events += [
            m.EventInteractionSubmitted(event_time=NOW, **MAIL, queue="Q1"),
            m.EventPropertiesChanged(
                event_time=NOW + 10, **MAIL, changed_properties={"Priority": 9}
            ),
            m.EventTakenFromQueue(event_time=NOW + 30, **MAIL, queue="Q1"),
        ]
    made = [
        Entry(dbid=dbid, epoch=1, number=number, what=event)
        for number, event in enumerate(events, 1)
    ]
    return [*made, gap(50, 60, dbid=dbid, EventHeld=4)]


def fill(tables: Tables) -> None:
    tables.open()
    for dbid in (101, 102):
        rows = RowMaker(TableSettings("x")).rows(history(dbid))
        tables.store(rows, f"ixn{dbid - 100}", dbid)
    tables.close()


FOUND: dict[str, list[tuple[Any, ...]]] = {
    "submitted": [("email", 1)],
    "AS taken": [("Q1", 1, 30.0)],
    "agent_session_number": [("ann", 7, 101, 2, NOW + 101, NOW + 702)],
    "json_extract": [(NOW + 10, 9)],
    "::json": [(NOW + 10, "9")],
    "logged_until": [("ixn1", NOW + 60), ("ixn2", NOW + 60)],
    "dropped": [
        (dbid, NOW + 50, NOW + 60, "EventHeld", 4) for dbid in (101, 102)
    ],
}  # fmt: skip
"""What the queries must find there, by a word that each has."""


def found(query: str) -> list[tuple[Any, ...]]:
    (word,) = [each for each in FOUND if each in query]
    return FOUND[word]


def test_the_page_is_what_the_schema_generates() -> None:
    script = ROOT / "doc" / "event_log_tables_page.py"
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert done.stdout == PAGE.read_text(), "run `make protocol`"


def test_there_are_queries_and_deletions() -> None:
    assert len(QUERIES) == 8
    assert sum("DELETE" in query for query in QUERIES) == 1


@pytest.mark.parametrize("query", [each for each in QUERIES if "-- PostgreSQL" not in each])
def test_the_queries_run_on_sqlite(query: str, tmp_path: Path) -> None:
    fill(SqliteTables(str(tmp_path / "log.db"), TableSettings("x")))
    connection = sqlite3.connect(tmp_path / "log.db")
    if "DELETE" in query:
        connection.executescript(query.replace("1767225600", "1e11"))
        for table in re.findall("DELETE FROM (.*) WHERE", query):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchall() == [(0,)]
    else:
        assert connection.execute(query).fetchall() == found(query)
    connection.close()


@pytest.mark.parametrize("query", [each for each in QUERIES if "-- SQLite" not in each])
def test_the_queries_run_on_postgresql(query: str, postgresql_database: str) -> None:
    fill(PostgresqlTables(Place(postgresql_database), TableSettings("x")))
    with psycopg.connect(postgresql_database) as connection:
        if "DELETE" in query:
            connection.execute(query.replace("1767225600", "1e11").encode())
            for table in re.findall("DELETE FROM (.*) WHERE", query):
                counted = connection.execute(f"SELECT count(*) FROM {table}".encode())
                assert counted.fetchall() == [(0,)]
        else:
            assert connection.execute(query.encode()).fetchall() == found(query)
