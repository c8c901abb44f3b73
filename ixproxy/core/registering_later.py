"""
Clients that a node could not register when it should have: told it again until it can.

Theory of operation: a registration is something that a node stores, so one
whose disk is full refuses it, and with it nothing that the client asks may go
there. That is no reason to refuse the client on all other nodes: to it this
node is one that is away. The node is tried again after a pause, with one
client; when it takes that one, the others follow, one after another. A link
that is made anew begins with all clients, so what was left is forgotten then.

What a restart loses, and who restores it: all of it; clients register again.
"""

from __future__ import annotations

from functools import partial

from ixproxy.core.clients import Client
from ixproxy.core.links import Link
from ixproxy.core.registering import Registering, note_refusal
from ixproxy.core.revoking import revoke_denied
from ixproxy.core.state import ProxyState
from ixproxy.values import NodeName

PAUSE = 1.0
"""Seconds until a node that could not register a client is tried again."""


class _Missing:
    """
    Who is missing on one node.

    :ivar connection: of the link, by its number; on another one they are not missing.
    :ivar due: when the node is tried again; None: it is being tried.
    :ivar awaited: a registration is on its way.
    :ivar going: clients are gone through, further up.
    """

    def __init__(self, connection: int, due: float) -> None:
        self.connection = connection
        self.due: float | None = due
        self.awaited = False
        self.going = False
        self.clients: dict[Client, None] = {}


class RegisteringLater:
    """All clients that are to be registered later, by node."""

    def __init__(self, state: ProxyState) -> None:
        self._state = state
        self._missing: dict[NodeName, _Missing] = {}
        state.when_refused_late.append(self._note)

    def __len__(self) -> int:
        return sum(len(missing.clients) for missing in self._missing.values())

    def note(self, registering: Registering) -> None:
        """Some nodes could not register a client."""
        for link in registering.could_not:
            self._note(link, registering.client)

    def _note(self, link: Link, client: Client) -> None:
        """A node could not register a client, and may have said so when nobody waited for it."""
        missing = self._missing.get(link.name)
        if missing is None or missing.connection != link.connections:
            due = self._state.now + PAUSE
            missing = self._missing[link.name] = _Missing(link.connections, due)
        missing.clients[client] = None

    def ticked(self) -> None:
        """Some time passed."""
        for name, missing in list(self._missing.items()):
            link = self._state.links.get(name)
            if link is None or not link.speaks or link.connections != missing.connection:
                del self._missing[name]
            elif missing.due is not None and missing.due <= self._state.now:
                missing.due = None
                # Those who come and go while its disk is full must not gather.
                missing.clients = {each: None for each in missing.clients if not each.gone}
                self._go_on(link, missing)

    def _go_on(self, link: Link, missing: _Missing) -> None:
        if missing.going:
            # One that is refused at once, further up.
            return
        missing.going = True
        while missing.clients and missing.due is None and not missing.awaited and link.speaks:
            client = next(iter(missing.clients))
            del missing.clients[client]
            if not client.gone and link.name not in client.numbers:
                missing.awaited = True
                done = partial(self._registered, link, missing)
                Registering(self._state, client, done).start([link])
        missing.going = False
        over = not (missing.clients or missing.awaited)
        if over and self._missing.get(link.name) is missing:
            del self._missing[link.name]

    def _registered(self, link: Link, missing: _Missing, registering: Registering) -> None:
        client = registering.client
        missing.awaited = False
        if registering.could_not:
            missing.clients[client] = None
            missing.due = self._state.now + PAUSE
        elif registering.refusal is not None and not client.gone:
            note_refusal(self._state, link, client, registering.refusal)
        elif link.name in client.numbers:
            revoke_denied(self._state, client, link, registering.held)
            for tell in self._state.when_known_late:
                tell(link, client)
        self._go_on(link, missing)
