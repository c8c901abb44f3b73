"""
Client sessions: registered, lost, back again, gone; and what becomes of their holdings.

Theory of operation: a session that loses its connection keeps what it holds
for `agent-session-restore-timeout`. When it registers again it says what it
has; whatever else it has here goes back where it was, for the answer by which
it was handed over was lost; so it says in which agent sessions it is, and is
out of all others, and which snapshots it has. A goodbye, or a time-out,
returns everything. The agents that a session which comes back in time names
are as they were, and nothing of it is reported; topics it has to name again.
"""

from __future__ import annotations

from msgspec.structs import replace

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import EventAck
from ixproxy.node.agent_sessions import (
    leave,
    leave_all,
    leave_provisional,
    return_holdings,
    stamp_of,
)
from ixproxy.node.availability import none_available
from ixproxy.node.inviting import nobody_waits, tell_again
from ixproxy.node.life_cycle import Trigger
from ixproxy.node.logouts import EXPIRED, Loss
from ixproxy.node.parties import put_back
from ixproxy.node.pushing import enter
from ixproxy.node.rows import PartyRow, SessionRow, SnapshotRow
from ixproxy.node.snapshots import first_members, free
from ixproxy.node.turn import Cause, Turn
from ixproxy.node.work import ClientsLost, ConnectionLost, Goodbye, Registered
from ixproxy.values import SnapshotState

__all__ = ["EXPIRED", "clients_lost", "connection_lost", "end_session", "goodbye", "register"]


def register(turn: Turn, work: Registered) -> EventAck:
    """
    A client registers, for the first time or again.

    :raise RequestRefused: a newer incarnation of its session is known.
    """
    sender, session = work.sender, work.sender.session
    known = turn.memory.sessions.get(session)
    if known is not None and work.incarnation < known.incarnation:
        raise RequestRefused(Code.SUPERSEDED)
    parties = turn.rows.held_by(session) if known is not None else []
    unlisted = first_members(turn, _unlisted(turn, work))
    row = SessionRow(
        session=session,
        client_name=sender.client_name,
        client_type=sender.client_type,
        incarnation=work.incarnation,
        tenants=sorted(sender.tenants),
    )
    if row != known:
        turn.memory.keep_session(row)
        turn.rows.put(row)
    # A stream is a connection's: whoever comes back starts it anew.
    turn.memory.drop_reporter(session)
    turn.memory.listen_to_nothing(session)
    # It may come by another way before the loss of the first is known.
    leave_provisional(turn, session, Cause())
    turn.memory.returns(session)
    enter(turn, work)
    if sender.wants_properties_changed:
        turn.journal.set(turn.memory.interested, session, True)
    else:
        turn.journal.remove(turn.memory.interested, session)
    nobody_waits(turn, session, Code.SUPERSEDED)
    if work.agent_sessions is not None:
        parties = _leave_unlisted(turn, work, parties)
    held: dict[str, int] = {}
    for party in parties:
        if work.holding.get(party.interaction_id) == party.take_number:
            held[party.interaction_id] = party.take_number
        else:
            _return(turn, party, Trigger.NOT_LISTED, Cause(sender))
    for name in turn.memory.agents_of.get(session, ()):
        agent = turn.memory.logged_in(name)
        if agent is not None:
            tell_again(turn, agent, session)
    for snapshot, members in unlisted:
        free(turn, snapshot, members)
    snapshots = [snapshot.snapshot_id for snapshot in turn.memory.snapshots.of(session)]
    return EventAck(held=held, snapshots=snapshots)


def _unlisted(turn: Turn, work: Registered) -> list[SnapshotRow]:
    """Snapshots that a client which comes back does not have, or has no answer about."""
    listed = work.snapshots
    return [
        row
        for row in turn.memory.snapshots.of(work.sender.session)
        if row.state == SnapshotState.TAKING
        or (listed is not None and row.snapshot_id not in listed)
    ]


def _leave_unlisted(turn: Turn, work: Registered, parties: list[PartyRow]) -> list[PartyRow]:
    """
    A client that comes back is in these agent sessions no more, or never heard
    that it was: this node has missed a logout, or the client the answer to a login.

    :param parties: what the client has.
    :return: what it has yet.
    """
    cause, session = Cause(work.sender), work.sender.session
    listed = frozenset(work.agent_sessions or ())
    for name in turn.memory.agents_of.get(session, ()):
        row = turn.memory.logged_in(name)
        if row is not None and stamp_of(row) not in listed:
            of_agent = [each for each in parties if (each.tenant_id, each.agent_id) == name]
            return_holdings(turn, of_agent, Trigger.LOGGED_OUT, cause)
            leave(turn, row, session, cause)
            parties = [each for each in parties if each not in of_agent]
    return parties


def connection_lost(turn: Turn, work: ConnectionLost) -> None:
    """A connection broke: the session waits, its provisional logins do not."""
    if work.lasting:
        _lose(turn, work.session, work.application_name)
        return
    row = turn.memory.sessions.get(work.session)
    if row is not None:
        loss = Loss(turn.now, work.application_name or row.client_name, lasting=False)
        end_session(turn, work.session, Trigger.UNREGISTERED, Cause(), loss)


def clients_lost(turn: Turn, work: ClientsLost) -> EventAck:
    """The same for many, as a proxy says."""
    for session in work.sessions:
        _lose(turn, session, work.application_name)
    return EventAck()


def goodbye(turn: Turn, work: Goodbye) -> EventAck:
    """A client unregistered; that it is unknown is no mistake."""
    end_session(turn, work.session, Trigger.UNREGISTERED, Cause())
    return EventAck()


def end_session(
    turn: Turn, session: bytes, trigger: Trigger, cause: Cause, loss: Loss | None = None
) -> None:
    """
    Return what a session holds, log its agents out of it, and forget it.

    :param loss: how it was lost; None: its client said goodbye.
    """
    row = turn.memory.sessions.get(session)
    if row is None:
        return
    snapshots = first_members(turn, turn.memory.snapshots.of(session))
    for party in turn.rows.held_by(session):
        _return(turn, party, trigger, cause)
    turn.memory.routers.leave(session)
    leave_all(turn, session, cause, loss)
    none_available(turn, session, cause)
    nobody_waits(turn, session, Code.CANCELLED)
    for snapshot, members in snapshots:
        free(turn, snapshot, members)
    turn.memory.drop_session(row)
    turn.rows.remove(row)


def _lose(turn: Turn, session: bytes, application_name: str) -> None:
    row = turn.memory.sessions.get(session)
    if row is None or row.lost_at is not None:
        return
    lost = replace(row, lost_at=turn.now, lost_with=application_name or row.client_name)
    turn.memory.keep_session(lost)
    turn.memory.drop_reporter(session)
    turn.memory.routers.is_lost(session, turn.now)
    turn.rows.put(lost)
    nobody_waits(turn, session, Code.CANCELLED)
    turn.memory.listen_to_nothing(session)
    leave_provisional(turn, session, Cause())


def _return(turn: Turn, party: PartyRow, trigger: Trigger, cause: Cause) -> None:
    row = turn.rows.interaction(party.interaction_id)
    if row is not None:
        put_back(turn, row, (party,), trigger, cause)
