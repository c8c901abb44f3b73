"""Reporting control, and the events of an interaction's life."""

from __future__ import annotations

from ixproxy.messages.message import (
    AgentSession,
    Count,
    Event,
    KeyValues,
    Number,
    Party,
    Reason,
    Request,
    Time,
    Workbin,
)

__all__ = [
    "EventAbandoned",
    "EventAccepted",
    "EventActivityReport",
    "EventAgentInvited",
    "EventAttachedDataChanged",
    "EventCustomReporting",
    "EventExternalServiceRequested",
    "EventExternalServiceResponded",
    "EventHeld",
    "EventInteractionSubmitted",
    "EventInvite",
    "EventPartyAdded",
    "EventPartyRemoved",
    "EventPlaceAgentState",
    "EventPlacedInQueue",
    "EventPlacedInWorkbin",
    "EventPrivateInfo",
    "EventProcessingStopped",
    "EventPropertiesChanged",
    "EventRejected",
    "EventResumed",
    "EventRevoked",
    "EventRouteRequest",
    "EventRouteUsed",
    "EventTakenFromQueue",
    "EventTakenFromWorkbin",
    "EventWorkbinContentChanged",
    "RequestStartExternalServiceReporting",
    "RequestStartPlaceAgentStateReporting",
    "RequestStartPlaceAgentStateReportingAll",
    "RequestStopExternalServiceReporting",
    "RequestStopPlaceAgentStateReporting",
    "RequestStopPlaceAgentStateReportingAll",
]


class RequestStartPlaceAgentStateReportingAll(Request, frozen=True, kw_only=True):
    """
    Asks for the states of all agents of some tenants and all that follows.

    :ivar tenants: tenant ids as values, under any keys; empty: all of the client's.
    :ivar filter: what of it is wanted; see `ixproxy.wire.streams`.
    """

    tenants: KeyValues = {}
    filter: KeyValues = {}


class RequestStopPlaceAgentStateReportingAll(Request, frozen=True, kw_only=True):
    """Ends the stream."""


class RequestStartPlaceAgentStateReporting(Request, frozen=True, kw_only=True):
    """The same for named places and agents."""

    tenant_id: int = 0
    places: list[str] = []
    agents: list[str] = []
    filter: KeyValues = {}


class RequestStopPlaceAgentStateReporting(Request, frozen=True, kw_only=True):
    """Ends the stream for named places and agents."""

    tenant_id: int = 0
    places: list[str] = []
    agents: list[str] = []


class RequestStartExternalServiceReporting(Request, frozen=True, kw_only=True):
    """
    Asks for the calls made to external servers.

    :ivar servers: names of applications; empty: all of them.
    """

    servers: list[str] = []


class RequestStopExternalServiceReporting(Request, frozen=True, kw_only=True):
    """Ends it; with no servers named, for all of them."""

    servers: list[str] = []


class InteractionEvent(Event, frozen=True, kw_only=True):
    """An event about one interaction, with its properties at that time."""

    tenant_id: int = 0
    media_type: str = ""
    interaction_id: str = ""
    interaction: KeyValues = {}


class PartyEvent(InteractionEvent, frozen=True, kw_only=True):
    """An event about one party of an interaction."""

    agent_id: str = ""
    party: Party | None = None
    operation: str = ""
    agent_session: AgentSession | None = None


class EventInteractionSubmitted(InteractionEvent, frozen=True, kw_only=True):
    """A new interaction exists; state 0 also means that it entered its queue."""

    queue: str = ""


class EventPlacedInQueue(InteractionEvent, frozen=True, kw_only=True):
    """An interaction entered a queue, coming from `old_queue`."""

    queue: str = ""
    old_queue: str = ""


class EventTakenFromQueue(InteractionEvent, frozen=True, kw_only=True):
    """An interaction left its queue to be worked on; `party` says by whom."""

    queue: str = ""
    party: Party | None = None


class EventPlacedInWorkbin(InteractionEvent, frozen=True, kw_only=True):
    """An interaction entered a workbin."""

    queue: str = ""
    workbin: Workbin | None = None


class EventTakenFromWorkbin(InteractionEvent, frozen=True, kw_only=True):
    """An interaction left a workbin."""

    queue: str = ""
    workbin: Workbin | None = None


class EventWorkbinContentChanged(InteractionEvent, frozen=True, kw_only=True):
    """
    The content of a subscribed workbin changed.

    :ivar workbin_content_operation: `PlacedIn` or `TakenOut`; to who asked for
        it also `PropertiesChanged`, and `ProcessingStopped`, which says that
        the interaction is no more.
    """

    workbin: Workbin | None = None
    workbin_content_operation: str = ""


class EventPartyAdded(PartyEvent, frozen=True, kw_only=True):
    """A party joined."""


class EventPartyRemoved(PartyEvent, frozen=True, kw_only=True):
    """A party left."""


class EventAgentInvited(PartyEvent, frozen=True, kw_only=True):
    """An agent was invited."""


class EventAccepted(PartyEvent, frozen=True, kw_only=True):
    """An invitation was accepted, by another of the agent's clients; or as the inviter asked."""

    ticket_id: Count = 0


class EventRejected(PartyEvent, frozen=True, kw_only=True):
    """An invitation was refused."""


class EventRevoked(PartyEvent, frozen=True, kw_only=True):
    """A client lost an interaction or an invitation, not by its own request."""

    ticket_id: Count = 0


class EventInvite(PartyEvent, frozen=True, kw_only=True):
    """Invites an agent to an interaction."""

    ticket_id: Count = 0
    visibility_mode: str = ""


class EventPropertiesChanged(InteractionEvent, frozen=True, kw_only=True):
    """Properties changed."""

    added_properties: KeyValues = {}
    changed_properties: KeyValues = {}
    deleted_properties: KeyValues = {}


class EventProcessingStopped(InteractionEvent, frozen=True, kw_only=True):
    """An interaction ceased to exist."""

    queue: str = ""


class EventHeld(InteractionEvent, frozen=True, kw_only=True):
    """An interaction was put on hold."""


class EventResumed(InteractionEvent, frozen=True, kw_only=True):
    """A hold ended."""


class EventPlaceAgentState(Event, frozen=True, kw_only=True):
    """
    One agent's state when reporting begins.

    :ivar media_reasons: media type to the reason for its state.
    :ivar state_reason: the reason for the agent's state.
    :ivar logged_in_at: when the agent session began.
    :ivar interactions: the interactions that the agent is a party of, with
        their properties.
    :ivar parties: the same, with how the agent takes part.
    """

    tenant_id: int = 0
    agent_id: str = ""
    place_id: str = ""
    agent_session: AgentSession | None = None
    media_list: dict[str, Number] = {}
    donot_disturb: Number = 0
    media_reasons: dict[str, Reason] = {}
    state_reason: Reason | None = None
    logged_in_at: Time = 0.0
    interactions: dict[str, KeyValues] = {}
    parties: dict[str, Party] = {}


class EventActivityReport(Event, frozen=True, kw_only=True):
    """
    Brackets an initial state, or says that a stream has ended.

    :ivar activity: `Begin`: the states of `number_of_agents` agents follow;
        `End`: that was all, and what happens follows; `Lost`: the stream ends
        here, for it was not read or cannot go on, and may be begun anew.
    """

    activity: str = ""
    number_of_agents: Count = 0


class EventCustomReporting(InteractionEvent, frozen=True, kw_only=True):
    """
    A client's own reporting event, as it gave it.

    :ivar custom_event_id: what kind of event, as clients agree on; 0: a
        router's own, from RequestDistributeEvent.
    """

    custom_event_id: Number = 0
    event: KeyValues = {}


class ServiceEvent(InteractionEvent, frozen=True, kw_only=True):
    """
    A call to an external server.

    :ivar esp_client_refid: the caller's own number of the call; 0: not known.
    :ivar esp_server_refid: the number of the call on the node's connection to the server.
    :ivar esp_request_id: names the call for ever, in both of its events.
    :ivar esp_server: the external server, by the name of its application.
    """

    esp_client_refid: Count = 0
    esp_server_refid: Count = 0
    esp_request_id: str = ""
    esp_server: str = ""
    esp_request_envelope: KeyValues = {}
    user_data: KeyValues = {}


class EventExternalServiceRequested(ServiceEvent, frozen=True, kw_only=True):
    """A call was made."""


class EventExternalServiceResponded(ServiceEvent, frozen=True, kw_only=True):
    """
    A call was answered, or never will be; its envelope is that of the answer.

    Where it failed this has `FaultCode` and `FaultString`: the server's, or the
    code and text of the error that the caller got.
    """


class EventRouteRequest(InteractionEvent, frozen=True, kw_only=True):
    """
    Pushes an interaction to a router, on direct connections only.

    :ivar strategy_id: the strategy that is to route it: that of the view.
    :ivar queue: where it was taken from, and goes back to.
    :ivar take_number: as of every take; the router has the interaction now.
    """

    strategy_id: str = ""
    queue: str = ""
    take_number: Count = 0


class EventRouteUsed(InteractionEvent, frozen=True, kw_only=True):
    """
    Answers RequestRouteCall: it was carried out, and the router has the
    interaction no more. With a reason: no agent has got it, and it is back in
    its queue, or wherever else the reason says.
    """


class EventAbandoned(InteractionEvent, frozen=True, kw_only=True):
    """Tells a router that an interaction that was pushed to it was stopped by another."""


class EventAttachedDataChanged(InteractionEvent, frozen=True, kw_only=True):
    """Tells a router that properties of an interaction that was pushed to it changed."""

    added_properties: KeyValues = {}
    changed_properties: KeyValues = {}
    deleted_properties: KeyValues = {}


class EventPrivateInfo(InteractionEvent, frozen=True, kw_only=True):
    """Carries an external server's answer to a router."""

    user_data: KeyValues = {}
