from __future__ import annotations

import pytest

from ixproxy.messages import (
    EventActivityReport,
    EventAgentInvited,
    EventCustomReporting,
    EventExternalServiceRequested,
    EventInteractionSubmitted,
    EventInvite,
    EventPartyRemoved,
    EventPlaceAgentState,
    EventPlacedInQueue,
    EventPlacedInWorkbin,
    EventProcessingStopped,
    EventPropertiesChanged,
    EventRevoked,
    EventTakenFromQueue,
    EventWorkbinContentChanged,
    Message,
    RequestStartPlaceAgentStateReportingAll,
)
from ixproxy.messages import reporting as module
from tests.messages.attributes import attributes, lacking


@pytest.mark.parametrize(
    ("message", "names"),
    [
        (EventInvite, "TicketId Interaction VisibilityMode Party Actor Operation Extension"),
        (EventRevoked, "Interaction Reason TicketId"),
        (
            EventPropertiesChanged,
            "Interaction AddedProperties ChangedProperties DeletedProperties",
        ),
        (EventPartyRemoved, "Interaction Party Operation Actor"),
        (EventWorkbinContentChanged, "Interaction WorkbinContentOperation Workbin"),
        (EventPlaceAgentState, "TenantId AgentId PlaceId MediaList Interactions"),
        (EventInteractionSubmitted, "Interaction Actor Queue"),
        (EventPlacedInQueue, "Interaction Queue OldQueue"),
        (EventTakenFromQueue, "Interaction Queue Party Actor"),
        (EventPlacedInWorkbin, "Interaction Workbin"),
        (EventAgentInvited, "Interaction Party"),
        (EventProcessingStopped, "Interaction Actor Reason"),
        (
            EventExternalServiceRequested,
            "EspClientRefid EspServerRefid EspRequestEnvelope UserData EventTime EspRequestId "
            "Actor Extension",
        ),
        (EventCustomReporting, "CustomEventId Event"),
        (EventActivityReport, "Activity"),
        (RequestStartPlaceAgentStateReportingAll, "Tenants Filter"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_message_has_the_attributes_of_the_field(message: type[Message], names: str) -> None:
    assert lacking(message, names) == set()


def test_every_event_can_be_named_for_ever_and_placed_in_time() -> None:
    for name in module.__all__:
        if name.startswith("Event"):
            assert {"EventTime", "EventNumber", "Dbid"} <= attributes(getattr(module, name)), name


def test_an_event_about_an_interaction_names_its_tenant_and_media_type() -> None:
    for name in module.__all__:
        names = attributes(getattr(module, name))
        if "InteractionId" in names:
            assert {"TenantId", "MediaType", "Interaction"} <= names, name
