from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ixproxy.interfaces import IStore
from ixproxy.storage.sqlite import SqliteStore
from ixproxy.storage.sqlite_places import SqliteMemory
from ixproxy.testing import contracts, strategy_contracts
from ixproxy.testing.faults import FaultyStore
from ixproxy.testing.store_samples import CUSTOM, NOW


class ForgetsDeletes(FaultyStore):
    def write(self, puts: Any, deletes: Any) -> None:
        super().write(puts, [])


class Contract(contracts.StoreContract):
    def make(self, place: Path, custom: Mapping[str, str]) -> IStore:
        return ForgetsDeletes(SqliteStore(SqliteMemory(), custom))


def test_every_contract_can_be_had_here() -> None:
    for name, made in vars(strategy_contracts).items():
        if name.endswith("Contract"):
            assert getattr(contracts, name) is made


def test_the_contract_of_stores_finds_one_that_forgets_deletes(tmp_path: Path) -> None:
    contract = Contract()
    store = contract.make(tmp_path, CUSTOM)
    store.open(NOW)
    contract.test_rows_are_found_by_a_column(store)
    with pytest.raises(AssertionError):
        contract.test_deleted_rows_are_gone_and_others_stay(store)
