"""What the rules make of a call to an external server."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from ixproxy.errors import Code
from ixproxy.messages import Request3rdServer
from ixproxy.node.esp import address_of
from ixproxy.node.esp_lines import Address
from ixproxy.node.esp_work import CallService
from tests.node.tried import TriedNode


def call(interaction_id: str = "", **envelope: Any) -> Request3rdServer:
    return Request3rdServer(
        tenant_id=1, interaction_id=interaction_id, envelope3rd_server=envelope
    )


def test_a_call_that_may_be_made_is_handed_to_who_makes_it(node: TriedNode) -> None:
    router = node.router()
    request = call(AppName="classifier")
    effect = node.perform(router, request)
    assert isinstance(effect, CallService)
    assert (effect.sender, effect.message) == (router, request)
    assert effect.address == Address("classifier")


def test_no_row_and_no_number_changes_by_it(node: TriedNode) -> None:
    router = node.router()
    id = node.submit(node.media_server())
    before, number = node.stored(), node.core.last_event_number
    node.perform(router, call(id, AppName="classifier"))
    assert (node.stored(), node.core.last_event_number) == (before, number)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"tenant_id": 9}, Code.UNKNOWN_TENANT),
        ({"media_type": "letter"}, Code.UNKNOWN_MEDIA_TYPE),
        ({"interaction_id": "unknown"}, Code.UNKNOWN_INTERACTION),
        ({"envelope3rd_server": {}}, Code.MISSING_VALUE),
    ],
)
def test_what_is_not_here_is_refused(node: TriedNode, wrong: dict[str, Any], code: int) -> None:
    request = replace(call(AppName="classifier"), **wrong)
    assert node.refusal(node.router(), request) == code


def test_another_clients_tenant_is_refused(node: TriedNode) -> None:
    router = node.router(tenants=frozenset({2}))
    assert node.refusal(router, call(AppName="classifier")) == Code.NOT_ALLOWED


def test_an_interaction_of_another_tenant_is_unknown(node: TriedNode) -> None:
    id = node.submit(node.media_server(), tenant_id=2)
    assert node.refusal(node.router(), call(id, AppName="x")) == Code.UNKNOWN_INTERACTION


@pytest.mark.parametrize(
    ("envelope", "address"),
    [
        ({"AppName": "mail"}, Address("mail")),
        ({"AppType": "E-mail Server"}, Address(type="emailserver")),
        ({"AppName": "mail", "AppType": "E-mail Server"}, Address("mail")),
        ({"AppName": "", "AppType": "Custom"}, Address(type="custom")),
    ],
)
def test_a_name_is_one_server_and_a_type_is_any(envelope: dict[str, Any], address: Address) -> None:
    assert address_of(envelope) == address
