"""
What may change of an agent session, and who is told: a function for each kind of change.

Theory of operation: a change is applied to the row that is given, and the row
that comes of it is returned; whoever calls keeps it. What is so already is no
change, and has no event. A change is reported, and the agent's other
connections are told by EventForcedAgentStateChange: what changed is its
operation, and it carries the media and do-not-disturb as they are then.
`by_server` is set where no client asked for the change: then other nodes do
not know of it.

A media channel has a state, and a reason for it, which ends with the state.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec.structs import replace

from ixproxy.messages import (
    EventAgentStateReasonChanged,
    EventDoNotDisturbOff,
    EventDoNotDisturbOn,
    EventForcedAgentStateChange,
    EventMediaAdded,
    EventMediaRemoved,
    EventMediaStateReasonChanged,
    EventNotReadyForMedia,
    EventReadyForMedia,
    Reason,
    RequestConfirmSession,
)
from ixproxy.node.event_making import agent_event
from ixproxy.node.events import report_agent, tell_agent
from ixproxy.node.rows import AgentRow
from ixproxy.node.turn import Cause, Turn

AGENT: Final = ""
"""The key of the agent's own reason among those of its media."""

MEDIA_ADDED, MEDIA_REMOVED = "MediaAdded", "MediaRemoved"
READY, NOT_READY = "ReadyForMedia", "NotReadyForMedia"
MEDIA_REASON, AGENT_REASON = "MediaStateReasonChanged", "AgentStateReasonChanged"
DISTURB_ON, DISTURB_OFF = "DoNotDisturbOn", "DoNotDisturbOff"
LOGOUT = "Logout"
"""The operations of an EventForcedAgentStateChange."""


def reason_of(row: AgentRow, media: str = AGENT) -> Reason | None:
    """The reason for the state of a media channel, or of the agent."""
    said = row.reasons.get(media)
    return msgspec.convert(said, Reason) if said else None


def media_reasons(row: AgentRow) -> dict[str, Reason]:
    """The reasons for the states of media channels."""
    return {name: msgspec.convert(said, Reason) for name, said in row.reasons.items() if name}


def with_media(
    turn: Turn, row: AgentRow, name: str, state: int, cause: Cause, reason: Reason | None = None
) -> AgentRow:
    """
    `row` with a media channel in this state.

    :param reason: for the state, and of its event; None: none, but for what the
        node does by itself the reason for which it does so.
    """
    old = row.media.get(name)
    if old == state:
        return row
    if reason is None and cause.sender is None:
        reason = cause.reason
    changed = replace(
        row, media={**row.media, name: state}, reasons=_reasons(row.reasons, name, reason)
    )
    if old is None:
        report_agent(turn, EventMediaAdded, changed, cause, media_type_name=name)
        tell_change(turn, changed, name, MEDIA_ADDED, cause)
    because = cause._replace(reason=reason)
    if state != (old or 0):
        kind = EventReadyForMedia if state else EventNotReadyForMedia
        report_agent(turn, kind, changed, because, media_type_name=name)
        tell_change(turn, changed, name, READY if state else NOT_READY, because)
    elif name in changed.reasons:
        _media_reason_changed(turn, changed, name, because)
    return changed


def without_media(turn: Turn, row: AgentRow, name: str, cause: Cause) -> AgentRow:
    """`row` without a media channel."""
    if name not in row.media:
        return row
    rest = {each: state for each, state in row.media.items() if each != name}
    changed = replace(row, media=rest, reasons=_reasons(row.reasons, name, None))
    report_agent(turn, EventMediaRemoved, changed, cause, media_type_name=name)
    tell_change(turn, changed, name, MEDIA_REMOVED, cause)
    return changed


def with_media_reason(
    turn: Turn, row: AgentRow, name: str, reason: Reason | None, cause: Cause
) -> AgentRow:
    """`row` with another reason for the state of a media channel, which it has; None: none."""
    reasons = _reasons(row.reasons, name, reason)
    if reasons == row.reasons:
        return row
    changed = replace(row, reasons=reasons)
    _media_reason_changed(turn, changed, name, cause._replace(reason=reason))
    return changed


def with_state_reason(
    turn: Turn, row: AgentRow, reason: Reason | None, cause: Cause
) -> AgentRow:
    """`row` with another reason for the state of the agent; None: none."""
    reasons = _reasons(row.reasons, AGENT, reason)
    if reasons == row.reasons:
        return row
    changed = replace(row, reasons=reasons)
    because = cause._replace(reason=reason)
    report_agent(turn, EventAgentStateReasonChanged, changed, because)
    tell_change(turn, changed, "", AGENT_REASON, because)
    return changed


def with_disturb(turn: Turn, row: AgentRow, donot_disturb: int, cause: Cause) -> AgentRow:
    """`row` with do-not-disturb on (1) or off (0)."""
    if row.donot_disturb == donot_disturb:
        return row
    changed = replace(row, donot_disturb=donot_disturb)
    kind = EventDoNotDisturbOn if donot_disturb else EventDoNotDisturbOff
    report_agent(turn, kind, changed, cause)
    tell_change(turn, changed, "", DISTURB_ON if donot_disturb else DISTURB_OFF, cause)
    return changed


def equalled(turn: Turn, row: AgentRow, whole: RequestConfirmSession, cause: Cause) -> AgentRow:
    """`row` as a session that is carried whole says, and the events of what that changes."""
    for name in [name for name in row.media if name not in whole.media_list]:
        row = without_media(turn, row, name, cause)
    for name, state in sorted(whole.media_list.items()):
        reason = whole.media_reasons.get(name)
        row = with_media(turn, row, name, int(bool(state)), cause, reason)
        row = with_media_reason(turn, row, name, reason, cause)
    row = with_disturb(turn, row, int(bool(whole.donot_disturb)), cause)
    return with_state_reason(turn, row, whole.state_reason, cause)


def reasons_of(whole: RequestConfirmSession) -> dict[str, dict[str, Any]]:
    """The reasons of a session that is carried whole, as a row keeps them."""
    reasons = _reasons({}, AGENT, whole.state_reason)
    for name in whole.media_list:
        reasons = _reasons(reasons, name, whole.media_reasons.get(name))
    return reasons


def tell_change(turn: Turn, row: AgentRow, media: str, operation: str, cause: Cause) -> None:
    """Tell the agent's other connections what one of them, or the server, changed."""
    tell_agent(turn, EventForcedAgentStateChange, row, cause, **_told(row, media, operation, cause))


def tell_rest(
    turn: Turn, row: AgentRow, session: bytes, said: RequestConfirmSession, cause: Cause
) -> None:
    """
    Tell a client session that joined an agent session what that has, and the
    client did not say: as if each of it was changed just now.
    """
    for name, state in sorted(row.media.items()):
        reason = reason_of(row, name)
        if said.media_list.get(name) != state or said.media_reasons.get(name) != reason:
            because = cause._replace(reason=reason)
            _tell(turn, row, session, name, READY if state else NOT_READY, because)
    if row.donot_disturb != said.donot_disturb:
        operation = DISTURB_ON if row.donot_disturb else DISTURB_OFF
        _tell(turn, row, session, "", operation, cause._replace(reason=None))
    if reason_of(row) != said.state_reason:
        _tell(turn, row, session, "", AGENT_REASON, cause._replace(reason=reason_of(row)))


def _tell(
    turn: Turn, row: AgentRow, session: bytes, media: str, operation: str, cause: Cause
) -> None:
    turn.counters.event_number += 1
    more = _told(row, media, operation, cause)
    turn.tell(session, agent_event(turn, EventForcedAgentStateChange, row, cause, **more))


def _told(row: AgentRow, media: str, operation: str, cause: Cause) -> dict[str, object]:
    return {
        "media_type_name": media,
        "media_list": row.media,
        "donot_disturb": row.donot_disturb,
        "agent_state_change_operation": operation,
        "by_server": cause.sender is None,
    }


def _media_reason_changed(turn: Turn, row: AgentRow, name: str, cause: Cause) -> None:
    report_agent(turn, EventMediaStateReasonChanged, row, cause, media_type_name=name)
    tell_change(turn, row, name, MEDIA_REASON, cause)


def _reasons(
    reasons: dict[str, dict[str, Any]], key: str, reason: Reason | None
) -> dict[str, dict[str, Any]]:
    """Reasons with another one for `key`; one that says nothing is none."""
    said = msgspec.to_builtins(reason) if reason is not None else {}
    rest = {each: kept for each, kept in reasons.items() if each != key}
    return {**rest, key: said} if said else rest
