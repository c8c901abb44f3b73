"""What is kept for others is part of what every store keeps."""

from __future__ import annotations

from ixproxy.testing.contracts import StoreContract
from ixproxy.testing.outbox_contract import OutboxContract


def test_every_store_keeps_it() -> None:
    assert issubclass(StoreContract, OutboxContract)
    assert StoreContract.commit is not OutboxContract.commit
