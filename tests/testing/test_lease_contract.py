"""The contract of leases finds leases that do not keep it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ixproxy.errors import LeaseLost
from ixproxy.interfaces import ILease
from ixproxy.testing import contracts
from ixproxy.testing.lease_contract import LeaseContract
from ixproxy.testing.memory_lease import MemoryLease, MemoryLeases
from ixproxy.values import Holder


class ServesTwo(MemoryLease):
    def take(self) -> Holder | None:
        super().take()
        return None


class EndsAnybody(MemoryLease):
    def end(self, holder: Holder) -> None:
        self._leases.owner = None


class ForgetsToBeat(MemoryLease):
    def beat(self) -> None:
        """Nobody sees it."""


class Contract(LeaseContract):
    def __init__(self, kind: type[MemoryLease]) -> None:
        self.kind, self.leases = kind, MemoryLeases()

    def make(self, place: Path, name: str) -> ILease:
        return self.kind(self.leases, name)

    def die(self, lease: ILease) -> None:
        assert isinstance(lease, MemoryLease)
        self.leases.die(lease.name)


def test_it_can_be_had_with_the_others() -> None:
    assert contracts.LeaseContract is LeaseContract


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (ServesTwo, "test_who_asks_first_has_it_and_the_other_is_told_who_that_is"),
        (EndsAnybody, "test_one_that_has_shown_life_meanwhile_is_not_ended"),
        (ForgetsToBeat, "test_each_sign_of_life_is_another_beat"),
        (ForgetsToBeat, "test_whoever_has_it_not_shows_no_life"),
    ],
)
def test_it_finds_mistakes(kind: type[MemoryLease], name: str, tmp_path: Path) -> None:
    contract = Contract(kind)
    first, second = contract.make(tmp_path, "first"), contract.make(tmp_path, "second")
    test = getattr(contract, name)
    with pytest.raises((AssertionError, LeaseLost, pytest.fail.Exception)):
        test(first, second)
