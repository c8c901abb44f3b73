"""
Agent sessions on this node: made, joined, left and ended, with their events.

What a login or a logout decides is in `agents`; here is what is done then.
Every change is kept in memory and in the row alike.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import (
    EventAck,
    EventAgentLogin,
    EventAgentLogout,
    EventForcedAgentStateChange,
    EventMediaAdded,
    EventNotReadyForMedia,
    EventReadyForMedia,
)
from ixproxy.node.events import report_agent, tell_agent
from ixproxy.node.inviting import agent_is_gone, tell_again
from ixproxy.node.life_cycle import Trigger
from ixproxy.node.parties import put_back
from ixproxy.node.rows import AgentRow, PartyRow
from ixproxy.node.turn import Cause, Turn
from ixproxy.values import Stamp

CLOCKS_APART = 86_400.0
"""Seconds by which the clocks of nodes may differ."""


def stamp_of(row: AgentRow) -> Stamp:
    """The name of the agent session."""
    return Stamp(row.number, row.dbid)


def acknowledged(stamp: Stamp) -> EventAck:
    """The answer that names an agent session."""
    return EventAck(agent_session=(stamp.number, stamp.dbid))


def new_stamp(turn: Turn) -> Stamp:
    """A number greater than any that this node has seen."""
    number = max(int(turn.now * 1000), turn.counters.stamp_number + 1)
    turn.counters.stamp_number = number
    return Stamp(number, turn.identity.dbid)


def named_stamp(turn: Turn, named: tuple[int, int] | None) -> Stamp | None:
    """
    The agent session that a request names.

    :raise RequestRefused: its number is of a time to come, which no node has
        given: whoever keeps it has no greater ones left some day.
    """
    if named is None:
        return None
    stamp = Stamp(*named)
    if stamp.number > (turn.now + CLOCKS_APART) * 1000:
        raise RequestRefused(Code.BAD_ATTRIBUTE, f"AgentSession {list(named)} is of a time to come")
    return stamp


def keep(turn: Turn, row: AgentRow) -> AgentRow:
    """Keep `row` in place of one with its stamp."""
    turn.memory.keep_agent(row)
    turn.rows.put(row)
    return row


def drop(turn: Turn, row: AgentRow) -> None:
    """Forget an agent session, without any event."""
    turn.memory.drop_agent(row)
    turn.rows.remove(row)


def begin(turn: Turn, row: AgentRow, cause: Cause) -> None:
    """A confirmed session begins."""
    keep(turn, row)
    report_agent(turn, EventAgentLogin, row, cause, media_list=row.media)
    for session in row.sessions:
        tell_again(turn, row, session)


def holdings_of(turn: Turn, row: AgentRow, sessions: Iterable[bytes]) -> list[PartyRow]:
    """What the agent has in hand through these client sessions; reads the tables."""
    name = (row.tenant_id, row.agent_id)
    return [
        party
        for session in sessions
        for party in turn.rows.held_by(session)
        if (party.tenant_id, party.agent_id) == name
    ]


def return_holdings(
    turn: Turn, parties: Iterable[PartyRow], trigger: Trigger, cause: Cause
) -> None:
    """Put back what an agent had in hand."""
    for party in parties:
        row = turn.rows.interaction(party.interaction_id)
        if row is not None:
            put_back(turn, row, (party,), trigger, cause)


def end(
    turn: Turn, row: AgentRow, holdings: Iterable[PartyRow], trigger: Trigger, cause: Cause
) -> None:
    """A confirmed session ends, with all its connections."""
    return_holdings(turn, holdings, trigger, cause)
    if trigger is Trigger.FORCED_OUT:
        change = {"agent_state_change_operation": "Logout", "media_list": row.media}
        tell_agent(turn, EventForcedAgentStateChange, row, cause, **change)
    drop(turn, row)
    report_agent(turn, EventAgentLogout, row, cause)


def join(
    turn: Turn, row: AgentRow, session: bytes, media: dict[str, int], cause: Cause
) -> AgentRow:
    """
    A client session joins a confirmed agent session, or names it again; media
    that it brings along are added, and states that differ are changed.
    """
    joined = row
    if session not in row.sessions:
        joined = replace(row, sessions=[*row.sessions, session])
        tell_again(turn, row, session)
    for name, state in media.items():
        joined = with_media(turn, joined, name, state, cause)
    return keep(turn, joined) if joined is not row else row


def with_media(turn: Turn, row: AgentRow, name: str, state: int, cause: Cause) -> AgentRow:
    """`row` with a media channel in this state, and the events of what that changes."""
    old = row.media.get(name)
    if old == state:
        return row
    changed = replace(row, media={**row.media, name: state})
    if old is None:
        report_agent(turn, EventMediaAdded, changed, cause, media_type_name=name)
        tell_change(turn, changed, name, "MediaAdded", cause)
    if state != (old or 0):
        kind = EventReadyForMedia if state else EventNotReadyForMedia
        report_agent(turn, kind, changed, cause, media_type_name=name)
        operation = "ReadyForMedia" if state else "NotReadyForMedia"
        tell_change(turn, changed, name, operation, cause)
    return changed


def tell_change(turn: Turn, row: AgentRow, media: str, operation: str, cause: Cause) -> None:
    """Tell the agent's other connections what one of them, or the server, changed."""
    change = {
        "media_type_name": media,
        "media_list": row.media,
        "agent_state_change_operation": operation,
    }
    tell_agent(turn, EventForcedAgentStateChange, row, cause, **change)


def leave(turn: Turn, row: AgentRow, session: bytes, cause: Cause) -> None:
    """
    A client session leaves an agent session, which ends with the last one;
    what it has in hand is returned before.
    """
    others = [each for each in row.sessions if each != session]
    if others:
        keep(turn, replace(row, sessions=others))
        return
    if row.confirmed:
        agent_is_gone(turn, row, cause)
    drop(turn, row)
    if row.confirmed:
        report_agent(turn, EventAgentLogout, row, cause)


def leave_all(turn: Turn, session: bytes, cause: Cause, *, provisional_only: bool = False) -> None:
    """A client session leaves every agent session that it takes part in."""
    if not provisional_only:
        for name in turn.memory.agents_of.get(session, ()):
            row = turn.memory.logged_in(name)
            if row is not None:
                leave(turn, row, session, cause)
    for name, stamp in turn.memory.provisional_of.get(session, ()):
        for row in turn.memory.agent_rows(name):
            if stamp_of(row) == stamp and not row.confirmed and session in row.sessions:
                leave(turn, row, session, cause)


def checked_place(turn: Turn, tenant_id: int, agent_id: str, place_id: str) -> str:
    """
    The place of a login, as `agent-login-control` has it.

    :raise RequestRefused: it is not known, or another agent is there.
    """
    place = agent_id if turn.settings.agent_login_control == "ignore" else place_id
    places = turn.model.tenants[tenant_id].places
    if place and places is not None and place not in places:
        raise RequestRefused(Code.UNKNOWN_AGENT, f"place {place!r} is not known")
    if place and turn.memory.places.get((tenant_id, place), agent_id) != agent_id:
        raise RequestRefused(Code.PLACE_OCCUPIED, f"another agent is logged in at {place!r}")
    return place
