"""The logs of event-log chaos can be broken and are whole again, as a log sees it."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from ixproxy.errors import StorageError
from ixproxy.eventlog.rows import RowMaker
from ixproxy.eventlog.settings import read_settings
from ixproxy.eventlog.sqlite_log import SqliteTables
from ixproxy.testing import chaos_disks, postgresql
from ixproxy.testing.eventlog_chaos_outsides import (
    OUTSIDES,
    AmqpOutside,
    PostgresqlOutside,
    SqliteOutside,
)
from ixproxy.testing.eventlog_chaos_rows import Gap, Logged, Row
from ixproxy.testing.eventlog_outside import entry
from ixproxy.testing.servers import ServerFailed


class Storing:
    """What stores into a file as a node does, and waits for no lock."""

    def __init__(self, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("ixproxy.eventlog.sqlite_tables.BUSY_SECONDS", 0.05)
        monkeypatch.setattr("ixproxy.eventlog.sqlite_tables._TRIES", 1)
        self.settings = read_settings({"address": address})
        self.tables = SqliteTables(address.removeprefix("sqlite:"), self.settings)

    def store(self, *numbers: int) -> None:
        self.tables.open()
        rows = RowMaker(self.settings).rows([entry(number) for number in numbers])
        self.tables.store(rows, "ixn1", 101)


@pytest.fixture
def outside(tmp_path: Path) -> SqliteOutside:
    made = SqliteOutside(tmp_path / "log")
    made.start()
    return made


def test_a_file_that_is_locked_takes_nothing_until_it_is_not(
    outside: SqliteOutside, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        outside.go_away()
        storing = Storing(outside.address, monkeypatch)
        with pytest.raises(StorageError):
            storing.store(1)
        outside.come_back()
        storing.store(1, 2)
        assert len(outside.logged().rows) == 2
        assert outside.complete(99), "nobody has to be waited for"
        storing.tables.close()
    finally:
        outside.stop()


def test_a_disk_that_is_full_takes_nothing_until_it_is_not(
    outside: SqliteOutside, monkeypatch: pytest.MonkeyPatch
) -> None:
    if reason := chaos_disks.unusable() or "".join(outside.missing):
        outside.stop()
        pytest.skip(reason)
    try:
        storing = Storing(outside.address, monkeypatch)
        storing.store(1)
        fault = outside.faults()["disk of the log is full"]
        fault.begin()
        with pytest.raises(StorageError):
            storing.store(*range(2, 1000))
        fault.end()
        storing.store(*range(2, 1000))
        assert len(outside.logged().rows) == 999
        storing.tables.close()
    finally:
        outside.stop()
    assert (outside.folder / "kept" / "log.db").exists()


def test_a_file_has_faults_that_begin_and_end(outside: SqliteOutside) -> None:
    try:
        for fault in outside.faults().values():
            fault.begin()
            fault.end()
            assert 0 <= fault.least <= fault.most
    finally:
        outside.stop()
    outside.stop()


def answers(outside: PostgresqlOutside) -> bool:
    try:
        with psycopg.connect(outside.address, connect_timeout=2) as session:
            return session.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


@pytest.mark.processes
def test_a_database_is_away_and_back(tmp_path: Path) -> None:
    if reason := postgresql.unusable():
        pytest.skip(reason)
    outside = PostgresqlOutside(tmp_path / "log")
    try:
        outside.start()
        for name in ("PostgreSQL is killed", "PostgreSQL is restarted"):
            fault = outside.faults()[name]
            outside.come_back()
            fault.begin()
            assert not answers(outside)
            fault.end()
            assert answers(outside)
        with psycopg.connect(outside.address) as session:
            outside.faults()["sessions are ended"].begin()
            with pytest.raises(psycopg.OperationalError):
                session.execute("SELECT 1")
    finally:
        outside.stop()


def test_what_was_not_started_says_so_and_can_be_stopped(tmp_path: Path) -> None:
    database, broker = PostgresqlOutside(tmp_path / "one"), AmqpOutside(tmp_path / "two")
    with pytest.raises(ServerFailed, match="PostgreSQL was not started"):
        _ = database.server
    with pytest.raises(ServerFailed, match="RabbitMQ was not started"):
        _ = broker.broker
    assert not broker.complete(1)
    assert broker.logged().rows == {}
    database.stop()
    broker.stop()


def test_a_reader_is_complete_when_it_knows_of_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = AmqpOutside(tmp_path / "log")
    logged = Logged({(101, 1, 1): Row("EventHeld", 1.0, "rpt_interaction")})
    monkeypatch.setattr(broker, "logged", lambda: logged)
    assert (broker.complete(1), broker.complete(4)) == (True, False)
    logged.gaps.append(Gap(101, 1, 2, 4, 2.0, 4.0, {"EventHeld": 3}))
    assert (broker.complete(4), broker.complete(5)) == (True, False)


def test_each_kind_is_found_by_its_name() -> None:
    assert list(OUTSIDES) == ["postgresql", "sqlite", "amqp"]
    assert all(kind == each.kind for kind, each in OUTSIDES.items())
