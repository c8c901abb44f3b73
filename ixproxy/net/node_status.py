"""
How a node is, from what its server keeps anyway.

Nothing here waits for the writer or looks into the store: an operator asks
above all when one of them is stuck. What the writer knows is as of its last
finished batch; queues are as they were announced last.
"""

from __future__ import annotations

from heapq import nlargest

from ixproxy.messages import (
    EventServerStatus,
    LimitUse,
    NodeStatus,
    QueueStatus,
    ReaderStatus,
    WriterStatus,
)
from ixproxy.net.node_listener import NodeListener
from ixproxy.net.node_reporting import NodeReporting
from ixproxy.net.node_state import NodeState
from ixproxy.node.work import Announce
from ixproxy.values import InteractionState

MOST_QUEUES = 500
"""Queues that one status names: it must fit one frame."""


MOST_POINTS = 100
"""Capture points that it names, likewise."""


def status_of(
    state: NodeState, listener: NodeListener, reporting: NodeReporting, store_kind: str
) -> EventServerStatus:
    """The whole status but for what the process and its file are."""
    limits, writer, readers = state.limits, state.writer, state.readers
    under_way = writer.waiting + writer.under_way + readers.waiting + readers.busy
    queues, left_out = queues_of(state.counted)
    return EventServerStatus(
        name=state.name,
        role="node",
        tenants=sorted(state.tenants),
        clients_by_type={kind: number for kind, number in state.by_type.items() if number},
        peers=listener.peers,
        unregistered=listener.unregistered,
        slow_readers=listener.slow,
        in_flight=under_way + len(state.held),
        counters=dict(state.counters),
        limits=[
            LimitUse(name=name, used=used, allowed=allowed)
            for name, used, allowed in (
                ("max-connections", listener.peers, limits.max_connections),
                ("max-current-clients", state.clients, limits.max_current_clients),
                (
                    "max-current-request-queue-size",
                    writer.waiting,
                    limits.max_current_request_queue_size,
                ),
                (
                    "max-database-request-queue-size",
                    readers.waiting,
                    limits.max_database_request_queue_size,
                ),
            )
        ],
        node_status=NodeStatus(
            dbid=state.dbid,
            epoch=state.epoch,
            primary_since=state.primary_since,
            terms=state.terms,
            last_event_number=writer.last_event_number,
            store=store_kind,
            writer=WriterStatus(
                waiting=writer.waiting,
                batches=writer.batches,
                works=writer.works,
                busy_seconds=writer.busy_seconds,
                longest_batch=writer.longest,
            ),
            readers=ReaderStatus(lanes=readers.lanes, busy=readers.busy, waiting=readers.waiting),
            held_pulls=len(state.held),
            streams=len(reporting.streams),
            subscribers=len(reporting),
            sessions=writer.people.sessions,
            sessions_lost=writer.people.lost,
            agents_logged_in=writer.people.agents,
            next_due=writer.due,
            interactions=sum(state.counted.states.values()) if state.counted else 0,
            queues=queues,
            queues_left_out=left_out,
            counted_at=state.counted.event.event_time if state.counted else 0.0,
            capture_points=state.capture.statuses()[:MOST_POINTS],
            event_logs=state.logs.statuses()[:MOST_POINTS],
        ),
    )


def queues_of(counted: Announce | None, most: int = MOST_QUEUES) -> tuple[list[QueueStatus], int]:
    """The fullest queues of the last announcement, and how many more have something."""
    if counted is None:
        return [], 0
    by_queue: dict[tuple[int, str], dict[str, int]] = {}
    for (tenant, queue, number), count in counted.states.items():
        by_queue.setdefault((tenant, queue), {})[InteractionState(number).name.lower()] = count
    fullest = nlargest(most, by_queue.items(), key=lambda item: sum(item[1].values()))
    waiting = counted.event.queues
    found = [
        QueueStatus(
            tenant_id=tenant,
            queue=queue,
            waiting=waiting.get(tenant, {}).get(queue, 0),
            states=states,
        )
        for (tenant, queue), states in fullest
    ]
    return found, len(by_queue) - len(found)
