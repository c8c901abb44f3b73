"""
Agents of whom nothing is heard any more: `login-session-timeout`.

Theory of operation: every request of a client session counts for all agents
that are logged in through it. When one was last seen is kept in memory; a
restart counts as a request of all. The node that gave a session its stamp ends
it, and no other: proxies take an agent's own requests and pulls to every node,
but what is asked about an interaction reaches only the node that has it.

Agents are gone through only when one may be due: `Memory.idle_due` is never
later than the first of them, for what is seen later is due later.
"""

from __future__ import annotations

from ixproxy.messages import Reason
from ixproxy.node.memory import Memory
from ixproxy.node.rows import AgentRow
from ixproxy.node.timers import MINUTE
from ixproxy.node.turn import Turn
from ixproxy.node.work import Sender

IDLE = Reason(
    reason_system_name="LoginSessionTimeout",
    reason_description="Nothing was asked for the agent for too long",
)


def seen(turn: Turn, sender: Sender) -> None:
    """A client asks something: its agents are there."""
    memory = turn.memory
    if sender.session in memory.agents_of:
        # Not taken back with the request: it was made, whatever came of it.
        memory.seen[sender.session] = turn.now


def logged_in(turn: Turn) -> None:
    """An agent session began."""
    due = turn.now + turn.settings.login_session_timeout * MINUTE
    if turn.memory.idle_due is None or due < turn.memory.idle_due:
        turn.memory.idle_due = due


def taken_back(memory: Memory, now: float) -> None:
    """A batch did not happen: an agent who was gone in it is there again, and may be idle."""
    if memory.agents and (memory.idle_due is None or memory.idle_due > now + MINUTE):
        memory.idle_due = now + MINUTE


def idle_agents(turn: Turn) -> list[AgentRow]:
    """The agent sessions of which nothing was heard for too long; notes when to look again."""
    memory = turn.memory
    if memory.idle_due is None or memory.idle_due > turn.now:
        return []
    seconds = turn.settings.login_session_timeout * MINUTE
    idle = []
    first = None
    for rows in memory.agents.values():
        for row in rows:
            if not row.confirmed or row.dbid != turn.identity.dbid:
                continue
            due = _last_seen(turn, row) + seconds
            if due <= turn.now:
                idle.append(row)
            elif first is None or due < first:
                first = due
    # Should the end of one go wrong, it is tried again.
    memory.idle_due = turn.now + MINUTE if idle else first
    if idle and first is not None:
        memory.idle_due = min(memory.idle_due or first, first)
    return idle


def _last_seen(turn: Turn, row: AgentRow) -> float:
    memory = turn.memory
    times = [memory.seen[session] for session in row.sessions if session in memory.seen]
    return max((row.logged_in_at, memory.started_at, *times))
