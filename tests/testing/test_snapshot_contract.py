"""The contract of stores, as far as it is about snapshots, finds what breaks it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ixproxy.interfaces import IStore
from ixproxy.storage.sqlite_places import SqliteMemory
from ixproxy.testing.contracts import StoreContract
from ixproxy.testing.snapshot_contract import SnapshotContract, member
from ixproxy.testing.store_samples import CUSTOM, NOW
from tests.node.failing_store import FailingStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FailingStore]:
    store = FailingStore(SqliteMemory(), CUSTOM)
    store.open(NOW)
    yield store
    store.close()


def test_it_is_a_part_of_the_contract_of_stores() -> None:
    assert issubclass(StoreContract, SnapshotContract)


def test_members_out_of_order_are_found_out(
    store: FailingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole: IStore = store
    members = store.members
    monkeypatch.setattr(store, "members", lambda *asked: members(*asked)[::-1])
    with pytest.raises(AssertionError):
        StoreContract().test_members_are_found_by_their_positions_in_order(whole)


def test_members_of_a_test_are_told_by_their_position() -> None:
    assert member(7, 3).key == (7, "i3")
