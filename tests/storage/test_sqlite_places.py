from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from twisted.logger import capturedLogs, formatEvent

from ixproxy.errors import StorageError
from ixproxy.node.selections import Selection
from ixproxy.storage.restores import RESTORED_STEP
from ixproxy.storage.schemas import Schema
from ixproxy.storage.sqlite import SqliteStore
from ixproxy.storage.sqlite_places import SqliteFile, SqliteMemory
from ixproxy.storage.sqlite_schema import built_in
from ixproxy.testing.store_samples import NOW, interaction
from ixproxy.values import MAX_EPOCH


def epoch_of(path: Path) -> int:
    store = SqliteStore(SqliteFile(path))
    try:
        return store.open(NOW)
    finally:
        store.close()


def test_a_restored_backup_raises_the_epoch_above_all_that_there_were(tmp_path: Path) -> None:
    path = tmp_path / "node.db"
    assert epoch_of(path) == 1
    shutil.copy(path, tmp_path / "backup")
    assert [epoch_of(path) for _ in range(3)] == [2, 3, 4]
    shutil.copy(tmp_path / "backup", path)
    assert epoch_of(path) == 5
    path.unlink()
    assert epoch_of(path) == 6


def test_a_database_without_its_epoch_file_leaves_out_epochs_once_and_says_so(
    tmp_path: Path,
) -> None:
    """Whoever lost that file may have lost starts that this database does not know of."""
    path = tmp_path / "node.db"
    assert [epoch_of(path) for _ in range(3)] == [1, 2, 3]
    SqliteFile(path).epoch_path.unlink()
    with capturedLogs() as events:
        assert epoch_of(path) == 3 + RESTORED_STEP
        assert SqliteFile(path).epoch_path.read_text() == f"{3 + RESTORED_STEP}\n"
        assert epoch_of(path) == 4 + RESTORED_STEP
    assert [formatEvent(event) for event in events] == [
        f"{path}.epoch is missing, but {path} has had epoch 3: it was put back from a copy, or "
        "moved without that file. Epochs 4 to 5002 are left out, for ids may have been made in them"
    ]


def test_an_epoch_file_of_the_past_leaves_out_epochs_as_well(tmp_path: Path) -> None:
    """Where it is older than the database; what else is of the past nobody can know."""
    path = tmp_path / "node.db"
    assert [epoch_of(path) for _ in range(3)] == [1, 2, 3]
    SqliteFile(path).epoch_path.write_text("2\n")
    with capturedLogs() as events:
        assert epoch_of(path) == 3 + RESTORED_STEP
        assert epoch_of(path) == 4 + RESTORED_STEP
    (event,) = events
    assert formatEvent(event).startswith(f"{path}.epoch says 2, but {path} has had epoch 3: ")


def test_a_new_database_and_a_crash_at_its_first_start_leave_out_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "node.db"
    with capturedLogs() as events:
        with monkeypatch.context() as crash:
            crash.setattr(SqliteFile, "remember_epoch", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                epoch_of(path)
        assert not SqliteFile(path).epoch_path.exists()
        assert [epoch_of(path) for _ in range(2)] == [1, 2]
    assert events == []


def test_a_crash_between_the_epoch_file_and_the_database_leaves_out_one_epoch(
    tmp_path: Path,
) -> None:
    path = tmp_path / "node.db"
    with capturedLogs() as events:
        assert epoch_of(path) == 1
        SqliteFile(path).remember_epoch(2)
        assert epoch_of(path) == 3
    assert events == []


def test_two_names_of_one_database_have_one_epoch_file(tmp_path: Path) -> None:
    """Otherwise each change from one to the other would look like a restore."""
    (tmp_path / "disk").mkdir()
    path, other = tmp_path / "disk" / "node.db", tmp_path / "node.db"
    assert epoch_of(path) == 1
    other.symlink_to(path)
    assert [epoch_of(each) for each in (other, path, other)] == [2, 3, 4]
    assert SqliteFile(other).epoch_path == tmp_path / "disk" / "node.db.epoch"


def test_servers_that_open_a_restored_database_at_once_leave_out_epochs_once(
    tmp_path: Path,
) -> None:
    """One reads the epoch when the other has written it, and finds its file."""
    path = tmp_path / "node.db"
    assert epoch_of(path) == 1
    SqliteFile(path).epoch_path.unlink()
    pair = [SqliteStore(SqliteFile(path)) for _ in range(2)]
    assert [store.open(NOW) for store in pair] == [1 + RESTORED_STEP, 2 + RESTORED_STEP]
    for store in pair:
        store.close()


def test_an_upgraded_database_goes_on_with_the_next_epoch(tmp_path: Path) -> None:
    path, folder = tmp_path / "node.db", tmp_path / "schema"
    now = built_in().version
    folder.mkdir()
    (folder / f"sqlite-v{now}-to-v{now + 1}.sql").write_text("SELECT 1;")
    assert epoch_of(path) == 1
    store = SqliteStore(SqliteFile(path, Schema(folder, now + 1)))
    assert store.open(NOW) == 2
    store.close()


@pytest.mark.parametrize("content", ["", "four", "-1", "\xff"])
def test_an_epoch_file_that_makes_no_sense_is_not_overwritten(tmp_path: Path, content: str) -> None:
    place = SqliteFile(tmp_path / "node.db")
    place.epoch_path.write_text(content, encoding="latin-1")
    with pytest.raises(StorageError, match=r"node\.db\.epoch"):
        SqliteStore(place).open(NOW)
    assert place.epoch_path.read_text(encoding="latin-1") == content


def test_the_epochs_of_ids_come_to_an_end(tmp_path: Path) -> None:
    place = SqliteFile(tmp_path / "node.db")
    place.epoch_path.write_text(f"{MAX_EPOCH}\n")
    with pytest.raises(StorageError, match="too high"):
        SqliteStore(place).open(NOW)
    assert place.epoch_path.read_text() == f"{MAX_EPOCH}\n"


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=f"there is no folder {tmp_path}/no"):
        SqliteStore(SqliteFile(tmp_path / "no" / "node.db")).open(NOW)


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "node.db").mkdir()
    with pytest.raises(StorageError, match="cannot be opened"):
        SqliteStore(SqliteFile(tmp_path / "node.db")).open(NOW)


@pytest.mark.parametrize(
    ("content", "text"),
    [(b"", "is empty"), (b"not a database at all" * 100, "no SQLite database")],
)
def test_a_file_that_is_no_database_is_refused_and_left_alone(
    tmp_path: Path, content: bytes, text: str
) -> None:
    path = tmp_path / "node.db"
    path.write_bytes(content)
    with pytest.raises(StorageError, match=text):
        SqliteStore(SqliteFile(path)).open(NOW)
    assert path.read_bytes() == content


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "node.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE meta (schema_version INTEGER)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StorageError, match="not one of an ixproxy node"):
        SqliteStore(SqliteFile(path)).open(NOW)
    assert path.read_bytes() == before


def test_a_crash_while_it_is_made_leaves_no_database(tmp_path: Path) -> None:
    path = tmp_path / "node.db"
    (tmp_path / "node.db.new").write_bytes(b"half of one")
    assert epoch_of(path) == 1
    assert not (tmp_path / "node.db.new").exists()


def test_a_log_without_its_database_is_not_played_into_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "node.db"
    (tmp_path / "node.db-wal").write_bytes(b"x")
    with pytest.raises(StorageError, match="without what belongs to it"):
        SqliteStore(SqliteFile(path)).open(NOW)
    assert not path.exists()


def test_a_crash_leaves_what_was_committed_in_memory() -> None:
    place = SqliteMemory()
    store = SqliteStore(place)
    assert store.open(NOW) == 1
    store.begin()
    store.write([interaction("kept")], [])
    store.commit(3)
    store.begin()
    store.write([interaction("lost")], [])
    after = SqliteStore(place)
    assert after.open(NOW) == 2
    assert after.last_event_number() == 3
    assert [row.id for row in after.select(Selection(1), NOW)] == ["kept"]
    place.discard()


def test_many_databases_begin_from_one_image() -> None:
    place = SqliteMemory()
    store = SqliteStore(place)
    store.open(NOW)
    store.begin()
    store.write([interaction("a")], [])
    store.commit(3)
    copies = [SqliteMemory(place.image()) for _ in range(2)]
    for number, copy in enumerate(copies):
        other = SqliteStore(copy)
        assert other.open(NOW) == 2
        other.begin()
        other.write([interaction(f"b{number}")], [])
        other.commit(4)
        assert [row.id for row in other.select(Selection(1), NOW)] == ["a", f"b{number}"]
    assert [row.id for row in store.select(Selection(1), NOW)] == ["a"]
    for each in (place, *copies):
        each.discard()
