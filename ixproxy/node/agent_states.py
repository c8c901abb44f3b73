"""Media channels of a logged-in agent: added, removed, ready and not ready."""

from __future__ import annotations

from msgspec.structs import replace

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import (
    EventAck,
    EventMediaRemoved,
    RequestAddMedia,
    RequestCancelNotReadyForMedia,
    RequestNotReadyForMedia,
    RequestRemoveMedia,
)
from ixproxy.messages.agents import MediaRequest
from ixproxy.node.access import media_of, tenant_of
from ixproxy.node.agent_sessions import acknowledged, keep, stamp_of, tell_change, with_media
from ixproxy.node.events import report_agent
from ixproxy.node.rows import AgentRow
from ixproxy.node.turn import Cause, Turn
from ixproxy.node.work import Sender
from ixproxy.values import Stamp


def add_media(turn: Turn, sender: Sender, request: RequestAddMedia) -> EventAck:
    """Adds a channel, not ready; one that is there already stays as it is."""
    row = _agent(turn, sender, request)
    media_of(tenant_of(turn, sender, request.tenant_id), request.media_type_name)
    if request.media_type_name not in row.media:
        cause = Cause(sender, request.reason, sender.session)
        keep(turn, with_media(turn, row, request.media_type_name, 0, cause))
    return acknowledged(stamp_of(row))


def remove_media(turn: Turn, sender: Sender, request: RequestRemoveMedia) -> EventAck:
    """Removes a channel; one that is not there is none to remove."""
    row = _agent(turn, sender, request)
    name = request.media_type_name
    if name in row.media:
        cause = Cause(sender, request.reason, sender.session)
        rest = {each: state for each, state in row.media.items() if each != name}
        changed = keep(turn, replace(row, media=rest))
        report_agent(turn, EventMediaRemoved, changed, cause, media_type_name=name)
        tell_change(turn, changed, name, "MediaRemoved", cause)
    return acknowledged(stamp_of(row))


def not_ready(turn: Turn, sender: Sender, request: RequestNotReadyForMedia) -> EventAck:
    """Makes a channel not ready."""
    return _set_state(turn, sender, request, 0)


def ready(turn: Turn, sender: Sender, request: RequestCancelNotReadyForMedia) -> EventAck:
    """Makes a channel ready."""
    return _set_state(turn, sender, request, 1)


def _set_state(turn: Turn, sender: Sender, request: MediaRequest, state: int) -> EventAck:
    row = _agent(turn, sender, request)
    name = request.media_type_name
    if name not in row.media:
        raise RequestRefused(Code.MEDIA_NOT_ADDED, f"{name!r} is no media of the agent")
    if row.media[name] != state:
        cause = Cause(sender, request.reason, sender.session)
        keep(turn, with_media(turn, row, name, state, cause))
    return acknowledged(stamp_of(row))


def _agent(turn: Turn, sender: Sender, request: MediaRequest) -> AgentRow:
    """
    The agent's confirmed session.

    :raise RequestRefused: the agent is not logged in through this client, or
        the request names another session.
    """
    tenant_of(turn, sender, request.tenant_id)
    if not request.media_type_name:
        raise RequestRefused(Code.MISSING_VALUE, "MediaTypeName is missing")
    row = turn.memory.logged_in((request.tenant_id, request.agent_id))
    if row is None:
        raise RequestRefused(Code.AGENT_NOT_LOGGED_IN)
    if request.agent_session and Stamp(*request.agent_session) != stamp_of(row):
        raise RequestRefused(Code.STALE_SESSION)
    if sender.session not in row.sessions:
        raise RequestRefused(Code.AGENT_NOT_LOGGED_IN)
    return row
