from __future__ import annotations

from random import Random

import pytest

from ixproxy.testing.breaking import CHAINED, Accident, Breaks, accidents
from ixproxy.testing.cluster import Cluster
from ixproxy.values import ClientType


def test_what_is_between_proxies_breaks_only_where_some_stand_behind_others() -> None:
    assert set(accidents(chained=True)) == set(Accident)
    assert set(accidents(chained=False)) == set(Accident) - set(CHAINED)


@pytest.mark.parametrize("accident", list(Accident), ids=lambda each: each.name.lower())
def test_what_breaks_can_be_mended(accident: Accident) -> None:
    cluster = Cluster(1, outer=2)
    client = cluster.client("desk", ClientType.AGENT_APPLICATION)
    victims = [client, cluster.client("desk", ClientType.AGENT_APPLICATION)]
    mend = Breaks(cluster, Random(1), victims).have(accident)
    cluster.run(1.0)
    mend()
    cluster.run(60.0)
    assert all(node.listening for node in cluster.nodes)
    assert all(proxy.linked for proxy in (*cluster.proxies, *cluster.outers))
    assert len(victims) == (1 if accident is Accident.CLIENT_KILLED else 2)
    assert all(each.connected for each in victims)
    cluster.close()
