"""External servers in memory, with a whole cluster in front of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace
from twisted.internet.defer import Deferred

from ixproxy import messages as m
from ixproxy.client import Client
from ixproxy.client.third_party_server import Call, Result
from ixproxy.errors import Code, RequestRefused
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.memory_services import MemoryService, usual_services


def call(**more: Any) -> m.Request3rdServer:
    whole = {"AppType": "Classification Server", "Service": "Test", "Method": "Echo"}
    return m.Request3rdServer(tenant_id=1, envelope3rd_server={**whole, **more})


@pytest.fixture(params=[0, 1], ids=["a proxy", "a chain of proxies"])
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    made = Cluster(5, proxies=1, outer=request.param, services=usual_services())
    yield made
    made.close()


def listening(client: Client) -> list[Any]:
    heard: list[Any] = []
    client.on_event(heard.append)
    return heard


def test_calls_reach_external_servers_through_any_way(cluster: Cluster) -> None:
    router = cluster.client("router-1", "RoutingEngine")
    for _ in range(6):
        answer = cluster.finish(router.request(call(Parameters={"n": 1})))
        assert answer.envelope3rd_server["Parameters"] == {"n": 1}


def test_a_call_about_an_interaction_is_made_by_its_owner(cluster: Cluster) -> None:
    mail = cluster.client("mail-1", "MediaServer")
    router = cluster.client("router-1", "RoutingEngine")
    stat = cluster.client("stat-1", "ReportingEngine")
    heard = listening(stat)
    cluster.finish(stat.request(m.RequestStartExternalServiceReporting()))
    for _ in range(3):
        ack = cluster.finish(
            mail.request(m.RequestSubmit(tenant_id=1, media_type="email", queue="In"))
        )
        owner = next(row for row in cluster.rows("interactions") if row["id"] == ack.interaction_id)
        about = m.Request3rdServer(
            tenant_id=1,
            interaction_id=ack.interaction_id,
            envelope3rd_server={"AppName": "archive", "Method": "Echo"},
        )
        answer = cluster.finish(router.request(about))
        assert answer.interaction_id == ack.interaction_id
        cluster.run(0.1)
        dbids = {node.name: node.dbid for node in cluster.nodes}
        assert {event.dbid for event in heard[-2:]} == {dbids[owner["node"]]}


def test_where_one_node_lacks_the_server_the_error_is_that_nodes(cluster: Cluster) -> None:
    """Test idea 60: asymmetric ESP: a call works or fails by which node has its interaction."""
    lacking = cluster.nodes[1]
    assert lacking.server is not None
    limits = lacking.server.state.limits
    lacking.server.configuration_changed(lacking.model, lacking.settings, limits, servers=[])
    cluster.run(1.0)
    mail = cluster.client("mail-1", "MediaServer")
    router = cluster.client("router-1", "RoutingEngine")
    answered: dict[str, int] = {}
    for _ in range(6):
        submit = m.RequestSubmit(tenant_id=1, media_type="email", queue="In")
        id = cluster.finish(mail.request(submit)).interaction_id
        owner = next(row["node"] for row in cluster.rows("interactions") if row["id"] == id)
        about = m.Request3rdServer(
            tenant_id=1, interaction_id=id, envelope3rd_server={"AppName": "archive"}
        )
        try:
            cluster.finish(router.request(about))
            answered[owner] = 0
        except RequestRefused as refusal:
            answered[owner] = refusal.code
    assert answered == {"node1": 0, "node2": Code.SERVICE_UNKNOWN, "node3": 0}


@pytest.mark.parametrize(
    "wrong", [{"tenant_id": 0}, {"tenant_id": 99}, {"media_type": "carrier pigeon"}]
)
def test_wrong_routing_attributes_are_2003_and_no_node_is_asked(
    cluster: Cluster, wrong: dict[str, Any]
) -> None:
    """Test idea 6: of an ESP request, too, the proxy refuses what it cannot route."""
    router = cluster.client("router-1", "RoutingEngine")
    before = [node.server.writer.works for node in cluster.nodes if node.server is not None]
    with pytest.raises(RequestRefused) as refused:
        cluster.finish(router.request(replace(call(), **wrong)))
    assert refused.value.code == Code.NOT_ACCESSIBLE
    after = [node.server.writer.works for node in cluster.nodes if node.server is not None]
    assert after == before


def test_a_node_that_returns_is_told_who_wants_to_hear_of_calls(cluster: Cluster) -> None:
    stat = cluster.client("stat-1", "ReportingEngine")
    heard = listening(stat)
    cluster.finish(stat.request(m.RequestStartExternalServiceReporting(servers=["archive"])))
    for number in range(3):
        cluster.kill_node(number)
        cluster.run(1.0)
        cluster.restart_node(number)
    cluster.settled()
    cluster.run(5.0)
    router = cluster.client("router-1", "RoutingEngine")
    for _ in range(3):
        cluster.finish(router.request(call(AppType="", AppName="archive")))
        cluster.finish(router.request(call()))
    cluster.run(0.5)
    assert len(heard) == 6
    assert {event.esp_server for event in heard} == {"archive"}
    assert len({event.dbid for event in heard}) == 3


def test_a_reporting_client_that_comes_back_hears_of_calls_again(cluster: Cluster) -> None:
    stat = cluster.client("stat-1", "ReportingEngine")
    heard = listening(stat)
    cluster.finish(stat.request(m.RequestStartExternalServiceReporting()))
    cluster.lose_client(stat)
    cluster.run(5.0)
    router = cluster.client("router-1", "RoutingEngine")
    cluster.finish(router.request(call()))
    cluster.run(0.5)
    assert len(heard) == 2


def test_a_service_that_dies_is_in_doubt_and_found_when_it_is_back() -> None:
    waiting: list[Deferred[Result]] = []

    def answer(made: Call) -> Any:
        waiting.append(Deferred())
        return waiting[-1]

    service = MemoryService("slow", "Classification Server", answer)
    cluster = Cluster(6, nodes=1, proxies=1, services=[service])
    router = cluster.client("router-1", "RoutingEngine")
    asked = router.request(call())
    cluster.run(0.5)
    assert len(service.calls) == 1
    service.kill()
    assert not service.alive
    with pytest.raises(RequestRefused) as refused:
        cluster.finish(asked)
    assert (refused.value.code, refused.value.in_doubt) == (Code.SERVICE_LOST, True)
    with pytest.raises(RequestRefused) as away:
        cluster.finish(router.request(call()))
    assert away.value.code == Code.SERVICE_NOT_CONNECTED
    service.start()
    service.start()
    cluster.run(60.0)
    again = router.request(call())
    cluster.run(0.5)
    waiting[-1].callback(Result({"done": 1}))
    assert cluster.finish(again).envelope3rd_server["Parameters"] == {"done": 1}
    cluster.close()


def test_a_node_that_dies_with_a_call_leaves_it_in_doubt() -> None:
    service = MemoryService("slow", "Classification Server", lambda made: Deferred())
    cluster = Cluster(7, nodes=1, proxies=1, services=[service])
    router = cluster.client("router-1", "RoutingEngine")
    asked = router.request(call())
    cluster.run(0.5)
    cluster.kill_node(0)
    with pytest.raises(RequestRefused) as refused:
        cluster.finish(asked)
    assert (refused.value.code, refused.value.in_doubt) == (Code.LOST_CONNECTION, True)
    cluster.close()


def test_a_takeover_calls_from_the_other_server_of_the_pair() -> None:
    services = usual_services()
    cluster = Cluster(8, nodes=1, proxies=1, pairs=True, services=services)
    router = cluster.client("router-1", "RoutingEngine")
    cluster.finish(router.request(call()))
    cluster.kill_node(0)
    cluster.run(20.0)
    answer = cluster.finish(router.request(call()))
    assert isinstance(answer, m.Event3rdServerResponse)
    callers = {made.caller for service in services for made in service.calls}
    assert callers == {"node1", "node1-b"}
    cluster.close()


def test_a_service_outside_of_a_cluster_cannot_be_started() -> None:
    service = MemoryService("lonely", "Classification Server", lambda made: Result())
    with pytest.raises(LookupError):
        service.start()
    with pytest.raises(LookupError):
        service.kill()
