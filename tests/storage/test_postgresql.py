from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ixproxy.errors import ConfigError, StorageError
from ixproxy.interfaces import IStore
from ixproxy.node.rows import TimerRow
from ixproxy.node.selections import Selection
from ixproxy.storage.postgresql import PostgresqlStore, make
from ixproxy.storage.postgresql_session import Said
from ixproxy.storage.selecting import Statement
from ixproxy.testing.contracts import StoreContract
from ixproxy.testing.store_samples import NOW, SAMPLES, compiled, interaction
from tests.storage.postgresql_rig import store_at, wire


class TestPostgresql(StoreContract):
    address = ""

    @pytest.fixture(autouse=True)
    def database(self, postgresql_database: str) -> None:
        self.address = postgresql_database

    def make(self, place: Path, custom: Mapping[str, str]) -> IStore:
        return make({"address": self.address, "custom_columns": custom})


@pytest.fixture
def store(postgresql_database: str) -> Iterator[PostgresqlStore]:
    store = store_at(postgresql_database)
    store.open(NOW)
    yield store
    store.close()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"address": "sqlite::memory:"},
        {"address": "postgresql://host:port/db"},
        {"address": "postgresql://host/db?no_such_option=1"},
        {"address": "postgresql://host/db", "custom_columns": {"c_x": "blob"}},
        {"address": "postgresql://host/db", "custom_columns": ["c_x"]},
    ],
)
def test_unusable_settings_are_named(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        make(settings)


def test_no_message_and_no_repr_has_a_password() -> None:
    for address in ("postgresql://ix:s3cr/t@127.0.0.1:1/db", "postgresql://ix:s3cret@host:p/db"):
        with pytest.raises(ConfigError) as refused:
            make({"address": address})
        assert "s3cr" not in str(refused.value)
    store = make({"address": "postgresql://ix:s3cret@127.0.0.1:1/db?connect_timeout=2"})
    with pytest.raises(StorageError) as unreachable:
        store.open(NOW)
    assert "s3cret" not in str(unreachable.value)
    assert "s3cret" not in repr(vars(store))


def test_a_batch_takes_two_round_trips_beside_its_reads(postgresql_database: str) -> None:
    with wire(postgresql_database) as watched:
        store = store_at(watched.address)
        store.open(NOW)
        for number in range(3):
            # The first time statements are prepared, in the same trips.
            before = watched.trips
            store.begin()
            assert store.due_timers(NOW, 9) == []
            assert store.fetch("interactions", [(f"i{number}",)]) == []
            asked = watched.trips
            rows = [interaction(f"i{number}.{at}") for at in range(50)]
            timer = TimerRow(kind="handling", interaction_id="i2", due_at=NOW + 60)
            gone = [("receipts", (1, "m", "r")), ("timers", ("routing", "i1"))]
            others = [row for row in SAMPLES if row.table != "timers"]
            store.write([*rows, *others, timer], gone)
            store.commit(number + 1)
            assert store.next_due() == NOW + 60
            assert watched.trips - asked == 2
        assert asked - before == 1  # it is known that no timer is due
        store.close()


def plan_of(store: PostgresqlStore, selection: Selection) -> str:
    statement = Statement(selection, store._columns["interactions"], NOW, "postgresql")
    said = Said(f"EXPLAIN {statement.text}", statement.parameters, kept=False)
    return "\n".join(line for (line,) in store._trip(said)[0].fetchall())


@pytest.mark.parametrize("plans", ["force_generic_plan", "force_custom_plan"])
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
    store: PostgresqlStore, condition: str, order: str, plans: str
) -> None:
    def view(queue: str, condition: str, order: str) -> Selection:
        wanted, by = compiled(store, condition, order)
        return Selection(
            1, queue=queue, condition=wanted if condition else None, order=by, available=True,
            limit=1,
        )  # fmt: skip

    store.begin()
    rows = [
        interaction(f"i{at}", queue=f"It's {at % 5}%", priority=at % 9, queue_seq=at)
        for at in range(20_000)
    ]
    store.write(rows, [])
    store.commit(1)
    pulled = view("It's 3%", condition, order)
    others = [view("It's 3%", "", "submitted_at"), view("Q2", condition, order)]
    store.prepare_views([("a", pulled), ("b", others[0]), ("c", others[1])])
    for analysed in ("SELECT 1", "ANALYZE interactions"):
        store._open_writer().session.run(f"SET plan_cache_mode = {plans}; {analysed}")
        plan = plan_of(store, pulled)
        assert "Index Scan using ix_view_" in plan, plan
        assert "Sort" not in plan, plan
        assert plan.split(" on ")[0] != plan_of(store, others[1]).split(" on ")[0]


@pytest.mark.parametrize("table", ["interactions", "parties", "agents", "receipts", "timers"])
def test_many_keys_are_searched_not_scanned(store: PostgresqlStore, table: str) -> None:
    key = store._columns[table].key
    rows = [row.key for row in SAMPLES if row.table == table] or [("handling", "i1")]
    for said in (
        store._statements[table].fetch(key, rows),
        store._statements[table].delete(rows),
    ):
        assert said is not None
        explained = Said(f"EXPLAIN {said.text}", said.parameters, kept=False)
        plan = "\n".join(line for (line,) in store._trip(explained)[0].fetchall())
        assert f"{table}_pkey" in plan, plan
        assert "Seq Scan" not in plan


def test_what_comes_often_is_prepared_and_stays_so_when_nothing_is_written(
    store: PostgresqlStore,
) -> None:
    for _ in range(9):
        store.begin()
        store.fetch("interactions", [("i1",)])
        store.select(Selection(1, queue="Q1", available=True, limit=1), NOW)
        store.rollback()
    kept = "\n".join(text for (text,) in store._ask("SELECT statement FROM pg_prepared_statements"))
    assert "= ANY ($1)" in kept
    assert "ORDER BY" in kept


def test_a_row_that_cannot_be_stored_says_why(store: PostgresqlStore) -> None:
    for bad, reason in (
        (interaction("i\0"), "NUL"),
        (interaction("i1", external_id="\ud800"), "surrogates"),
        (interaction("i1", priority=2**63), ""),
        (interaction("i1", received_at="soon"), ""),
        (interaction("i1", custom={"c_amount": "many"}), "no number"),
    ):
        store.begin()
        with pytest.raises(StorageError, match=f"writing interactions.*{reason}"):
            store.write([interaction("good"), bad], [])
        store.rollback()
    assert store.select(Selection(1), NOW) == []


def test_nothing_is_found_or_deleted_under_a_key_that_cannot_be_stored(
    store: PostgresqlStore,
) -> None:
    store.begin()
    store.write([interaction("i1")], [])
    found = store.fetch("interactions", [("i\0",), ("\ud800",), ("i1",)])
    assert [row.id for row in found] == ["i1"]
    assert store.fetch("timers", [("routing", "i\0")]) == []
    assert store.fetch_by("parties", "tenant_id", [2**70]) == []
    store.write([], [("interactions", ("i\0",)), ("timers", ("routing", "\0"))])
    store.commit(1)


def test_custom_numbers_are_calculated_with_as_doubles_and_come_back_as_they_were(
    store: PostgresqlStore,
) -> None:
    numbers = [2**53 + 1, -(2**62), 0.1, 1e300, 1.5, 7, 0]
    store.begin()
    store.write(
        [
            interaction(f"i{at}", custom={"c_amount": number}, queue_seq=at)
            for at, number in enumerate(numbers)
        ],
        [],
    )
    store.commit(1)
    found = [row.custom["c_amount"] for row in store.select(Selection(1), NOW)]
    assert found == numbers
    assert [type(number) for number in found] == [int, int, float, float, float, int, int]
    condition, _ = compiled(store, "Amount + Amount + Amount > 0.3 AND Amount < 1", "")
    assert [row.id for row in store.select(Selection(1, condition=condition), NOW)] == ["i2"]


def test_only_the_last_of_rows_with_one_key_is_written(store: PostgresqlStore) -> None:
    store.begin()
    store.write([interaction("i1", priority=1), interaction("i1", priority=2)], [])
    store.commit(1)
    assert [row.priority for row in store.select(Selection(1), NOW)] == [2]


def test_commits_wait_for_the_disk_whatever_the_server_is_set_to(
    store: PostgresqlStore,
) -> None:
    assert store._ask("SHOW synchronous_commit") == [("on",)]
    session = store._open_writer().session
    session.run("ALTER ROLE CURRENT_USER SET synchronous_commit = off")
    store.reopen()
    assert store._ask("SHOW synchronous_commit") == [("on",)]
    store._open_writer().session.run("ALTER ROLE CURRENT_USER RESET synchronous_commit")


def test_the_same_value_for_all_rows_makes_no_two_indexes(store: PostgresqlStore) -> None:
    selection = Selection(1, queue="Q1", available=True)
    store.prepare_views([("a", selection), ("b", selection)])
    found = store._ask("SELECT count(*) FROM pg_indexes WHERE indexname LIKE 'ix_view_%'")
    assert found == [(1,)]
