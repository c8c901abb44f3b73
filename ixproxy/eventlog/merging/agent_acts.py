"""
What a row of `rpt_agent` says: which part of an agent it is about, and what that is then.

An agent is made of channels that change independently: each of its media, its
do-not-disturb, its own reason. The state of a channel is a text, so that it can
be compared and kept; None: it is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec

LOGIN, LOGOUT = "EventAgentLogin", "EventAgentLogout"

_MEDIA = {
    "EventMediaAdded",
    "EventMediaRemoved",
    "EventReadyForMedia",
    "EventNotReadyForMedia",
    "EventMediaStateReasonChanged",
}
_REASON = "EventAgentStateReasonChanged"
_DISTURB = {"EventDoNotDisturbOn": "1", "EventDoNotDisturbOff": "0"}

OWN = "EventCustomReporting"
"""What a client said: one node has it, and another's is another, be it equal."""

DISTURB_CHANNEL, REASON_CHANNEL = "d", "r"

COLUMNS = (
    "dbid",
    "epoch",
    "event_number",
    "event_time",
    "event",
    "tenant_id",
    "agent_id",
    "place_id",
    "agent_session_number",
    "agent_session_dbid",
    "media_type",
    "media_list",
    "do_not_disturb",
    "media_reasons",
    "state_reason_system_name",
    "state_reason_description",
    "state_reason",
    "reason_system_name",
    "reason_description",
    "reason",
)
"""The columns that the rules read, in the order of the attributes of `AgentEvent`."""


class AgentEvent(NamedTuple):
    """
    One row of `rpt_agent`, on its way into the clean history.

    :ivar time: of the event, by the common clock, in seconds since the epoch.
    :ivar late: it comes behind what was merged without its node.
    :ivar row: the whole of it.
    """

    dbid: int
    epoch: int
    event_number: int
    event_time: float
    event: str
    tenant_id: int
    agent_id: str | None
    place_id: str | None
    session_number: int | None
    session_dbid: int | None
    media_type: str | None
    media_list: str | None
    do_not_disturb: int | None
    media_reasons: str | None
    state_reason_name: str | None
    state_reason_description: str | None
    state_reason: int | None
    reason_name: str | None
    reason_description: str | None
    reason: int | None
    time: float
    late: bool
    row: Sequence[Any]


def reader_of(columns: Sequence[str]) -> Callable[[Sequence[Any], float, bool], AgentEvent]:
    """How a row with these columns (all of `COLUMNS` among them), its time and lateness is read."""
    pick = itemgetter(*(columns.index(name) for name in COLUMNS))
    return lambda row, time, late: AgentEvent._make((*pick(row), time, late, row))


def session_of(event: AgentEvent) -> str | None:
    """The name of the agent session; None: the event does not say."""
    if event.session_number is None or event.session_dbid is None:
        return None
    return f"{event.session_number}.{event.session_dbid}"


def channel_of(event: AgentEvent) -> str:
    """The part of the agent that a change is about."""
    if event.event in _MEDIA:
        return f"m{event.media_type or ''}"
    if event.event in _DISTURB:
        return DISTURB_CHANNEL
    return REASON_CHANNEL if event.event == _REASON else f"o{event.event}"


def reason_of(event: AgentEvent) -> str:
    """The reason that an event gives, as a text; empty: none."""
    return _reason(event.reason_name, event.reason_description, event.reason)


def state_after(event: AgentEvent, state: str | None) -> str:
    """The state of its channel after a change; `state` is that before it."""
    name = event.event
    if name in _DISTURB:
        return _DISTURB[name]
    reason = reason_of(event)
    match name:
        case "EventMediaAdded":
            return "0"
        case "EventMediaRemoved":
            return ""
        case "EventReadyForMedia":
            return f"1{reason}"
        case "EventNotReadyForMedia":
            return f"0{reason}"
        case "EventMediaStateReasonChanged":
            return f"{(state or '?')[0]}{reason}"
        case "EventAgentStateReasonChanged":
            return reason
    # It changes nothing that a state has, and can happen again: they are counted.
    return str(int(state or 0) + 1)


def absent(channel: str) -> str:
    """The state of a channel that a login does not speak of."""
    return "0" if channel == DISTURB_CHANNEL else ""


def states_at_login(event: AgentEvent) -> dict[str, str]:
    """The states of the channels that a login speaks of, by channel."""
    reasons = _mapping(event.media_reasons)
    states = {
        f"m{name}": f"{_ready(value)}{_reason_in(reasons.get(name))}"
        for name, value in _mapping(event.media_list).items()
    }
    states[DISTURB_CHANNEL] = "1" if event.do_not_disturb else "0"
    states[REASON_CHANNEL] = _reason(
        event.state_reason_name, event.state_reason_description, event.state_reason
    )
    return states


def _mapping(text: str | None) -> Mapping[str, Any]:
    """The object that a column holds; what is none, for it was written by others, says nothing."""
    if not text:
        return {}
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        return {}
    return found if isinstance(found, dict) else {}


def _ready(value: object) -> str:
    return "1" if value not in (0, None, "", "0", False) else "0"


def _reason(name: str | None, description: str | None, number: int | None) -> str:
    if not name and not description and not number:
        return ""
    return msgspec.json.encode([name or "", description or "", number or 0]).decode()


def _reason_in(said: object) -> str:
    """A reason among those of a login, whichever way its keys are written."""
    if not isinstance(said, dict):
        return ""
    parts = {
        str(key).lower().replace("_", "").removeprefix("reason"): value
        for key, value in said.items()
    }
    return _reason(parts.get("systemname"), parts.get("description"), parts.get(""))
