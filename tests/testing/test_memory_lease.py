"""Leases in memory keep what every lease must keep."""

from __future__ import annotations

from pathlib import Path

import pytest

from ixproxy.errors import StorageError
from ixproxy.interfaces import ILease
from ixproxy.testing.lease_contract import LeaseContract
from ixproxy.testing.memory_lease import MemoryLease, MemoryLeases


class TestMemoryLease(LeaseContract):
    def setup_method(self) -> None:
        self.leases = MemoryLeases()

    def make(self, place: Path, name: str) -> ILease:
        return self.leases.lease(name)

    def die(self, lease: ILease) -> None:
        assert isinstance(lease, MemoryLease)
        self.leases.die(lease.name)


def test_who_is_ended_is_told_to_whoever_runs_the_processes() -> None:
    leases = MemoryLeases()
    killed: list[str] = []
    leases.on_end = killed.append
    first, second = leases.lease("first"), leases.lease("second")
    first.take()
    holder = second.take()
    assert holder is not None
    second.end(holder)
    assert killed == leases.ended == ["first"]


def test_faults_by_plan() -> None:
    leases = MemoryLeases()
    first, second = leases.lease("first"), leases.lease("second")
    first.take()
    second.unkillable = True
    holder = second.take()
    assert holder is not None
    with pytest.raises(StorageError, match="first cannot be ended"):
        second.end(holder)
    second.broken = StorageError("no")
    with pytest.raises(StorageError, match="no"):
        second.take()
