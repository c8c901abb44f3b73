from __future__ import annotations

import pytest

from ixproxy.messages import (
    Event3rdServerFault,
    Event3rdServerResponse,
    EventAck,
    EventError,
    EventInteractionMoved,
    EventInteractionProperties,
    EventInteractionsFound,
    EventPulledInteractions,
    EventSnapshotInteractions,
    EventSnapshotTaken,
    EventWorkbinContent,
    EventWorkbinTypesInfo,
    Message,
    ServerFacts,
)
from ixproxy.messages import answers as module
from tests.messages.attributes import attributes, lacking


@pytest.mark.parametrize(
    ("message", "names"),
    [
        (EventAck, "ProxyClientId Extension TakeNumber Server Held HeldContinues AgentSession"),
        (EventError, "ErrorCode ErrorDescription InDoubt"),
        (
            EventPulledInteractions,
            "Interactions TakeNumbers SortKeys NextSortKey Errors HaveMore",
        ),
        (EventInteractionsFound, "Interactions SortKeys HaveMore"),
        (EventWorkbinContent, "Interactions SortKeys HaveMore"),
        (EventSnapshotInteractions, "Interactions SortKeys HaveMore"),
        (EventInteractionProperties, "Interaction"),
        (EventWorkbinTypesInfo, "WorkbinTypes"),
        (EventSnapshotTaken, "SnapshotId NumberOfInteractions"),
        (EventInteractionMoved, "NumberOfInteractions"),
        (Event3rdServerResponse, "Envelope3rdServer UserData"),
        (Event3rdServerFault, "FaultCode FaultString"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_an_answer_has_the_attributes_of_the_field(message: type[Message], names: str) -> None:
    assert lacking(message, names) == set()


def test_a_server_says_who_it_is() -> None:
    facts = set(ServerFacts.__struct_encode_fields__)
    assert facts == {
        "Name",
        "Role",
        "Version",
        "Features",
        "Dbid",
        "Epoch",
        "Tenants",
        "LastEventNumber",
        "MaxFrame",
        "Path",
    }


def test_answers_belong_to_nobody_else_than_their_requester() -> None:
    for name in module.__all__:
        value = getattr(module, name)
        if issubclass(value, Message):
            assert "TenantId" not in attributes(value)
            assert "EventNumber" not in attributes(value)
