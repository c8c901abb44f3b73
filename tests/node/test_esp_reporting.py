"""Who hears of calls to external servers, and what the events say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ixproxy.errors import Code
from ixproxy.messages import (
    Event3rdServerFault,
    Event3rdServerResponse,
    EventError,
    Request3rdServer,
    RequestStartExternalServiceReporting,
    RequestStopExternalServiceReporting,
)
from ixproxy.messages.message import Message, Reason
from ixproxy.node import esp_reporting
from ixproxy.node.esp_work import Called, ServiceAnswered, ServiceCalled
from ixproxy.node.work import Answer, ConnectionLost, Goodbye, Refuse, Sender
from ixproxy.values import ClientType
from tests.node.tried import TriedNode

START, STOP = RequestStartExternalServiceReporting, RequestStopExternalServiceReporting


def reporter(node: TriedNode, name: str = "stat", **more: Any) -> Sender:
    return node.client(name, ClientType.REPORTING_ENGINE, **more)


def called(sender: Sender, server: str = "mail", tenant: int = 1) -> Called:
    request = Request3rdServer(
        tenant_id=tenant,
        media_type="email",
        interaction_id="0001",
        envelope3rd_server={"AppName": server},
        user_data={"Customer": "kim"},
        reason=Reason(reason=7),
    )
    return Called(sender, request, server, 4711, 12, "101-1-12")


def heard(node: TriedNode, sender: Sender) -> list[str]:
    return [event.esp_server for event in node.told(sender)]  # type: ignore[attr-defined]


def test_who_asked_for_a_server_hears_of_its_calls_and_who_asked_for_all_of_all(
    node: TriedNode,
) -> None:
    some, everything, nothing = (reporter(node, name) for name in ("some", "all", "none"))
    node.ask(some, START(servers=["mail", "chat"]))
    node.ask(everything, START())
    node.run(ServiceCalled(called(node.router())), ServiceCalled(called(node.router(), "other")))
    assert heard(node, some) == ["mail"]
    assert heard(node, everything) == ["mail", "other"]
    assert heard(node, nothing) == []


def test_another_tenants_calls_are_not_told(node: TriedNode) -> None:
    stat = reporter(node, tenants=frozenset({2}))
    node.ask(stat, START())
    node.run(ServiceCalled(called(node.router())), ServiceCalled(called(node.router(), "b", 2)))
    assert heard(node, stat) == ["b"]


def test_servers_add_up_and_end_one_by_one_or_all(node: TriedNode) -> None:
    stat = reporter(node)
    node.ask(stat, START(servers=["mail"]))
    node.ask(stat, START(servers=["chat"]))
    node.ask(stat, STOP(servers=["mail", "unknown"]))
    node.run(*(ServiceCalled(called(node.router(), name)) for name in ("mail", "chat")))
    assert heard(node, stat) == ["chat"]
    node.ask(stat, STOP(servers=["chat"]))
    node.ask(stat, STOP())
    node.run(ServiceCalled(called(node.router(), "chat")))
    assert heard(node, stat) == []


def test_who_hears_of_all_is_not_narrowed_by_naming_some(node: TriedNode) -> None:
    stat = reporter(node)
    node.ask(stat, START())
    node.ask(stat, START(servers=["mail"]))
    node.ask(stat, STOP(servers=["mail"]))
    node.run(ServiceCalled(called(node.router())))
    assert heard(node, stat) == ["mail"]


@pytest.mark.parametrize("gone", ["lost", "goodbye"])
def test_it_ends_with_the_connection(node: TriedNode, gone: str) -> None:
    stat = reporter(node)
    node.ask(stat, START())
    work = ConnectionLost(stat.session) if gone == "lost" else Goodbye(stat.session)
    node.run(work)
    node.run(ServiceCalled(called(node.router())))
    assert heard(node, stat) == []


def test_names_are_checked_and_bounded(
    node: TriedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(esp_reporting, "MAX_SERVERS", 2)
    stat = reporter(node)
    assert node.refusal(stat, START(servers=[""])) == Code.BAD_ATTRIBUTE
    assert node.refusal(stat, START(servers=["x" * 256])) == Code.BAD_ATTRIBUTE
    node.ask(stat, START(servers=["a", "b"]))
    assert node.refusal(stat, START(servers=["c"])) == Code.LIMIT_REACHED


def test_both_events_say_whose_call_it_is_and_have_numbers_of_the_node(node: TriedNode) -> None:
    stat = reporter(node)
    node.ask(stat, START())
    call = called(node.router("ors"))
    before = node.core.last_event_number
    answer = Event3rdServerResponse(envelope3rd_server={"Parameters": {"x": 1}}, user_data={"y": 2})
    node.run(ServiceCalled(call), ServiceAnswered("token", call, answer))
    assert node.outcome.effects[-3] == Answer("token", answer)
    requested, responded = node.reported()[-2:]
    assert [requested.event_number, responded.event_number] == [before + 1, before + 2]
    for event in (requested, responded):
        assert (event.tenant_id, event.media_type, event.interaction_id) == (1, "email", "0001")
        assert (event.esp_client_refid, event.esp_server_refid) == (4711, 12)
        assert (event.esp_request_id, event.esp_server) == ("101-1-12", "mail")
        assert event.actor.router_id == "ors"
        assert event.reason == Reason(reason=7)
    assert requested.esp_request_envelope == {"AppName": "mail"}
    assert requested.user_data == {"Customer": "kim"}
    assert responded.esp_request_envelope == {"Parameters": {"x": 1}}
    assert responded.user_data == {"y": 2}


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Event3rdServerFault(fault_code="E7", fault_string="no"), "E7"),
        (EventError(error_code=3074, error_description="lost", in_doubt=True), "3074"),
    ],
)
def test_what_failed_is_said_by_a_fault_code(
    node: TriedNode, answer: Message, code: str
) -> None:
    call = called(node.router())
    node.run(ServiceAnswered("token", call, answer))
    (event,) = node.reported()[-1:]
    assert event.esp_request_envelope["FaultCode"] == code
    effect = node.outcome.effects[0]
    if isinstance(answer, EventError):
        assert effect == Refuse("token", 3074, "lost", in_doubt=True)
    else:
        assert effect == Answer("token", answer)


def test_calls_of_strategies_can_be_hidden_and_those_of_others_are_not(
    make_node: Callable[..., TriedNode],
) -> None:
    node = make_node(hide_strategy_esp_activity=True)
    hidden = called(node.router())
    before = node.core.last_event_number
    node.run(ServiceCalled(hidden))
    assert node.core.last_event_number == before
    node.run(ServiceCalled(called(node.media_server())))
    assert node.names_reported() == ["EventExternalServiceRequested"]


def test_a_store_that_fails_costs_the_event_and_not_the_answer(node: TriedNode) -> None:
    answer = Event3rdServerResponse()
    call = called(node.router())
    node.store.commits = ["fails"] * 4
    works = ServiceCalled(call), ServiceAnswered("token", call, answer)
    outcome = node.core.run(works, node.now)
    assert outcome.effects == [Answer("token", answer)]
    assert len(outcome.failures) == 2
