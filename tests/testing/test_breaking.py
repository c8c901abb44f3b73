from __future__ import annotations

from random import Random

import pytest

from ixproxy.testing.breaking import CHAINED, PAIRED, Accident, Breaks, accidents, besides
from ixproxy.testing.cluster import Cluster
from ixproxy.values import ClientType


def test_what_is_between_proxies_breaks_only_where_some_stand_behind_others() -> None:
    assert set(accidents(chained=True, pairs=True)) == set(Accident)
    assert set(accidents(chained=False, pairs=True)) == set(Accident) - set(CHAINED)


def test_what_happens_to_pairs_breaks_only_where_nodes_are_some() -> None:
    assert set(accidents(chained=True)) == set(Accident) - set(PAIRED)
    pairs, lone = (Cluster(nodes=1, proxies=0, pairs=each) for each in (True, False))
    assert set(besides(pairs)) - set(besides(lone)) == set(PAIRED)
    pairs.close()
    lone.close()


@pytest.mark.parametrize("accident", list(Accident), ids=lambda each: each.name.lower())
def test_what_breaks_can_be_mended(accident: Accident) -> None:
    cluster = Cluster(1, outer=2, pairs=accident in PAIRED)
    client = cluster.client("desk", ClientType.AGENT_APPLICATION)
    victims = [client, cluster.client("desk", ClientType.AGENT_APPLICATION)]
    mend = Breaks(cluster, Random(1), victims).have(accident)
    cluster.run(5.0 if accident in PAIRED else 1.0)
    mend()
    cluster.run(60.0)
    assert all(node.listening for node in cluster.nodes)
    assert all(proxy.linked for proxy in (*cluster.proxies, *cluster.outers))
    assert len(victims) == (1 if accident is Accident.CLIENT_KILLED else 2)
    assert all(each.connected for each in victims)
    cluster.close()
