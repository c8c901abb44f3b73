"""
The state of an agent session: what each event changes in it, and which events
lead from one state to another.

Theory of operation: a state is a value. `CHANGES` says for each kind of agent
event what it makes of a state; a kind that is not there changes nothing.
`differences` is the way back: the events, in order, that make one state of
another. Both follow the node's rules: a reason belongs to the state that a
channel is in, so that a new state takes its own reason or none, and a channel
that is added begins not ready.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ixproxy import messages as m
from ixproxy.messages.agents import AgentEvent
from ixproxy.messages.message import Reason


class AgentState(NamedTuple):
    """
    What may change while an agent is logged in.

    :ivar media: media type to 0, not ready, or 1, ready.
    :ivar donot_disturb: 1: no invitations.
    :ivar media_reasons: media type to the reason for its state.
    :ivar state_reason: the reason for the agent's state.
    """

    media: Mapping[str, int] = {}
    donot_disturb: int = 0
    media_reasons: Mapping[str, Reason] = {}
    state_reason: Reason | None = None


def state_of(event: m.EventAgentLogin | m.EventPlaceAgentState) -> AgentState:
    """The state that a login, or an initial state, speaks of."""
    media = {name: int(bool(value)) for name, value in event.media_list.items()}
    reasons = {name: reason for name, reason in event.media_reasons.items() if name in media}
    return AgentState(media, int(bool(event.donot_disturb)), reasons, event.state_reason)


def _with_reason(state: AgentState, name: str, reason: Reason | None) -> AgentState:
    reasons = {each: why for each, why in state.media_reasons.items() if each != name}
    if reason is not None:
        reasons[name] = reason
    return state._replace(media_reasons=reasons)


def _with_media(state: AgentState, name: str, value: int, reason: Reason | None) -> AgentState:
    return _with_reason(state._replace(media={**state.media, name: value}), name, reason)


def _without_media(state: AgentState, name: str) -> AgentState:
    left = {each: value for each, value in state.media.items() if each != name}
    return _with_reason(state._replace(media=left), name, None)


Change = Callable[[AgentState, Any], AgentState]

CHANGES: dict[type[AgentEvent], Change] = {
    m.EventMediaAdded: lambda state, event: _with_media(state, event.media_type_name, 0, None),
    m.EventMediaRemoved: lambda state, event: _without_media(state, event.media_type_name),
    m.EventReadyForMedia: lambda state, event: _with_media(
        state, event.media_type_name, 1, event.reason
    ),
    m.EventNotReadyForMedia: lambda state, event: _with_media(
        state, event.media_type_name, 0, event.reason
    ),
    m.EventMediaStateReasonChanged: lambda state, event: _with_reason(
        state, event.media_type_name, event.reason
    ),
    m.EventAgentStateReasonChanged: lambda state, event: state._replace(state_reason=event.reason),
    m.EventDoNotDisturbOn: lambda state, _: state._replace(donot_disturb=1),
    m.EventDoNotDisturbOff: lambda state, _: state._replace(donot_disturb=0),
}
"""What becomes of a state by an event."""


def changed(state: AgentState, event: AgentEvent) -> AgentState:
    """`state` after `event`."""
    change = CHANGES.get(type(event))
    return state if change is None else change(state, event)


Difference = tuple[type[AgentEvent], dict[str, Any]]
"""A kind of event and its attributes, but for those that all events of an agent have."""


def differences(old: AgentState, new: AgentState) -> Iterator[Difference]:
    """What has to be said to one who knows `old` so that he knows `new`."""
    for name in sorted(old.media.keys() - new.media.keys()):
        yield m.EventMediaRemoved, {"media_type_name": name}
    for name, value in sorted(new.media.items()):
        before = old.media.get(name)
        said = old.media_reasons.get(name)
        reason = new.media_reasons.get(name)
        if before is None:
            yield m.EventMediaAdded, {"media_type_name": name}
            before, said = 0, None
        if value != before:
            kind = m.EventReadyForMedia if value else m.EventNotReadyForMedia
            yield kind, {"media_type_name": name, "reason": reason}
        elif reason != said:
            yield m.EventMediaStateReasonChanged, {"media_type_name": name, "reason": reason}
    if new.donot_disturb != old.donot_disturb:
        yield (m.EventDoNotDisturbOn if new.donot_disturb else m.EventDoNotDisturbOff), {}
    if new.state_reason != old.state_reason:
        yield m.EventAgentStateReasonChanged, {"reason": new.state_reason}
