"""
Agent seats: how many agents may be logged in, and who goes when there are fewer.

Theory of operation: an agent has a seat from the login on, a provisional one
too, until the logout; how many connections the agent has does not count. A
login that finds no free seat is refused. Where the number is lowered, the
newest sessions end until there are seats for all: by their stamps, which are
the same on all nodes, so that nodes whose numbers are lowered together choose
the same agents.
"""

from __future__ import annotations

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import Reason
from ixproxy.node.memory import AgentName, Memory
from ixproxy.node.model import NodeSettings
from ixproxy.node.rows import AgentRow
from ixproxy.node.turn import Turn

NO_SEAT = Reason(
    reason_system_name="Licence", reason_description="There are fewer agent seats than agents"
)


def check_seat(turn: Turn, name: AgentName) -> None:
    """:raise RequestRefused: the agent has no seat, and none is free."""
    seats = turn.settings.agent_seats
    if seats is not None and name not in turn.memory.agents and len(turn.memory.agents) >= seats:
        raise RequestRefused(Code.NO_LICENCE, f"all {seats} agent seats are taken")


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
