"""The lease of a PostgreSQL database keeps what every lease must keep."""

from __future__ import annotations

from pathlib import Path

import pytest

from ixproxy.interfaces import ILease
from ixproxy.storage.postgresql import make
from ixproxy.storage.postgresql_lease import PostgresqlLease
from ixproxy.testing.lease_contract import LeaseContract


class TestPostgresqlLease(LeaseContract):
    address = ""

    @pytest.fixture(autouse=True)
    def database(self, postgresql_database: str) -> None:
        self.address = postgresql_database

    def make(self, place: Path, name: str) -> ILease:
        lease = make({"address": self.address}).lease()
        assert isinstance(lease, PostgresqlLease)
        lease._name = f"process of {name}"
        return lease

    def die(self, lease: ILease) -> None:
        assert isinstance(lease, PostgresqlLease)
        lease.abandon()
