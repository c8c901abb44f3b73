"""The tables in an SQLite file: made once, known again, brought up to date, left alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Thread

import pytest

from ixproxy.errors import StorageError
from ixproxy.eventlog.custom_fields import CustomField
from ixproxy.eventlog.schemas import MERGED, VERSION, built_in
from ixproxy.eventlog.settings import Deleting
from ixproxy.eventlog.sqlite_tables import connect, create, prepare, version_of
from ixproxy.storage.schemas import Schema
from ixproxy.storage.sqlite_places import SqliteFile

FIELDS = (CustomField("customer", "Customer"), CustomField("amount", "Amount", "integer"))
LATER = Schema(Path(__file__).parent / "later_schema", 3, "sqlite")
"""Of a later program: what this one makes, and two versions more."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture
def database(path: Path) -> Iterator[sqlite3.Connection]:
    connection = connect(str(path), "the log")
    yield connection
    connection.close()


def begin(
    database: sqlite3.Connection,
    *fields: CustomField,
    deleting: Deleting = Deleting.NEVER,
    schema: Schema | None = None,
) -> None:
    prepare(database, "the log", schema or built_in("sqlite"), fields, deleting)


def columns(database: sqlite3.Connection, table: str) -> dict[str, str]:
    found = database.execute(f"PRAGMA table_info({table})").fetchall()
    return {name: kind for _, name, kind, *_ in found}


def test_an_empty_file_gets_the_tables_once(database: sqlite3.Connection) -> None:
    assert version_of(database, "the log") == 0
    begin(database)
    database.execute("INSERT INTO rpt_source VALUES (101, 'ixn1', 1, 1, 1.0)")
    begin(database)
    assert version_of(database, "the log") == VERSION
    assert database.execute("SELECT node FROM rpt_source").fetchall() == [("ixn1",)]
    assert database.execute("PRAGMA journal_mode").fetchall() == [("wal",)]
    assert database.execute("PRAGMA synchronous").fetchall() == [(2,)]


def test_whoever_looks_into_the_file_finds_what_each_column_means(
    database: sqlite3.Connection,
) -> None:
    begin(database)
    (text,) = database.execute("SELECT sql FROM sqlite_master WHERE name = 'rpt_agent'").fetchone()
    assert "-- the channel that it is about" in text


def test_several_begin_at_the_same_moment(path: Path) -> None:
    together, problems = Barrier(4), list[BaseException]()

    def one(number: int) -> None:
        together.wait()
        connection = connect(str(path), "the log")
        try:
            own = CustomField(f"own{number}", "Own")
            begin(connection, *FIELDS, own, deleting=Deleting.AT_FIRST)
        except BaseException as problem:
            problems.append(problem)
        finally:
            connection.close()

    threads = [Thread(target=one, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    connection = sqlite3.connect(path)
    assert set(columns(connection, "rpt_custom")) >= {"c_customer", "c_own0", "c_own3"}
    assert connection.execute("SELECT count(*) FROM log_schema").fetchall() == [(1,)]
    connection.close()


def test_custom_fields_are_columns_and_stay(database: sqlite3.Connection) -> None:
    begin(database, *FIELDS)
    begin(database, CustomField("due", "Due", "time"), FIELDS[1])
    for table in ("rpt_interaction", "rpt_custom"):
        found = columns(database, table)
        own = {name: kind for name, kind in found.items() if name.startswith("c_")}
        assert own == {"c_customer": "TEXT", "c_amount": "INTEGER", "c_due": "REAL"}
    assert not any(name.startswith("c_") for name in columns(database, "rpt_agent"))


def test_a_custom_field_of_another_type_is_refused(database: sqlite3.Connection) -> None:
    begin(database, *FIELDS)
    with pytest.raises(StorageError, match="c_customer of rpt_interaction that is TEXT, not REAL"):
        begin(database, CustomField("customer", "Customer", "number"))


def test_a_newer_version_is_refused(database: sqlite3.Connection) -> None:
    begin(database, schema=LATER)
    with pytest.raises(StorageError, match=r"version 3 of the tables.* up to version 1"):
        begin(database)


def test_an_older_version_is_brought_up_with_what_is_in_it(database: sqlite3.Connection) -> None:
    begin(database, *FIELDS)
    database.execute("INSERT INTO rpt_source VALUES (101, 'ixn1', 1, 1, 1.0)")
    begin(database, *FIELDS, schema=LATER)
    assert version_of(database, "the log") == 3
    assert columns(database, "rpt_source")["logged_more"] == "TEXT"
    assert database.execute("SELECT logged_more FROM rpt_source").fetchall() == [("semi;colon",)]
    begin(database, *FIELDS, schema=LATER)


def test_an_upgrade_that_fails_changes_nothing(database: sqlite3.Connection) -> None:
    begin(database)
    database.execute("CREATE TABLE in_the_way (a)")
    with pytest.raises(StorageError, match="upgrading the log from version 2 to 3"):
        begin(database, schema=LATER)
    assert version_of(database, "the log") == 2
    assert database.execute("SELECT count(*) FROM in_the_way").fetchall() == [(0,)]
    database.execute("DROP TABLE in_the_way")
    begin(database, schema=LATER)
    assert version_of(database, "the log") == 3


def test_a_version_from_which_nothing_leads_on_is_said(
    database: sqlite3.Connection, tmp_path: Path
) -> None:
    begin(database)
    with pytest.raises(StorageError, match="nothing leads on from it"):
        begin(database, schema=Schema(tmp_path, 2, "sqlite"))


def test_the_store_of_a_node_is_refused_and_left_as_it_is(path: Path) -> None:
    SqliteFile(path).open().close()
    before = path.read_bytes()
    connection = connect(str(path), "the log")
    with pytest.raises(StorageError, match="the log is the store of a node"):
        begin(connection)
    connection.close()
    assert path.read_bytes() == before


def test_what_another_program_made_is_refused(database: sqlite3.Connection) -> None:
    database.execute("CREATE TABLE orders (id)")
    with pytest.raises(StorageError, match="but not an event log"):
        begin(database)
    assert database.execute("PRAGMA journal_mode").fetchall() == [("delete",)]


def test_an_empty_file_of_another_program_is_refused(database: sqlite3.Connection) -> None:
    database.execute("PRAGMA application_id = 77")
    with pytest.raises(StorageError, match="but not an event log"):
        begin(database)


def test_what_was_made_of_a_dump_is_known_again(
    path: Path, database: sqlite3.Connection, tmp_path: Path
) -> None:
    begin(database, *FIELDS, deleting=Deleting.AT_FIRST)
    database.execute("INSERT INTO rpt_source VALUES (101, 'ixn1', 1, 1, 1.0)")
    copy = connect(str(tmp_path / "copy.db"), "the log")
    copy.executescript("\n".join(database.iterdump()))
    begin(copy, *FIELDS)
    assert copy.execute("SELECT node FROM rpt_source").fetchall() == [("ixn1",)]
    copy.execute("DELETE FROM log_schema")
    with pytest.raises(StorageError, match="but not an event log"):
        begin(copy)
    copy.close()


def test_a_merged_history_is_refused_and_a_log_is_not_merged(
    path: Path, database: sqlite3.Connection
) -> None:
    create(database, "the log", built_in("sqlite"), MERGED)
    assert version_of(database, "the log", MERGED) == VERSION
    with pytest.raises(StorageError, match="'merged': it is a merged one; expected the kind 'log'"):
        begin(database)
    database.execute("UPDATE log_schema SET kind = 'log'")
    begin(database)
    with pytest.raises(StorageError, match="'log': nodes have written it"):
        version_of(database, "the log", MERGED)


def test_what_is_no_database_is_refused(path: Path, database: sqlite3.Connection) -> None:
    path.write_bytes(b"just some words, enough of them to be a header of a file" * 100)
    with pytest.raises(StorageError, match="the file is no SQLite database"):
        begin(database)


def test_a_place_where_no_file_can_be_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="opening the log"):
        begin(connect(str(tmp_path), "the log"))
