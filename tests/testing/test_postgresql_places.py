from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from ixproxy.errors import StorageError
from ixproxy.node.model import NodeModel
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.places import SqlitePlaces
from ixproxy.testing.postgresql import ROLE, SUPERUSER, PostgresqlServer
from ixproxy.testing.postgresql_places import PostgresqlPlaces, address_of, stores_of
from ixproxy.testing.servers import ServerFailed
from ixproxy.testing.store_samples import CUSTOM, FULL, NOW
from ixproxy.testing.tenants import CUSTOM_PROPERTIES, TENANT

KINDS = {name.removeprefix("c_").title(): kind for name, kind in CUSTOM.items()}


def test_a_place_is_as_new_whatever_the_last_cluster_left(
    postgresql_places: PostgresqlPlaces,
) -> None:
    prepared = postgresql_places.prepared((TENANT,), KINDS)
    place = prepared.new_place()
    as_new = place.rows("meta")[0]
    store = place.store()
    assert store.open(NOW) == 2
    store.begin()
    store.write([FULL], [])
    store.commit(7)
    (row,) = place.rows("interactions")
    assert (row["id"], row["in_queues"]) == (FULL.id, FULL.in_queues)
    assert place.damage() == []
    place.discard()
    again = prepared.new_place()
    assert again is place
    assert again.rows("interactions") == []
    meta = again.rows("meta")[0]
    assert {key: meta[key] for key in ("epoch", "last_event_number", "last_queue_seq")} == {
        key: as_new[key] for key in ("epoch", "last_event_number", "last_queue_seq")
    }
    other = again.store()
    assert other.open(NOW) == 2
    other.close()
    again.discard()


def test_places_are_of_their_tenants_and_compiled_for_the_store(
    postgresql_places: PostgresqlPlaces,
) -> None:
    prepared = postgresql_places.prepared((TENANT,), CUSTOM_PROPERTIES)
    other = postgresql_places.prepared((TENANT,), KINDS)
    assert isinstance(prepared.model, NodeModel)
    assert (prepared.model.dialect, other.model.dialect) == ("postgresql", "postgresql")
    places = [each.new_place() for each in (prepared, other)]
    assert places[0] is not places[1]
    columns = [set(place.store()._columns["interactions"].names) for place in places]  # type: ignore[attr-defined]
    assert columns[0] != columns[1]
    for place in places:
        place.discard()


def test_who_is_cut_is_not_told_until_it_asks(postgresql_places: PostgresqlPlaces) -> None:
    place = postgresql_places.prepared((TENANT,), CUSTOM_PROPERTIES).new_place()
    store = place.store()
    store.open(NOW)
    store.begin()
    store.counts()
    place.cut(store)
    with pytest.raises(StorageError):
        store.counts()
    place.discard()


def test_the_same_seed_is_the_same_run_on_either_kind_of_store(
    postgresql_places: PostgresqlPlaces,
) -> None:
    def run(cluster: Cluster) -> tuple[float, list[bytes]]:
        written: list[bytes] = []
        cluster.network.tap = lambda source, target, piece: written.append(piece)
        client = cluster.client("desk-1", "AgentApplication")
        now = cluster.seconds()
        assert client.connected
        cluster.close()
        return now, written

    runs = [run(Cluster(3, stores=stores)) for stores in (postgresql_places, SqlitePlaces())]
    assert runs[0] == runs[1]


def test_the_command_line_names_them(postgresql_server: PostgresqlServer) -> None:
    with stores_of("sqlite") as stores:
        assert stores.kind == "sqlite"
    with stores_of("postgresql", postgresql_server.address("postgres", SUPERUSER)) as stores:
        assert stores.kind == "postgresql"
        stores.prepared((TENANT,), CUSTOM_PROPERTIES).new_place().discard()


@pytest.mark.parametrize("address", ["postgresql://127.0.0.1:1/x", "postgresql://:port/", "x"])
@pytest.mark.parametrize("opened", [stores_of, address_of])
def test_a_server_that_is_not_there_is_told_in_one_line(
    address: str, opened: Callable[[str, str], AbstractContextManager[object]]
) -> None:
    with pytest.raises(ServerFailed) as refused, opened("postgresql", address):
        pytest.fail("there is none")
    assert str(refused.value).startswith("the PostgreSQL server cannot be used: ")
    assert "\n" not in str(refused.value)


def test_a_role_that_may_not_make_databases_is_told(postgresql_server: PostgresqlServer) -> None:
    with pytest.raises(ServerFailed, match=f"cannot be used: {ROLE} may not make databases"):
        PostgresqlPlaces(postgresql_server.address("postgres", ROLE))
