"""The part of the contract of stores that is about snapshots; see `ixproxy.testing.contracts`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from ixproxy.interfaces import IStore
from ixproxy.node.rows import Row, SnapshotMemberRow, SnapshotRow
from ixproxy.node.selections import Selection
from ixproxy.testing.store_samples import NOW, interaction


def member(snapshot_id: int, position: int) -> SnapshotMemberRow:
    """A member, named by its position."""
    return SnapshotMemberRow(
        snapshot_id=snapshot_id,
        interaction_id=f"i{position}",
        position=position,
        state=0,
        queue_seq=position,
        sort_key=bytes([position % 256]),
    )


class SnapshotContract:
    """For `IStore`, as a part of `StoreContract`."""

    def commit(
        self,
        store: IStore,
        *rows: Row,
        gone: Sequence[tuple[str, tuple[Any, ...]]] = (),
        mark: int = 1,
    ) -> None:
        """One transaction."""
        raise NotImplementedError

    def test_members_are_found_by_their_positions_in_order(self, store: IStore) -> None:
        rows = [member(number, position) for number in (7, 8) for position in range(300)]
        self.commit(store, *reversed(rows))
        assert store.members(7, 0, 1000) == rows[:300]
        assert store.members(8, 100, 50) == rows[400:450]
        assert store.members(7, 299, 9) == rows[299:300]
        assert store.members(7, 300, 9) == store.members(9, 0, 9) == store.members(7, 0, 0) == []
        assert store.fetch("snapshot_members", [(8, "i5"), (8, "no"), (9, "i5")]) == [rows[305]]
        reader = store.reader()
        assert reader.members(8, 100, 50) == rows[400:450]
        reader.close()
        self.commit(store, gone=[("snapshot_members", row.key) for row in rows[:200]], mark=2)
        assert store.members(7, 0, 3) == rows[200:203]
        assert store.members(8, 0, 3) == rows[300:303]

    def test_a_transaction_sees_the_members_that_it_has_written(self, store: IStore) -> None:
        self.commit(store, member(7, 0), member(7, 1))
        store.begin()
        moved = replace(member(7, 0), queue_seq=99)
        store.write([moved, member(7, 2)], [("snapshot_members", (7, "i1"))])
        assert store.members(7, 0, 9) == [moved, member(7, 2)]
        store.rollback()
        assert store.members(7, 0, 9) == [member(7, 0), member(7, 1)]

    def test_snapshots_are_found_by_their_state(self, store: IStore) -> None:
        rows = [
            SnapshotRow(snapshot_id=number, session=b"s", tenant_id=1, taken_at=NOW, state=state)
            for number, state in ((1, 0), (2, 1), (3, 2))
        ]
        self.commit(store, *rows)
        found = store.fetch_by("snapshots", "state", [1, 2])
        assert sorted(found, key=lambda row: row.snapshot_id) == rows[1:]

    def test_what_can_be_locked_is_in_a_queue_and_not_locked(self, store: IStore) -> None:
        rows = [
            interaction("a"),
            interaction("b", state=1),
            interaction("c", state=2),
            interaction("d", state=3),
            interaction("e", is_locked=1, snapshot_id=7),
            interaction("f", is_held=1),
        ]
        self.commit(store, *rows)
        found = store.select(Selection(1, lockable=True), NOW)
        assert sorted(row.id for row in found) == ["a", "b", "f"]
        found = store.select(Selection(1, lockable=True, available=True), NOW)
        assert [row.id for row in found] == ["a"]

    def test_bare_rows_come_without_what_may_be_large(self, store: IStore) -> None:
        queues = b"\x81\xa1a\x01"
        row = interaction(
            "i", user_data=bytes(1000), in_queues=queues, out_queues=queues, priority=5,
            custom={"c_product": "x"},
        )  # fmt: skip
        self.commit(store, row)
        bare = replace(row, user_data=b"\x80", in_queues=b"", out_queues=b"")
        assert store.select(Selection(1, bare=True, limit=5), NOW) == [bare]
        reader = store.reader()
        assert reader.select(Selection(1, bare=True, limit=5), NOW) == [bare]
        reader.close()
