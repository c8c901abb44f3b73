"""Who reads what happens: the reporting streams of a tenant, and event logs."""

from __future__ import annotations

from ixproxy.messages.message import Event
from ixproxy.node.turn import Turn


def keep(turn: Turn, tenant_id: int, event: Event, logs: tuple[str, ...]) -> None:
    """
    An event about a tenant goes to whoever reads those.

    :param logs: the event logs that want it.
    """
    turn.report(tenant_id, event)
    if logs:
        turn.spools.gather(logs, event)
