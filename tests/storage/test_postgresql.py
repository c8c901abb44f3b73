from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from ixproxy.interfaces import IStore
from ixproxy.storage.postgresql import make
from ixproxy.testing.contracts import StoreContract


class TestPostgresql(StoreContract):
    address = ""

    @pytest.fixture(autouse=True)
    def database(self, postgresql_database: str) -> None:
        self.address = postgresql_database

    def make(self, place: Path, custom: Mapping[str, str]) -> IStore:
        return make({"address": self.address, "custom_columns": custom})
