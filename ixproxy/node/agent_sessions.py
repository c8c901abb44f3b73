"""
Agent sessions on this node: made, joined, left and ended, with their events.

What a login or a logout decides is in `agents`; here is what is done then.
Every change is kept in memory and in the row alike.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import EventAck, EventAgentConnectionClosed, EventAgentLogin, Reason
from ixproxy.node import idleness
from ixproxy.node.agent_changes import (
    LOGOUT,
    media_reasons,
    reason_of,
    tell_change,
    with_media,
)
from ixproxy.node.events import report_agent
from ixproxy.node.inviting import agent_is_gone, tell_again
from ixproxy.node.life_cycle import Trigger
from ixproxy.node.logouts import Loss, flush_logout, logged_out
from ixproxy.node.parties import put_back
from ixproxy.node.rows import AgentRow, PartyRow
from ixproxy.node.turn import Cause, Turn
from ixproxy.values import Stamp

PLACE_TAKEN = Reason(
    reason_system_name="PlaceTaken", reason_description="Another agent has logged in at the place"
)
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
    """A confirmed session begins; what is still to be reported of an older one is, before it."""
    flush_logout(turn, (row.tenant_id, row.agent_id))
    keep(turn, row)
    idleness.logged_in(turn)
    report_agent(
        turn,
        EventAgentLogin,
        row,
        cause,
        media_list=row.media,
        donot_disturb=row.donot_disturb,
        media_reasons=media_reasons(row),
        state_reason=reason_of(row),
    )
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
        tell_change(turn, row, "", LOGOUT, cause)
    drop(turn, row)
    logged_out(turn, row, cause)


def end_by_node(turn: Turn, row: AgentRow, reason: Reason) -> None:
    """
    The node ends an agent session by itself, unless it has ended; what the
    agent has in hand goes back.
    """
    for known in turn.memory.agent_rows((row.tenant_id, row.agent_id)):
        if stamp_of(known) != stamp_of(row):
            continue
        if known.confirmed:
            holdings = holdings_of(turn, known, known.sessions)
            cause = Cause(None, reason)
            agent_is_gone(turn, known, cause)
            end(turn, known, holdings, Trigger.FORCED_OUT, cause)
        else:
            drop(turn, known)


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
    for name, state in sorted(media.items()):
        joined = with_media(turn, joined, name, state, cause)
    return keep(turn, joined) if joined is not row else row


def leave(
    turn: Turn, row: AgentRow, session: bytes, cause: Cause, loss: Loss | None = None
) -> None:
    """
    A client session leaves an agent session, which ends with the last one;
    what it has in hand is returned before.

    :param loss: how the client session was lost, if it was: an agent who has
        another one is reported to have lost a connection.
    """
    others = [each for each in row.sessions if each != session]
    if others:
        left = keep(turn, replace(row, sessions=others))
        if row.confirmed and loss is not None:
            report_agent(turn, EventAgentConnectionClosed, left, cause)
        return
    if row.confirmed:
        agent_is_gone(turn, row, cause)
    drop(turn, row)
    if row.confirmed:
        logged_out(turn, row, cause, loss)


def leave_all(turn: Turn, session: bytes, cause: Cause, loss: Loss | None = None) -> None:
    """A client session leaves every agent session that it takes part in."""
    for name in turn.memory.agents_of.get(session, ()):
        row = turn.memory.logged_in(name)
        if row is not None:
            leave(turn, row, session, cause, loss)
    leave_provisional(turn, session, cause)


def leave_provisional(turn: Turn, session: bytes, cause: Cause) -> None:
    """A client session leaves the agent sessions that nobody has confirmed."""
    for name in tuple(turn.memory.logging_in.get(session, ())):
        turn.memory.logged_in_by(session, name)
    for name, stamp in turn.memory.provisional_of.get(session, ()):
        for row in turn.memory.agent_rows(name):
            if stamp_of(row) == stamp and not row.confirmed and session in row.sessions:
                leave(turn, row, session, cause)


def checked_place(turn: Turn, tenant_id: int, agent_id: str, place_id: str) -> str:
    """
    The place of a login, as `agent-login-control` has it.

    :raise RequestRefused: it is not known.
    """
    place = agent_id if turn.settings.agent_login_control == "ignore" else place_id
    places = turn.model.tenants[tenant_id].places
    if place and places is not None and place not in places:
        raise RequestRefused(Code.UNKNOWN_AGENT, f"place {place!r} is not known")
    return place


def check_place_is_free(turn: Turn, tenant_id: int, agent_id: str, place: str) -> None:
    """:raise RequestRefused: another agent is logged in there, or is about to be."""
    key = tenant_id, place
    there = {turn.memory.places.get(key, agent_id)}
    there.update(name[1] for name, _ in turn.memory.places_taken.get(key, ()))
    if place and there != {agent_id}:
        raise RequestRefused(Code.PLACE_OCCUPIED, f"another agent is logged in at {place!r}")


def clear_place(turn: Turn, tenant_id: int, agent_id: str, place: str, stamp: Stamp) -> None:
    """
    Make room for a decided session: of two agents at one place the newer session stands.

    :raise RequestRefused: that is the other one's.
    """
    other = turn.memory.places.get((tenant_id, place), agent_id) if place else agent_id
    row = turn.memory.logged_in((tenant_id, other)) if other != agent_id else None
    if row is None:
        return
    if stamp < stamp_of(row):
        raise RequestRefused(Code.STALE_SESSION, f"{other!r} is at {place!r} by a newer session")
    end_by_node(turn, row, PLACE_TAKEN)
