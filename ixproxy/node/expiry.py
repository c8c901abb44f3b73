"""
What ends by itself: timers at the head of each batch, and what a tick finds too old.

Each ending is a request of its own: it is written whole or not at all, and
one that goes wrong does not keep the others from ending.
"""

from __future__ import annotations

from ixproxy.interfaces import IStore
from ixproxy.messages import Reason
from ixproxy.node.agent_sessions import drop, stamp_of
from ixproxy.node.invitation_expiry import end_invitations
from ixproxy.node.licences import beyond_seats
from ixproxy.node.life_cycle import Trigger
from ixproxy.node.logouts import Loss
from ixproxy.node.memory import Memory
from ixproxy.node.model import NodeSettings
from ixproxy.node.parties import put_back
from ixproxy.node.rows import AgentRow, TimerRow
from ixproxy.node.sessions import EXPIRED, end_session
from ixproxy.node.submitting import oldest_receipt
from ixproxy.node.timers import DELIVERING, HANDLING, expired
from ixproxy.node.turn import Cause, Turn

PROVISIONAL_SECONDS = 10.0
"""How long an unconfirmed agent session stands."""

AT_A_TIME = 500
"""Timers, sessions or receipts that end in one step."""

DOCUMENTS_AT_A_TIME = 2000
"""Receipts of documents that are deleted in one step: as many as may come in a second."""

TIME_OVER = Reason(reason_system_name="Expired", reason_description="The time to handle it is over")


def end_timer(turn: Turn, timer: TimerRow) -> None:
    """A timer is due: what it limits goes back, unless there is nothing to end."""
    if timer.kind == DELIVERING:
        end_invitations(turn, timer.interaction_id)
        return
    row = expired(turn, timer)
    if row is not None:
        handling = timer.kind == HANDLING
        trigger = Trigger.HANDLING_EXPIRED if handling else Trigger.ROUTING_EXPIRED
        parties = turn.rows.parties_of(row.id)
        put_back(turn, row, parties, trigger, Cause(None, TIME_OVER))


def old_sessions(turn: Turn) -> list[bytes]:
    """Client sessions that did not come back in time, the longest gone first."""
    oldest = turn.now - turn.settings.agent_session_restore_timeout
    gone = sorted((at, session) for session, at in turn.memory.lost.items() if at <= oldest)
    return [session for _, session in gone[:AT_A_TIME]]


def end_old_session(turn: Turn, session: bytes) -> None:
    """Return what a session holds that did not come back."""
    row = turn.memory.sessions[session]
    loss = Loss(turn.memory.lost[session], row.lost_with or row.client_name)
    end_session(turn, session, Trigger.SESSION_EXPIRED, Cause(None, EXPIRED), loss)


def old_logins(turn: Turn) -> list[AgentRow]:
    """Provisional logins that nobody confirmed in time."""
    oldest = turn.now - PROVISIONAL_SECONDS
    return [
        row
        for (name, stamp), at in turn.memory.provisional.items()
        if at <= oldest
        for row in turn.memory.agent_rows(name)
        if stamp_of(row) == stamp
    ]


def end_old_login(turn: Turn, row: AgentRow) -> None:
    """
    Forget a login that nobody confirmed. That its clients asked for it is not
    forgotten: a confirmation that comes after all is late, and no replay.
    """
    drop(turn, row)


def expire_receipts(turn: Turn, store: IStore) -> int:
    """Delete some receipts that count no more; how many were deleted."""
    return store.expire_receipts(oldest_receipt(turn), AT_A_TIME)


def expire_documents(turn: Turn, store: IStore) -> int:
    """Delete some receipts of documents that count no more; how many were deleted."""
    return store.expire_documents(turn.now, DOCUMENTS_AT_A_TIME)


def next_ending(memory: Memory, settings: NodeSettings) -> float | None:
    """
    When the next session or provisional login is too old, an agent may be idle
    for too long, or a logout is to be reported; what is so already is overdue,
    as is a snapshot that is being freed.
    """
    ends: list[float] = []
    if memory.snapshots.ending:
        ends.append(0.0)
    if beyond_seats(memory, settings):
        ends.append(0.0)
    if memory.idle_due is not None:
        ends.append(memory.idle_due)
    if memory.logouts:
        ends.append(min(row.due_at for row in memory.logouts.values()))
    if memory.lost:
        ends.append(min(memory.lost.values()) + settings.agent_session_restore_timeout)
    if memory.provisional:
        ends.append(min(memory.provisional.values()) + PROVISIONAL_SECONDS)
    return min(ends, default=None)
