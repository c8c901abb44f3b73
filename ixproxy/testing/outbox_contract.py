"""
What a store must keep of receipts, of external ids and of the outbox, as tests: a part of
`StoreContract`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest

from ixproxy.interfaces import IStore
from ixproxy.node.rows import DocumentRow, OutboxRow, ReceiptRow, Row
from ixproxy.testing.store_samples import NOW, interaction


class OutboxContract:
    """For what is kept for others, and for being asked again."""

    def commit(
        self,
        store: IStore,
        *rows: Row,
        gone: Sequence[tuple[str, tuple[Any, ...]]] = (),
        mark: int = 1,
    ) -> None:
        """One transaction."""
        raise NotImplementedError

    def test_old_receipts_are_deleted_oldest_first(self, store: IStore) -> None:
        rows = [
            ReceiptRow(tenant_id=1, submitted_by="m", receipt=f"{at}", interaction_id="i",
                       created_at=NOW + at)
            for at in (4, 1, 3, 2)
        ]  # fmt: skip
        self.commit(store, *rows)
        store.begin()
        assert store.expire_receipts(NOW + 4, 2) == 2
        assert store.expire_receipts(NOW + 4, 9) == 1
        store.commit(2)
        assert store.fetch_by("receipts", "submitted_by", ["m"]) == rows[:1]

    def test_the_outbox_gives_each_consumer_its_own_oldest_first(self, store: IStore) -> None:
        rows = [
            OutboxRow(event_number=number, consumer=consumer, body=b"x")
            for number, consumer in product((3, 1, 2), ("log", "mail"))
        ]
        self.commit(store, *rows)
        assert [row.event_number for row in store.outbox("log", 2)] == [1, 2]
        self.commit(store, gone=[("outbox", row.key) for row in store.outbox("log", 2)])
        assert [row.event_number for row in store.outbox("log", 9)] == [3]
        assert [row.event_number for row in store.outbox("mail", 9)] == [1, 2, 3]

    def test_the_outbox_goes_on_after_a_number_and_says_how_much_it_has(
        self, store: IStore
    ) -> None:
        rows = [OutboxRow(event_number=at, consumer="log", body=b"x") for at in (5, 2**40, 7)]
        self.commit(store, *rows, OutboxRow(event_number=6, consumer="mail", body=b"x"))
        assert [row.event_number for row in store.outbox("log", 9, 5)] == [7, 2**40]
        assert [row.event_number for row in store.outbox("log", 1, 4)] == [5]
        assert store.outbox("log", 9, 2**40) == []
        assert store.outbox_size("log") == 3
        assert store.outbox_size("nobody") == 0

    def test_all_who_have_something_in_the_outbox_are_found_each_once(self, store: IStore) -> None:
        assert store.outbox_consumers() == []
        names = ("log:b", "capture:Ä", "log:a", "log:", "log:B")
        rows = [
            OutboxRow(event_number=at, consumer=name, body=b"x")
            for at, name in product(range(1, 4), names)
        ]
        self.commit(store, *rows)
        assert store.outbox_consumers() == sorted(names)
        self.commit(store, gone=[("outbox", row.key) for row in rows if row.consumer == "log:a"])
        assert store.outbox_consumers() == sorted({*names} - {"log:a"})

    def test_the_newest_of_a_consumers_outbox_is_found(self, store: IStore) -> None:
        rows = [OutboxRow(event_number=at, consumer="log", body=b"x") for at in (5, 2**40, 7)]
        self.commit(store, *rows, OutboxRow(event_number=2**41, consumer="mail", body=b"y"))
        assert store.newest_outbox("log") == rows[1]
        assert store.newest_outbox("nobody") is None

    def test_a_row_of_the_outbox_can_be_written_anew(self, store: IStore) -> None:
        self.commit(store, OutboxRow(event_number=5, consumer="log", body=b"x"))
        again = OutboxRow(event_number=5, consumer="log", body=b"longer")
        self.commit(store, again, mark=2)
        assert store.outbox("log", 9) == [again]

    def test_documents_are_kept_until_their_time_each(self, store: IStore) -> None:
        rows = [
            DocumentRow(point="mail", receipt=f"{at}", kept_until=NOW + at) for at in (4, 1, 3, 2)
        ]
        self.commit(store, *rows)
        store.begin()
        assert store.expire_documents(NOW + 3, 2) == 2
        assert store.expire_documents(NOW + 3, 9) == 1
        store.commit(2)
        assert store.fetch_by("documents", "point", ["mail"]) == rows[:1]

    @pytest.mark.parametrize("limit", [1, 2, 9])
    def test_of_each_external_id_the_newest_are_found(self, store: IStore, limit: int) -> None:
        made = [
            interaction(f"{id}{at}", external_id=id, submitted_by="mail", submitted_at=NOW + at)
            for at, id in product((2, 1, 3), ("a", "b", "Ä'%"))
        ]
        others = [
            interaction("x", external_id="a", submitted_by="chat", submitted_at=NOW + 9),
            interaction("y", submitted_by="mail", submitted_at=NOW + 9),
        ]
        self.commit(store, *made, *others)
        found = store.newest("mail", ["a", "Ä'%", "nobody", "a"], limit)
        newest = [f"{id}{at}" for id in ("a", "Ä'%") for at in (3, 2, 1)[:limit]]
        assert sorted(row.id for row in found) == sorted(newest)
        assert store.newest("mail", [], limit) == []
        assert store.newest("nobody", ["a"], limit) == []

    def test_of_the_same_time_the_greatest_id_is_the_newest(self, store: IStore) -> None:
        rows = [
            interaction(id, external_id="a", submitted_by="m", submitted_at=NOW) for id in "cab"
        ]
        self.commit(store, *rows)
        assert [row.id for row in store.newest("m", ["a"], 1)] == ["c"]

    def test_many_external_ids_are_found_at_once(self, store: IStore) -> None:
        rows = [interaction(f"i{at}", external_id=f"e{at}", submitted_by="m") for at in range(300)]
        self.commit(store, *rows)
        found = store.newest("m", [f"e{at}" for at in range(0, 300, 2)], 1)
        assert sorted(row.id for row in found) == sorted(f"i{at}" for at in range(0, 300, 2))
