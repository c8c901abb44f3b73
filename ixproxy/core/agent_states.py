"""
What an agent's requests do to the state of its session, and what takes it back.

Theory of operation: the state is a value. A request, or a node's word of a
change, is applied to it as every node applies it, so the table of a proxy says
beforehand whether a request changes anything. Between two states lie requests:
they take back what some nodes did, and tell nodes what another one did alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ixproxy.messages import (
    EventForcedAgentStateChange,
    RequestAddMedia,
    RequestAgentAvailable,
    RequestAgentLogin,
    RequestAgentLogout,
    RequestAgentNotAvailable,
    RequestCancelNotReadyForMedia,
    RequestChangeAgentStateReason,
    RequestChangeMediaStateReason,
    RequestDoNotDisturbOff,
    RequestDoNotDisturbOn,
    RequestNotReadyForMedia,
    RequestRemoveMedia,
)
from ixproxy.messages.agents import AgentRequest, MediaRequest
from ixproxy.messages.message import Reason

LOGOUT = "Logout"
"""The operation that ends a session."""

_OPERATIONS: dict[str, type[AgentRequest]] = {
    "MediaAdded": RequestAddMedia,
    "MediaRemoved": RequestRemoveMedia,
    "ReadyForMedia": RequestCancelNotReadyForMedia,
    "NotReadyForMedia": RequestNotReadyForMedia,
    "MediaStateReasonChanged": RequestChangeMediaStateReason,
    "AgentStateReasonChanged": RequestChangeAgentStateReason,
    "DoNotDisturbOn": RequestDoNotDisturbOn,
    "DoNotDisturbOff": RequestDoNotDisturbOff,
}
"""What a change is called in events, and what asks for it."""

_OF_NO_STATE = (
    RequestAgentLogin,
    RequestAgentLogout,
    RequestAgentAvailable,
    RequestAgentNotAvailable,
)
_NO_REASON = Reason()


@dataclass(frozen=True, slots=True)
class AgentState:
    """
    What an agent can be besides logged in.

    :ivar media: media type to 1 for ready, 0 for not ready.
    :ivar donot_disturb: 1: no invitations.
    :ivar media_reasons: media type to the reason for its state.
    :ivar state_reason: the reason for the agent's state.
    """

    media: Mapping[str, int] = field(default_factory=dict)
    donot_disturb: int = 0
    media_reasons: Mapping[str, Reason] = field(default_factory=dict)
    state_reason: Reason | None = None

    def joined(self, media: Mapping[str, int]) -> AgentState:
        """The state when a login brings media along."""
        state = self
        for name, ready in media.items():
            if state.media.get(name) != int(bool(ready)):
                state = state.with_media(name, int(bool(ready)), None)
        return state

    def with_media(self, name: str, ready: int, reason: Reason | None) -> AgentState:
        """The state with a media channel in this state, for this reason."""
        reasons = {each: why for each, why in self.media_reasons.items() if each != name}
        if _said(reason) is not None:
            reasons[name] = reason  # type: ignore[assignment]
        return replace(self, media={**self.media, name: ready}, media_reasons=reasons)

    def without_media(self, name: str) -> AgentState:
        """The state without a media channel."""
        media = {each: ready for each, ready in self.media.items() if each != name}
        reasons = {each: why for each, why in self.media_reasons.items() if each != name}
        return replace(self, media=media, media_reasons=reasons)


def _said(reason: Reason | None) -> Reason | None:
    """A reason that says nothing is none."""
    return None if reason == _NO_REASON else reason


def changed(state: AgentState, request: AgentRequest) -> AgentState:
    """`state` after a request, as nodes have it; what cannot be done changes nothing."""
    has = getattr(request, "media_type_name", "") in state.media
    match request:
        case RequestAddMedia() | RequestRemoveMedia():
            if has is isinstance(request, RequestAddMedia):
                return state
        case MediaRequest() if not has:
            return state
    return _after(state, type(request), request)


def followed(state: AgentState, event: EventForcedAgentStateChange) -> AgentState | None:
    """`state` as an event says that it is now; None: it is not known what the event says."""
    kind = _OPERATIONS.get(event.agent_state_change_operation)
    if kind is None or (issubclass(kind, MediaRequest) and not event.media_type_name):
        return None
    if kind is RequestAddMedia and event.media_type_name in state.media:
        return state
    return _after(state, kind, event)


def _after(
    state: AgentState, kind: type[AgentRequest], said: AgentRequest | EventForcedAgentStateChange
) -> AgentState:
    name = getattr(said, "media_type_name", "")
    if kind is RequestDoNotDisturbOn or kind is RequestDoNotDisturbOff:
        return replace(state, donot_disturb=int(kind is RequestDoNotDisturbOn))
    if kind is RequestChangeAgentStateReason:
        return replace(state, state_reason=_said(said.reason))
    if kind is RequestAddMedia:
        return state.with_media(name, 0, None)
    if kind is RequestRemoveMedia:
        return state.without_media(name)
    if kind is RequestNotReadyForMedia or kind is RequestCancelNotReadyForMedia:
        return state.with_media(name, int(kind is RequestCancelNotReadyForMedia), said.reason)
    if kind is RequestChangeMediaStateReason and name in state.media:
        return state.with_media(name, state.media[name], said.reason)
    return state


def is_so(state: AgentState, request: AgentRequest) -> bool:
    """Whether all that a request asks for is so already: nodes would change nothing."""
    if isinstance(request, _OF_NO_STATE):
        return False
    needs_media = isinstance(request, MediaRequest) and not isinstance(request, RequestRemoveMedia)
    if needs_media and getattr(request, "media_type_name", "") not in state.media:
        return False
    return changed(state, request) == state


def opposites(state: AgentState, request: AgentRequest) -> list[AgentRequest]:
    """
    What takes a request back, in this order.

    :param state: before the request.
    """
    match request:
        case RequestAgentAvailable():
            return [_like(RequestAgentNotAvailable, request)]
        case RequestAgentNotAvailable():
            return [_like(RequestAgentAvailable, request)]
    return differences(request, changed(state, request), state)


def differences(
    about: AgentRequest | EventForcedAgentStateChange, before: AgentState, after: AgentState
) -> list[AgentRequest]:
    """
    The requests that make one state of another.

    :param about: names the agent and its session.
    """
    found: list[AgentRequest] = []
    for name in before.media:
        if name not in after.media:
            found.append(_like(RequestRemoveMedia, about, media=name))
    for name, ready in after.media.items():
        old, why = before.media.get(name), after.media_reasons.get(name)
        old_why = before.media_reasons.get(name)
        if old is None:
            found.append(_like(RequestAddMedia, about, media=name))
            old, old_why = 0, None
        if old != ready:
            kind = RequestCancelNotReadyForMedia if ready else RequestNotReadyForMedia
            found.append(_like(kind, about, why, name))
        elif old_why != why:
            found.append(_like(RequestChangeMediaStateReason, about, why, name))
    if before.donot_disturb != after.donot_disturb:
        on = RequestDoNotDisturbOn if after.donot_disturb else RequestDoNotDisturbOff
        found.append(_like(on, about))
    if before.state_reason != after.state_reason:
        found.append(_like(RequestChangeAgentStateReason, about, after.state_reason))
    return found


def unsaid(said: AgentState, state: AgentState) -> list[tuple[str, str, Reason | None]]:
    """
    What a state has that was not said: each as the operation of an event, with
    its media type and its reason.
    """
    found: list[tuple[str, str, Reason | None]] = []
    for name, ready in sorted(state.media.items()):
        reason = state.media_reasons.get(name)
        if said.media.get(name) != ready or said.media_reasons.get(name) != reason:
            found.append(("ReadyForMedia" if ready else "NotReadyForMedia", name, reason))
    if said.donot_disturb != state.donot_disturb:
        operation = "DoNotDisturbOn" if state.donot_disturb else "DoNotDisturbOff"
        found.append((operation, "", None))
    if said.state_reason != state.state_reason:
        found.append(("AgentStateReasonChanged", "", state.state_reason))
    return found


def _like(
    kind: type[AgentRequest],
    about: AgentRequest | EventForcedAgentStateChange,
    reason: Reason | None = None,
    media: str = "",
) -> AgentRequest:
    """A request of `kind` about the same agent."""
    more: dict[str, Any] = {"media_type_name": media} if media else {}
    return kind(
        tenant_id=about.tenant_id,
        agent_id=about.agent_id,
        place_id=about.place_id,
        agent_session=about.agent_session,
        reason=reason,
        **more,
    )
