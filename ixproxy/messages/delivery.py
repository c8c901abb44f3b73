"""Delivery, transfer, conference, and calls to external servers."""

from __future__ import annotations

from msgspec import field

from ixproxy.messages.interactions import InteractionRequest
from ixproxy.messages.message import Count, KeyValues, Name, Number, Request, Workbin

__all__ = [
    "Request3rdServer",
    "RequestAccept",
    "RequestConference",
    "RequestDeliver",
    "RequestDistributeEvent",
    "RequestDistributeReportingEvent",
    "RequestIntrude",
    "RequestLeaveInteraction",
    "RequestReject",
    "RequestRouteCall",
    "RequestTransfer",
]


class TargetRequest(InteractionRequest, frozen=True, kw_only=True):
    """A request that names an interaction and the agent who is to get it."""

    agent_id: str = ""
    place_id: Name = ""


class RequestDeliver(TargetRequest, frozen=True, kw_only=True):
    """A strategy hands an interaction to an agent; answered when settled."""


class RequestTransfer(TargetRequest, frozen=True, kw_only=True):
    """An agent hands an interaction to another; answered when settled."""


class RequestConference(TargetRequest, frozen=True, kw_only=True):
    """An agent asks another to join; answered when settled."""

    visibility_mode: str = "Conference"


class RequestIntrude(InteractionRequest, frozen=True, kw_only=True):
    """A supervisor joins an interaction."""

    visibility_mode: str = "Conference"


class RequestLeaveInteraction(InteractionRequest, frozen=True, kw_only=True):
    """Leaves an interaction; the last party out puts it back where it was."""


class RequestAccept(InteractionRequest, frozen=True, kw_only=True):
    """Accepts an invitation; `ticket_id` 0: the only one to this interaction."""

    ticket_id: Count = 0
    initial_in_focus_state: bool = False


class RequestReject(InteractionRequest, frozen=True, kw_only=True):
    """Refuses an invitation; `ticket_id` as for accepting."""

    ticket_id: Count = 0


class RequestRouteCall(InteractionRequest, frozen=True, kw_only=True):
    """
    A router's answer to EventRouteRequest, on direct connections only.

    :ivar route_type: what is to be done, and so what must be named: `Agent`
        (by `agent_id`, `place_id` or both), `Queue`, `Workbin` or `Stop`.
    :ivar take_number: that of the EventRouteRequest; 0: it is not said.
    """

    agent_id: str = ""
    place_id: Name = ""
    queue: str = ""
    route_type: Name = ""
    workbin: Workbin = Workbin()
    take_number: Count = 0


class Request3rdServer(Request, frozen=True, kw_only=True):
    """Calls a method of an external server through the node."""

    tenant_id: int = 0
    media_type: str = ""
    interaction_id: str = ""
    envelope3rd_server: KeyValues = field(default_factory=dict, name="Envelope3rdServer")
    user_data: KeyValues = {}


class RequestDistributeEvent(Request, frozen=True, kw_only=True):
    """
    Distributes a router's own event to reporting clients.

    :ivar event: what it says; at least one key.
    """

    tenant_id: int = 0
    media_type: str = ""
    interaction_id: str = ""
    event: KeyValues = {}


class RequestDistributeReportingEvent(Request, frozen=True, kw_only=True):
    """
    Distributes a custom reporting event.

    :ivar custom_event_id: above 0.
    :ivar event: what it says.
    """

    tenant_id: int = 0
    media_type: str = ""
    interaction_id: str = ""
    custom_event_id: Number = 0
    event: KeyValues = {}
