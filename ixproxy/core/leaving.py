"""
Clients go: by a goodbye, with their connection, or replaced by a newer registration.

Whatever the way, their requests run no further, takes under way go back when
their answers come, and no table keeps them.
"""

from __future__ import annotations

from collections.abc import Sequence

from ixproxy.core.agent_sessions import AgentSessions
from ixproxy.core.clients import Client
from ixproxy.core.registering import is_proxy, leave
from ixproxy.core.snapshot_requests import SnapshotRequests
from ixproxy.core.state import ProxyState
from ixproxy.core.streams import Streams
from ixproxy.core.workbins import Workbins
from ixproxy.errors import Code
from ixproxy.messages import RequestClientsGone
from ixproxy.values import through

MOST_AT_ONCE = 20_000
"""Numbers in one ClientsGone: even the shortest frames have room for them."""


class Leaving:
    """Takes clients out of all tables."""

    def __init__(
        self,
        state: ProxyState,
        agents: AgentSessions,
        streams: Streams,
        snapshots: SnapshotRequests,
        workbins: Workbins,
    ) -> None:
        self._state = state
        self._agents = agents
        self._streams = streams
        self._snapshots = snapshots
        self._workbins = workbins

    def lost(self, clients: Sequence[Client], application_name: str, code: int = 0) -> None:
        """
        Connections broke: sessions wait on the nodes, which are told of all at once.

        :param code: what requests in flight are answered with, where a
            downstream proxy waits for the answers; 0: nobody does.
        """
        state = self._state
        self._note(clients)
        for client in clients:
            self._forget(client, code)
            client.gone_with = application_name
        for link in state.links.values():
            waits = state.snapshots.waits_to_leave
            numbers = [
                client.numbers.pop(link.name)
                for client in clients
                if link.name in client.numbers and not waits(client, link.name)
            ]
            for number in numbers:
                link.clients.pop(number, None)
            if not link.speaks:
                continue
            for start in range(0, len(numbers), MOST_AT_ONCE):
                message = RequestClientsGone(
                    clients=numbers[start : start + MOST_AT_ONCE],
                    application_name=application_name,
                )
                state.ask(link, message, None, why="clients-gone")

    def goodbye(self, client: Client) -> None:
        """A client unregistered: what it holds goes back at once."""
        self._state.note("debug", "Client {client} has left", client=str(client))
        self._snapshots.client_gone(client, goodbye=True)
        self._forget(client, Code.CANCELLED)
        client.said_goodbye = True
        leave(self._state, client, goodbye=True)

    def refused(self, client: Client) -> None:
        """A node does not want it: it is registered nowhere."""
        self._forget(client, Code.CANCELLED)
        leave(self._state, client, goodbye=False)

    def replaced(self, client: Client) -> None:
        """Its connection was registered anew; the nodes hear of it when they know the newer."""
        self._forget(client, Code.SUPERSEDED)

    def superseded(self, older: Client, newer: Client) -> None:
        """A newer registration of its session came; its own connection is refused from now on."""
        self._agents.moved(older, newer)
        self._streams.leave(older)
        self._workbins.client_gone(older)
        self._state.drop_requests(older, Code.SUPERSEDED)
        self._snapshots.client_gone(older)
        self._state.unconfirmed.pop(older, None)
        older.superseded = older.gone = True

    def _note(self, clients: Sequence[Client]) -> None:
        """Say who is lost: a proxy with its clients, one client, or how many."""
        note = self._state.note
        for client in clients:
            if is_proxy(client):
                text = "Proxy {proxy} is lost, with {number} clients"
                note("info", text, proxy=str(client), number=len(clients) - 1)
                return
        if len(clients) == 1:
            note("debug", "Client {client} is lost", client=str(clients[0]))
        elif clients:
            who = through(f"{len(clients)} clients", clients[0].path)
            note("debug", "{clients} are lost", clients=who)

    def _forget(self, client: Client, code: int) -> None:
        self._state.drop_requests(client, code)
        self._snapshots.client_gone(client)
        self._agents.client_gone(client)
        self._streams.leave(client)
        self._workbins.client_gone(client)
        self._state.unconfirmed.pop(client, None)
        self._state.clients.remove(client)
