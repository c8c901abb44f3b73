"""What clients asked for once and have for as long as they are connected."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from ixproxy.core.standing import Standing
from ixproxy.messages import (
    RequestAgentAvailable,
    RequestAgentNotAvailable,
    RequestStartExternalServiceReporting,
    RequestStopExternalServiceReporting,
    RequestSubscribe,
    RequestUnsubscribe,
)
from tests.core.rig import TENANT
from tests.core.test_agent_sessions import client


def subscribe(*topics: str) -> RequestSubscribe:
    return RequestSubscribe(tenant_id=TENANT, ps_topic_list=dict.fromkeys(topics, 1))


def unsubscribe(*topics: str) -> RequestUnsubscribe:
    return RequestUnsubscribe(tenant_id=TENANT, ps_topic_list=dict.fromkeys(topics, 1))


AVAILABLE = RequestAgentAvailable(tenant_id=TENANT, agent_id="ann", media_list={"email": 1})


def test_topics_add_up_and_end_one_by_one_or_all() -> None:
    standing, one = Standing(), client(1)
    standing.subscribed(one, subscribe("1@a", "1@b"))
    standing.subscribed(one, subscribe("1@c"))
    standing.subscribed(one, unsubscribe("1@a", "1@x"))
    assert list(standing) == [(one, subscribe("1@b", "1@c"))]
    standing.subscribed(one, unsubscribe())
    standing.subscribed(one, unsubscribe("1@b"))
    assert not len(standing)


def test_many_topics_are_said_in_requests_that_every_node_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ixproxy.core.standing.TOPICS_AT_ONCE", 2)
    standing, one = Standing(), client(1)
    standing.subscribed(one, subscribe("1@a", "1@b", "1@c"))
    assert list(standing) == [(one, subscribe("1@a", "1@b")), (one, subscribe("1@c"))]


def test_an_agent_who_works_elsewhere_is_said_so_until_it_is_taken_back() -> None:
    standing, one = Standing(), client(1)
    standing.said(one, AVAILABLE)
    assert list(standing) == [(one, AVAILABLE)]
    back = RequestAgentNotAvailable(tenant_id=TENANT, agent_id="ann")
    standing.said(one, back)
    standing.said(one, back)
    assert not len(standing)


def test_a_client_that_leaves_leaves_nothing() -> None:
    standing, one = Standing(), client(1)
    standing.said(one, AVAILABLE)
    standing.subscribed(one, subscribe("1@a"))
    standing.client_gone(one)
    assert not len(standing)


def test_there_is_room_for_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ixproxy.core.standing.MOST_TOPICS", 2)
    monkeypatch.setattr("ixproxy.core.standing.MOST_AGENTS", 1)
    standing, one = Standing(), client(1)
    assert standing.has_room(one, subscribe("1@a", "1@b"))
    assert standing.has_room(one, AVAILABLE)
    standing.subscribed(one, subscribe("1@a", "1@b"))
    standing.said(one, AVAILABLE)
    assert standing.has_room(one, subscribe("1@a"))
    assert not standing.has_room(one, subscribe("1@c"))
    assert standing.has_room(one, AVAILABLE), "it was said before"
    assert not standing.has_room(one, replace(AVAILABLE, agent_id="bob"))
    assert standing.has_room(one, unsubscribe("1@c"))


def test_values_and_extensions_are_not_kept() -> None:
    standing, one = Standing(), client(1)
    big = {"1@a": "x" * 100_000}
    standing.subscribed(one, RequestSubscribe(tenant_id=TENANT, ps_topic_list=big))
    standing.said(one, replace(AVAILABLE, extension={"Note": "x" * 100_000}))
    assert list(standing) == [(one, AVAILABLE), (one, subscribe("1@a"))]


START, STOP = RequestStartExternalServiceReporting, RequestStopExternalServiceReporting


def test_external_servers_add_up_and_end_one_by_one_or_all() -> None:
    standing, one = Standing(), client(1)
    standing.reports(one, START(servers=["a", "b"]))
    standing.reports(one, START(servers=["c"]))
    standing.reports(one, STOP(servers=["a", "x"]))
    assert list(standing) == [(one, START(servers=["b", "c"]))]
    standing.reports(one, STOP())
    assert not len(standing)


def test_who_hears_of_all_external_servers_need_name_none() -> None:
    standing, one = Standing(), client(1)
    standing.reports(one, START(servers=["a"]))
    standing.reports(one, START())
    standing.reports(one, START(servers=["b"]))
    standing.reports(one, STOP(servers=["b"]))
    assert list(standing) == [(one, START())]
    assert standing.hears_of_all(one)
    standing.reports(one, STOP())
    assert not len(standing)


def test_many_external_servers_are_said_in_requests_that_every_node_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ixproxy.core.standing.SERVICES_AT_ONCE", 2)
    monkeypatch.setattr("ixproxy.core.standing.MOST_SERVICES", 3)
    standing, one = Standing(), client(1)
    standing.reports(one, START(servers=["a", "b", "c"]))
    assert [request for _, request in standing] == [START(servers=["a", "b"]), START(servers=["c"])]
    assert standing.has_room(one, START(servers=["a"]))
    assert not standing.has_room(one, START(servers=["d"]))
