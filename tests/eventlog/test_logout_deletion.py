"""Rows of agents are deleted when they log out: at the first logout, or after the last."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.eventlog.logout_deletion import postgresql_triggers, sqlite_triggers
from ixproxy.eventlog.postgresql_log import PostgresqlTables
from ixproxy.eventlog.rows import RowMaker
from ixproxy.eventlog.settings import Deleting, TableSettings
from ixproxy.eventlog.sqlite_log import SqliteTables
from ixproxy.eventlog.table_log import Tables
from ixproxy.node.log_work import Entry
from ixproxy.storage.postgresql_session import Place
from ixproxy.testing.eventlog_outside import entry
from tests.eventlog import test_postgresql_log, test_sqlite_log

ROWS = "SELECT dbid, event_number FROM rpt_agent ORDER BY dbid, event_number"
KINDS = {"in": m.EventAgentLogin, "ready": m.EventReadyForMedia, "out": m.EventAgentLogout}


class Logs:
    """A database that any number of nodes log into."""

    def __init__(self, path: Path, address: str, deleting: Deleting) -> None:
        self.path, self.address = path, address
        self._nodes: dict[int, Tables] = {}
        self.configure(deleting)

    def configure(self, deleting: Deleting) -> None:
        """All nodes begin anew."""
        self.close()
        settings = TableSettings("x", deleting=deleting)
        for dbid in (101, 102, 103):
            if self.address:
                self._nodes[dbid] = PostgresqlTables(Place(self.address), settings)
            else:
                self._nodes[dbid] = SqliteTables(str(self.path), settings)

    def log(self, dbid: int, *entries: Entry) -> None:
        tables = self._nodes[dbid]
        tables.open()
        tables.store(RowMaker(TableSettings("x")).rows(entries), f"ixn{dbid}", dbid)

    def rows(self) -> list[tuple[Any, ...]]:
        if self.address:
            return test_postgresql_log.ask(self.address, ROWS)
        return test_sqlite_log.ask(self.path, ROWS)

    def close(self) -> None:
        for tables in self._nodes.values():
            tables.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def logs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Logs]:
    address = ""
    if request.param == "postgresql":
        address = request.getfixturevalue("postgresql_database")
    made = Logs(tmp_path / "log.db", address, Deleting.NEVER)
    yield made
    made.close()


def event(
    dbid: int, number: int, kind: str, session: int = 1, agent: str = "ann", at: float = 0
) -> Entry:
    what = KINDS[kind](
        event_time=at or float(number), event_number=number, dbid=dbid, tenant_id=1,
        agent_id=agent, agent_session=(session, 101) if session else None,
    )  # fmt: skip
    return entry(number, dbid=dbid, what=what)


def both_in(logs: Logs) -> None:
    for dbid in (101, 102):
        logs.log(dbid, event(dbid, 1, "in"), event(dbid, 2, "ready"))


def test_without_it_all_stay(logs: Logs) -> None:
    both_in(logs)
    logs.log(101, event(101, 3, "out"))
    logs.log(102, event(102, 3, "out"))
    assert len(logs.rows()) == 6


def test_the_first_logout_deletes_what_was_logged_of_all_nodes(logs: Logs) -> None:
    logs.configure(Deleting.AT_FIRST)
    both_in(logs)
    logs.log(101, event(101, 3, "in", agent="bob"))
    logs.log(101, event(101, 4, "out"))
    assert logs.rows() == [(101, 3)]
    logs.log(102, event(102, 5, "ready"))
    assert logs.rows() == [(101, 3), (102, 5)]
    logs.log(102, event(102, 6, "out"))
    assert logs.rows() == [(101, 3)]


def test_a_login_behind_the_logout_in_one_batch_stays(logs: Logs) -> None:
    logs.configure(Deleting.AT_FIRST)
    logs.log(101, event(101, 1, "in"), event(101, 2, "out"), event(101, 3, "in", session=2))
    assert logs.rows() == [(101, 3)]


def test_the_other_form_waits_for_the_last_node(logs: Logs) -> None:
    logs.configure(Deleting.AFTER_LAST)
    both_in(logs)
    logs.log(101, event(101, 3, "out"))
    assert len(logs.rows()) == 5
    logs.log(102, event(102, 3, "in", agent="bob"))
    logs.log(102, event(102, 4, "out"))
    assert logs.rows() == [(102, 3)]


def test_sessions_are_told_apart_though_they_overlap(logs: Logs) -> None:
    logs.configure(Deleting.AFTER_LAST)
    both_in(logs)
    logs.log(101, event(101, 3, "out"), event(101, 4, "in", session=2))
    logs.log(102, event(102, 3, "out"))
    assert logs.rows() == [(101, 4)]
    logs.log(102, event(102, 4, "in", session=2))
    logs.log(102, event(102, 5, "out", session=2))
    assert len(logs.rows()) == 3
    logs.log(101, event(101, 5, "out", session=2))
    assert logs.rows() == []


def test_a_clock_that_is_ahead_leaves_nothing_behind(logs: Logs) -> None:
    logs.configure(Deleting.AFTER_LAST)
    both_in(logs)
    logs.log(102, event(102, 3, "out", at=500.0))
    logs.log(101, event(101, 3, "out", at=400.0))
    assert logs.rows() == []


def test_a_node_that_logs_late_leaves_nothing_behind(logs: Logs) -> None:
    logs.configure(Deleting.AFTER_LAST)
    logs.log(101, event(101, 1, "in"), event(101, 2, "out"))
    assert logs.rows() == []
    logs.log(102, event(102, 1, "in"), event(102, 2, "ready"), event(102, 3, "out"))
    assert logs.rows() == []


def test_who_logs_in_again_under_the_same_session_is_logged_in(logs: Logs) -> None:
    logs.configure(Deleting.AFTER_LAST)
    both_in(logs)
    logs.log(101, event(101, 3, "out"), event(101, 4, "in"))
    logs.log(102, event(102, 3, "out"))
    assert (101, 4) in logs.rows()
    logs.log(101, event(101, 5, "out"))
    assert logs.rows() == []


def test_what_was_deleted_and_comes_again_is_deleted_again(logs: Logs) -> None:
    for deleting in (Deleting.AT_FIRST, Deleting.AFTER_LAST):
        logs.configure(deleting)
        batch = [event(101, 1, "in"), event(101, 2, "ready"), event(101, 3, "out")]
        logs.log(101, *batch)
        logs.log(101, *batch)
        assert logs.rows() == []


def test_rows_without_a_session_go_with_the_last_logout(logs: Logs) -> None:
    logs.configure(Deleting.AFTER_LAST)
    both_in(logs)
    for number in (3, 9):
        what = m.EventReadyForMedia(
            event_time=float(number), event_number=number, dbid=101, tenant_id=1, agent_id="ann"
        )
        logs.log(101, entry(number, what=what))
    logs.log(101, event(101, 10, "out", at=5.0))
    logs.log(102, event(102, 10, "out", at=6.0))
    assert logs.rows() == [(101, 9)]


def test_the_last_that_begins_says_what_holds(logs: Logs) -> None:
    forms = (Deleting.AT_FIRST, Deleting.AFTER_LAST, Deleting.NEVER, Deleting.AT_FIRST)
    for at, deleting in enumerate(forms):
        agent = f"agent{at}"
        logs.configure(deleting)
        for dbid in (101, 102):
            first = 10 * at + 1
            logs.log(dbid, event(dbid, first, "in", agent=agent))
            logs.log(dbid, event(dbid, first + 1, "ready", agent=agent))
        before = len(logs.rows())
        logs.log(101, event(101, 10 * at + 9, "out", agent=agent))
        assert len(logs.rows()) == before + (-4 if deleting is Deleting.AT_FIRST else 1), deleting


@pytest.mark.parametrize("deleting", [Deleting.AT_FIRST, Deleting.AFTER_LAST])
def test_logouts_on_all_nodes_at_once_leave_nothing_and_wait_for_nobody_in_a_circle(
    postgresql_database: str, deleting: Deleting, tmp_path: Path
) -> None:
    logs = Logs(tmp_path, postgresql_database, deleting)
    problems: list[BaseException] = []
    together = Barrier(3)

    def node(dbid: int) -> None:
        agents = [f"agent{at}" for at in range(8)]
        try:
            for turn in range(10):
                first = 100 * turn
                order = agents if (dbid + turn) % 2 else agents[::-1]
                logs.log(
                    dbid,
                    *[event(dbid, first + at, "in", turn, who) for at, who in enumerate(order)],
                )
                together.wait(60)
                logs.log(
                    dbid,
                    *[
                        event(dbid, first + 20 + at, "out", turn, who, at=first + 90)
                        for at, who in enumerate(order)
                    ],
                )
                together.wait(60)
        except BaseException as problem:
            problems.append(problem)
            together.abort()

    running = [Thread(target=node, args=(dbid,)) for dbid in (101, 102, 103)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    logs.close()
    assert problems == []
    assert logs.rows() == []


@pytest.mark.parametrize("deleting", [Deleting.AT_FIRST, Deleting.AFTER_LAST])
def test_a_batch_that_is_repeated_after_the_last_logout_goes_again_with_its_own(
    logs: Logs, deleting: Deleting
) -> None:
    logs.configure(deleting)
    logs.log(101, event(101, 1, "in"))
    logs.log(102, event(102, 1, "in"))
    batch = [event(102, 2, "ready"), event(102, 3, "out")]
    logs.log(102, *batch)
    logs.log(101, event(101, 4, "out"))
    logs.log(102, *batch)
    assert logs.rows() == []


def test_what_a_node_repeats_of_no_session_stays_until_the_agents_next_logout(logs: Logs) -> None:
    logs.configure(Deleting.AFTER_LAST)
    logs.log(101, event(101, 1, "in"))
    logs.log(102, event(102, 1, "in"))
    batch = [event(102, 2, "out"), event(102, 3, "ready", session=0)]
    logs.log(102, *batch)
    logs.log(101, event(101, 4, "out"))
    assert logs.rows() == []
    logs.log(102, *batch)
    assert logs.rows() == [(102, 3)]
    logs.log(101, event(101, 5, "in", session=2), event(101, 6, "out", session=2))
    assert logs.rows() == []


def test_each_form_has_a_trigger_of_its_own_name() -> None:
    for triggers in (sqlite_triggers, postgresql_triggers):
        assert triggers(Deleting.NEVER) == {}
        names = [*triggers(Deleting.AT_FIRST), *triggers(Deleting.AFTER_LAST)]
        assert names == ["rpt_agent_at_first_logout", "rpt_agent_after_last_logout"]
