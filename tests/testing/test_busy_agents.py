from __future__ import annotations

from random import Random

from twisted.internet.defer import Deferred

from ixproxy.node.model import NodeSettings
from ixproxy.testing.busy_agents import BusyClients
from ixproxy.testing.cluster import Cluster
from ixproxy.values import ClientType


def test_they_work_rest_and_leave_nothing_behind_that_they_did_not_end() -> None:
    cluster = Cluster(2, node_settings=NodeSettings(delivering_timeout=1.0, pull_hold_timeout=1.0))
    busy = BusyClients(cluster, Random(2), 2.0, 1.0)
    busy.begin()
    cluster.run(10.0)
    assert all(watch.whole for watch in busy.watches)
    busy.rest()
    cluster.run(20.0)
    asked = sum(busy.counts.values())
    cluster.run(20.0)
    assert sum(busy.counts.values()) == asked > 100
    assert busy.unanswered() == []
    assert any(problem.endswith(" is left") for problem in busy.audit())
    cluster.finish(Deferred.fromCoroutine(busy.end_all()))
    router = cluster.client("router-9", ClientType.ROUTING_ENGINE)
    cluster.finish(Deferred.fromCoroutine(busy.resume_all(router)))
    ids = [row["id"] for row in cluster.rows("interactions")]
    cluster.finish(Deferred.fromCoroutine(busy.end(router, ids)))
    assert busy.audit() == []
    busy._ended[busy._ids[0]] += 1
    assert busy.audit() == [f"{busy._ids[0]} was ended 2 times"]
    cluster.close()
