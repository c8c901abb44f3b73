"""Who is said to have brought something about."""

from __future__ import annotations

from ixproxy.messages.message import Actor
from ixproxy.node.turn import Cause, Turn
from ixproxy.values import ClientType


def actor_of(turn: Turn, cause: Cause) -> Actor | None:
    """Who caused an event; None: nobody, as when a timer expires."""
    sender = cause.sender
    if sender is None:
        return None
    if sender.client_type == ClientType.AGENT_APPLICATION:
        for name in turn.memory.agents_of.get(sender.session, ()):
            row = turn.memory.logged_in(name)
            if row is not None:
                return Actor(agent_id=row.agent_id, place_id=row.place_id)
        return None
    if sender.client_type == ClientType.ROUTING_ENGINE:
        return Actor(router_id=sender.client_name)
    return Actor(media_server=sender.client_name)
