"""
What a restored database begins with: no epoch, and so no id, comes twice.

The commands are those of doc/postgresql.md and doc/operations.md.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest
from twisted.logger import capturedLogs, formatEvent

from ixproxy.node.selections import Selection
from ixproxy.storage.postgresql import PostgresqlStore
from ixproxy.storage.restores import RESTORED_STEP
from ixproxy.storage.sqlite import SqliteStore
from ixproxy.storage.sqlite_places import SqliteFile
from ixproxy.testing import postgresql
from ixproxy.testing.postgresql import PostgresqlServer
from ixproxy.testing.store_samples import NOW, interaction
from ixproxy.values import interaction_id
from tests.storage.postgresql_rig import store_at

Store = PostgresqlStore | SqliteStore


def opened(store: Store) -> int:
    """Open it, put an interaction with an id of this epoch, and close it; the epoch."""
    epoch = store.open(NOW)
    store.begin()
    store.write([interaction(interaction_id(101, epoch, 1))], [])
    store.commit(store.last_event_number() + 1)
    store.close()
    return epoch


def ids(store: Store) -> list[str]:
    store.open(NOW)
    found = sorted(row.id for row in store.select(Selection(1), NOW))
    store.close()
    return found


def ran(server: PostgresqlServer, program: str, *arguments: str) -> None:
    where = postgresql.programs()
    assert where is not None
    connection = ["-h", "127.0.0.1", "-p", str(server.port), "-U", "ixproxy"]
    subprocess.run([str(where / program), *connection, *arguments], check=True)


@pytest.mark.parametrize("way", ["new database", "same database", "rows only", "copy"])
def test_a_restored_postgresql_database_goes_on_above_all_epochs(
    postgresql_server: PostgresqlServer, tmp_path: Path, way: str
) -> None:
    server, name = postgresql_server, f"backup_{way.replace(' ', '_')}"
    dump = str(tmp_path / "node1.dump")
    address = server.make_database(name)
    assert opened(store_at(address)) == 1
    ran(server, "pg_dump", "-Fc", "-f", dump, name)
    server.execute(f'CREATE DATABASE {name}_copy TEMPLATE {name} OWNER ixproxy'.encode())
    later = [opened(store_at(address)) for _ in range(3)]
    assert later == [2, 3, 4]
    match way:
        case "new database":
            server.drop_database(name)
            server.make_database(name)
            ran(server, "pg_restore", "-d", name, dump)
        case "same database":
            ran(server, "pg_restore", "--clean", "-d", name, dump)
        case "rows only":
            server.execute(b"TRUNCATE meta, lease, interactions", name)
            ran(server, "pg_restore", "--data-only", "-d", name, dump)
        case "copy":
            server.drop_database(name)
            server.execute(f"ALTER DATABASE {name}_copy RENAME TO {name}".encode())
    restored = store_at(address)
    with capturedLogs() as events:
        epoch = opened(restored)
    assert ["restored or copied" in formatEvent(event) for event in events] == [True]
    assert epoch == 1 + RESTORED_STEP
    assert epoch > max(later)
    assert opened(restored) == epoch + 1
    assert ids(restored) == [interaction_id(101, each, 1) for each in (1, epoch, epoch + 1)]


def test_a_dump_is_restored_on_another_server(
    postgresql_server: PostgresqlServer, tmp_path: Path
) -> None:
    """Which counts its transactions and tables as the first one did."""
    dump = str(tmp_path / "node1.dump")
    with PostgresqlServer() as one, PostgresqlServer() as other:
        assert opened(store_at(one.make_database("node1"))) == 1
        ran(one, "pg_dump", "-Fc", "-f", dump, "node1")
        address = other.make_database("node1")
        ran(other, "pg_restore", "-d", "node1", dump)
        assert opened(store_at(address)) == 1 + RESTORED_STEP


def test_what_a_server_does_with_its_own_tables_is_no_restore(postgresql_database: str) -> None:
    store = store_at(postgresql_database)
    assert opened(store) == 1
    store.open(NOW)
    store._open_writer().session.run("VACUUM FREEZE meta")
    store._open_writer().session.run("VACUUM FULL meta")
    store.close()
    assert opened(store) == 3


def test_a_standby_that_was_promoted_may_lack_epochs(postgresql_database: str) -> None:
    """Its timeline is another one."""
    store = store_at(postgresql_database)
    opened(store)
    store.open(NOW)
    store._open_writer().session.run(
        "UPDATE meta SET home = home || '0', written_by = pg_current_xact_id()::text::bigint"
    )
    store.close()
    assert opened(store) == 2 + RESTORED_STEP


@pytest.mark.parametrize("way", [".backup", "VACUUM INTO"])
def test_a_restored_sqlite_database_goes_on_above_all_epochs(tmp_path: Path, way: str) -> None:
    path, backup = tmp_path / "node1.db", tmp_path / "backup.db"
    store = SqliteStore(SqliteFile(path))
    back_up(store, path, backup, way)
    assert opened(store) == 3
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    backup.rename(path)
    assert opened(store) == 4
    assert ids(store) == [interaction_id(101, each, 1) for each in (1, 4)]


@pytest.mark.parametrize("way", [".backup", "VACUUM INTO"])
def test_an_sqlite_database_whose_disk_was_lost_goes_on_above_all_epochs(
    tmp_path: Path, way: str
) -> None:
    """Nothing but the copy is left: no file beside it that remembers."""
    lost, found, backup = tmp_path / "lost", tmp_path / "found", tmp_path / "backup.db"
    for folder in (lost, found):
        folder.mkdir()
    store = SqliteStore(SqliteFile(lost / "node1.db"))
    back_up(store, lost / "node1.db", backup, way)
    assert opened(store) == 3
    backup.rename(found / "node1.db")
    restored = SqliteStore(SqliteFile(found / "node1.db"))
    assert opened(restored) == 2 + RESTORED_STEP
    assert opened(restored) == 3 + RESTORED_STEP
    assert ids(restored) == [
        interaction_id(101, each, 1) for each in (1, 2 + RESTORED_STEP, 3 + RESTORED_STEP)
    ]


def test_a_whole_folder_of_the_past_goes_on_above_all_epochs_without_the_epoch_file(
    tmp_path: Path,
) -> None:
    """As the page says: from within, both files look as they should."""
    folder, snapshot = tmp_path / "node", tmp_path / "snapshot"
    folder.mkdir()
    store = SqliteStore(SqliteFile(folder / "node1.db"))
    assert opened(store) == 1
    shutil.copytree(folder, snapshot)
    assert [opened(store) for _ in range(2)] == [2, 3]
    shutil.rmtree(folder)
    snapshot.rename(folder)
    (folder / "node1.db.epoch").unlink()
    assert opened(store) == 1 + RESTORED_STEP


def back_up(store: SqliteStore, path: Path, backup: Path, way: str) -> None:
    """A new database's first two leases, and a copy that is made in the second one."""
    assert opened(store) == 1
    store.open(NOW)
    with sqlite3.connect(path) as connection:
        if way == ".backup":
            with sqlite3.connect(backup) as target:
                connection.backup(target)
            target.close()
        else:
            connection.execute("VACUUM INTO ?", (str(backup),))
    connection.close()
    store.close()
