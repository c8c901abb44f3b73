from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from ixproxy.errors import CommitUncertain, LeaseLost, StorageError
from ixproxy.interfaces import IStore
from ixproxy.node.selections import Selection
from ixproxy.storage.sqlite import SqliteStore
from ixproxy.storage.sqlite_places import SqliteFile, SqliteMemory
from ixproxy.testing.contracts import StoreContract
from ixproxy.testing.faults import Fault, FaultyStore
from ixproxy.testing.store_samples import NOW, interaction


class TestFaultyStoreWithoutFaults(StoreContract):
    def make(self, place: Path, custom: Mapping[str, str]) -> IStore:
        return FaultyStore(SqliteStore(SqliteFile(place / "node.db"), custom))


def opened(plan: Mapping[tuple[str, int], Fault]) -> FaultyStore:
    store = FaultyStore(SqliteStore(SqliteMemory()), plan)
    store.open(NOW)
    store.begin()
    store.write([interaction("i1")], [])
    return store


def stored(store: FaultyStore) -> list[str]:
    return [row.id for row in store.select(Selection(1), NOW)]


@pytest.mark.parametrize(
    ("fault", "error", "mark", "left"),
    [
        (Fault.DONE_BUT_RAISED, CommitUncertain, 9, ["i1"]),
        (Fault.UNDONE_AND_RAISED, CommitUncertain, 0, []),
        (Fault.REFUSED, StorageError, 0, []),
        (Fault.DISK_FULL, StorageError, 0, []),
        (Fault.LEASE_LOST, LeaseLost, 0, []),
    ],
)
def test_a_commit_fails_as_planned(
    fault: Fault, error: type[StorageError], mark: int, left: list[str]
) -> None:
    store = opened({("commit", 1): fault})
    with pytest.raises(error) as raised:
        store.commit(9)
    assert type(raised.value) is error
    store.rollback()
    assert store.reopen() == mark
    assert stored(store) == left


def test_only_the_planned_call_fails() -> None:
    store = opened({("write", 2): Fault.DISK_FULL})
    with pytest.raises(StorageError):
        store.write([interaction("i2")], [])
    store.rollback()
    store.begin()
    store.write([interaction("i3")], [])
    store.commit(1)
    assert stored(store) == ["i3"]
    assert store.calls["write"] == 3


def test_what_is_broken_stays_so_until_it_is_mended() -> None:
    store = opened({})
    store.rollback()
    store.broken["begin"] = Fault.REFUSED
    for _ in range(3):
        with pytest.raises(StorageError):
            store.begin()
    del store.broken["begin"]
    store.begin()
    store.commit(1)


def test_it_says_whether_the_next_call_fails() -> None:
    store = FaultyStore(SqliteStore(SqliteMemory()), {("open", 1): Fault.REFUSED})
    assert store.about_to_fail("open")
    assert not store.about_to_fail("close")
    with pytest.raises(StorageError):
        store.open(0.0)
    assert not store.about_to_fail("open")
    store.fail_next("open", Fault.REFUSED)
    assert store.about_to_fail("open")
