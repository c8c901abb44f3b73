"""
Agent seats: how many agents may be logged in, and who goes when there are fewer.

Theory of operation: an agent has a seat from the login on, a provisional one
too, until the logout; how many connections the agent has does not count. A
login that finds no free seat is refused. Where the number is lowered, the
newest sessions end until there are seats for all: by their stamps, which are
the same on all nodes, so that nodes whose numbers are lowered together choose
the same agents.

Nodes that did not hear of each other may have let in more agents than there are
seats. When they are told of each other's sessions, which are decided, the same
order holds: a full node takes one that is older than its newest, which ends; one
that is newer than all is refused, and whoever brought it ends it everywhere. So
all nodes come to the same agents. Of an agent none of whose clients is connected a
node cannot know whether the session is over already: while it has such, it ends
nobody, and is told again.
"""

from __future__ import annotations

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages.agents import NO_SEAT
from ixproxy.node.agent_sessions import end_by_node
from ixproxy.node.memory import AgentName, Memory
from ixproxy.node.model import NodeSettings
from ixproxy.node.rows import AgentRow
from ixproxy.node.turn import Turn
from ixproxy.values import Stamp


def check_seat(turn: Turn, name: AgentName) -> None:
    """:raise RequestRefused: the agent has no seat, and none is free."""
    seats = turn.settings.agent_seats
    if seats is not None and name not in turn.memory.agents and len(turn.memory.agents) >= seats:
        raise RequestRefused(Code.NO_LICENCE, f"all {seats} agent seats are taken")


def clear_seat(turn: Turn, name: AgentName, stamp: Stamp) -> None:
    """
    Make room for a decided session: the oldest have the seats.

    :raise RequestRefused: it is newer than all that have one; or somebody's clients are
        away, who may be out already.
    """
    memory, seats = turn.memory, turn.settings.agent_seats
    if seats is None or name in memory.agents or len(memory.agents) < seats:
        return
    newest = sorted(memory.agents.values(), key=_standing, reverse=True)
    go = newest[: len(memory.agents) + 1 - seats]
    if any(row.confirmed for rows in go for row in rows) and _some_are_away(memory):
        raise RequestRefused(Code.BUSY, "an agent who has a seat may be out already")
    if not seats or _standing(go[-1]) < (False, stamp.number, stamp.dbid):
        raise RequestRefused(Code.NO_LICENCE, f"all {seats} agent seats are taken")
    for rows in go:
        for row in rows:
            end_by_node(turn, row, NO_SEAT)


def _some_are_away(memory: Memory) -> bool:
    """Whether there is an agent none of whose clients is connected."""
    return any(
        all(session in memory.lost for row in rows for session in row.sessions)
        for rows in memory.agents.values()
    )


def beyond_seats(memory: Memory, settings: NodeSettings) -> int:
    """How many agents are logged in for whom there is no seat."""
    seats = settings.agent_seats
    return max(0, len(memory.agents) - seats) if seats is not None else 0


def without_seats(turn: Turn) -> list[AgentRow]:
    """The agent sessions that must end: the newest, and first those that nobody confirmed."""
    number = beyond_seats(turn.memory, turn.settings)
    if not number:
        return []
    newest = sorted(turn.memory.agents.values(), key=_standing, reverse=True)
    return [row for rows in newest[:number] for row in rows]


def _standing(rows: tuple[AgentRow, ...]) -> tuple[bool, int, int]:
    """Greater is newer."""
    confirmed = [row for row in rows if row.confirmed]
    newest = max(confirmed or rows, key=lambda row: (row.number, row.dbid))
    return not confirmed, newest.number, newest.dbid
