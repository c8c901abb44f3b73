"""A PostgreSQL server of the tests' own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ixproxy.testing import postgresql
from ixproxy.testing.postgresql import PASSWORD_ROLE, PostgresqlServer
from ixproxy.testing.servers import ServerFailed

ENDED_SECONDS = 20


@pytest.fixture
def server(postgresql_server: PostgresqlServer) -> Iterator[PostgresqlServer]:
    """One that may be killed; asked for after the shared one, which skips what must be skipped."""
    assert postgresql_server.running
    with PostgresqlServer() as server:
        yield server


def noted(address: str) -> list[tuple[object, ...]]:
    with psycopg.connect(address) as connection:
        return connection.execute("SELECT number FROM notes").fetchall()


def note(address: str, number: int) -> None:
    with psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS notes (number integer)")
        connection.execute("INSERT INTO notes VALUES (%s)", (number,))


def test_its_databases_belong_to_a_role_that_may_do_nothing_else(
    postgresql_database: str,
) -> None:
    note(postgresql_database, 1)
    with psycopg.connect(postgresql_database, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE DATABASE another")
        encoding = connection.execute("SHOW server_encoding").fetchone()
    assert encoding == ("UTF8",)


def test_a_role_with_a_password_must_show_it(postgresql_server: PostgresqlServer) -> None:
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(postgresql_server.address("postgres", PASSWORD_ROLE))
    psycopg.connect(
        postgresql_server.address("postgres", PASSWORD_ROLE), password=postgresql.PASSWORD
    ).close()


def test_what_was_committed_survives_a_stop_and_a_crash(server: PostgresqlServer) -> None:
    address = server.make_database("kept")
    note(address, 1)
    session = psycopg.connect(address)
    server.kill()
    assert server.pids() == []
    with pytest.raises(psycopg.OperationalError):
        session.execute("SELECT 1")
    session.close()
    server.start()
    note(address, 2)
    server.stop()
    assert not server.running
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(address)
    server.start()
    assert noted(address) == [(1,), (2,)]


def test_a_paused_server_answers_nobody_and_goes_on_afterwards(server: PostgresqlServer) -> None:
    address = server.make_database("paused")
    with psycopg.connect(address) as session:
        server.pause()
        with pytest.raises(psycopg.errors.ConnectionTimeout):
            psycopg.connect(address, connect_timeout=2)
        server.resume()
        server.resume()
        assert session.execute("SELECT 1").fetchone() == (1,)
    server.pause()
    server.kill()
    server.start()
    assert server.running


def test_a_server_that_cannot_start_says_why(postgresql_server: PostgresqlServer) -> None:
    with pytest.raises(ServerFailed, match="running already"):
        postgresql_server.start()
    broken = PostgresqlServer(settings="no_such_setting = 1")
    with pytest.raises(ServerFailed, match="no_such_setting"):
        broken.start()
    assert not broken.running
    broken.remove()
    assert not broken.folder.exists()


def test_a_dropped_database_is_gone_whoever_uses_it(postgresql_server: PostgresqlServer) -> None:
    address = postgresql_server.make_database("dropped")
    with psycopg.connect(address) as session:
        postgresql_server.drop_database("dropped")
        postgresql_server.drop_database("dropped")
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")


@pytest.mark.processes
def test_it_ends_with_the_process_that_started_it(postgresql_server: PostgresqlServer) -> None:
    assert postgresql_server.running
    text = (
        "import os; from ixproxy.testing.postgresql import PostgresqlServer as S; s = S();"
        "s.start(); print(s.pids()[0], s.folder, flush=True); os.kill(os.getpid(), 9)"
    )
    ended = subprocess.run([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True)
    pid, folder = ended.stdout.split()
    left = subprocess.run(
        ["tail", f"--pid={pid}", "-f", os.devnull], timeout=ENDED_SECONDS, check=True
    )
    assert left.returncode == 0
    assert not (Path(folder) / "cluster" / "postmaster.pid").exists()


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "_PLACES", "/nowhere/*/bin")
    monkeypatch.setenv("PATH", "")
    assert "not installed" in postgresql.unusable()
    with pytest.raises(ServerFailed, match="not installed"):
        PostgresqlServer()
