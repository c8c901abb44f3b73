"""A node dies and is started again: with parking, clients only wait for it a little longer."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from ixproxy import messages as m
from ixproxy.core.settings import ProxySettings
from ixproxy.errors import Code, RequestRefused
from ixproxy.testing.accidents import have_accident
from ixproxy.testing.breaking import Accident
from ixproxy.testing.cluster import Cluster

WINDOW = 10.0


def parked(cluster: Cluster, proxy: int = 0) -> m.ParkingStatus:
    """What waits, and waited, at a proxy for the first node."""
    core = cluster.proxies[proxy].core
    assert core is not None
    line = next(iter(core.parking.lines.values()))
    return m.ParkingStatus(waiting=len(line.waiting), parked=line.parked, handed_on=line.handed_on)


def submit(number: int, receipt: str = "") -> m.RequestSubmit:
    return m.RequestSubmit(
        tenant_id=1,
        media_type="email",
        queue="In",
        user_data={"n": number},
        submit_receipt=receipt,
    )


def outcomes(asked: list[Deferred[Any]]) -> list[Any]:
    """What each request has come to; in the order of coming."""
    found: list[Any] = []
    for each in asked:
        each.addBoth(found.append)
    return found


@pytest.mark.parametrize("outer", [0, 1])
@pytest.mark.parametrize("fast_path", [True, False])
def test_who_asks_by_id_meanwhile_is_answered_when_the_node_is_back(
    fast_path: bool, outer: int
) -> None:
    cluster = Cluster(
        4, outer=outer, fast_path=fast_path, proxy_settings=ProxySettings(parking_window=WINDOW)
    )
    server = cluster.client("mail-1", "MediaServer", proxy=0)
    ids = [cluster.finish(server.request(submit(n))).interaction_id for n in range(9)]
    cluster.kill_node(0)
    cluster.run(0.5)
    asked: list[Deferred[Any]] = []
    for identifier in ids:
        # Twice, one after the other: the second must find what the first did.
        change = m.RequestChangeProperties(
            tenant_id=1, interaction_id=identifier, changed_properties={"Priority": 7}
        )
        stop = m.RequestStopProcessing(tenant_id=1, interaction_id=identifier)
        asked += [server.request(change), server.request(stop)]
    found = outcomes(asked)
    cluster.run(2)
    assert len(found) == 12, "all but those for the node that is away"
    cluster.restart_node(0)
    cluster.run(5)
    assert [type(each) for each in found] == [m.EventAck] * 18
    assert cluster.rows("interactions") == []
    assert cluster.problems() == []
    assert sum(parked(cluster, n).handed_on for n in range(2) if _has_line(cluster, n)) == 6
    cluster.close()


def _has_line(cluster: Cluster, proxy: int) -> bool:
    core = cluster.proxies[proxy].core
    return core is not None and bool(core.parking.lines)


def test_without_parking_they_are_refused_and_nothing_is_done() -> None:
    cluster = Cluster(4, proxies=1)
    server = cluster.client("mail-1", "MediaServer")
    ids = [cluster.finish(server.request(submit(n))).interaction_id for n in range(3)]
    cluster.kill_node(0)
    cluster.run(0.5)
    stops = [m.RequestStopProcessing(tenant_id=1, interaction_id=each) for each in ids]
    found = outcomes([server.request(each) for each in stops])
    cluster.run(1)
    refusals = [each.value for each in found if not isinstance(each, m.EventAck)]
    (refusal,) = refusals
    assert isinstance(refusal, RequestRefused)
    assert (refusal.code, refusal.in_doubt) == (Code.NOT_ACCESSIBLE, False)
    cluster.close()


def test_submits_with_a_receipt_wait_for_their_home_and_none_is_doubled() -> None:
    cluster = Cluster(4, proxy_settings=ProxySettings(parking_window=WINDOW, parking_rate=4))
    servers = [cluster.client("mail-1", "MediaServer", proxy=n) for n in range(2)]
    cluster.kill_node(0)
    cluster.run(0.5)
    # Each is asked for twice, through different proxies, as after an answer in doubt.
    asked = [
        server.request(submit(number, f"doc-{number}"))
        for number in range(12)
        for server in servers
    ]
    found = outcomes(asked)
    cluster.run(1)
    waiting = [parked(cluster, n).waiting for n in range(2)]
    assert min(waiting) > 0
    cluster.restart_node(0)
    cluster.run(5)
    assert [type(each) for each in found] == [m.EventAck] * 24
    assert [parked(cluster, n).waiting for n in range(2)] == [0, 0]
    ids = Counter(each.interaction_id for each in found)
    assert list(ids.values()) == [2] * 12
    assert {row["id"] for row in cluster.rows("interactions")} == set(ids)
    cluster.close()


@pytest.mark.parametrize(
    "accident", [Accident.NODE_KILLED, Accident.NODE_CUT, Accident.NODE_CONNECTION]
)
def test_accidents_with_nodes_are_survived_with_parking(accident: Accident) -> None:
    for seed in range(20):
        aftermath = have_accident(seed, accident, parking=3.0)
        assert aftermath.problems == []
