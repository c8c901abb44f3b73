"""
The proxy's link to each node, from the first byte to full service.

Theory of operation
-------------------
DOWN      no connection: by-id requests get 2003, gathers leave the node out.
GREETING  connected, and the proxy's own registration was sent.
JOINING   the node answered; every client is being registered there, then
          every agent session is replayed. Not offered for work yet, so the
          node never sees a client or an agent that it does not know.
LINKED    offered for work.

A link that is lost goes DOWN from everywhere. A joining node that refuses the
proxy is reset. The table is total: what is not a transition is a mistake of
whoever called, and says so.

What a restart loses, and who restores it: everything; links are made again.
"""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """How far a link is."""

    DOWN = "down"
    GREETING = "greeting"
    JOINING = "joining"
    LINKED = "linked"


class Step(Enum):
    """What happens to a link."""

    CONNECTED = "connected"
    GREETED = "greeted"
    JOINED = "joined"
    LOST = "lost"


NEXT: dict[tuple[State, Step], State | None] = {
    (State.DOWN, Step.CONNECTED): State.GREETING,
    (State.DOWN, Step.GREETED): None,
    (State.DOWN, Step.JOINED): None,
    (State.DOWN, Step.LOST): State.DOWN,
    (State.GREETING, Step.CONNECTED): None,
    (State.GREETING, Step.GREETED): State.JOINING,
    (State.GREETING, Step.JOINED): None,
    (State.GREETING, Step.LOST): State.DOWN,
    (State.JOINING, Step.CONNECTED): None,
    (State.JOINING, Step.GREETED): None,
    (State.JOINING, Step.JOINED): State.LINKED,
    (State.JOINING, Step.LOST): State.DOWN,
    (State.LINKED, Step.CONNECTED): None,
    (State.LINKED, Step.GREETED): None,
    (State.LINKED, Step.JOINED): None,
    (State.LINKED, Step.LOST): State.DOWN,
}
