"""Clusters in memory on each kind of store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ixproxy.testing.places import Places, SqlitePlaces
from ixproxy.testing.postgresql import SUPERUSER, PostgresqlServer
from ixproxy.testing.postgresql_places import PostgresqlPlaces

KindsOfStore = Callable[[str], Places]


@pytest.fixture(scope="session")
def postgresql_places(postgresql_server: PostgresqlServer) -> Iterator[PostgresqlPlaces]:
    """Databases of the server that all tests share."""
    with PostgresqlPlaces(postgresql_server.address("postgres", SUPERUSER)) as places:
        yield places


@pytest.fixture
def kinds_of_store(request: pytest.FixtureRequest) -> KindsOfStore:
    """Places by kind; no PostgreSQL is started unless it is asked for."""

    def places(kind: str) -> Places:
        if kind == SqlitePlaces.kind:
            return SqlitePlaces()
        found: Any = request.getfixturevalue("postgresql_places")
        assert isinstance(found, PostgresqlPlaces)
        return found

    return places


@pytest.fixture(params=["sqlite", "postgresql"])
def stores(request: pytest.FixtureRequest, kinds_of_store: KindsOfStore) -> Places:
    """Each kind of store in turn."""
    return kinds_of_store(request.param)
