"""
The agents that are logged in through one client, so that they can be named again.

Theory of operation: nodes keep an agent's session while the client is away,
but a proxy that it comes back to does not know it. So after each registration
the client logs its agents in again, each by the name of its `AgentSession`
and with the media that it has; then it repeats what was said of the agent
beside that: reasons, do-not-disturb, and that it works through another server.
Where the session is known this changes nothing. What happened to an agent is
followed by what its requests were answered with, and by what the server tells.
"""

from __future__ import annotations

from msgspec.structs import replace

from ixproxy import messages as m
from ixproxy.messages.agents import AgentRequest, MediaRequest
from ixproxy.messages.message import Message
from ixproxy.messages.registration import MAX_AGENT_SESSIONS

LOGOUT = "Logout"
"""The operation of an EventForcedAgentStateChange that ends the session."""

AgentKey = tuple[int, str]
Said = tuple[type[AgentRequest], str]
"""What of an agent was said: by the class that says it, and the media type if it is of one."""

_STATE = {m.RequestNotReadyForMedia: 0, m.RequestCancelNotReadyForMedia: 1}
_SAYS = frozenset(
    (
        m.RequestChangeAgentStateReason,
        m.RequestChangeMediaStateReason,
        m.RequestDoNotDisturbOn,
        m.RequestAgentAvailable,
    )
)
_TAKES_BACK: dict[type[AgentRequest], type[AgentRequest]] = {
    m.RequestDoNotDisturbOff: m.RequestDoNotDisturbOn,
    m.RequestAgentNotAvailable: m.RequestAgentAvailable,
    m.RequestRemoveMedia: m.RequestChangeMediaStateReason,
}
_SAID_BY: dict[str, type[AgentRequest]] = {
    "DoNotDisturbOn": m.RequestDoNotDisturbOn,
    "DoNotDisturbOff": m.RequestDoNotDisturbOff,
    "AgentStateReasonChanged": m.RequestChangeAgentStateReason,
}
"""The operations of such an event that are about no media channel, and what asks for the same."""
_MEDIA_ADDED = "MediaAdded"
"""Another one; its reason is not that of a state."""
_OUTLASTS = m.RequestAgentAvailable
"""It is said of an agent that is not logged in here."""


class LoggedIn:
    """The agents of one client, each as the request that logs it in again."""

    def __init__(self) -> None:
        self._logins: dict[AgentKey, m.RequestAgentLogin] = {}
        self._said: dict[AgentKey, dict[Said, AgentRequest]] = {}

    def logins(self) -> list[m.RequestAgentLogin]:
        """What logs everybody in again."""
        return list(self._logins.values())

    def stamps(self) -> list[tuple[int, int]] | None:
        """The sessions that everybody is in; None: they cannot all be named."""
        stamps = [login.agent_session for login in self._logins.values()]
        named = [stamp for stamp in stamps if stamp is not None]
        return named if len(stamps) == len(named) <= MAX_AGENT_SESSIONS else None

    def current(self, login: m.RequestAgentLogin) -> m.RequestAgentLogin | None:
        """What logs the same agent in by now; None: it is logged out, or in anew."""
        known = self._logins.get((login.tenant_id, login.agent_id))
        same = known is not None and known.agent_session == login.agent_session
        return known if same else None

    def said(self) -> list[AgentRequest]:
        """What is to be repeated behind the logins, in the order in which it was said."""
        return [request for said in self._said.values() for request in said.values()]

    def still_said(self, request: AgentRequest) -> bool:
        """Whether this very request is still to be repeated."""
        said = self._said.get((request.tenant_id, request.agent_id), {})
        return any(each is request for each in said.values())

    def answered(self, request: Message, answer: Message) -> None:
        """A request succeeded."""
        if not isinstance(request, AgentRequest):
            return
        key = request.tenant_id, request.agent_id
        known = self._logins.get(key)
        if isinstance(request, m.RequestAgentLogin):
            stamp = getattr(answer, "agent_session", None)
            media = {name: int(bool(state)) for name, state in request.media_list.items()}
            if known is not None and known.agent_session == stamp:
                media = {**known.media_list, **media}
            else:
                self._forget_said(key)
            self._logins[key] = m.RequestAgentLogin(
                tenant_id=request.tenant_id,
                agent_id=request.agent_id,
                place_id=request.place_id,
                agent_session=stamp,
                media_list=media,
            )
        elif isinstance(request, m.RequestAgentLogout):
            self._log_out(key)
        else:
            if known is not None and isinstance(request, MediaRequest):
                self._logins[key] = replace(known, media_list=_changed(known.media_list, request))
            self._say(key, request)

    def event_received(self, event: Message) -> None:
        """The server, or another connection of the agent, changed something."""
        if not isinstance(event, m.EventForcedAgentStateChange):
            return
        key = event.tenant_id, event.agent_id
        known = self._logins.get(key)
        if known is None:
            return
        if event.agent_state_change_operation == LOGOUT:
            if event.agent_session in (None, known.agent_session):
                self._log_out(key)
        elif event.media_type_name:
            self._logins[key] = replace(known, media_list=dict(event.media_list))
            if event.agent_state_change_operation != _MEDIA_ADDED:
                self._media_reason(key, event)
        elif event.agent_state_change_operation in _SAID_BY:
            kind = _SAID_BY[event.agent_state_change_operation]
            said = kind(tenant_id=event.tenant_id, agent_id=event.agent_id, reason=event.reason)
            if kind is m.RequestChangeAgentStateReason and event.reason is None:
                self._unsay(key, (kind, ""))
            else:
                self._say(key, said)

    def _media_reason(self, key: AgentKey, event: m.EventForcedAgentStateChange) -> None:
        """The reason that was given for a state is over with it; the event has the new one."""
        media = event.media_type_name
        self._unsay(key, (m.RequestChangeMediaStateReason, media))
        if event.reason is not None and media in event.media_list:
            request = m.RequestChangeMediaStateReason(
                tenant_id=event.tenant_id,
                agent_id=event.agent_id,
                media_type_name=media,
                reason=event.reason,
            )
            self._say(key, request)

    def refused(self, login: m.RequestAgentLogin) -> m.EventForcedAgentStateChange | None:
        """
        An agent could not be logged in again.

        :return: what the program is told; None: it has logged in anew, or out.
        """
        key = login.tenant_id, login.agent_id
        if self._logins.get(key) is not login:
            return None
        self._log_out(key)
        return m.EventForcedAgentStateChange(
            tenant_id=login.tenant_id,
            agent_id=login.agent_id,
            place_id=login.place_id,
            agent_session=login.agent_session,
            media_list=login.media_list,
            agent_state_change_operation=LOGOUT,
        )

    def not_repeated(self, request: AgentRequest) -> None:
        """What was said of an agent could not be said again."""
        key = request.tenant_id, request.agent_id
        for said, each in tuple(self._said.get(key, {}).items()):
            if each is request:
                self._unsay(key, said)

    def _say(self, key: AgentKey, request: AgentRequest) -> None:
        if self.still_said(request):
            return
        media = request.media_type_name if isinstance(request, MediaRequest) else ""
        kind = type(request)
        if kind in _STATE:
            # A state comes with its reason; one without has none.
            self._unsay(key, (m.RequestChangeMediaStateReason, media))
            if request.reason is not None:
                self._said.setdefault(key, {})[m.RequestChangeMediaStateReason, media] = request
        elif kind in _SAYS:
            self._unsay(key, (kind, media))
            self._said.setdefault(key, {})[kind, media] = request
        elif kind in _TAKES_BACK:
            self._unsay(key, (_TAKES_BACK[kind], media))

    def _unsay(self, key: AgentKey, said: Said) -> None:
        if key in self._said:
            self._said[key].pop(said, None)
            if not self._said[key]:
                del self._said[key]

    def _log_out(self, key: AgentKey) -> None:
        self._logins.pop(key, None)
        self._forget_said(key)

    def _forget_said(self, key: AgentKey) -> None:
        for said in tuple(self._said.get(key, ())):
            if said[0] is not _OUTLASTS:
                self._unsay(key, said)


def _changed(media: dict[str, int], request: MediaRequest) -> dict[str, int]:
    """The media of an agent after one of its requests."""
    name = request.media_type_name
    if isinstance(request, m.RequestRemoveMedia):
        return {each: state for each, state in media.items() if each != name}
    if isinstance(request, m.RequestAddMedia):
        return {name: 0, **media}
    state = _STATE.get(type(request))
    return media if state is None else {**media, name: state}
