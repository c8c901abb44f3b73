from __future__ import annotations

from ixproxy.testing.contracts import StoreContract
from ixproxy.testing.counting_contract import CountingContract


def test_every_store_keeps_it() -> None:
    assert issubclass(StoreContract, CountingContract)
    assert StoreContract.commit is not CountingContract.commit
