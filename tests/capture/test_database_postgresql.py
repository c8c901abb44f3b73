"""A PostgreSQL database as a source: what it gives, what it is given, and what can go wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import pytest

from ixproxy.capture.database_parameters import Dialect, read_statement
from ixproxy.capture.database_postgresql import PostgresqlPlace, PostgresqlSession
from ixproxy.capture.database_sessions import Bound, DatabaseTrouble, Reading, Trouble
from ixproxy.testing import postgresql
from ixproxy.testing.postgresql import PASSWORD, PASSWORD_ROLE, PostgresqlServer


@pytest.fixture
def session(postgresql_database: str) -> Iterator[PostgresqlSession]:
    opened = PostgresqlPlace(postgresql_database).open(5)
    yield opened
    opened.close()


def read(session: PostgresqlSession, sql: str, most: int = 10) -> Reading:
    return session.read(read_statement(sql, Dialect.POSTGRESQL), most, lambda *_: "key")


def bound(sql: str, *values: object) -> Bound:
    return Bound(read_statement(sql, Dialect.POSTGRESQL), values)


def trouble_of(what: Any, *given: Any) -> DatabaseTrouble:
    with pytest.raises(DatabaseTrouble) as refused:
        what(*given)
    return refused.value


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("7::smallint", 7),
        ("9007199254740993", 9007199254740993),
        ("true", True),
        ("5.00::numeric", "5.00"),
        ("0.1::float8", "0.1"),
        ("'a'::varchar", "a"),
        ("'2026-11-22 09:30:00.25'::timestamp", "2026-11-22 09:30:00"),
        ("'2026-11-22 09:30:00+02'::timestamptz", "2026-11-22 07:30:00"),
        ("'infinity'::timestamptz", "infinity"),
        ("'4000-01-01 BC'::timestamp", "4000-01-01 00:00:00 BC"),
        ("'2026-11-22'::date", "2026-11-22"),
        ("'{\"a\": 1}'::jsonb", '{"a": 1}'),
        ("gen_random_uuid() IS NULL", False),
        ("'\\x0102'::bytea", b"\x01\x02"),
        ("NULL", None),
    ],
)
def test_a_column_is_what_a_property_can_be(
    session: PostgresqlSession, sql: str, value: object
) -> None:
    reading = read(session, f'SELECT {sql} AS "Value"')
    assert reading.columns == ("Value",)
    assert reading.rows == [("key", (value,))]


def test_a_number_is_taken_for_what_the_place_wants(session: PostgresqlSession) -> None:
    session.run_all([bound("CREATE TABLE t (n integer, s varchar, at timestamptz)")])
    insert = "INSERT INTO t (n, s, at) VALUES (?'N', ?'N', ?'At')"
    session.run_all([bound(insert, 5, 5, "2026-11-22 09:30:00"), bound(insert, None, None, None)])
    assert [row for _, row in read(session, "SELECT * FROM t").rows] == [
        (5, "5", "2026-11-22 09:30:00"),
        (None, None, None),
    ]


def test_only_so_many_rows_are_read_and_the_session_goes_on(session: PostgresqlSession) -> None:
    reading = read(session, "SELECT * FROM generate_series(1, 1000000) AS n", 3)
    assert [row for _, row in reading.rows] == [(1,), (2,), (3,)]
    assert reading.more
    assert not read(session, "SELECT 1 AS n").more
    assert read(session, "SELECT 1 WHERE false") == Reading((), [], False)


def test_two_columns_of_one_name_are_refused(session: PostgresqlSession) -> None:
    trouble = trouble_of(read, session, "SELECT 1 AS a, 2 AS a")
    assert trouble.trouble is Trouble.STATEMENT
    assert "column a comes twice" in str(trouble)


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT nothing", 'column "nothing" does not exist'),
        ("UPDATE nowhere SET a = 1", 'relation "nowhere" does not exist'),
        ("SELEC 1", "syntax error"),
    ],
)
def test_what_the_server_does_not_understand_is_found_without_running_it(
    session: PostgresqlSession, sql: str, words: str
) -> None:
    trouble = trouble_of(session.check, "capture-query", read_statement(sql, Dialect.POSTGRESQL))
    assert trouble.trouble is Trouble.STATEMENT
    assert str(trouble).startswith("capture-query: ")
    assert words in str(trouble)


def test_checking_runs_nothing(session: PostgresqlSession) -> None:
    session.run_all([bound("CREATE TABLE t (n integer)")])
    insert = read_statement("INSERT INTO t VALUES (?'N')", Dialect.POSTGRESQL)
    session.check("startup-query", insert)
    assert read(session, "SELECT * FROM t").rows == []


def test_of_one_transaction_all_is_done_or_nothing(session: PostgresqlSession) -> None:
    session.run_all([bound("CREATE TABLE t (n integer CHECK (n < 5))")])
    work = [bound(f"INSERT INTO t VALUES ({n})") for n in (1, 2, 9, 3)]
    trouble = trouble_of(session.run_all, work)
    assert (trouble.trouble, trouble.at) == (Trouble.VALUES, 2)
    assert read(session, "SELECT * FROM t").rows == []
    trouble = trouble_of(session.run_all, [bound("INSERT INTO t VALUES (?'N')", "a")])
    assert trouble.trouble is Trouble.VALUES
    trouble = trouble_of(session.run_all, [bound("INSERT INTO t VALUES (?'N')", "1\0")])
    assert trouble.trouble is Trouble.VALUES
    trouble = trouble_of(session.run_all, [bound("INSERT INTO u VALUES (1)")])
    assert (trouble.trouble, trouble.at) == (Trouble.STATEMENT, 0)


def test_what_takes_too_long_is_ended(postgresql_database: str) -> None:
    session = PostgresqlPlace(postgresql_database).open(0.1)
    assert trouble_of(read, session, "SELECT pg_sleep(60)").trouble is Trouble.NOT_NOW
    assert read(session, "SELECT 1 AS n").rows
    session.close()


def test_an_ended_session_is_lost(session: PostgresqlSession, postgresql_database: str) -> None:
    with psycopg.connect(postgresql_database, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert trouble_of(read, session, "SELECT 1").trouble is Trouble.LOST
    assert trouble_of(session.run_all, []).trouble is Trouble.LOST
    assert (
        trouble_of(session.check, "k", read_statement("SELECT 1", Dialect.POSTGRESQL)).trouble
        is Trouble.LOST
    )


def test_who_waits_for_a_server_that_hangs_is_set_free() -> None:
    if reason := postgresql.unusable():
        pytest.skip(reason)
    with PostgresqlServer() as server:
        session = PostgresqlPlace(server.make_database("orders")).open(60)
        server.pause()
        found: list[DatabaseTrouble] = []
        waiting = Thread(target=lambda: found.append(trouble_of(read, session, "SELECT 1")))
        waiting.start()
        session.shut()
        waiting.join(20)
        assert [trouble.trouble for trouble in found] == [Trouble.LOST]
        session.close()
        session.shut()


def test_the_password_comes_from_a_file(
    postgresql_server: PostgresqlServer, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    address = postgresql_server.address("postgres", PASSWORD_ROLE)
    place = PostgresqlPlace(address, str(file))
    assert "cannot be read" in str(trouble_of(place.open, 5))
    file.write_text("wrong\n")
    assert "password" in str(trouble_of(place.open, 5))
    file.write_text(f"{PASSWORD}\n")
    place.open(5).close()


def test_nobody_there_is_said_without_what_is_secret() -> None:
    place = PostgresqlPlace(f"postgresql://user:{PASSWORD.replace(' ', '%20')}@127.0.0.1:1/orders")
    assert place.name == "postgresql://127.0.0.1:1/orders"
    trouble = trouble_of(place.open, 5)
    assert trouble.trouble is Trouble.LOST
    assert PASSWORD not in str(trouble)


@pytest.mark.parametrize(
    "address", ["postgresql://host", "postgresql://h/d?nothing=1", "postgresql://[/secret",
                "postgresql://secret@h:274881/d", "postgresql://h/d?port=5432,0"]
)
def test_what_is_no_address_is_refused_and_not_quoted(address: str) -> None:
    with pytest.raises(ValueError) as refused:
        PostgresqlPlace(address)
    assert "secret" not in str(refused.value)
