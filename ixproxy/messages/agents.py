"""Agent sessions, their media and states, and topic subscriptions."""

from __future__ import annotations

from ixproxy.messages.message import (
    AgentSession,
    Count,
    Event,
    KeyValues,
    Name,
    Number,
    Reason,
    Request,
)

__all__ = [
    "EventAgentAvailable",
    "EventAgentConnectionClosed",
    "EventAgentLogin",
    "EventAgentLogout",
    "EventAgentNotAvailable",
    "EventAgentStateReasonChanged",
    "EventCurrentAgentStatus",
    "EventDoNotDisturbOff",
    "EventDoNotDisturbOn",
    "EventForcedAgentStateChange",
    "EventMassAgentLogout",
    "EventMediaAdded",
    "EventMediaRemoved",
    "EventMediaStateReasonChanged",
    "EventNotReadyForMedia",
    "EventReadyForMedia",
    "EventTopic",
    "RequestAddMedia",
    "RequestAgentAvailable",
    "RequestAgentLogin",
    "RequestAgentLogout",
    "RequestAgentNotAvailable",
    "RequestCancelNotReadyForMedia",
    "RequestChangeAgentStateReason",
    "RequestChangeMediaStateReason",
    "RequestDoNotDisturbOff",
    "RequestDoNotDisturbOn",
    "RequestNotReadyForMedia",
    "RequestNotify",
    "RequestPublish",
    "RequestRemoveMedia",
    "RequestSubscribe",
    "RequestUnsubscribe",
]


BY_SERVER = "ByServer"
"""
The key of an extension that a proxy gives a request: 1, nobody asked for it; a
node has done it by itself, and the others are to follow. ANOTHERS: of a logout, another
connection of the agent has asked for what ended the session.
"""

ANOTHERS = 2
"""A value of BY_SERVER."""

REPLAYED = "Replayed"
"""
The key of an extension that a proxy gives a confirmation: 1, it follows no login,
but tells the session as it is, even where a login before it was never confirmed.
"""

NO_SEAT = Reason(
    reason_system_name="Licence", reason_description="There are fewer agent seats than agents"
)
"""Why an agent is logged out for whom there is no seat any more."""


class AgentRequest(Request, frozen=True, kw_only=True):
    """A request about one agent; `agent_session` is (number, dbid) when known."""

    tenant_id: int = 0
    agent_id: str = ""
    place_id: Name = ""
    agent_session: AgentSession | None = None


class RequestAgentLogin(AgentRequest, frozen=True, kw_only=True):
    """
    Starts, or joins, the agent's session.

    :ivar media_list: media type to 0 (not ready) or another number (ready).
    :ivar provisional: asked by a proxy: no reporting until ConfirmSession.
    """

    media_list: dict[str, Number] = {}
    provisional: bool = False


class RequestAgentLogout(AgentRequest, frozen=True, kw_only=True):
    """Ends the agent's session, or undoes a provisional one."""


class MediaRequest(AgentRequest, frozen=True, kw_only=True):
    """A request about one media channel of an agent."""

    media_type_name: str = ""


class RequestAddMedia(MediaRequest, frozen=True, kw_only=True):
    """Adds a media channel, not ready."""


class RequestRemoveMedia(MediaRequest, frozen=True, kw_only=True):
    """Removes a media channel."""


class RequestNotReadyForMedia(MediaRequest, frozen=True, kw_only=True):
    """Makes a media channel not ready."""


class RequestCancelNotReadyForMedia(MediaRequest, frozen=True, kw_only=True):
    """Makes a media channel ready."""


class RequestChangeMediaStateReason(MediaRequest, frozen=True, kw_only=True):
    """Gives a new reason for the state of a media channel."""


class RequestChangeAgentStateReason(AgentRequest, frozen=True, kw_only=True):
    """Gives a new reason for the state of the agent."""


class RequestDoNotDisturbOn(AgentRequest, frozen=True, kw_only=True):
    """Stops invitations to the agent."""


class RequestDoNotDisturbOff(AgentRequest, frozen=True, kw_only=True):
    """Lets invitations reach the agent again."""


class RequestAgentAvailable(AgentRequest, frozen=True, kw_only=True):
    """Says that the agent works through another server."""

    media_list: dict[str, Number] = {}


class RequestAgentNotAvailable(AgentRequest, frozen=True, kw_only=True):
    """Takes RequestAgentAvailable back."""


class RequestSubscribe(Request, frozen=True, kw_only=True):
    """Subscribes to topics, written `<tenant dbid>@<place>`."""

    tenant_id: int = 0
    ps_topic_list: KeyValues = {}


class RequestUnsubscribe(Request, frozen=True, kw_only=True):
    """Ends subscriptions to topics."""

    tenant_id: int = 0
    ps_topic_list: KeyValues = {}


class RequestPublish(Request, frozen=True, kw_only=True):
    """Publishes to a topic."""

    tenant_id: int = 0
    topic: str = ""
    user_data: KeyValues = {}


class RequestNotify(Request, frozen=True, kw_only=True):
    """Notifies the subscribers of a topic."""

    tenant_id: int = 0
    topic: str = ""
    user_data: KeyValues = {}


class AgentEvent(Event, frozen=True, kw_only=True):
    """An event about one agent, marked with the agent session."""

    tenant_id: int = 0
    agent_id: str = ""
    place_id: str = ""
    agent_session: AgentSession | None = None


class EventAgentLogin(AgentEvent, frozen=True, kw_only=True):
    """The agent's session began; what is not the default of a new session is said, too."""

    media_list: dict[str, Number] = {}
    donot_disturb: Number = 0
    media_reasons: dict[str, Reason] = {}
    state_reason: Reason | None = None


class EventAgentLogout(AgentEvent, frozen=True, kw_only=True):
    """The agent's session ended."""


class MediaEvent(AgentEvent, frozen=True, kw_only=True):
    """An event about one media channel of an agent."""

    media_type_name: str = ""


class EventMediaAdded(MediaEvent, frozen=True, kw_only=True):
    """A media channel was added."""


class EventMediaRemoved(MediaEvent, frozen=True, kw_only=True):
    """A media channel was removed."""


class EventReadyForMedia(MediaEvent, frozen=True, kw_only=True):
    """A media channel became ready."""


class EventNotReadyForMedia(MediaEvent, frozen=True, kw_only=True):
    """A media channel became not ready."""


class EventMediaStateReasonChanged(MediaEvent, frozen=True, kw_only=True):
    """The reason for a media channel's state changed."""


class EventAgentStateReasonChanged(AgentEvent, frozen=True, kw_only=True):
    """The reason for the agent's state changed."""


class EventDoNotDisturbOn(AgentEvent, frozen=True, kw_only=True):
    """Invitations to the agent stopped."""


class EventDoNotDisturbOff(AgentEvent, frozen=True, kw_only=True):
    """Invitations to the agent are allowed again."""


class EventAgentAvailable(AgentEvent, frozen=True, kw_only=True):
    """The agent works through another server."""


class EventAgentNotAvailable(AgentEvent, frozen=True, kw_only=True):
    """The agent no longer works through another server."""


class EventAgentConnectionClosed(AgentEvent, frozen=True, kw_only=True):
    """A connection of the agent was lost."""


class EventCurrentAgentStatus(AgentEvent, frozen=True, kw_only=True):
    """The agent's status, computed by a reporting client and relayed."""

    media_state_list: dict[str, Number] = {}
    media_capacity_list: dict[str, Number] = {}
    donot_disturb: Number = 0


class EventForcedAgentStateChange(AgentEvent, frozen=True, kw_only=True):
    """
    The server or another connection changed the agent's state.

    :ivar by_server: a node did so by itself; other nodes do not know of it yet.
    """

    media_type_name: str = ""
    media_list: dict[str, Number] = {}
    donot_disturb: Number = 0
    agent_state_change_operation: str = ""
    by_server: bool = False


class EventMassAgentLogout(Event, frozen=True, kw_only=True):
    """
    Many agents of one application were lost together, and are logged out.

    :ivar application_name: the client, or the proxy with all its clients, that
        was lost.
    :ivar agents: who of the tenant.
    """

    tenant_id: int = 0
    application_name: str = ""
    number_of_agents: Count = 0
    agents: list[str] = []


class EventTopic(Event, frozen=True, kw_only=True):
    """Something was published to a subscribed topic."""

    tenant_id: int = 0
    topic: str = ""
    user_data: KeyValues = {}
