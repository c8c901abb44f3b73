"""
What ends by itself: timers at the head of each batch, and what a tick finds too old.

Each ending is a request of its own: it is written whole or not at all.
"""

from __future__ import annotations

from ixproxy.interfaces import IStore
from ixproxy.messages import Reason
from ixproxy.node.agent_sessions import drop, stamp_of
from ixproxy.node.life_cycle import Trigger
from ixproxy.node.memory import Memory
from ixproxy.node.model import NodeSettings
from ixproxy.node.parties import put_back
from ixproxy.node.sessions import EXPIRED, end_session
from ixproxy.node.submitting import oldest_receipt
from ixproxy.node.timers import HANDLING, expired
from ixproxy.node.turn import Cause, Turn

PROVISIONAL_SECONDS = 10.0
"""How long an unconfirmed agent session stands."""

AT_A_TIME = 500
"""Timers, sessions or receipts that end in one step."""

TIME_OVER = Reason(reason_system_name="Expired", reason_description="The time to handle it is over")


def run_due_timers(turn: Turn) -> None:
    """All timers that are due, earliest first."""
    while True:
        turn.rows.begin_request()
        due = turn.rows.due_timers(turn.now, AT_A_TIME)
        for timer in due:
            row = expired(turn, timer)
            if row is not None:
                handling = timer.kind == HANDLING
                trigger = Trigger.HANDLING_EXPIRED if handling else Trigger.ROUTING_EXPIRED
                parties = turn.rows.parties_of(row.id)
                put_back(turn, row, parties, trigger, Cause(None, TIME_OVER))
        if len(due) < AT_A_TIME:
            return


def end_what_is_old(turn: Turn) -> None:
    """Sessions that did not come back, and provisional logins that nobody confirmed."""
    memory = turn.memory
    oldest = turn.now - turn.settings.agent_session_restore_timeout
    gone = sorted((at, session) for session, at in memory.lost.items() if at <= oldest)
    for _, session in gone[:AT_A_TIME]:
        turn.rows.begin_request()
        end_session(turn, session, Trigger.SESSION_EXPIRED, Cause(None, EXPIRED))
    oldest = turn.now - PROVISIONAL_SECONDS
    for (name, stamp), at in list(memory.provisional.items()):
        for row in memory.agent_rows(name):
            if at <= oldest and stamp_of(row) == stamp:
                drop(turn, row)


def expire_receipts(turn: Turn, store: IStore) -> int:
    """Delete some receipts that count no more; how many were deleted."""
    return store.expire_receipts(oldest_receipt(turn), AT_A_TIME)


def next_ending(memory: Memory, settings: NodeSettings) -> float | None:
    """When the next session or provisional login is too old."""
    ends = []
    if memory.lost:
        ends.append(min(memory.lost.values()) + settings.agent_session_restore_timeout)
    if memory.provisional:
        ends.append(min(memory.provisional.values()) + PROVISIONAL_SECONDS)
    return min(ends, default=None)
