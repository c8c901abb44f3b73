"""
The agents that are logged in through one client, so that they can be named again.

Theory of operation: nodes keep an agent's session while the client is away,
but a proxy that it comes back to does not know it. So after each registration
the client logs its agents in again, each by the name of its `AgentSession`
and with the media that it has: where the session is known this changes
nothing. What happened to an agent is followed by what its requests were
answered with, and by what the server tells.
"""

from __future__ import annotations

from msgspec.structs import replace

from ixproxy import messages as m
from ixproxy.messages.agents import AgentRequest, MediaRequest
from ixproxy.messages.message import Message

LOGOUT = "Logout"
"""The operation of an EventForcedAgentStateChange that ends the session."""

_STATE = {m.RequestNotReadyForMedia: 0, m.RequestCancelNotReadyForMedia: 1}


class LoggedIn:
    """The agents of one client, each as the request that logs it in again."""

    def __init__(self) -> None:
        self._logins: dict[tuple[int, str], m.RequestAgentLogin] = {}

    def logins(self) -> list[m.RequestAgentLogin]:
        """What logs everybody in again."""
        return list(self._logins.values())

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
            self._logins[key] = m.RequestAgentLogin(
                tenant_id=request.tenant_id,
                agent_id=request.agent_id,
                place_id=request.place_id,
                agent_session=stamp,
                media_list=media,
            )
        elif isinstance(request, m.RequestAgentLogout):
            self._logins.pop(key, None)
        elif known is not None and isinstance(request, MediaRequest):
            self._logins[key] = replace(known, media_list=_changed(known.media_list, request))

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
                del self._logins[key]
        elif event.media_type_name:
            self._logins[key] = replace(known, media_list=dict(event.media_list))

    def refused(self, login: m.RequestAgentLogin) -> m.EventForcedAgentStateChange | None:
        """
        An agent could not be logged in again.

        :return: what the program is told; None: it has logged in anew, or out.
        """
        key = login.tenant_id, login.agent_id
        if self._logins.get(key) is not login:
            return None
        del self._logins[key]
        return m.EventForcedAgentStateChange(
            tenant_id=login.tenant_id,
            agent_id=login.agent_id,
            place_id=login.place_id,
            agent_session=login.agent_session,
            media_list=login.media_list,
            agent_state_change_operation=LOGOUT,
        )


def _changed(media: dict[str, int], request: MediaRequest) -> dict[str, int]:
    """The media of an agent after one of its requests."""
    name = request.media_type_name
    if isinstance(request, m.RequestRemoveMedia):
        return {each: state for each, state in media.items() if each != name}
    if isinstance(request, m.RequestAddMedia):
        return {name: 0, **media}
    state = _STATE.get(type(request))
    return media if state is None else {**media, name: state}
