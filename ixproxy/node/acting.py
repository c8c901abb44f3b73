"""Who is said to have brought something about."""

from __future__ import annotations

from functools import lru_cache

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
        return _router(sender.client_name)
    return _media_server(sender.client_name)


# They submit and route most of what happens, and are few.
_KNOWN = 256


@lru_cache(_KNOWN)
def _router(name: str) -> Actor:
    return Actor(router_id=name)


@lru_cache(_KNOWN)
def _media_server(name: str) -> Actor:
    return Actor(media_server=name)
