"""Routers that a cluster in memory pushes to: what becomes of it when they die, and nodes do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from ixproxy import messages as m
from ixproxy.client import Client
from ixproxy.errors import Code, RequestRefused
from ixproxy.node.log_packs import entries_of
from ixproxy.node.log_rules import LogRules
from ixproxy.node.model import NodeSettings
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.pushed_routers import PushedRouter, Script, called, kept, placed, stopped

RESTORE = 3.0
TO_SECOND: dict[str, Script] = {"route call": called("Second"), "place in queue": placed("Second")}


def settings(**more: float) -> NodeSettings:
    return NodeSettings(
        logs={"log": LogRules()},
        agent_session_restore_timeout=20,
        router_restore_timeout=RESTORE,
        **more,  # type: ignore[arg-type]
    )


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    made = Cluster(3, nodes=1, proxies=0, node_settings=settings())
    yield made
    made.close()


def mail(cluster: Cluster) -> Client:
    return cluster.client("mail", "MediaServer", node=0)


def submit(cluster: Cluster, server: Client, number: int, queue: str = "Routed") -> list[str]:
    """Submit some at once; their ids."""
    request = m.RequestSubmit(tenant_id=1, media_type="email", queue=queue)
    asked = [server.request(request) for _ in range(number)]
    return [cluster.finish(each).interaction_id for each in asked]


def placements(cluster: Cluster) -> Counter[str]:
    """How often each interaction was placed in the second queue."""
    rows = cluster.rows("outbox")
    events = [each.what for row in rows for each in entries_of(0, row["body"])[0]]
    return Counter(
        event.interaction_id
        for event in events
        if isinstance(event, m.EventPlacedInQueue) and event.queue == "Second"
    )


def in_second(cluster: Cluster) -> set[str]:
    return {
        row["id"]
        for row in cluster.rows("interactions")
        if row["queue"] == "Second" and row["state"] == 0
    }


def finished(cluster: Cluster, ids: list[str], routers: list[PushedRouter]) -> None:
    """All are routed, each once, and nobody else believes to have routed it."""
    for _ in range(600):
        cluster.run(0.5)
        if len(in_second(cluster)) == len(ids):
            break
    cluster.run(2)
    assert in_second(cluster) == set(ids)
    assert placements(cluster) == Counter(dict.fromkeys(ids, 1))
    acknowledged = Counter(id for router in routers for id in router.routed)
    assert max(acknowledged.values(), default=0) <= 1
    assert cluster.problems() == []


@pytest.mark.parametrize("answer", TO_SECOND)
def test_a_thousand_are_routed_by_three_routers_once_each(cluster: Cluster, answer: str) -> None:
    routers = [PushedRouter(cluster, script=TO_SECOND[answer], name=f"urs-{n}") for n in range(3)]
    ids = submit(cluster, mail(cluster), 1000)
    finished(cluster, ids, routers)
    shares = [len(router.routed) for router in routers]
    assert sum(shares) == 1000
    assert max(shares) - min(shares) <= 100


MOMENTS = {
    "before it has heard of them": 0.0005,
    "when it has just heard": 0.003,
    "while it thinks": 0.006,
    "with its answers on their way": 0.0105,
    "with the acknowledgements on their way": 0.012,
    "when it knows of some": 0.02,
}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("answer", TO_SECOND)
def test_whenever_a_router_dies_another_routes_what_it_had(
    cluster: Cluster, answer: str, moment: str
) -> None:
    """T19 of the life cycle, at each kind of moment."""
    first = PushedRouter(cluster, script=TO_SECOND[answer], name="urs-1")
    second = PushedRouter(cluster, script=TO_SECOND[answer], name="urs-2")
    ids = submit(cluster, mail(cluster), 30)
    cluster.run(MOMENTS[moment])
    more = submit(cluster, mail(cluster), 1)
    first.die()
    cluster.run(MOMENTS[moment])
    finished(cluster, ids + more, [first, second])


def test_a_router_killed_in_the_middle_of_a_thousand_costs_and_doubles_nothing() -> None:
    """T19: routers die, connections break, the node dies: each is routed exactly once."""
    cluster = Cluster(
        11, nodes=1, proxies=0, node_settings=settings(default_max_submitted_per_router=60)
    )
    server = mail(cluster)
    routers = [
        PushedRouter(cluster, script=script, name=f"urs-{number}", after=0.02)
        for number, script in enumerate((*TO_SECOND.values(), called("Second")))
    ]
    everyone = list(routers)
    ids: list[str] = []
    for step in range(20):
        ids += submit(cluster, server, 50)
        cluster.run(cluster.random.random() * 0.05)
        victim = routers[step % 3]
        if step % 4 == 0:
            victim.die()
            new = PushedRouter(cluster, script=victim.script, name=f"urs-{step % 3}", after=0.02)
            routers[step % 3] = new
            everyone.append(new)
        elif step % 4 == 1:
            cluster.lose_client(victim.client)
        elif step % 4 == 2:
            host = cluster.host_of(victim.client)
            cluster.cut(host, "node1")
            cluster.run(cluster.random.random() * 50)
            cluster.heal(host, "node1")
        elif step % 8 == 3:
            cluster.kill_node(0)
            cluster.restart_node(0)
            cluster.run(3)
    finished(cluster, ids, everyone)
    assert len(ids) == 1000
    cluster.close()


def test_the_backup_takes_over_what_was_pushed_with_its_routers() -> None:
    cluster = Cluster(5, nodes=1, proxies=0, pairs=True, node_settings=settings())
    routers = [
        PushedRouter(cluster, script=called("Second"), name=f"urs-{n}", after=1.0) for n in range(2)
    ]
    ids = submit(cluster, mail(cluster), 40)
    cluster.run(0.1)
    had = [dict(router.client.holding) for router in routers]
    assert sum(map(len, had)) == 40
    cluster.kill_node(0)
    finished(cluster, ids, routers)
    cluster.close()


def test_a_late_answer_of_a_dead_router_is_refused(cluster: Cluster) -> None:
    """What it had is another's: nothing that it says of it is done."""
    first = cluster.pushed_router(name="urs-1")
    (id,) = submit(cluster, mail(cluster), 1)
    cluster.run(1)
    assert list(first.client.holding) == [id]
    host = cluster.host_of(first.client)
    second = PushedRouter(cluster, name="urs-2")
    cluster.cut(host, "node1")
    cluster.run(60)
    assert list(second.client.holding) == [id]
    cluster.heal(host, "node1")
    cluster.run(10)
    assert [type(event).__name__ for event in first.heard] == ["EventRevoked"]
    for answer in (called("Second"), placed("Second"), stopped):
        request = answer(first.pushed[0])
        assert request is not None
        with pytest.raises(RequestRefused) as caught:
            cluster.finish(first.client.request(request))
        assert caught.value.code == Code.NOT_A_PARTY
    assert list(second.client.holding) == [id]
    assert cluster.problems() == []


def test_a_router_that_comes_back_goes_on_with_what_it_had(cluster: Cluster) -> None:
    router = PushedRouter(cluster, script=called("Second"), after=0.5)
    PushedRouter(cluster, script=kept, name="other", strategies=("Else",))
    ids = submit(cluster, mail(cluster), 5)
    cluster.run(0.1)
    cluster.lose_client(router.client)
    finished(cluster, ids, [router])
    assert len(router.pushed) == 5


def test_a_router_that_does_not_read_gets_no_more_than_fits(cluster: Cluster) -> None:
    server = mail(cluster)
    router = PushedRouter(cluster, script=kept)
    host = cluster.host_of(router.client)
    cluster.cut(host, "node1")
    request = m.RequestSubmit(
        tenant_id=1, media_type="email", queue="Routed", user_data={"text": "x" * 250_000}
    )
    for _ in range(60):
        cluster.finish(server.request(request))
        cluster.run(0.1)
    had = len(cluster.rows("parties"))
    assert 16 <= had < 60
    cluster.heal(host, "node1")
    cluster.run_until(lambda: len(router.client.holding) == 60, "it never reads on", 120.0)


def test_a_router_says_anew_what_it_has_loaded(cluster: Cluster) -> None:
    router = PushedRouter(cluster, script=kept, strategies=("Else",))
    (id,) = submit(cluster, mail(cluster), 1)
    cluster.run(1)
    assert router.pushed == []
    cluster.finish(router.load("Mail"))
    cluster.run(1)
    assert list(router.client.holding) == [id]
    cluster.finish(router.load())
    cluster.run(1)
    assert list(router.client.holding) == [id]
    submit(cluster, mail(cluster), 1)
    cluster.run(1)
    assert list(router.client.holding) == [id]
    cluster.lose_client(router.client)
    cluster.run(2)
    assert list(router.client.holding) == [id]


def test_what_a_router_says_to_have_loaded_must_be_names(cluster: Cluster) -> None:
    with pytest.raises(RequestRefused, match="strategies") as caught:
        cluster.client("urs", "RoutingEngine", node=0, extension={"strategies": "Mail"})
    assert caught.value.code == Code.BAD_ATTRIBUTE


def test_through_a_proxy_nothing_is_pushed_and_a_route_call_is_refused() -> None:
    cluster = Cluster(7, nodes=1, proxies=1, node_settings=settings())
    server = cluster.client("mail", "MediaServer")
    router = cluster.client("urs", "RoutingEngine", extension={"strategies": ["Mail"]})
    (id,) = submit(cluster, server, 1)
    cluster.run(2)
    assert dict(router.holding) == {}
    call = m.RequestRouteCall(tenant_id=1, interaction_id=id, route_type="Stop")
    with pytest.raises(RequestRefused) as caught:
        cluster.finish(router.request(call))
    assert caught.value.code == Code.UNSUPPORTED_OPERATION
    cluster.close()
