"""The tables in a PostgreSQL schema: made once, known again, brought up to date, left alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Barrier, Thread

import pytest

from ixproxy.errors import StorageError
from ixproxy.eventlog.custom_fields import CustomField
from ixproxy.eventlog.postgresql_tables import COLUMN_TYPES, create, prepare, version_of
from ixproxy.eventlog.schemas import MERGED, VERSION, built_in, merged_part, tables
from ixproxy.eventlog.settings import Deleting
from ixproxy.storage.postgresql_session import Place, Session
from ixproxy.storage.schemas import Schema
from tests.storage.postgresql_rig import store_at

FIELDS = (CustomField("customer", "Customer's"), CustomField("amount", "Amount", "integer"))
LATER = Schema(Path(__file__).parent / "later_schema", 3, "postgresql")
"""Of a later program: what this one makes, and two versions more."""


@pytest.fixture
def session(postgresql_database: str) -> Iterator[Session]:
    made = Place(postgresql_database).connect()
    yield made
    made.close()


def begin(
    session: Session,
    *fields: CustomField,
    deleting: Deleting = Deleting.NEVER,
    schema: Schema | None = None,
    name: str = "",
) -> None:
    prepare(session, schema or built_in("postgresql"), fields, deleting, name)


def columns(session: Session, table: str) -> dict[str, str]:
    found = session.ask(
        "SELECT attname, format_type(atttypid, -1) FROM pg_attribute "
        "WHERE attrelid = %s::regclass AND attnum > 0",
        table,
    )
    return dict(found)


def test_an_empty_schema_gets_the_tables_once(session: Session) -> None:
    assert version_of(session) == 0
    begin(session)
    session.run("INSERT INTO rpt_source VALUES (101, 'ixn1', 1, 1, 1.0)")
    begin(session)
    assert version_of(session) == VERSION
    assert session.ask("SELECT node FROM rpt_source") == [("ixn1",)]


def test_tables_columns_and_comments_are_those_of_sqlite(session: Session) -> None:
    begin(session)
    for table in tables().values():
        assert list(columns(session, table.name).items()) == [
            (column.name, COLUMN_TYPES[column.kind]) for column in table.columns
        ]
        asked = (
            "SELECT attname, col_description(attrelid, attnum), attnotnull FROM pg_attribute "
            "WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum"
        )
        wanted = [(column.name, column.comment, column.needed) for column in table.columns]
        assert session.ask(asked, table.name) == wanted
        comment = session.ask("SELECT obj_description(%s::regclass, 'pg_class')", table.name)
        assert comment == [(table.comment,)]


def test_indexes_and_keys_are_those_of_sqlite(session: Session) -> None:
    begin(session)
    keys = session.ask(
        "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE contype = 'p' AND connamespace = current_schema()::regnamespace ORDER BY 1"
    )
    assert keys == sorted(
        (table.name, f"PRIMARY KEY ({', '.join(table.key)})")
        for table in tables().values() if table.key
    )  # fmt: skip
    lines = built_in("sqlite").creation().splitlines()
    wanted = sorted(line for line in lines if line.startswith("CREATE INDEX"))
    own = built_in("postgresql").creation().splitlines()
    assert sorted(line for line in own if line.startswith("CREATE INDEX")) == wanted


def test_several_begin_at_the_same_moment(session: Session, postgresql_database: str) -> None:
    together, problems = Barrier(4), list[BaseException]()

    def one(number: int) -> None:
        own = Place(postgresql_database).connect()
        together.wait()
        try:
            field = CustomField(f"own{number}", "Own")
            begin(own, *FIELDS, field, deleting=Deleting.AT_FIRST)
        except BaseException as problem:
            problems.append(problem)
        own.close()

    threads = [Thread(target=one, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert set(columns(session, "rpt_custom")) >= {"c_customer", "c_own0", "c_own3"}
    assert session.ask("SELECT count(*) FROM log_schema") == [(1,)]


def test_custom_fields_are_columns_with_comments_and_stay(session: Session) -> None:
    begin(session, *FIELDS)
    begin(session, CustomField("due", "Due", "time"), FIELDS[1])
    for table in ("rpt_interaction", "rpt_custom"):
        found = columns(session, table)
        own = {name: kind for name, kind in found.items() if name.startswith("c_")}
        assert own == {"c_customer": "text", "c_amount": "bigint", "c_due": "double precision"}
    assert not any(name.startswith("c_") for name in columns(session, "rpt_agent"))
    said = session.ask(
        "SELECT col_description(attrelid, attnum) FROM pg_attribute "
        "WHERE attrelid = 'rpt_custom'::regclass AND attname = 'c_customer'"
    )
    assert said == [("of the user data: Customer's",)]


def test_a_custom_field_of_another_type_is_refused(session: Session) -> None:
    begin(session, *FIELDS)
    with pytest.raises(StorageError, match="that is text, not double precision"):
        begin(session, CustomField("customer", "Customer", "number"))
    assert not session.in_transaction


def test_a_newer_version_is_refused(session: Session) -> None:
    begin(session, schema=LATER)
    with pytest.raises(StorageError, match=r"version 3 of the tables.* up to version 1"):
        begin(session)


def test_an_older_version_is_brought_up_with_what_is_in_it(session: Session) -> None:
    begin(session, *FIELDS)
    session.run("INSERT INTO rpt_source VALUES (101, 'ixn1', 1, 1, 1.0)")
    begin(session, *FIELDS, schema=LATER)
    assert version_of(session) == 3
    assert session.ask("SELECT logged_more FROM rpt_source") == [("semi;colon",)]
    begin(session, *FIELDS, schema=LATER)


def test_an_upgrade_that_fails_changes_nothing(session: Session) -> None:
    begin(session)
    session.run("CREATE TABLE in_the_way (a BIGINT)")
    with pytest.raises(StorageError, match=r"upgrading .* from version 2 to 3"):
        begin(session, schema=LATER)
    assert version_of(session) == 2
    session.run("DROP TABLE in_the_way")
    begin(session, schema=LATER)
    assert version_of(session) == 3


def test_a_version_from_which_nothing_leads_on_is_said(session: Session, tmp_path: Path) -> None:
    begin(session)
    with pytest.raises(StorageError, match="nothing leads on from it"):
        begin(session, schema=Schema(tmp_path, 2, "postgresql"))


def test_the_store_of_a_node_is_refused(session: Session, postgresql_database: str) -> None:
    store = store_at(postgresql_database)
    store.open(1.0)
    store.close()
    with pytest.raises(StorageError, match="is the store of a node"):
        begin(session)


def test_what_another_program_made_is_refused(session: Session) -> None:
    session.run("CREATE TABLE a (i INT); CREATE TABLE b (); CREATE TABLE c (); CREATE TABLE d ()")
    with pytest.raises(StorageError, match="it has a, b, c and others; a log needs an empty"):
        begin(session)
    session.run("CREATE TABLE log_schema (version INT, kind TEXT)")
    with pytest.raises(StorageError, match="is no event log"):
        begin(session)


def test_views_of_ones_own_beside_the_tables_are_no_trouble(session: Session) -> None:
    begin(session)
    session.run("CREATE VIEW logins AS SELECT * FROM rpt_agent WHERE event = 'EventAgentLogin'")
    begin(session)


def test_a_merged_history_is_the_same_as_on_sqlite_and_every_column_is_explained(
    session: Session,
) -> None:
    create(session, built_in("postgresql"), MERGED)
    found = session.ask(
        "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, -1), "
        "col_description(c.oid, a.attnum) "
        "FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
        "WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) "
        "AND c.relkind = 'r' AND a.attnum > 0 ORDER BY c.relname, a.attnum"
    )
    assert [row[:2] for row in found if not row[3]] == []
    with closing(sqlite3.connect(":memory:")) as other:
        other.executescript(built_in("sqlite").creation() + merged_part("sqlite"))
        tables = sorted(other.execute("SELECT name FROM sqlite_master WHERE type = 'table'"))
        there = [
            (table, name, COLUMN_TYPES[kind])
            for (table,) in tables
            for _, name, kind, *_ in other.execute(f"PRAGMA table_info({table})")
        ]
        indexes = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        named = {name for (name,) in other.execute(indexes)}
    assert [row[:3] for row in found] == there
    asked = "SELECT indexname::text FROM pg_indexes WHERE schemaname = current_schema()"
    assert {name for (name,) in session.ask(asked) if not name.endswith("_pkey")} == named


def test_a_merged_history_is_refused_and_a_log_is_not_merged(session: Session) -> None:
    create(session, built_in("postgresql"), MERGED)
    assert version_of(session, MERGED) == VERSION
    with pytest.raises(StorageError, match="'merged': it is a merged one; expected the kind 'log'"):
        begin(session)
    session.run("UPDATE log_schema SET kind = 'log'")
    with pytest.raises(StorageError, match="'log': nodes have written it"):
        version_of(session, MERGED)


def test_the_tables_are_in_the_schema_that_is_named(session: Session) -> None:
    with pytest.raises(StorageError, match="no schema 'Re\"ports': make it with CREATE SCHEMA"):
        begin(session, name='Re"ports')
    session.run('CREATE SCHEMA "Re""ports"; CREATE TABLE public.others (a INT)')
    begin(session, *FIELDS, deleting=Deleting.AFTER_LAST, name='Re"ports')
    found = session.ask("SELECT DISTINCT schemaname FROM pg_tables WHERE tablename ~ '^rpt_'")
    assert found == [('Re"ports',)]
    begin(session, name='Re"ports')


def test_a_role_without_any_schema_is_told_so(session: Session) -> None:
    session.run("SET search_path = nowhere")
    with pytest.raises(StorageError, match="no schema of its search_path"):
        begin(session)


def test_a_role_that_may_not_make_tables_is_told_so(session: Session) -> None:
    session.run("CREATE SCHEMA mine; SET default_transaction_read_only = on")
    with pytest.raises(StorageError, match=r"making the tables of postgresql://.*only be read"):
        begin(session, name="mine")
    assert not session.in_transaction
