from __future__ import annotations

from ixproxy.node.model import NodeModel
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.places import MemoryPlace, SqlitePlaces, begin, columns_of
from ixproxy.testing.tenants import CUSTOM_PROPERTIES, TENANT


def test_all_places_of_the_same_tenants_begin_alike_and_share_one_model() -> None:
    one = SqlitePlaces().prepared((TENANT,), CUSTOM_PROPERTIES)
    two = SqlitePlaces().prepared((TENANT,), CUSTOM_PROPERTIES)
    assert one.model is two.model
    first, second = one.new_place(), two.new_place()
    assert first.rows("meta") == second.rows("meta")
    store = first.store()
    assert store.open(1.0) == 2
    assert [each.rows("meta")[0]["epoch"] for each in (first, second)] == [2, 1]
    first.discard()
    second.discard()


def test_a_place_begins_with_the_indexes_of_its_views() -> None:
    place = MemoryPlace(None, columns_of(CUSTOM_PROPERTIES))
    begin(place.store(), NodeModel((TENANT,), CUSTOM_PROPERTIES))
    names = {row["name"] for row in place.rows("sqlite_master") if row["type"] == "index"}
    assert any("view" in name for name in names)
    assert place.damage() == []
    place.discard()


def test_a_cluster_takes_the_kind_of_store() -> None:
    cluster = Cluster(nodes=1, proxies=1, stores=SqlitePlaces())
    assert cluster.nodes[0].rows("interactions") == []
    cluster.close()
