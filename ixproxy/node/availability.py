"""
Agents who work through another server, as their clients say.

The field's older way of using several servers: the agent is logged in at one
of them, and the client tells every other one that the agent is available. It
is reported, and that is all: such an agent has no seat, no place and nothing
in hand here. It counts until the client takes it back, or its session is over.
What a restart loses, and who restores it: all of it; clients say it again
whenever they register.
"""

from __future__ import annotations

from msgspec.structs import replace

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import (
    EventAck,
    EventAgentAvailable,
    EventAgentNotAvailable,
    RequestAgentAvailable,
    RequestAgentNotAvailable,
)
from ixproxy.node.access import connected, known_agent, media_of
from ixproxy.node.events import report_agent
from ixproxy.node.rows import AgentRow
from ixproxy.node.turn import Cause, Turn
from ixproxy.node.work import Sender

MAX_AVAILABLE = 5000
"""Agents of whom one client session may say so."""


def available(turn: Turn, sender: Sender, request: RequestAgentAvailable) -> EventAck:
    """
    Says that the agent works through another server; reported by the first who says so.

    :raise RequestRefused: the agent or a media type is not known, or it is
        said of too many.
    """
    tenant = known_agent(turn, sender, request)
    for media in request.media_list:
        media_of(tenant, media)
    connected(turn, sender)
    memory, session = turn.memory, sender.session
    name = request.tenant_id, request.agent_id
    said = memory.available_of.get(session, {})
    if name in said:
        return EventAck()
    if len(said) >= MAX_AVAILABLE:
        raise RequestRefused(
            Code.LIMIT_REACHED, f"{MAX_AVAILABLE} agents are available through this client"
        )
    known = memory.available.get(name)
    if known is None:
        number, dbid = request.agent_session or (0, 0)
        known = AgentRow(
            tenant_id=request.tenant_id,
            agent_id=request.agent_id,
            number=number,
            dbid=dbid,
            place_id=request.place_id,
        )
        report_agent(turn, EventAgentAvailable, known, Cause(sender, request.reason))
    memory.keep_available(replace(known, sessions=[*known.sessions, session]), session)
    return EventAck()


def not_available(turn: Turn, sender: Sender, request: RequestAgentNotAvailable) -> EventAck:
    """Takes it back; what was not said is none to take back."""
    known_agent(turn, sender, request)
    name = request.tenant_id, request.agent_id
    if name in turn.memory.available_of.get(sender.session, {}):
        _take_back(turn, name, sender.session, Cause(sender, request.reason))
    return EventAck()


def none_available(turn: Turn, session: bytes, cause: Cause) -> None:
    """A client session is over, and with it what it said."""
    for name in tuple(turn.memory.available_of.get(session, ())):
        _take_back(turn, name, session, cause)


def _take_back(turn: Turn, name: tuple[int, str], session: bytes, cause: Cause) -> None:
    row = turn.memory.available[name]
    left = replace(row, sessions=[each for each in row.sessions if each != session])
    turn.memory.keep_available(left, session)
    if not left.sessions:
        report_agent(turn, EventAgentNotAvailable, row, cause)
