"""
What a node says of itself to who pings it: counts, as they are while it is asked.

Interactions are counted as of the batch before, and only those of the tenants
that the client works for, as are agents. Whoever runs nodes learns more by
RequestServerStatus, which does not wait for the writer.
"""

from __future__ import annotations

from collections import Counter
from heapq import nlargest

from ixproxy.messages import EventPing, RequestPing
from ixproxy.messages.message import KeyValues
from ixproxy.node.turn import Turn
from ixproxy.node.work import Sender
from ixproxy.values import InteractionState

MOST_QUEUES = 500
"""Queues that one answer names, the fullest: it must fit one frame."""


def ping(turn: Turn, sender: Sender, request: RequestPing) -> EventPing:
    """Statistics of this node, for a client's tenants."""
    memory, identity = turn.memory, turn.identity
    agents = [
        row
        for (tenant, _), rows in memory.agents.items()
        for row in rows
        if row.confirmed and tenant in sender.tenants
    ]
    statistics: KeyValues = {
        "Name": identity.name,
        "Dbid": identity.dbid,
        "Epoch": identity.epoch,
        "StartedAt": memory.started_at,
        "Uptime": max(0.0, turn.now - memory.started_at),
        "LastEventNumber": turn.counters.event_number,
        "Sessions": len(memory.sessions),
        "SessionsLost": len(memory.lost),
        "Snapshots": len(memory.snapshots),
        "Agents": len(agents),
        "AgentsReady": sum(any(row.media.values()) and not row.donot_disturb for row in agents),
        "Invitations": len(memory.invitations),
        "ReportingClients": len(memory.reporters),
        "TopicsListenedTo": len(memory.topics),
        "WorkbinsListenedTo": len(memory.workbins),
    }
    return EventPing(statistics={**statistics, **_interactions(turn, sender)})


def _interactions(turn: Turn, sender: Sender) -> KeyValues:
    by_state = dict.fromkeys((state.name.capitalize() for state in InteractionState), 0)
    by_queue: Counter[tuple[int, str]] = Counter()
    for (tenant, queue, number), count in turn.counted.by_state().items():
        if tenant in sender.tenants:
            by_state[InteractionState(number).name.capitalize()] += count
            by_queue[tenant, queue] += count
    fullest = nlargest(MOST_QUEUES, by_queue.items(), key=lambda each: each[1])
    queues: dict[str, dict[str, int]] = {}
    for (tenant, queue), count in fullest:
        queues.setdefault(str(tenant), {})[queue] = count
    return {
        "Interactions": sum(by_queue.values()),
        "InteractionsByState": by_state,
        "Queues": queues,
        "QueuesLeftOut": len(by_queue) - len(fullest),
    }
