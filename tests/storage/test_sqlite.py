from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ixproxy.errors import CommitUncertain, ConfigError, StorageError
from ixproxy.interfaces import IStore
from ixproxy.node.expressions import compile_condition, compile_order
from ixproxy.node.selections import Selection
from ixproxy.storage import statements
from ixproxy.storage.selecting import Statement
from ixproxy.storage.sqlite import SqliteStore, make
from ixproxy.storage.sqlite_places import SqliteFile, SqliteMemory
from ixproxy.testing.contracts import StoreContract
from ixproxy.testing.store_samples import NOW, PROPERTIES, interaction


class TestSqliteFile(StoreContract):
    def make(self, place: Path, custom: Mapping[str, str]) -> IStore:
        return make({"address": f"sqlite:{place}/node.db", "custom_columns": custom})


class TestSqliteMemory(StoreContract):
    places: dict[Path, SqliteMemory] = {}

    def make(self, place: Path, custom: Mapping[str, str]) -> IStore:
        return SqliteStore(self.places.setdefault(place, SqliteMemory()), custom)

    @pytest.fixture(autouse=True)
    def discarded(self) -> Iterator[None]:
        yield
        while self.places:
            self.places.popitem()[1].discard()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(SqliteFile(tmp_path / "node.db"))
    store.open(NOW)
    yield store
    store.close()


def test_an_address_names_a_file_or_memory(tmp_path: Path) -> None:
    make({"address": "sqlite::memory:"}).open(NOW)
    store = make({"address": f"sqlite:{tmp_path}/a b%20?c.db"})
    store.open(NOW)
    store.close()
    assert (tmp_path / "a b%20?c.db").exists()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"address": "sqlite:"},
        {"address": "postgresql://x"},
        {"address": "sqlite::memory:", "custom_columns": {"c_x": "blob"}},
        {"address": "sqlite::memory:", "custom_columns": ["c_x"]},
    ],
)
def test_unusable_settings_are_named(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        make(settings)


def test_custom_columns_are_added_to_an_older_database_and_kept_when_no_longer_configured(
    tmp_path: Path,
) -> None:
    place = SqliteFile(tmp_path / "node.db")
    steps: list[dict[str, str]] = [{}, {"c_a": "string"}, {"c_b": "number"}, {"c_a": "string"}]
    for number, custom in enumerate(steps):
        store = SqliteStore(place, custom)
        store.open(NOW)
        store.begin()
        store.write([interaction(f"i{number}", custom=dict.fromkeys(custom, 5))], [])
        store.commit(1)
        found = {row.id: row.custom for row in store.select(Selection(1), NOW)}
        store.close()
    assert found == {"i0": {}, "i1": {"c_a": "5"}, "i2": {}, "i3": {"c_a": "5"}}


def test_durability_is_what_was_promised(store: SqliteStore, tmp_path: Path) -> None:
    connection = store._open_connection()
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    store.reopen()
    assert store._open_connection().execute("PRAGMA synchronous").fetchone() == (2,)


def plan_of(store: SqliteStore, selection: Selection) -> str:
    statement = Statement(selection, store._columns["interactions"], NOW)
    lines = store._open_connection().execute(
        f"EXPLAIN QUERY PLAN {statement.text}", statement.parameters
    )
    return "\n".join(line[3] for line in lines)


@pytest.mark.parametrize(
    ("condition", "order"),
    [
        ("", ""),
        ("", "priority DESC, received_at"),
        ("media_type = 'chat' AND priority > 5", "received_at"),
        ("_age() > 60 OR external_id LIKE 'x%'", "service_objective DESC"),
    ],
)
def test_a_pull_reads_its_views_index_in_order_and_sorts_nothing(
    store: SqliteStore, condition: str, order: str
) -> None:
    def view(queue: str, condition: str, order: str) -> Selection:
        return Selection(
            1,
            queue=queue,
            condition=compile_condition(condition, PROPERTIES) if condition else None,
            order=compile_order(order, PROPERTIES) if order else None,
            available=True,
            limit=1,
        )

    pulled = view("It's", condition, order)
    others = [view("It's", "", "submitted_at"), view("Q2", condition, order)]
    store.prepare_views([("a", pulled), ("b", others[0]), ("c", others[1])])
    plan = plan_of(store, pulled)
    assert "USING INDEX ix_view_" in plan
    assert "B-TREE" not in plan
    assert plan != plan_of(store, others[1])


@pytest.mark.parametrize(
    ("table", "column"), [("parties", "session"), ("timers", "due_at"), ("receipts", "created_at")]
)
def test_frequent_searches_have_an_index(store: SqliteStore, table: str, column: str) -> None:
    lines = store._open_connection().execute(
        f"EXPLAIN QUERY PLAN SELECT * FROM {table} WHERE {column} = 1"
    )
    assert [line[3].split()[0] for line in lines] == ["SEARCH"]


@pytest.mark.parametrize("table", ["interactions", "parties", "agents", "receipts"])
def test_many_keys_are_searched_not_scanned(store: SqliteStore, table: str) -> None:
    columns = store._columns[table]
    for text in (
        statements.fetch(columns, columns.key, 4),
        statements.delete(table, columns.key, 4),
    ):
        lines = store._open_connection().execute(
            f"EXPLAIN QUERY PLAN {text}", [1] * (4 * len(columns.key))
        )
        plan = [line[3] for line in lines]
        searches = [line for line in plan if line.startswith(f"SEARCH {table} USING")]
        assert searches, plan
        assert all(line.count("=?") == len(columns.key) for line in searches), plan
        assert f"SCAN {table}" not in plan


def test_a_reader_of_a_file_does_not_see_what_is_not_committed(store: SqliteStore) -> None:
    reader = store.reader()
    store.begin()
    store.write([interaction("i1")], [])
    assert reader.select(Selection(1), NOW) == []
    store.commit(1)
    assert len(reader.select(Selection(1), NOW)) == 1
    with pytest.raises(sqlite3.OperationalError):
        reader._connection.execute("DELETE FROM interactions")
    reader.close()


def test_a_reader_in_memory_waits_for_the_end_of_a_transaction() -> None:
    place = SqliteMemory()
    store = SqliteStore(place)
    store.open(NOW)
    reader = store.reader()
    store.begin()
    store.write([interaction("i1")], [])
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(len(reader.select(Selection(1), NOW))))
    thread.start()
    store.rollback()
    thread.join(10)
    assert found == [0]
    place.discard()


def test_a_long_read_can_be_interrupted(store: SqliteStore) -> None:
    store.begin()
    store.write([interaction(f"i{at}", external_id="a" * 400) for at in range(3000)], [])
    store.commit(1)
    like = "%".join("a" * 30)
    condition = " OR ".join(f"external_id LIKE '%{like}{at}'" for at in range(20))
    selection = Selection(1, condition=compile_condition(condition, PROPERTIES))
    reader = store.reader()
    problems: list[StorageError] = []

    def read() -> None:
        try:
            reader.select(selection, NOW)
        except StorageError as problem:
            problems.append(problem)

    thread = threading.Thread(target=read)
    thread.start()
    while thread.is_alive():
        reader.interrupt()
        thread.join(0.01)
    assert "took too long" in str(problems[0])
    assert len(reader.select(Selection(1), NOW)) == 3000
    reader.close()


def test_a_database_that_another_program_keeps_locked_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ixproxy.storage.sqlite_places.BUSY_SECONDS", 0.01)
    store = SqliteStore(SqliteFile(tmp_path / "node.db"))
    store.open(NOW)
    other = sqlite3.connect(tmp_path / "node.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="another program keeps the database locked"):
        store.begin()
    other.execute("ROLLBACK")
    other.close()
    store.begin()
    store.commit(1)
    store.close()


def test_a_full_disk_spoils_the_transaction_and_nothing_else(store: SqliteStore) -> None:
    connection = store._open_connection()
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + 4}")
    store.begin()
    with pytest.raises(StorageError, match="the disk is full"):
        store.write([interaction("big", user_data=b"x" * 100_000)], [])
    store.rollback()
    store.begin()
    store.write([interaction("small")], [])
    store.commit(1)
    assert [row.id for row in store.select(Selection(1), NOW)] == ["small"]


def test_an_unclear_commit_is_decided_by_opening_again(store: SqliteStore) -> None:
    class Unclear:
        """A connection whose commit is carried out and then fails."""

        def __init__(self, connection: sqlite3.Connection) -> None:
            self._connection = connection

        def __getattr__(self, name: str) -> object:
            return getattr(self._connection, name)

        def execute(self, text: str, *variables: object) -> sqlite3.Cursor:
            cursor = self._connection.execute(text, *variables)  # type: ignore[arg-type]
            if text == "COMMIT":
                raise sqlite3.OperationalError("disk I/O error")
            return cursor

    store._connection = Unclear(store._open_connection())  # type: ignore[assignment]
    store.begin()
    store.write([interaction("i1")], [])
    with pytest.raises(CommitUncertain):
        store.commit(7)
    assert store.reopen() == 7
    assert [row.id for row in store.select(Selection(1), NOW)] == ["i1"]


def test_the_same_value_for_all_rows_makes_no_two_indexes(store: SqliteStore) -> None:
    selection = Selection(1, queue="Q1", available=True)
    store.prepare_views([("a", selection), ("b", selection)])
    found = store._ask("SELECT count(*) FROM sqlite_master WHERE name LIKE 'ix_view_%'").fetchone()
    assert found == (1,)
