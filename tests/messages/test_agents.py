from __future__ import annotations

import pytest

from ixproxy.messages import (
    EventAgentLogin,
    EventCurrentAgentStatus,
    EventForcedAgentStateChange,
    EventMassAgentLogout,
    EventMediaAdded,
    Message,
    RequestAddMedia,
    RequestAgentAvailable,
    RequestAgentLogin,
    RequestAgentLogout,
    RequestCancelNotReadyForMedia,
    RequestChangeAgentStateReason,
    RequestChangeMediaStateReason,
    RequestConfirmSession,
    RequestDoNotDisturbOn,
    RequestSubscribe,
)
from ixproxy.messages import agents as module
from ixproxy.wire.names import BY_MESSAGE, Kind
from tests.messages.attributes import attributes, lacking


@pytest.mark.parametrize(
    ("message", "names"),
    [
        (RequestAgentLogin, "TenantId AgentId PlaceId MediaList Reason Extension"),
        (RequestAgentLogout, "Reason Extension"),
        (RequestAddMedia, "MediaTypeName"),
        (RequestCancelNotReadyForMedia, "MediaTypeName Reason"),
        (RequestChangeMediaStateReason, "MediaTypeName Reason Extension"),
        (RequestChangeAgentStateReason, "Reason"),
        (RequestDoNotDisturbOn, "Reason"),
        (RequestAgentAvailable, "TenantId AgentId PlaceId MediaList Reason"),
        (RequestSubscribe, "PsTopicList"),
        (EventAgentLogin, "AgentId PlaceId TenantId MediaList"),
        (EventMediaAdded, "AgentId PlaceId MediaTypeName Reason"),
        (
            EventCurrentAgentStatus,
            "AgentId PlaceId MediaStateList MediaCapacityList DonotDisturb",
        ),
        (
            EventForcedAgentStateChange,
            "MediaTypeName MediaList DonotDisturb AgentStateChangeOperation",
        ),
        (EventMassAgentLogout, "ApplicationName NumberOfAgents"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_message_has_the_attributes_of_the_field(message: type[Message], names: str) -> None:
    assert lacking(message, names) == set()


def test_all_that_names_an_agent_carries_the_stamp_of_its_session() -> None:
    for name in module.__all__:
        message = getattr(module, name)
        if "AgentId" in attributes(message):
            assert "AgentSession" in attributes(message), name


def test_a_confirmation_carries_the_whole_session() -> None:
    whole = attributes(RequestAgentLogin) - {"Provisional"}
    assert attributes(RequestConfirmSession) >= whole


def test_requests_and_events_are_told_apart_by_name() -> None:
    for name in module.__all__:
        kind = BY_MESSAGE[getattr(module, name)].kind
        assert kind is (Kind.REQUEST if name.startswith("Request") else Kind.EVENT)
