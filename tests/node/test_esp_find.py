"""`FindInteractions` as a call to the node itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ixproxy.errors import Code
from ixproxy.messages import Event3rdServerFault, Request3rdServer
from ixproxy.node.esp_find import FAULTS
from ixproxy.node.long_reads import response_of
from ixproxy.node.work import LongRead, ReadLong, Sender
from tests.node.tried import TriedNode


def request(parameters: object = None, **envelope: Any) -> Request3rdServer:
    whole = {"AppType": "InteractionServer", "Method": "FindInteractions", **envelope}
    if parameters is not None:
        whole["Parameters"] = parameters
    return Request3rdServer(tenant_id=1, envelope3rd_server=whole)


def found(node: TriedNode, sender: Sender, asked: Request3rdServer) -> dict[str, Any]:
    effect = node.perform(sender, asked)
    assert isinstance(effect, ReadLong)
    assert isinstance(effect.plan, LongRead)
    reader = node.store.reader()
    try:
        rows = reader.select(effect.plan.selection, effect.plan.now)
    finally:
        reader.close()
    answer = response_of(effect.plan, rows).envelope3rd_server
    assert answer["Method"] == "FindInteractions"
    parameters: dict[str, Any] = answer["Parameters"]
    return parameters


def fault(node: TriedNode, parameters: object, **envelope: Any) -> str:
    answer = node.ask(node.router(), request(parameters, **envelope))
    assert isinstance(answer, Event3rdServerFault)
    assert answer.envelope3rd_server["FaultCode"] == answer.fault_code
    assert answer.envelope3rd_server["FaultString"] == answer.fault_string
    return answer.fault_code


@pytest.fixture
def three(node: TriedNode) -> tuple[TriedNode, list[str]]:
    server = node.media_server()
    return node, [
        node.submit(server, user_data={"Priority": priority, "Customer": "O'Brien"})
        for priority in (3, 9, 5)
    ]


def test_it_finds_by_condition_and_order_and_says_whether_there_is_more(
    three: tuple[TriedNode, list[str]],
) -> None:
    node, (low, high, middle) = three
    asked = request({"Condition": "Priority > 1", "Order": "Priority DESC", "Limit": 2})
    output = found(node, node.router(), asked)
    assert list(output["Interactions"]) == [high, middle]
    assert (output["Count"], output["HaveMore"]) == (2, 1)
    assert output["Interactions"][high]["MediaType"] == "email"
    rest = found(node, node.router(), request({"Condition": "Priority < 5", "Limit": "7"}))
    assert list(rest["Interactions"]) == [low]
    assert rest["HaveMore"] == 0


def test_it_finds_one_by_its_id_and_quotes_what_it_is_given(
    three: tuple[TriedNode, list[str]],
) -> None:
    node, (low, *_) = three
    router = node.router()
    for parameters, expected in (
        ({"InteractionId": low}, [low]),
        ({"InteractionId": low, "Condition": "Priority > 5 OR Priority < 9"}, [low]),
        ({"InteractionId": low, "Condition": "Priority > 5"}, []),
        ({"InteractionId": "' OR 1 = 1 OR InteractionId = '"}, []),
    ):
        assert list(found(node, router, request(parameters))["Interactions"]) == expected


@pytest.mark.parametrize("whom", [{"AppType": "Interaction Server"}, {"AppName": "ixn1"}])
def test_a_node_is_called_by_its_type_or_its_name(node: TriedNode, whom: dict[str, str]) -> None:
    assert found(node, node.router(), request({}, **whom))["Count"] == 0


def test_a_node_is_called_by_the_name_of_either_server_of_its_pair(
    make_node: Callable[..., TriedNode],
) -> None:
    node = make_node(names=("first", "second"))
    for name in ("first", "second"):
        assert found(node, node.router(), request({}, AppName=name))["Count"] == 0


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ([1, 2], "InvalidRequestData"),
        ({"Condition": "Priority >"}, "InvalidCondition"),
        ({"Order": "no such property"}, "InvalidCondition"),
        ({"Condition": 7}, "InvalidType"),
        ({"Limit": "many"}, "InvalidType"),
        ({"Limit": -1}, "InvalidType"),
        ({"Limit": True}, "InvalidType"),
        ({"TenantId": 99}, "UnknownTenant"),
        ({"InteractionId": ""}, "MissingInteractionId"),
        ({"Everything": 1}, "InvalidRequestData"),
        ({"MediaType": "letter"}, "InvalidRequestData"),
    ],
)
def test_each_documented_failure_is_a_fault_of_its_own(
    node: TriedNode, parameters: object, code: str
) -> None:
    assert fault(node, parameters) == code


def test_another_method_is_a_fault(node: TriedNode) -> None:
    assert fault(node, {}, Method="Destroy") == "InvalidRequestData"
    assert fault(node, {}, Method=None) == "InvalidRequestData"


def test_a_tenant_that_is_not_the_clients_is_unknown(node: TriedNode) -> None:
    router = node.router(tenants=frozenset({1}))
    answer = node.ask(router, request({"TenantId": 2}))
    assert answer.fault_code == "UnknownTenant"


def test_it_is_no_event(node: TriedNode) -> None:
    router = node.router()
    before = node.core.last_event_number
    node.perform(router, request({}))
    assert node.core.last_event_number == before
    assert FAULTS[Code.STORE_FAILED] == "DatabaseFailure"
