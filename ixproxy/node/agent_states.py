"""
What an agent's client says of a logged-in agent: media, ready or not, reasons, do-not-disturb.

What is so already is acknowledged, and has no event.
"""

from __future__ import annotations

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import (
    EventAck,
    RequestAddMedia,
    RequestCancelNotReadyForMedia,
    RequestChangeAgentStateReason,
    RequestChangeMediaStateReason,
    RequestDoNotDisturbOff,
    RequestDoNotDisturbOn,
    RequestNotReadyForMedia,
    RequestRemoveMedia,
)
from ixproxy.messages.agents import AgentRequest, MediaRequest
from ixproxy.node.access import media_of, tenant_of
from ixproxy.node.agent_changes import (
    with_disturb,
    with_media,
    with_media_reason,
    with_state_reason,
    without_media,
)
from ixproxy.node.agent_sessions import acknowledged, keep, stamp_of
from ixproxy.node.rows import AgentRow
from ixproxy.node.turn import Cause, Turn
from ixproxy.node.work import Sender
from ixproxy.values import Stamp


def add_media(turn: Turn, sender: Sender, request: RequestAddMedia) -> EventAck:
    """Adds a channel, not ready; one that is there already stays as it is."""
    row = _agent(turn, sender, request)
    name = _media(request)
    media_of(tenant_of(turn, sender, request.tenant_id), name)
    if name in row.media:
        return acknowledged(stamp_of(row))
    return _keep(turn, row, with_media(turn, row, name, 0, _cause(sender, request)))


def remove_media(turn: Turn, sender: Sender, request: RequestRemoveMedia) -> EventAck:
    """Removes a channel; one that is not there is none to remove."""
    row = _agent(turn, sender, request)
    return _keep(turn, row, without_media(turn, row, _media(request), _cause(sender, request)))


def not_ready(turn: Turn, sender: Sender, request: RequestNotReadyForMedia) -> EventAck:
    """Makes a channel not ready; where it is, another reason counts, or none."""
    return _set_state(turn, sender, request, 0)


def ready(turn: Turn, sender: Sender, request: RequestCancelNotReadyForMedia) -> EventAck:
    """Makes a channel ready, likewise."""
    return _set_state(turn, sender, request, 1)


def change_media_reason(
    turn: Turn, sender: Sender, request: RequestChangeMediaStateReason
) -> EventAck:
    """Gives another reason for the state of a channel, or none."""
    row = _agent(turn, sender, request)
    name = _own_media(row, request)
    changed = with_media_reason(turn, row, name, request.reason, _cause(sender, request))
    return _keep(turn, row, changed)


def change_agent_reason(
    turn: Turn, sender: Sender, request: RequestChangeAgentStateReason
) -> EventAck:
    """Gives another reason for the state of the agent, or none."""
    row = _agent(turn, sender, request)
    return _keep(turn, row, with_state_reason(turn, row, request.reason, _cause(sender, request)))


def disturb_not(turn: Turn, sender: Sender, request: RequestDoNotDisturbOn) -> EventAck:
    """The agent wants no invitations."""
    row = _agent(turn, sender, request)
    return _keep(turn, row, with_disturb(turn, row, 1, _cause(sender, request)))


def disturb(turn: Turn, sender: Sender, request: RequestDoNotDisturbOff) -> EventAck:
    """The agent takes invitations again."""
    row = _agent(turn, sender, request)
    return _keep(turn, row, with_disturb(turn, row, 0, _cause(sender, request)))


def _set_state(turn: Turn, sender: Sender, request: MediaRequest, state: int) -> EventAck:
    row = _agent(turn, sender, request)
    name = _own_media(row, request)
    cause = _cause(sender, request)
    changed = with_media(turn, row, name, state, cause, request.reason)
    # A state that is so already may have another reason.
    return _keep(turn, row, with_media_reason(turn, changed, name, request.reason, cause))


def _keep(turn: Turn, row: AgentRow, changed: AgentRow) -> EventAck:
    if changed is not row:
        keep(turn, changed)
    return acknowledged(stamp_of(row))


def _cause(sender: Sender, request: AgentRequest) -> Cause:
    return Cause(sender, request.reason, sender.session)


def _media(request: MediaRequest) -> str:
    """:raise RequestRefused: the request names no media type."""
    if not request.media_type_name:
        raise RequestRefused(Code.MISSING_VALUE, "MediaTypeName is missing")
    return request.media_type_name


def _own_media(row: AgentRow, request: MediaRequest) -> str:
    """:raise RequestRefused: the agent has no such channel."""
    name = _media(request)
    if name not in row.media:
        raise RequestRefused(Code.MEDIA_NOT_ADDED, f"{name!r} is no media of the agent")
    return name


def _agent(turn: Turn, sender: Sender, request: AgentRequest) -> AgentRow:
    """
    The agent's confirmed session.

    :raise RequestRefused: the agent is not logged in through this client, or
        the request names another session.
    """
    tenant_of(turn, sender, request.tenant_id)
    row = turn.memory.logged_in((request.tenant_id, request.agent_id))
    if row is None:
        raise RequestRefused(Code.AGENT_NOT_LOGGED_IN)
    if request.agent_session and Stamp(*request.agent_session) != stamp_of(row):
        raise RequestRefused(Code.STALE_SESSION)
    if sender.session not in row.sessions:
        raise RequestRefused(Code.AGENT_NOT_LOGGED_IN)
    return row
