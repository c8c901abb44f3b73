from __future__ import annotations

import pytest

from ixproxy.messages import (
    Message,
    Request3rdServer,
    RequestAccept,
    RequestConference,
    RequestDeliver,
    RequestDistributeReportingEvent,
    RequestIntrude,
    RequestLeaveInteraction,
    RequestReject,
    RequestRouteCall,
    RequestTransfer,
)
from tests.messages.attributes import lacking


@pytest.mark.parametrize(
    ("message", "names"),
    [
        (RequestDeliver, "TenantId InteractionId AgentId PlaceId"),
        (RequestTransfer, "InteractionId AgentId PlaceId Extension Reason"),
        (RequestConference, "InteractionId AgentId PlaceId VisibilityMode Extension"),
        (RequestIntrude, "InteractionId VisibilityMode"),
        (RequestLeaveInteraction, "InteractionId Reason"),
        (RequestAccept, "TicketId InteractionId InitialInFocusState"),
        (RequestReject, "TicketId InteractionId Reason Extension"),
        (RequestRouteCall, "InteractionId AgentId PlaceId RouteType Queue"),
        (Request3rdServer, "Envelope3rdServer UserData TenantId MediaType InteractionId"),
        (RequestDistributeReportingEvent, "CustomEventId Event"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_request_has_the_attributes_of_the_field(message: type[Message], names: str) -> None:
    assert lacking(message, names) == set()


def test_joining_others_means_a_conference_unless_said() -> None:
    assert RequestConference().visibility_mode == "Conference"
    assert RequestIntrude().visibility_mode == "Conference"
