from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest
from msgspec.structs import replace

from ixproxy.errors import StorageError
from ixproxy.node.rows import (
    BY_TABLE,
    AgentRow,
    DocumentRow,
    InvitationRow,
    SnapshotMemberRow,
    SnapshotRow,
)
from ixproxy.node.selections import Selection
from ixproxy.storage.columns import all_columns
from ixproxy.storage.schemas import VERSION, Schema
from ixproxy.storage.sqlite import SqliteStore
from ixproxy.storage.sqlite_places import SqliteFile
from ixproxy.storage.sqlite_schema import APPLICATION_ID, built_in
from ixproxy.testing.store_samples import NOW, SAMPLES, interaction

VERSION_1 = Path(__file__).with_name("sqlite-v1.sql")
"""The schema as it was in version 1."""
VERSION_2 = Path(__file__).with_name("sqlite-v2.sql")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the schema files, to which later versions can be added."""
    folder = tmp_path / "schema"
    folder.mkdir()
    name = f"sqlite-v{VERSION}.sql"
    (folder / name).write_text(built_in().creation())
    return folder


def filled(path: Path) -> None:
    store = SqliteStore(SqliteFile(path))
    store.open(NOW)
    store.begin()
    store.write([interaction("i1")], [])
    store.commit(1)
    store.close()


def test_the_schema_has_the_columns_of_the_rows() -> None:
    connection = sqlite3.connect(":memory:")
    connection.executescript(built_in().creation())
    for table, columns in all_columns().items():
        found = connection.execute(f"PRAGMA table_info({table})").fetchall()
        assert [line[1] for line in found] == list(columns.names)
        key = sorted((line[5], line[1]) for line in found if line[5])
        assert {name for _, name in key} == set(BY_TABLE[table].key_columns)
    connection.close()


def test_the_schema_says_its_own_version() -> None:
    text = built_in().creation()
    assert re.search(rf"INSERT INTO meta VALUES \(1, {VERSION}, 0, 0, 0\);", text)


def test_an_older_database_is_copied_and_then_brought_up_step_by_step(
    tmp_path: Path, folder: Path
) -> None:
    path = tmp_path / "node.db"
    filled(path)
    (folder / f"sqlite-v{VERSION}-to-v{VERSION + 1}.sql").write_text(
        "CREATE TABLE notes (text TEXT);"
    )
    (folder / f"sqlite-v{VERSION + 1}-to-v{VERSION + 2}.sql").write_text(
        "INSERT INTO notes VALUES ('from version two');"
    )
    place = SqliteFile(path, Schema(folder, VERSION + 2))
    store = SqliteStore(place)
    store.open(NOW)
    assert store._ask("SELECT text FROM notes").fetchall() == [("from version two",)]
    assert [row.id for row in store.select(Selection(1), NOW)] == ["i1"]
    store.close()
    backup = tmp_path / f"node.db.before-v{VERSION + 2}"
    store = SqliteStore(SqliteFile(backup))
    store.open(NOW)
    assert [row.id for row in store.select(Selection(1), NOW)] == ["i1"]
    store.close()


def test_a_step_that_fails_leaves_the_version_before_it(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "node.db"
    filled(path)
    (folder / f"sqlite-v{VERSION}-to-v{VERSION + 1}.sql").write_text(
        "CREATE TABLE notes (text TEXT); INSERT INTO nowhere VALUES (1);"
    )
    with pytest.raises(StorageError, match=f"from version {VERSION} to {VERSION + 1}.*nowhere"):
        SqliteStore(SqliteFile(path, Schema(folder, VERSION + 1))).open(NOW)
    store = SqliteStore(SqliteFile(path))
    store.open(NOW)
    assert store._ask("SELECT name FROM sqlite_master WHERE name = 'notes'").fetchall() == []
    store.close()


def test_a_version_that_nothing_leads_on_from_is_a_clear_error(
    tmp_path: Path, folder: Path
) -> None:
    path = tmp_path / "node.db"
    filled(path)
    with pytest.raises(StorageError, match="nothing leads on from it"):
        SqliteStore(SqliteFile(path, Schema(folder, VERSION + 1))).open(NOW)


def test_no_upgrade_without_a_copy(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "node.db"
    filled(path)
    (folder / f"sqlite-v{VERSION}-to-v{VERSION + 1}.sql").write_text("SELECT 1;")
    (tmp_path / f"node.db.before-v{VERSION + 1}").mkdir()
    with pytest.raises(StorageError, match="before its upgrade"):
        SqliteStore(SqliteFile(path, Schema(folder, VERSION + 1))).open(NOW)
    filled(path)


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "node.db"
    filled(path)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE meta SET schema_version = 99")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StorageError, match="schema version 99, made by a newer program") as refused:
        SqliteStore(SqliteFile(path)).open(NOW)
    assert str(refused.value).endswith(f"before the upgrade, {path}.before-v99")
    assert path.read_bytes() == before


def test_the_copy_from_before_an_upgrade_is_the_way_back(tmp_path: Path, folder: Path) -> None:
    """As the page says: with the epoch file as it is, no epoch comes again."""
    path = tmp_path / "node.db"
    filled(path)
    (folder / f"sqlite-v{VERSION}-to-v{VERSION + 1}.sql").write_text("SELECT 1;")
    newer = SqliteStore(SqliteFile(path, Schema(folder, VERSION + 1)))
    upgraded = newer.open(NOW)
    newer.close()
    with pytest.raises(StorageError, match=f"node.db.before-v{VERSION + 1}"):
        SqliteStore(SqliteFile(path)).open(NOW)
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    (tmp_path / f"node.db.before-v{VERSION + 1}").rename(path)
    older = SqliteStore(SqliteFile(path))
    assert older.open(NOW) == upgraded + 1
    assert [row.id for row in older.select(Selection(1), NOW)] == ["i1"]
    older.close()


def test_a_database_of_version_1_is_brought_up_with_all_its_rows(tmp_path: Path) -> None:
    """What agents have since, they have by its default; nobody is invited yet."""
    path = tmp_path / "node.db"
    connection = sqlite3.connect(path)
    connection.executescript(VERSION_1.read_text())
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    agent = (1, "ann", 3, 101, "desk", b"\x81\xa4chat\x01", 1, NOW, b"\x91\xc4\x01s")
    connection.execute(f"INSERT INTO agents VALUES ({', '.join('?' * len(agent))})", agent)
    connection.execute("INSERT INTO timers VALUES ('handling', 'i1', 5.0, 60.0)")
    connection.execute("UPDATE meta SET last_event_number = 41")
    connection.commit()
    connection.close()
    place = SqliteFile(path)
    store = SqliteStore(place)
    store.open(NOW)
    assert store.last_event_number() == 41
    assert store.fetch_by("agents", "confirmed", [1]) == [
        AgentRow(
            tenant_id=1,
            agent_id="ann",
            number=3,
            dbid=101,
            place_id="desk",
            media={"chat": 1},
            confirmed=True,
            logged_in_at=NOW,
            sessions=[b"s"],
        )
    ]
    assert [row.kind for row in store.fetch("timers", [("handling", "i1")])] == ["handling"]
    store.begin()
    invitations = [row for row in SAMPLES if isinstance(row, InvitationRow)]
    store.write(invitations, [])
    store.commit(42)
    assert store.fetch_by("invitations", "tenant_id", [1]) == invitations
    store.close()
    assert shape(path) == shape_of_new(tmp_path / "new.db")
    assert (tmp_path / f"node.db.before-v{VERSION}").exists()


def test_a_database_of_version_2_is_brought_up_with_all_its_rows(tmp_path: Path) -> None:
    """Nothing is locked by a snapshot yet, for there was none."""
    path = tmp_path / "node.db"
    connection = sqlite3.connect(path)
    connection.executescript(VERSION_2.read_text())
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    row = interaction("i1", user_data=b"\x81\xa1a\x01")
    columns = [name for name in all_columns()["interactions"].names if name != "snapshot_id"]
    connection.execute(
        f"INSERT INTO interactions ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
        [getattr(row, name) for name in columns],
    )
    connection.execute("ALTER TABLE interactions ADD COLUMN c_product TEXT")
    connection.commit()
    connection.close()
    store = SqliteStore(SqliteFile(path), {"c_product": "string"})
    store.open(NOW)
    assert store.select(Selection(1), NOW) == [row]
    store.begin()
    rows = [
        each for each in SAMPLES if isinstance(each, SnapshotRow | SnapshotMemberRow | DocumentRow)
    ]
    locked = replace(row, is_locked=1, snapshot_id=5, custom={"c_product": "x"})
    store.write([*rows, locked], [])
    store.commit(42)
    assert [store.fetch(each.table, [each.key]) for each in rows] == [[each] for each in rows]
    assert store.select(Selection(1), NOW) == [locked]
    assert store.fetch_by("snapshots", "state", [1])
    store.close()
    assert (tmp_path / f"node.db.before-v{VERSION}").exists()
    without = replace(locked, custom={})
    store = SqliteStore(SqliteFile(path))
    store.open(NOW)
    assert store.select(Selection(1), NOW) == [without]
    store.close()


def shape(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """The columns and indexes of every table."""
    connection = sqlite3.connect(path)
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    found = {
        name: [
            *connection.execute(f"PRAGMA table_info({name})").fetchall(),
            *connection.execute(f"PRAGMA index_list({name})").fetchall(),
        ]
        for (name,) in tables
    }
    connection.close()
    return found


def shape_of_new(path: Path) -> dict[str, list[tuple[object, ...]]]:
    store = SqliteStore(SqliteFile(path))
    store.open(NOW)
    store.close()
    return shape(path)
