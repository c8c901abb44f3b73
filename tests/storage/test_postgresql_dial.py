"""The way to a PostgreSQL server, which can be given up while it is being made."""

from __future__ import annotations

from threading import enumerate as all_threads
from typing import Any

import psycopg
import pytest

from ixproxy.errors import StoreUnreachable
from ixproxy.node.selections import Selection
from ixproxy.storage.postgresql import make
from ixproxy.storage.postgresql_dial import Dial
from ixproxy.storage.postgresql_session import Place
from ixproxy.storage.postgresql_writer import Writer
from ixproxy.testing.store_samples import NOW
from tests.storage.silent_server import SilentServer, problem_of, silent_server


def given_up(server: SilentServer, job: Any, give_up: Any) -> None:
    """That a job which waits for a silent server can be given up."""

    def meanwhile() -> None:
        server.accept()
        give_up()

    problem = problem_of(job, meanwhile)
    assert isinstance(problem, StoreUnreachable)
    assert "given up" in str(problem)


def test_who_waits_for_a_server_that_says_nothing_can_be_told_to_give_up() -> None:
    with silent_server() as server:
        dial = Dial()
        given_up(server, lambda: dial.connect(server.address), dial.give_up)
        with pytest.raises(StoreUnreachable):
            dial.connect(server.address)


def test_an_interrupted_reader_does_not_wait_for_a_connection() -> None:
    with silent_server() as server:
        reader = make({"address": server.address}).reader()
        for _ in range(2):
            given_up(server, lambda: reader.select(Selection(1), NOW), reader.interrupt)
        given_up(server, reader.begin, reader.interrupt)
        reader.close()


def test_an_abandoned_lease_does_not_wait_for_a_connection() -> None:
    with silent_server() as server:
        store: Any = make({"address": server.address})
        lease = store.lease()
        given_up(server, lease.take, store.abandon)


def test_an_abandoned_writer_does_not_wait_for_a_connection() -> None:
    with silent_server() as server:
        writer = Writer(Place(server.address))
        given_up(server, writer.connect, writer.abandon)


def test_what_is_refused_says_so_and_what_is_there_is_connected(postgresql_database: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="refused"):
        Dial().connect("host=127.0.0.1 port=1")
    dial = Dial()
    connection = dial.connect(postgresql_database)
    assert connection.autocommit
    dial.give_up()
    assert connection.execute("SELECT 1").fetchone() == (1,)
    connection.close()


def test_what_is_connected_after_it_was_given_up_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[Any] = []

    class Late:
        closed = False

        def close(self) -> None:
            self.closed = True

    def connect(conninfo: str, *, autocommit: bool) -> Any:
        dial.give_up()
        made.append(Late())
        return made[-1]

    monkeypatch.setattr(psycopg, "connect", connect)
    dial = Dial()
    with pytest.raises(StoreUnreachable):
        dial.connect("")
    for thread in all_threads():
        if thread.name == "dial":
            thread.join()
    assert [each.closed for each in made] == [True]
