"""Databases in which event logs lie: PostgreSQL's, on a real server."""

from __future__ import annotations

from pathlib import Path

import pytest

from ixproxy.errors import StorageError, StoreUnreachable
from ixproxy.eventlog.log_databases import open_database
from tests.eventlog.logs import (
    Log,
    custom,
    esp,
    history,
    in_schema,
    interaction,
    log_at,
    login,
    logout,
    ready,
    rows_of,
)
from tests.eventlog.merges import Merging
from tests.eventlog.test_merge_export import shapes_of_files


def test_logs_and_targets_are_the_same_on_both_kinds_of_databases(
    postgresql_database: str, tmp_path: Path
) -> None:
    contents = [
        [login(1, chat=0), ready(2), interaction(3, "a"), esp(5, "a"), logout(9)],
        [login(1, chat=0), ready(2), interaction(4, "b"), custom(6, "{}"), logout(9)],
    ]
    merged = []
    for logs, target in (
        (
            [Log(in_schema(postgresql_database, each)) for each in ("one", "two")],
            in_schema(postgresql_database, "merged"),
        ),
        ([log_at(tmp_path, each) for each in ("one", "two")], f"sqlite:{tmp_path / 'merged.db'}"),
    ):
        merging = Merging(target)
        for dbid, (log, content) in enumerate(zip(logs, contents, strict=True), 1):
            log.run("ALTER TABLE rpt_interaction ADD COLUMN c_amount REAL")
            log.run("INSERT INTO rpt_dropped VALUES (?, 1, 2, 5, 1, 2, 'EventHeld', 3)", (dbid,))
            log.write(dbid, content[:3])
        merging(*(log.address for log in logs), part=2)
        for dbid, (log, content) in enumerate(zip(logs, contents, strict=True), 1):
            log.write(dbid, content[3:])
        merging(*(log.address for log in logs), final=True, part=2)
        dropped = rows_of(target, "SELECT * FROM rpt_dropped ORDER BY dbid")
        sources = rows_of(target, "SELECT * FROM rpt_source ORDER BY dbid")
        files = shapes_of_files(target, tmp_path / "files")
        merged.append((merging.tables(), history(target), dropped, sources, files))
    assert merged[0] == merged[1]
    assert [row[2] for row in merged[0][1]] == ["anna", "anna", "a", "b", "a", "{}", "anna"]


def test_what_is_opened_to_be_read_cannot_be_written(postgresql_database: str) -> None:
    Log(postgresql_database)
    database = open_database(postgresql_database)
    with pytest.raises(StorageError, match="read-only transaction"):
        database.run("DELETE FROM rpt_esp")
    database.close()


def test_columns_of_other_types_are_read_as_one_of_three(postgresql_database: str) -> None:
    database = open_database(postgresql_database, create=True)
    database.run(
        "CREATE TABLE t (a smallint, b numeric, c timestamptz, d jsonb, e varchar(9), "
        "f real, g uuid)"
    )
    database.run(
        "INSERT INTO t VALUES (1, 2.5, '1970-01-01 00:01:00+00', '[1]', 'e', 0.5, ?)",
        ("00000000-0000-0000-0000-000000000001",),
    )
    columns = database.columns("t")
    assert list(columns.values()) == ["INTEGER", "REAL", "REAL", "TEXT", "TEXT", "REAL", "TEXT"]
    chosen = ", ".join(database.reading("t", name) for name in columns)
    assert [tuple(row) for row in database.rows(f"SELECT {chosen} FROM t")] == [
        (1, 2.5, 60.0, "[1]", "e", 0.5, "00000000-0000-0000-0000-000000000001")
    ]
    assert database.columns("none") == {}
    database.close()


def test_a_null_character_is_replaced_as_in_logs(postgresql_database: str) -> None:
    database = open_database(postgresql_database, create=True)
    database.run("CREATE TABLE t (a bigint, b text)")
    assert database.run_many("INSERT INTO t VALUES (?, ?)", [(1, "a\0b"), (2, None)]) == 2
    assert [tuple(row) for row in database.rows("SELECT b FROM t ORDER BY a")] == [
        ("a\ufffdb",),
        (None,),
    ]
    assert [len(page) for page in database.pages("SELECT a FROM t", 1)] == [1, 1]
    database.begin()
    database.run("DELETE FROM t")
    database.rollback()
    assert database.rows("SELECT count(*) FROM t")[0][0] == 2
    database.close()


def test_a_mistake_in_a_statement_names_the_database(postgresql_database: str) -> None:
    database = open_database(postgresql_database, create=True)
    calls = (
        lambda: database.rows("SELECT x FROM t"),
        lambda: list(database.pages("SELECT x FROM t", 5)),
        lambda: database.run("DELETE FROM x"),
        lambda: database.run_many("INSERT INTO t (a) VALUES (?)", [(1,)]),
    )
    for call in calls:
        with pytest.raises(StorageError, match=r"postgresql://.*does not exist"):
            call()
        database.rollback()
    database.close()


def test_a_connection_that_is_lost_is_said(postgresql_database: str) -> None:
    database = open_database(postgresql_database)
    with pytest.raises(StoreUnreachable):
        database.rows("SELECT pg_terminate_backend(pg_backend_pid())")
    database.rollback()
    database.close()


def test_where_no_server_answers_it_is_said_without_the_password() -> None:
    with pytest.raises(StoreUnreachable) as caught:
        open_database("postgresql://me:secret@127.0.0.1:9/log")
    assert "postgresql://127.0.0.1:9/log" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_an_address_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="libpq cannot read this address"):
        open_database("postgresql://me@here:there:/?nonsense=1")
