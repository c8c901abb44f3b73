"""Who reads what happens: the reporting streams of a tenant, and the consumers of the outbox."""

from __future__ import annotations

from ixproxy.messages.message import Event
from ixproxy.node.rows import OutboxRow
from ixproxy.node.turn import Turn
from ixproxy.wire.codec import encode


def is_kept(turn: Turn, tenant_id: int) -> bool:
    """Whether anybody reads the reporting events of a tenant."""
    return bool(turn.settings.consumers) or turn.memory.is_reported(tenant_id)


def keep(turn: Turn, tenant_id: int, event: Event) -> None:
    """An event about a tenant goes to whoever reads those."""
    turn.report(tenant_id, event)
    keep_for_consumers(turn, event)


def keep_for_consumers(turn: Turn, event: Event) -> None:
    """Put an event into the outbox, for each consumer that there is."""
    consumers = turn.settings.consumers
    if consumers:
        body = encode(event)
        for consumer in consumers:
            turn.rows.put_outbox(
                OutboxRow(event_number=event.event_number, consumer=consumer, body=body)
            )
