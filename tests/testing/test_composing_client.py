from __future__ import annotations

from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.errors import Code, RequestRefused
from ixproxy.testing.composing_client import ComposingClient, ComposingCluster
from ixproxy.testing.steps import ScriptClient
from ixproxy.values import ClientType

EVERYTHING = m.RequestStartPlaceAgentStateReportingAll()


@pytest.fixture
def cluster() -> Any:
    made = ComposingCluster(1)
    yield made
    made.close()


def reporter(cluster: ComposingCluster) -> tuple[ComposingClient, list[Any]]:
    client = cluster.script_client(0, ScriptClient("stat", ClientType.REPORTING_ENGINE))
    assert isinstance(client, ComposingClient)
    heard: list[Any] = []
    client.on_event(heard.append)
    return client, heard


def log_in(cluster: ComposingCluster, agent: str) -> None:
    desk = cluster.script_client(0, ScriptClient("desk", ClientType.AGENT_APPLICATION))
    login = m.RequestAgentLogin(tenant_id=1, agent_id=agent, media_list={"chat": 1})
    cluster.finish(desk.request(login))
    cluster.run(1.0)


def told(heard: list[Any]) -> list[str]:
    return [getattr(event, "activity", "") or type(event).__name__ for event in heard]


def test_it_is_answered_and_told_as_by_one_server(cluster: ComposingCluster) -> None:
    client, heard = reporter(cluster)
    log_in(cluster, "anna")
    assert cluster.finish(client.ask(EVERYTHING)).message == m.EventAck()
    assert heard == []
    cluster.run(1.0)
    log_in(cluster, "bert")
    assert told(heard) == ["Begin", "EventPlaceAgentState", "End", "EventAgentLogin"]
    assert heard[0].number_of_agents == 1
    assert heard[-1].reporting_event_sequence_number == 1


def test_less_is_told_to_who_wants_less(cluster: ComposingCluster) -> None:
    client, heard = reporter(cluster)
    log_in(cluster, "anna")
    named = m.RequestStartPlaceAgentStateReporting(tenant_id=1, agents=["bert"])
    cluster.finish(client.ask(named))
    cluster.run(1.0)
    log_in(cluster, "carl")
    log_in(cluster, "bert")
    assert told(heard) == ["Begin", "End", "EventAgentLogin"]
    assert heard[0].number_of_agents == 0
    last = heard[-1]
    assert (last.reporting_event_sequence_number, last.previous_sequence_number) == (2, 0)


def test_a_stream_ends_when_it_is_asked_to(cluster: ComposingCluster) -> None:
    client, heard = reporter(cluster)
    cluster.finish(client.ask(EVERYTHING))
    cluster.run(1.0)
    cluster.finish(client.ask(m.RequestStopPlaceAgentStateReportingAll()))
    log_in(cluster, "anna")
    assert told(heard) == ["Begin", "End"]


def test_it_is_told_anew_when_its_connections_were_lost(cluster: ComposingCluster) -> None:
    client, heard = reporter(cluster)
    cluster.finish(client.ask(EVERYTHING))
    cluster.run(1.0)
    cluster.lose_client(client)
    cluster.run(5.0)
    assert told(heard) == ["Begin", "End", "Begin", "End"]
    cluster.kill_client(client)
    log_in(cluster, "anna")
    assert len(heard) == 4


def test_a_tenant_that_no_node_has_is_refused(cluster: ComposingCluster) -> None:
    client, _ = reporter(cluster)
    with pytest.raises(RequestRefused) as refused:
        cluster.finish(client.ask(m.RequestStartPlaceAgentStateReportingAll(tenants={"a": 9})))
    assert refused.value.code == Code.UNKNOWN_TENANT
