"""What counting on a reader connection must keep, as tests: a part of `StoreContract`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ixproxy.errors import StorageError
from ixproxy.interfaces import IStore
from ixproxy.node.rows import Row
from ixproxy.node.selections import Selection
from ixproxy.testing.store_samples import NOW, compiled, interaction


class CountingContract:
    """For `IStoreReader.count_by`."""

    def commit(
        self,
        store: IStore,
        *rows: Row,
        gone: Sequence[tuple[str, tuple[Any, ...]]] = (),
        mark: int = 1,
    ) -> None:
        """One transaction."""
        raise NotImplementedError

    def test_a_reader_counts_the_rows_of_a_selection_by_their_values(self, store: IStore) -> None:
        drafts = {"queue": "workbin:Drafts", "workbin_type": "Drafts"}
        ann = {**drafts, "workbin_agent": "Ann"}
        self.commit(
            store,
            interaction("i1", **ann),
            interaction("i2", **ann),
            interaction("i3", **ann, state=3, assigned_to="Ann"),
            interaction("i4", **ann, state=3, assigned_to="Bob"),
            interaction("i5", **drafts, workbin_agent="Bob"),
            interaction("i6", queue="Q"),
        )
        reader = store.reader()
        selection = Selection(
            1,
            queue="workbin:Drafts",
            workbin=(("workbin_type", "Drafts"), ("workbin_agent", "Ann")),
        )
        by_state = ("state", "assigned_to")
        found = reader.count_by(selection, by_state, NOW)
        expected = {(0, None, 2), (3, "Ann", 1), (3, "Bob", 1)}
        assert set(found) == expected
        assert len(found) == 3
        assert reader.count_by(selection, ("state",), NOW) == [(0, 2), (3, 2)]
        assert reader.count_by(Selection(9), by_state, NOW) == []
        reader.close()

    def test_neither_limits_nor_orders_change_what_a_reader_counts(self, store: IStore) -> None:
        self.commit(store, *(interaction(f"i{number}", queue="Q") for number in range(5)))
        reader = store.reader()
        condition, order = compiled(store, "id <> 'i0'", "id DESC")
        narrowed = Selection(1, queue="Q", condition=condition, order=order, limit=1, most_bytes=1)
        assert reader.count_by(narrowed, ("queue",), NOW) == [("Q", 4)]
        reader.close()

    def test_a_column_that_there_is_not_is_no_column_to_count_by(self, store: IStore) -> None:
        reader = store.reader()
        with pytest.raises(StorageError, match="no column nonsense"):
            reader.count_by(Selection(1), ("nonsense",), NOW)
        reader.close()
