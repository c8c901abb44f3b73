"""Opening a log."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from ixproxy.eventlog.reporting import source
from ixproxy.eventlog.reporting.source import (
    Log,
    LogUnreachable,
    LogUnreadable,
    moment,
    number,
    open_log,
    text,
)
from tests.eventlog.reporting.filling import NOON, LogFile


def test_a_log_says_what_it_is_and_who_writes_it(tmp_path: Path) -> None:
    for merged in (False, True):
        with LogFile(tmp_path / f"{merged}.db", merged=merged) as file:
            file.node(102, "ixn2", NOON)
            file.node(101, "ixn1", NOON + 1)
        with closing(open_log(file.address)) as log:
            assert log.merged == merged
            assert log.nodes() == [(101, "ixn1", NOON + 1), (102, "ixn2", NOON)]


def test_what_is_written_meanwhile_is_not_seen(tmp_path: Path) -> None:
    with LogFile(tmp_path / "log.db") as file:
        file.connection.execute("COMMIT")
        file.connection.execute("PRAGMA journal_mode = WAL")
        file.connection.execute("BEGIN")
        file.interaction(NOON, "EventHeld", "i1")
        file.connection.execute("COMMIT")
        with closing(open_log(file.address)) as log:
            assert next(log.rows("SELECT COUNT(*) FROM rpt_interaction")) == (1,)
            file.connection.execute("BEGIN")
            file.interaction(NOON, "EventResumed", "i1")
            file.connection.execute("COMMIT")
            assert next(log.rows("SELECT COUNT(*) FROM rpt_interaction")) == (1,)
        file.connection.execute("BEGIN")


def test_a_log_cannot_be_changed_by_who_reads_it(tmp_path: Path) -> None:
    with LogFile(tmp_path / "log.db") as file:
        pass
    with closing(open_log(file.address)) as log, pytest.raises(LogUnreadable, match="readonly"):
        next(log.rows("DELETE FROM log_schema RETURNING 1"))


def test_text_that_is_no_utf_8_is_shown_as_far_as_it_is(tmp_path: Path) -> None:
    with LogFile(tmp_path / "log.db") as file:
        file.interaction(NOON, "EventHeld", "i1")
        file.connection.execute("UPDATE rpt_interaction SET queue = CAST(x'41ff42' AS TEXT)")
    with closing(open_log(file.address)) as log:
        assert next(log.rows("SELECT queue FROM rpt_interaction")) == ("A\ufffdB",)


@pytest.mark.parametrize(
    ("statements", "reason"),
    [
        (("DROP TABLE log_schema",), "no event log: no such table: log_schema"),
        (("DELETE FROM log_schema",), "no event log: its table log_schema is empty"),
        (("UPDATE log_schema SET version = 99",), "version 99; this program reads 1"),
        (("UPDATE log_schema SET kind = 'x'",), "kind is 'x'; expected log or merged"),
    ],
)
def test_what_is_no_log_of_ours_is_refused(
    tmp_path: Path, statements: tuple[str, ...], reason: str
) -> None:
    with LogFile(tmp_path / "log.db") as file:
        for statement in statements:
            file.connection.execute(statement)
    with pytest.raises(LogUnreadable, match=reason):
        open_log(file.address)


def test_files_that_are_none_are_refused_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(LogUnreadable, match="there is no file"):
        open_log(f"sqlite:{tmp_path}/nothing.db")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "page.html").write_text("<!DOCTYPE html>" * 100)
    with pytest.raises(LogUnreadable, match="no event log: file is not a database"):
        open_log(f"sqlite:{tmp_path}/page.html")
    with pytest.raises(LogUnreadable, match="expected sqlite:PATH or postgresql://"):
        open_log("mysql://db/log")


def test_a_path_may_have_signs_that_addresses_have(tmp_path: Path) -> None:
    with LogFile(tmp_path / "a?b#c %41.db") as file:
        file.node(101, "ixn1", NOON)
    with closing(open_log(file.address)) as log:
        assert len(log.nodes()) == 1


def test_a_damaged_file_says_so_at_the_row(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with LogFile(path) as file:
        for place in range(2000):
            file.interaction(NOON + place, "EventHeld", f"i{place}")
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 3 : len(raw) // 3 + 40_000] = b"\xaa" * 40_000
    path.write_bytes(raw)
    with closing(open_log(file.address)) as log, pytest.raises(LogUnreadable, match="malformed"):
        for _ in log.rows("SELECT * FROM rpt_interaction ORDER BY event_number"):
            pass


@pytest.mark.parametrize("value", [None, "noon", float("nan"), float("inf"), 1e12, b"1"])
def test_what_is_no_time_is_refused(value: object) -> None:
    with pytest.raises(LogUnreadable, match="expected seconds since the epoch"):
        moment(value)


def test_values_are_what_they_should_be() -> None:
    assert moment(5) == 5.0
    assert number(7) == 7
    assert (text(None), text("a"), text(5)) == ("", "a", "5")
    with pytest.raises(LogUnreadable, match="expected a whole number, but a row has '7'"):
        number("7")


def copy_to_postgresql(path: Path, address: str, schema: str = "public") -> None:
    """The tables of an SQLite log, with their rows, in PostgreSQL."""
    kinds = {"INTEGER": "bigint", "REAL": "double precision", "TEXT": "text"}
    with closing(sqlite3.connect(path)) as old, psycopg.connect(address) as new:
        new.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
        for (table,) in old.execute("SELECT name FROM sqlite_master WHERE type = 'table'"):
            columns = old.execute(f"SELECT name, type FROM pragma_table_info('{table}')").fetchall()
            new.execute(
                sql.SQL("CREATE TABLE {} ({})").format(
                    sql.Identifier(schema, table),
                    sql.SQL(", ").join(
                        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kinds[kind]))
                        for name, kind in columns
                    ),
                )
            )
            with new.cursor() as cursor:
                cursor.executemany(
                    sql.SQL("INSERT INTO {} VALUES ({})").format(
                        sql.Identifier(schema, table),
                        sql.SQL(", ").join([sql.Placeholder()] * len(columns)),
                    ),
                    old.execute(f"SELECT * FROM {table}").fetchall(),
                )


@pytest.mark.processes
def test_a_log_in_postgresql_is_read_from_its_schema_and_not_changed(
    tmp_path: Path, postgresql_database: str
) -> None:
    with LogFile(tmp_path / "log.db", merged=True) as file:
        file.node(101, "ixn1", NOON)
        file.interaction(NOON, "EventHeld", "i1")
    copy_to_postgresql(tmp_path / "log.db", postgresql_database, "Logs of us")
    with pytest.raises(LogUnreadable, match="no event log: relation"):
        open_log(postgresql_database)
    with closing(open_log(postgresql_database, "Logs of us")) as log:
        assert log.merged
        assert log.nodes() == [(101, "ixn1", NOON)]
        query = "SELECT event FROM rpt_interaction WHERE event_time < ?"
        assert list(log.rows(query, [NOON + 1])) == [("EventHeld",)]
        assert list(log.rows(query, [NOON])) == []
        with pytest.raises(LogUnreadable):
            next(log.rows("DELETE FROM log_schema RETURNING 1"))


def test_a_database_that_is_not_there_does_not_answer() -> None:
    with pytest.raises(LogUnreachable, match="connection"):
        open_log("postgresql://nobody@127.0.0.1:1/log")


def test_without_its_client_postgresql_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(LogUnreadable, match=r"pip install 'ixproxy\[postgresql\]'"):
        source.open_log("postgresql://db/log")


def test_a_connection_that_is_refused_is_closed() -> None:
    class Broken:
        closed = False

        def rows(self, sql: str, parameters: object = ()) -> object:
            raise LogUnreadable("broken")

        def close(self) -> None:
            self.closed = True

    with pytest.raises(LogUnreadable, match="this is no event log: broken"):
        Log(Broken())  # type: ignore[arg-type]
