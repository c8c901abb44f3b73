"""A log in a PostgreSQL database keeps the contract, and survives what happens to sessions."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread
from typing import Any

import psycopg
import pytest

from ixproxy.errors import ConfigError, StorageError, StoreUnreachable
from ixproxy.eventlog.postgresql_log import PostgresqlTables, make
from ixproxy.eventlog.rows import RowMaker
from ixproxy.eventlog.settings import read_settings
from ixproxy.node.log_work import Entry
from ixproxy.storage.postgresql_session import Place
from ixproxy.testing.eventlog_contract import EventLogContract
from ixproxy.testing.eventlog_outside import NOW, LogOutside, entry, gap
from ixproxy.testing.postgresql import PostgresqlServer
from tests.eventlog.log_rig import DROPPED, EVENTS, FIELDS, SOURCES, LogInTables
from tests.storage.postgresql_rig import wire

SETTINGS = read_settings({"address": "postgresql:", **FIELDS})
MAKER = RowMaker(SETTINGS)


def ask(address: str, question: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(address, autocommit=True) as connection:
        try:
            cursor = connection.execute(question.encode())
        except psycopg.errors.UndefinedTable:
            return []  # nobody has made the tables yet
        return cursor.fetchall() if cursor.description else []


def tables_at(address: str) -> PostgresqlTables:
    return PostgresqlTables(Place(address), SETTINGS)


def store(tables: PostgresqlTables, *entries: Entry) -> int:
    tables.open()
    return tables.store(MAKER.rows(entries), "ixn1", entries[-1].dbid)


class TestPostgresqlLog(EventLogContract):
    address = ""

    @pytest.fixture(autouse=True)
    def _database(self, postgresql_database: str) -> Iterator[None]:
        self.address = postgresql_database
        super().setup_method()
        yield
        super().teardown_method()

    def setup_method(self) -> None:
        """Not before there is a database."""

    def teardown_method(self) -> None:
        """Not when it is gone already."""

    def outside(self) -> LogOutside:
        def make_tables(settings: object) -> PostgresqlTables:
            return tables_at(self.address)

        return LogInTables(make_tables, lambda question: ask(self.address, question))


def test_what_is_stored_can_be_read_as_it_was(postgresql_database: str) -> None:
    tables = tables_at(postgresql_database)
    assert store(tables, *[entry(number) for number in range(1, 9)], gap(9, 12, EventHeld=3)) == 9
    question = "SELECT queue, c_customer, c_amount, c_weight, c_due FROM rpt_interaction"
    (found,) = ask(postgresql_database, f"{question} WHERE event_number = 8")
    assert found == ("Q2", "c8", 8, 8.0, None)
    assert ask(postgresql_database, SOURCES) == [(101, "ixn1", 1, 12, NOW + 12)]
    assert ask(postgresql_database, DROPPED) == [(101, 1, 9, 12, "EventHeld", 3)]
    tables.rest(NOW + 60, "ixn1", 101)
    assert ask(postgresql_database, SOURCES) == [(101, "ixn1", 1, 12, NOW + 60)]
    assert store(tables, entry(8), entry(9)) == 1
    tables.close()


def test_a_batch_is_one_round_trip(postgresql_database: str) -> None:
    tables = tables_at(postgresql_database)
    store(tables, entry(1))
    with wire(postgresql_database) as there:
        watched = tables_at(there.address)
        watched.open()
        before = there.trips
        store(watched, *[entry(number) for number in range(2, 500)], gap(500, 510, EventHeld=3))
        assert there.trips == before + 1
        watched.close()
    tables.close()


@pytest.mark.parametrize("swallowed", [True, False])
@pytest.mark.parametrize("at", [b"rpt_source", b"COMMIT"])
def test_a_session_that_breaks_on_the_way_costs_nothing_and_doubles_nothing(
    postgresql_database: str, swallowed: bool, at: bytes
) -> None:
    with wire(postgresql_database) as there:
        tables = tables_at(there.address)
        tables.open()
        there.swallowed, there.cut_at = swallowed, at
        with pytest.raises(StorageError, match="storing in postgresql://"):
            store(tables, entry(2), entry(3))
        assert not there.cut_at
        store(tables, entry(2), entry(3))
        tables.close()
    assert ask(postgresql_database, EVENTS) == [(101, 1, 2), (101, 1, 3)]
    assert ask(postgresql_database, SOURCES) == [(101, "ixn1", 1, 3, NOW + 3)]


def test_a_session_that_an_administrator_ends_is_followed_by_another(
    postgresql_server: PostgresqlServer, postgresql_database: str
) -> None:
    tables = tables_at(postgresql_database)
    store(tables, entry(1))
    postgresql_server.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
        f"'{postgresql_database.rpartition('/')[2]}'"
    )
    with pytest.raises(StorageError, match="storing in postgresql://"):
        store(tables, entry(2))
    store(tables, entry(2))
    assert ask(postgresql_database, EVENTS) == [(101, 1, 1), (101, 1, 2)]
    tables.close()


def test_tables_that_a_newer_program_took_over_are_not_written(postgresql_database: str) -> None:
    tables = tables_at(postgresql_database)
    store(tables, entry(1))
    ask(postgresql_database, "UPDATE log_schema SET version = 9")
    with pytest.raises(StorageError, match="version 9 of the tables"):
        store(tables, entry(2))
    with pytest.raises(StorageError, match="version 9 of the tables"):
        store(tables, entry(2))
    assert ask(postgresql_database, EVENTS) == [(101, 1, 1)]


def test_the_mark_is_there_exactly_when_the_rows_are(postgresql_database: str) -> None:
    tables = tables_at(postgresql_database)
    store(tables, entry(1))
    ask(postgresql_database, "ALTER TABLE rpt_source ADD CHECK (logged_number < 2)")
    with pytest.raises(StorageError, match="check constraint"):
        store(tables, entry(2))
    assert ask(postgresql_database, EVENTS) == [(101, 1, 1)]


def test_many_nodes_and_both_servers_of_a_pair_store_at_once(postgresql_database: str) -> None:
    problems: list[BaseException] = []

    def node(dbid: int, step: int) -> None:
        tables = tables_at(postgresql_database)
        try:
            for first in range(1, 300, step):
                some = [entry(number, dbid=dbid) for number in range(first, first + step)]
                store(tables, *some)
        except BaseException as problem:
            problems.append(problem)
        tables.close()

    running = [
        Thread(target=node, args=(dbid, step))
        for dbid, step in ((101, 10), (101, 15), (102, 30), (102, 6), (103, 50), (104, 20))
    ]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert problems == []
    found = ask(postgresql_database, EVENTS)
    assert found == [(dbid, 1, number) for dbid in (101, 102, 103, 104) for number in range(1, 301)]


def test_a_server_that_is_not_there_is_unreachable_and_found_later() -> None:
    with PostgresqlServer() as server:
        address = server.make_database("log")
        tables = tables_at(address)
        store(tables, entry(1))
        server.stop()
        with pytest.raises(StorageError):
            store(tables, entry(2))
        with pytest.raises(StoreUnreachable, match="connecting to postgresql://"):
            store(tables, entry(2))
        server.start()
        store(tables, entry(2))
        server.kill()
        with pytest.raises(StorageError):
            store(tables, entry(3))
        server.start()
        store(tables, entry(2), entry(3))
        assert ask(address, EVENTS) == [(101, 1, number) for number in (1, 2, 3)]
        tables.close()


def test_whoever_waits_for_a_server_that_hangs_is_shut() -> None:
    with PostgresqlServer() as server:
        tables = tables_at(server.make_database("log"))
        store(tables, entry(1))
        server.pause()
        problems: list[BaseException] = []

        def wait() -> None:
            try:
                store(tables, entry(2))
            except StorageError as problem:
                problems.append(problem)

        waiting = Thread(target=wait)
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
        tables.shut()
        waiting.join(10)
        assert len(problems) == 1
        server.resume()


def test_an_address_that_is_none_is_refused_without_a_word_of_it() -> None:
    for address in ("sqlite:a.db", "postgresql://u:secret@h:port/d", "postgresql://h?secret=1"):
        with pytest.raises(ConfigError) as refused:
            make({"address": address})
        assert "secret" not in str(refused.value)


def test_the_log_of_an_address_says_its_kind_and_database_without_secrets() -> None:
    log = make({"address": "postgresql://u:secret@h/d", "schema-name": "reporting"})
    assert log.kind == "postgresql"
    assert log.figures()["database"] == "postgresql://h/d?schema-name=reporting"
