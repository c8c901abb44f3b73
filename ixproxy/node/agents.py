"""
Logins, logouts and confirmations of agents: what is decided.

Theory of operation: an agent session is named by its stamp, greater is newer.
A client that talks to the node itself is logged in at once. A proxy logs an
agent in provisionally, on this node or with the stamp that the agent's home
node gave; nothing is reported until ConfirmSession, which carries the whole
session. The home node's confirmation decides: it confirms only what it still
knows as provisional. Other nodes take what they are told, unless they know a
newer stamp. A provisional session ends with its connection, or after ten
seconds.

A client that joins an agent session adds to it, and is told what else it has.
So does a confirmation that follows a login of the same client; any other, or one
that says so, is a replay, of a proxy that knows the session whole, and makes it equal to that.
What a second client may do is `allow-multiple-agent-connections`:
`true` it joins, `false` it is refused, `force-logout` it ends the first.
"""

from __future__ import annotations

from msgspec.structs import replace

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import (
    EventAck,
    RequestAgentLogin,
    RequestAgentLogout,
    RequestConfirmSession,
)
from ixproxy.messages.agents import ANOTHERS, BY_SERVER, REPLAYED, AgentRequest
from ixproxy.node.access import connected, known_agent, media_of, tenant_of
from ixproxy.node.agent_changes import equalled, reasons_of, tell_rest
from ixproxy.node.agent_sessions import (
    acknowledged,
    begin,
    check_place_is_free,
    checked_place,
    clear_place,
    drop,
    end,
    holdings_of,
    join,
    keep,
    leave,
    named_stamp,
    new_stamp,
    return_holdings,
    stamp_of,
)
from ixproxy.node.licences import check_seat, clear_seat
from ixproxy.node.life_cycle import Trigger
from ixproxy.node.memory import AgentName
from ixproxy.node.rows import AgentRow, PartyRow
from ixproxy.node.turn import Cause, Turn
from ixproxy.node.work import Sender
from ixproxy.values import Stamp

MAX_AGENTS = 5000
"""Agents that one client session may log in: what it costs to find one grows with them."""

JOINS, REFUSED, FORCES = "true", "false", "force-logout"


def login(turn: Turn, sender: Sender, request: RequestAgentLogin) -> EventAck:
    """
    Logs an agent in.

    :raise RequestRefused: the agent, place or a media type is not known, the
        place is occupied, there is no seat for the agent, another client is
        logged in and multiple connections are not allowed, or the named session
        is not the current one.
    """
    place, media = _checked(turn, sender, request, request.media_list)
    check_seat(turn, (request.tenant_id, request.agent_id))
    check_place_is_free(turn, request.tenant_id, request.agent_id, place)
    connected(turn, sender)
    stamp = named_stamp(turn, request.agent_session)
    current = turn.memory.logged_in((request.tenant_id, request.agent_id))
    if current is not None and stamp is not None and stamp < stamp_of(current):
        raise RequestRefused(Code.STALE_SESSION)
    if request.provisional:
        if not sender.through_proxy:
            raise RequestRefused(Code.NOT_ALLOWED, "only a proxy logs in provisionally")
        return _log_in_provisionally(turn, sender, request, place, media, stamp, current)
    cause = Cause(sender, request.reason, sender.session)
    if current is not None and _joins(turn, sender, current, stamp):
        _check_same_place(current, place)
        joined = join(turn, current, sender.session, media, cause)
        if turn.memory.names(sender.session, current):
            said = RequestConfirmSession(media_list=media)
            tell_rest(turn, joined, sender.session, said, Cause(sender))
        return acknowledged(stamp_of(joined))
    others = _waiting(turn, request, sender.session)
    if turn.settings.allow_multiple_agent_connections == REFUSED:
        for other in others:
            if stamp is None or stamp_of(other) > stamp:
                raise RequestRefused(Code.ALREADY_LOGGED_IN)
    holdings = []
    if current is not None:
        holdings = holdings_of(turn, current, set(current.sessions) - {sender.session})
        end(turn, current, holdings, Trigger.FORCED_OUT, cause)
    for row in _waiting_of(turn, request, sender.session):
        drop(turn, row)
    named = stamp or new_stamp(turn)
    begin(turn, _row(turn, sender, request, named, place, media, confirmed=True), cause)
    return acknowledged(named)


def _joins(turn: Turn, sender: Sender, current: AgentRow, stamp: Stamp | None) -> bool:
    """
    Whether a login joins the agent's session; else it ends it.

    :raise RequestRefused: neither, for it is another client's.
    """
    if stamp == stamp_of(current) or (stamp is None and sender.session in current.sessions):
        return True
    mode = turn.settings.allow_multiple_agent_connections
    if stamp is None and mode == JOINS:
        return True
    if mode == REFUSED and _others_connected(turn, sender, current, stamp):
        raise RequestRefused(Code.ALREADY_LOGGED_IN)
    return False


def _others_connected(turn: Turn, sender: Sender, current: AgentRow, stamp: Stamp | None) -> bool:
    """
    Whether another client counts as logged in: to a login that names a newer
    session, only one whose connection is there.
    """
    others = [session for session in current.sessions if session != sender.session]
    if stamp is None:
        return bool(others)
    return any(session not in turn.memory.lost for session in others)


def _log_in_provisionally(
    turn: Turn,
    sender: Sender,
    request: RequestAgentLogin,
    place: str,
    media: dict[str, int],
    stamp: Stamp | None,
    current: AgentRow | None,
) -> EventAck:
    mode = turn.settings.allow_multiple_agent_connections
    turn.memory.logs_in(sender.session, (request.tenant_id, request.agent_id))
    if current is not None and _joins(turn, sender, current, stamp):
        _check_same_place(current, place)
        return acknowledged(stamp_of(current))
    for other in _waiting(turn, request, sender.session):
        theirs = stamp_of(other)
        if stamp == theirs or (stamp is None and mode == JOINS):
            keep(turn, replace(other, sessions=[*other.sessions, sender.session]))
            return acknowledged(theirs)
        if mode == REFUSED and (stamp is None or theirs > stamp):
            raise RequestRefused(Code.ALREADY_LOGGED_IN)
        if mode == REFUSED:
            drop(turn, other)
    for row in _waiting_of(turn, request, sender.session):
        if stamp == stamp_of(row):
            return acknowledged(stamp_of(row))
        leave(turn, row, sender.session, Cause())
    named = stamp or new_stamp(turn)
    keep(turn, _row(turn, sender, request, named, place, media, confirmed=False))
    return acknowledged(named)


def confirm(turn: Turn, sender: Sender, request: RequestConfirmSession) -> EventAck:
    """
    Makes a provisional agent session the agent's session.

    :raise RequestRefused: a newer one is known, there is no seat for the agent;
        or this is the home node, and knows nothing of it any more.
    """
    stamp = named_stamp(turn, request.agent_session)
    if stamp is None:
        raise RequestRefused(Code.MISSING_VALUE, "AgentSession is missing")
    place, media = _checked(turn, sender, request, request.media_list)
    connected(turn, sender)
    name = (request.tenant_id, request.agent_id)
    cause = Cause(sender, request.reason, sender.session)
    current = turn.memory.logged_in(name)
    holdings: list[PartyRow] = []
    if current is not None and stamp_of(current) < stamp:
        # Also where several may be logged in: who is in the older session knows it by its
        # stamp, could do nothing more with it, and on nodes that are away is in no other.
        others = [session for session in current.sessions if session != sender.session]
        holdings = holdings_of(turn, current, others)
    # A login that was refused, or whose confirmation was, is followed by none.
    logged_in = turn.memory.logged_in_by(sender.session, name)
    follows_login = logged_in and not request.extension.get(REPLAYED)
    if current is not None and stamp_of(current) == stamp:
        first = turn.memory.names(sender.session, current)
        if follows_login:
            joined = join(turn, current, sender.session, media, cause)
            if first:
                tell_rest(turn, joined, sender.session, request, Cause(sender))
        else:
            joined = join(turn, current, sender.session, {}, cause)
            keep(turn, equalled(turn, joined, request, cause))
        return acknowledged(stamp)
    if current is not None and stamp_of(current) > stamp:
        raise RequestRefused(Code.STALE_SESSION)
    pending = next((row for row in turn.memory.agent_rows(name) if stamp_of(row) == stamp), None)
    if pending is None and follows_login and stamp.dbid == turn.identity.dbid:
        raise RequestRefused(Code.STALE_SESSION, "the provisional session is gone")
    clear_place(turn, request.tenant_id, request.agent_id, place, stamp)
    clear_seat(turn, name, stamp)
    if current is not None:
        end(turn, current, holdings, Trigger.FORCED_OUT, cause)
    # Who is in the provisional session, too, confirms for itself, or takes it back.
    confirmed = _row(turn, sender, request, stamp, place, media, confirmed=True)
    disturb, reasons = int(bool(request.donot_disturb)), reasons_of(request)
    begin(turn, replace(confirmed, donot_disturb=disturb, reasons=reasons), cause)
    return acknowledged(stamp)


def logout(turn: Turn, sender: Sender, request: RequestAgentLogout) -> EventAck:
    """
    Logs an agent out, or undoes a provisional login; what the client has in
    hand for the agent goes back.

    :raise RequestRefused: the agent is not logged in through this client, or
        the named session is not the current one.
    """
    tenant_of(turn, sender, request.tenant_id)
    name = (request.tenant_id, request.agent_id)
    stamp = Stamp(*request.agent_session) if request.agent_session else None
    current = turn.memory.logged_in(name)
    mine = [
        row for row in _waiting_of(turn, request, sender.session) if stamp in (None, stamp_of(row))
    ]
    if current is not None and sender.session in current.sessions:
        there = stamp in (None, stamp_of(current))
    else:
        there = False
    if not there and not mine:
        if current is not None and stamp is not None and stamp < stamp_of(current):
            raise RequestRefused(Code.STALE_SESSION)
        if stamp is None:
            raise RequestRefused(Code.NOT_LOGGED_IN_FOR_LOGOUT)
        return EventAck()
    cause = Cause(_asking(sender, request), request.reason)
    ending = current if there else None
    holdings = holdings_of(turn, ending, [sender.session]) if ending else []
    turn.memory.logged_in_by(sender.session, name)
    for row in mine:
        leave(turn, row, sender.session, cause)
    if ending is not None:
        return_holdings(turn, holdings, Trigger.LOGGED_OUT, cause)
        leave(turn, ending, sender.session, cause)
        # Who did not name it may not know it, nor its proxy, which tells nodes that are away.
        return acknowledged(stamp_of(ending))
    return EventAck()


def _asking(sender: Sender, request: RequestAgentLogout) -> Sender | None:
    """Who has asked for a logout; None: nobody."""
    told = request.extension.get(BY_SERVER) if sender.through_proxy else None
    if told == ANOTHERS:
        # A connection of the agent, but not the one that has something in hand here.
        return replace(sender, session=b"")
    return None if told else sender


def _checked(
    turn: Turn, sender: Sender, request: AgentRequest, media: dict[str, int]
) -> tuple[str, dict[str, int]]:
    """
    The place and the media states that a login asks for.

    :raise RequestRefused: something of it is not known, or there is no room for the agent.
    """
    tenant = known_agent(turn, sender, request)
    for name in media:
        media_of(tenant, name)
    _check_room(turn, sender, (tenant.id, request.agent_id))
    place = checked_place(turn, tenant.id, request.agent_id, request.place_id)
    return place, {name: int(bool(state)) for name, state in media.items()}


def _check_room(turn: Turn, sender: Sender, name: AgentName) -> None:
    confirmed = turn.memory.agents_of.get(sender.session, ())
    waiting = turn.memory.provisional_of.get(sender.session, ())
    marked = turn.memory.logging_in.get(sender.session, {})
    if (
        max(len(confirmed) + len(waiting), len(marked)) >= MAX_AGENTS
        and name not in confirmed
        and name not in marked
        and all(name != other for other, _ in waiting)
    ):
        raise RequestRefused(
            Code.LIMIT_REACHED, f"{MAX_AGENTS} agents are logged in through this client"
        )


def _check_same_place(current: AgentRow, place: str) -> None:
    if place and current.place_id and place != current.place_id:
        raise RequestRefused(
            Code.ALREADY_LOGGED_IN, f"the agent is logged in at {current.place_id!r}"
        )


def _waiting(turn: Turn, request: AgentRequest, session: bytes) -> list[AgentRow]:
    """The agent's provisional sessions of other clients."""
    rows = turn.memory.agent_rows((request.tenant_id, request.agent_id))
    return [row for row in rows if not row.confirmed and session not in row.sessions]


def _waiting_of(turn: Turn, request: AgentRequest, session: bytes) -> list[AgentRow]:
    """The agent's provisional sessions of this client."""
    rows = turn.memory.agent_rows((request.tenant_id, request.agent_id))
    return [row for row in rows if not row.confirmed and session in row.sessions]


def _row(
    turn: Turn,
    sender: Sender,
    request: AgentRequest,
    stamp: Stamp,
    place: str,
    media: dict[str, int],
    *,
    confirmed: bool,
) -> AgentRow:
    return AgentRow(
        tenant_id=request.tenant_id,
        agent_id=request.agent_id,
        number=stamp.number,
        dbid=stamp.dbid,
        place_id=place,
        media=media,
        confirmed=confirmed,
        logged_in_at=turn.now,
        sessions=[sender.session],
    )
