"""
What every implementation of an interface must keep, as tests to be inherited.

`StoreContract` is here; those of the strategies are in `strategy_contracts`,
that of leases in `lease_contract`; all can be had from here. In your test suite:

    class TestMyStore(StoreContract):
        def make(self, place: Path, custom: Mapping[str, str]) -> IStore:
            return MyStore(place / "node.db", custom)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from zope.interface.verify import verifyObject

from ixproxy.errors import LeaseLost, StorageError
from ixproxy.interfaces import IStore, IStoreReader
from ixproxy.node.expressions import columns_of
from ixproxy.node.rows import InteractionRow, Row, SessionRow, TimerRow
from ixproxy.node.selections import Selection
from ixproxy.testing.counting_contract import CountingContract
from ixproxy.testing.lease_contract import LeaseContract as LeaseContract
from ixproxy.testing.outbox_contract import OutboxContract
from ixproxy.testing.snapshot_contract import SnapshotContract
from ixproxy.testing.store_samples import (
    CUSTOM,
    NOW,
    PARTY,
    SAMPLES,
    assorted,
    compiled,
    interaction,
)
from ixproxy.testing.strategy_contracts import MergePolicyContract as MergePolicyContract
from ixproxy.testing.strategy_contracts import PullStrategyContract as PullStrategyContract
from ixproxy.testing.strategy_contracts import RoutingStrategyContract as RoutingStrategyContract


class StoreContract(SnapshotContract, CountingContract, OutboxContract):
    """For `IStore`: `make` is called with a folder of the test's own."""

    def make(self, place: Path, custom: Mapping[str, str]) -> IStore:
        """
        A store that is not open yet, on the database of `place`: a new one
        when first asked for, and what was committed there at every later time.
        """
        raise NotImplementedError

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[IStore]:
        """An open store on a new database."""
        store = self.make(tmp_path, CUSTOM)
        store.open(NOW)
        yield store
        store.close()

    def commit(
        self,
        store: IStore,
        *rows: Row,
        gone: Sequence[tuple[str, tuple[Any, ...]]] = (),
        mark: int = 1,
    ) -> None:
        """One transaction."""
        store.begin()
        store.write(rows, gone)
        store.commit(mark)

    def ids(self, rows: Sequence[Any]) -> list[str]:
        """The ids of interactions."""
        return [row.id for row in rows]

    def test_it_keeps_its_interface(self, store: IStore) -> None:
        assert verifyObject(IStore, store)
        reader = store.reader()
        assert verifyObject(IStoreReader, reader)
        reader.close()

    def test_a_new_store_is_empty_and_in_its_first_epoch(self, tmp_path: Path) -> None:
        store = self.make(tmp_path, CUSTOM)
        assert store.open(NOW) == 1
        assert (store.last_event_number(), store.last_queue_seq()) == (0, 0)
        assert store.counts() == []
        assert store.next_due() is None
        store.close()

    def test_each_start_raises_the_epoch_and_finds_what_was_committed(self, tmp_path: Path) -> None:
        for epoch in (1, 2, 3):
            store = self.make(tmp_path, CUSTOM)
            assert store.open(NOW) == epoch
            assert store.last_event_number() == 10 * (epoch - 1)
            assert store.last_queue_seq() == epoch - 1
            row = interaction(f"i{epoch}", queue_seq=epoch)
            self.commit(store, row, mark=10 * epoch)
            assert store.fetch("interactions", [("i1",)])[0].queue_seq == 1
            store.close()

    def test_a_store_that_is_not_open_says_so(self, tmp_path: Path) -> None:
        store = self.make(tmp_path, CUSTOM)
        with pytest.raises(StorageError):
            store.begin()
        store.open(NOW)
        store.close()
        store.close()
        with pytest.raises(StorageError):
            store.fetch("timers", [("handling", "x")])

    @pytest.mark.parametrize("row", SAMPLES, ids=lambda row: row.table)
    def test_a_row_comes_back_as_it_was_written(self, store: IStore, row: Row) -> None:
        self.commit(store, row)
        assert store.fetch(row.table, [row.key]) == [row]

    def test_a_row_with_the_same_key_takes_the_place_of_the_older(self, store: IStore) -> None:
        self.commit(store, *SAMPLES)
        later = [
            interaction("full", custom={"c_amount": 1.5}),
            msgspec.structs.replace(PARTY, take_number=8, agent_id=""),
            TimerRow(kind="handling", interaction_id="i1", due_at=NOW + 9),
        ]
        self.commit(store, *later, mark=2)
        for row in later:
            assert store.fetch(row.table, [row.key]) == [row]

    def test_deleted_rows_are_gone_and_others_stay(self, store: IStore) -> None:
        self.commit(store, *SAMPLES)
        gone = [(row.table, row.key) for row in SAMPLES[::2]]
        self.commit(store, gone=[*gone, ("timers", ("no", "such"))])
        for at, row in enumerate(SAMPLES):
            assert store.fetch(row.table, [row.key]) == ([row] if at % 2 else [])

    @pytest.mark.parametrize("number", [1, 2, 3, 127, 300])
    def test_many_rows_are_written_read_and_deleted_at_once(
        self, store: IStore, number: int
    ) -> None:
        rows = [interaction(f"i{at}", priority=at) for at in range(number)]
        parties = [msgspec.structs.replace(PARTY, interaction_id=row.id) for row in rows]
        self.commit(store, *rows, *parties)
        keys = [(f"i{at}",) for at in range(-5, number + 5)]
        found = store.fetch("interactions", [*keys, *keys])
        assert sorted(found, key=lambda row: row.priority) == rows
        assert len(store.fetch("parties", [party.key for party in parties])) == number
        self.commit(store, gone=[("parties", party.key) for party in parties[1:]])
        assert store.fetch("parties", [party.key for party in parties]) == parties[:1]
        assert store.fetch("interactions", []) == []

    def test_rows_are_found_by_a_column(self, store: IStore) -> None:
        self.commit(store, *SAMPLES)
        assert store.fetch_by("parties", "session", [PARTY.session, b"nobody"]) == [PARTY]
        assert len(store.fetch_by("agents", "agent_id", ["ann"])) == 2
        assert self.ids(store.fetch_by("interactions", "external_id", ["ext"])) == ["full"]
        with pytest.raises(StorageError):
            store.fetch_by("parties", "no_such_column", [1])

    def test_a_transaction_sees_its_own_writes_and_a_rollback_forgets_them(
        self, store: IStore
    ) -> None:
        self.commit(store, interaction("kept"), mark=5)
        store.begin()
        store.write([interaction("new")], [("interactions", ("kept",))])
        assert self.ids(store.select(Selection(1), NOW)) == ["new"]
        store.rollback()
        store.rollback()
        assert self.ids(store.select(Selection(1), NOW)) == ["kept"]
        assert store.last_event_number() == 5

    def test_a_value_that_cannot_be_stored_spoils_only_its_transaction(self, store: IStore) -> None:
        store.begin()
        with pytest.raises(StorageError):
            store.write([interaction("i1"), interaction("i2", priority=2**63)], [])
        store.rollback()
        store.begin()
        with pytest.raises(StorageError):
            store.write([interaction("i1", custom={"c_unknown": 1})], [])
        store.rollback()
        self.commit(store, interaction("i3"))
        assert self.ids(store.select(Selection(1), NOW)) == ["i3"]

    def test_opened_again_without_a_new_lease_it_tells_the_last_mark(self, store: IStore) -> None:
        self.commit(store, interaction("i1", queue_seq=4), mark=17)
        store.begin()
        store.write([interaction("i2", queue_seq=9)], [])
        store.rollback()
        assert store.reopen() == 17
        assert self.ids(store.select(Selection(1), NOW)) == ["i1"]
        self.commit(store, interaction("i3"), mark=18)
        assert store.last_event_number() == 18

    def test_a_newer_lease_ends_the_older_ones_commits(self, tmp_path: Path) -> None:
        older, newer = self.make(tmp_path, CUSTOM), self.make(tmp_path, CUSTOM)
        older.open(NOW)
        assert newer.open(NOW) == 2
        with pytest.raises(LeaseLost):
            self.commit(older, interaction("i1"))
        with pytest.raises(LeaseLost):
            older.reopen()
        assert newer.counts() == []
        older.close()
        newer.close()

    def test_sessions_that_were_connected_are_lost_at_the_start(self, tmp_path: Path) -> None:
        kept = SessionRow(session=b"1", client_name="", client_type="", incarnation=1, lost_at=7.0)
        connected = msgspec.structs.replace(kept, session=b"2", lost_at=None)
        store = self.make(tmp_path, CUSTOM)
        store.open(NOW)
        self.commit(store, kept, connected)
        store.close()
        store = self.make(tmp_path, CUSTOM)
        store.open(NOW + 5)
        found = store.fetch("sessions", [(b"1",), (b"2",)])
        assert {row.session: row.lost_at for row in found} == {b"1": 7.0, b"2": NOW + 5}
        store.close()

    def test_timers_are_due_in_order(self, store: IStore) -> None:
        timers = [
            TimerRow(kind="routing", interaction_id=f"i{at}", due_at=NOW + at) for at in (3, 1, 2)
        ]
        self.commit(store, *timers)
        assert store.next_due() == NOW + 1
        assert [row.due_at - NOW for row in store.due_timers(NOW + 2, 9)] == [1, 2]
        assert [row.due_at - NOW for row in store.due_timers(NOW + 9, 2)] == [1, 2]
        assert store.due_timers(NOW, 9) == []

    def test_it_counts_what_it_has(self, store: IStore) -> None:
        rows = [
            interaction("a"),
            interaction("b", is_held=1),
            interaction("c", is_locked=1),
            interaction("d", state=3),
            interaction("e", media_type="chat", tenant_id=2),
        ]
        self.commit(store, *rows)
        assert sorted(store.counts()) == [
            (1, "email", "Q1", 0, 3, 1),
            (1, "email", "Q1", 3, 1, 1),
            (2, "chat", "Q1", 0, 1, 1),
        ]

    def test_a_selection_is_narrowed_by_each_of_its_parts(self, store: IStore) -> None:
        place = {"workbin_type": "Drafts", "workbin_agent": "ann"}
        rows = [
            interaction("a", queue_seq=5),
            interaction("b", queue="O'Hara", queue_seq=4),
            interaction("c", media_type="chat", queue_seq=3),
            interaction("d", tenant_id=2),
            interaction("e", queue="Wb", **place, queue_seq=2),
            interaction("f", queue="Wb", **{**place, "workbin_agent": "bob"}, queue_seq=1),
            interaction("g", is_locked=1, queue_seq=6),
            interaction("h", is_held=1, queue_seq=7),
            interaction("i", state=2, queue_seq=8),
        ]
        self.commit(store, *rows)

        def chosen(**parts: Any) -> str:
            selection = Selection(**{"tenant_id": 1, **parts})
            found = store.select(selection, NOW)
            assert selection.limit or store.count(selection, NOW) == len(found)
            return "".join(self.ids(found))

        assert chosen() == "fecbaghi"
        assert chosen(tenant_id=2) == "d"
        assert chosen(tenant_id=3) == ""
        assert chosen(queue="O'Hara") == "b"
        assert chosen(queue="O'Hara", available=True) == "b"
        assert chosen(media_type="chat") == "c"
        assert chosen(available=True) == "fecba"
        assert chosen(queue="Q1", available=True) == "ca"
        assert chosen(queue="Q1", available=True, limit=1) == "c"
        assert chosen(limit=3) == "fec"
        assert chosen(workbin=tuple(place.items())) == "e"
        assert store.count(Selection(1, limit=2), NOW) == 8

    def test_a_selection_ends_where_its_user_data_is_too_much(self, store: IStore) -> None:
        self.commit(store, *(interaction(id, user_data=bytes(100)) for id in "abcde"))
        for most, rows in ((0, 5), (1000, 5), (500, 5), (499, 5), (399, 4), (100, 2), (1, 2)):
            assert len(store.select(Selection(1, most_bytes=most), NOW)) == rows
        limited = Selection(1, most_bytes=250, segmentation=("media_type",), segment_limit=4)
        assert len(store.select(limited, NOW)) == 3

    @pytest.mark.parametrize(
        "condition",
        [
            "priority > 0",
            "priority IS NULL OR NOT (external_id = 'b')",
            "media_type = 'email' AND external_id LIKE '_%'",
            "external_id IN ('b', 'B', '*', 'z%')",
            "_age() BETWEEN 30 AND 61",
            "Product >= 'a' OR Amount * 2 > 20 AND Amount < 100.5",
        ],
    )
    @pytest.mark.parametrize(
        "order",
        ["", "priority DESC, received_at", "external_id, Amount DESC", "_age(), media_type"],
    )
    def test_it_chooses_and_orders_as_the_expressions_say(
        self, store: IStore, condition: str, order: str
    ) -> None:
        rows = assorted(120)
        self.commit(store, *rows)
        wanted, by = compiled(store, condition, order)
        chosen = [row for row in rows if wanted.matches(columns_of(row), NOW)]
        chosen.sort(key=lambda row: by.key(columns_of(row), NOW))
        assert 0 < len(chosen) < len(rows)
        selection = Selection(1, queue="Q1", condition=wanted, order=by, available=True)
        assert self.ids(store.select(selection, NOW)) == self.ids(chosen)
        store.prepare_views([("Q1/v", selection)])
        assert self.ids(store.select(selection, NOW)) == self.ids(chosen)
        assert store.count(selection, NOW) == len(chosen)
        reader = store.reader()
        assert self.ids(reader.select(selection, NOW)) == self.ids(chosen)
        reader.close()

    def test_indexes_of_views_come_and_go_and_change_no_answer(self, store: IStore) -> None:
        rows = assorted(50)
        self.commit(store, *rows)
        orders = [compiled(store, "", text)[1] for text in ("priority DESC", "Amount", "")]
        views = [
            (f"{queue}/{at}", Selection(1, queue=queue, order=order, available=True))
            for queue in ("Q1", "O'Hara's \"%s\" :x")
            for at, order in enumerate(orders)
        ]
        expected = [self.ids(store.select(selection, NOW)) for _, selection in views]
        for some in (views, views, views[1:2], [], views[::2]):
            store.prepare_views(some)
            assert [self.ids(store.select(selection, NOW)) for _, selection in views] == expected

    def test_no_segment_has_more_out_than_its_limit(self, store: IStore) -> None:
        def row(id: str, priority: int | None, **changes: Any) -> InteractionRow:
            return interaction(id, priority=priority, queue_seq=int(id), **changes)

        self.commit(
            store, row("1", 1, state=3), row("2", 1, state=2), row("3", 2, state=3), row("4", 1),
            row("5", 2), row("6", 2), row("7", None), row("8", None), row("9", None),
            row("10", 3, queue="Q2", state=2),
        )  # fmt: skip
        selection = Selection(
            1, queue="Q1", available=True, segmentation=("priority",), segment_limit=2
        )
        assert self.ids(store.select(selection, NOW)) == ["5", "7", "8"]
        limited = Selection(
            1, queue="Q1", available=True, segmentation=("priority",), segment_limit=2, limit=2
        )
        assert self.ids(store.select(limited, NOW)) == ["5", "7"]
        whole = Selection(1, queue="Q1", available=True, segment_limit=4)
        assert self.ids(store.select(whole, NOW)) == ["4"]
        assert store.select(Selection(1, queue="Q1", available=True, segment_limit=3), NOW) == []

    def test_a_reader_sees_what_is_committed(self, store: IStore) -> None:
        reader = store.reader()
        assert reader.select(Selection(1), NOW) == []
        self.commit(store, interaction("i1"), PARTY)
        assert self.ids(reader.select(Selection(1), NOW)) == ["i1"]
        assert reader.fetch_by("parties", "session", [PARTY.session]) == [PARTY]
        reader.interrupt()
        assert self.ids(reader.select(Selection(1), NOW)) == ["i1"]
        reader.close()
        reader.close()
        assert self.ids(store.select(Selection(1), NOW)) == ["i1"]

    def test_a_reader_sees_one_moment_until_it_ends(self, store: IStore) -> None:
        self.commit(store, interaction("i1"), mark=7)
        reader = store.reader()
        assert reader.begin() == 7
        self.commit(store, interaction("i2"), PARTY, mark=8)
        assert self.ids(reader.fetch_by("interactions", "id", ["i1", "i2"])) == ["i1"]
        assert reader.fetch_by("parties", "session", [PARTY.session]) == []
        reader.end()
        reader.end()
        assert self.ids(reader.select(Selection(1), NOW)) == ["i1", "i2"]
        assert reader.begin() == 8
        reader.close()
