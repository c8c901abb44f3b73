"""
Logouts that a node has missed, for it is away: it is told when it returns.

Theory of operation: a node that comes back still believes that an agent is
logged in who has logged out meanwhile, and its client, registered there anew,
keeps it so for ever. So a logout is remembered for each node that has not
heard it, for as long as the client is here: the session of a client that has
left ends on the node by itself, for nobody registers it there any more. The
logout names the session's stamp and is in the client's own name: what another
client has, through whichever proxy, it does not end.

What a restart loses, and who restores it: all of it. The client then registers
through a proxy that knows nothing of the logout, and a node that was away all
the while keeps the agent logged in until the client leaves, or logs the agent
in or out again.
"""

from __future__ import annotations

from collections.abc import Iterable

from ixproxy.core.clients import Client
from ixproxy.values import NodeName

MOST = 20_000
"""Logouts that are remembered for one node; then the oldest is forgotten."""

Missed = tuple[Client, tuple[int, str], tuple[int, int]]
"""Whose logout, of which agent, and the stamp of the session."""


class Absences:
    """
    What each node has missed.

    :ivar forgotten: logouts for which there was no room.
    """

    def __init__(self) -> None:
        self._missed: dict[NodeName, dict[Missed, None]] = {}
        self._of_client: dict[Client, dict[tuple[NodeName, Missed], None]] = {}
        self._paused: dict[NodeName, float] = {}
        """Until when nodes that could not do one are not told."""
        self.forgotten = 0

    def __len__(self) -> int:
        return sum(map(len, self._missed.values()))

    def note(self, nodes: Iterable[NodeName], missed: Missed) -> None:
        """Nodes have not heard of a logout; nothing is kept for a client that has left."""
        client = missed[0]
        if client.gone:
            return
        for node in nodes:
            of_node = self._missed.setdefault(node, {})
            of_node[missed] = None
            self._of_client.setdefault(client, {})[node, missed] = None
            if len(of_node) > MOST:
                self._forget(node, next(iter(of_node)))
                self.forgotten += 1

    def withdraw(self, missed: Missed) -> list[NodeName]:
        """
        A client is in the session again: nobody is to be told that it is out.

        :return: the nodes that have not heard that it was out.
        """
        nodes = [node for node, of_node in self._missed.items() if missed in of_node]
        for node in nodes:
            self._forget(node, missed)
        return nodes

    def missed_by(self, node: NodeName) -> bool:
        """Whether there is anything that a node has missed."""
        return node in self._missed

    def pause(self, node: NodeName, until: float) -> None:
        """A node that is there could not do a logout: it is told no more until then."""
        self._paused[node] = until

    def due(self, node: NodeName, now: float) -> bool:
        """Whether a node that is there is to be told of what it has missed."""
        return node in self._missed and self._paused.get(node, now) <= now

    def take(self, node: NodeName) -> list[Missed]:
        """What a node that is back is to be told, oldest first; it is forgotten."""
        taken = list(self._missed.get(node, ()))
        self._paused.pop(node, None)
        for missed in taken:
            self._forget(node, missed)
        return taken

    def forget_node(self, node: NodeName) -> None:
        """A node left the deployment."""
        self.take(node)

    def client_gone(self, client: Client) -> None:
        """A client left, and its sessions end on the nodes by themselves."""
        self._of(client)

    def moved(self, older: Client, newer: Client) -> None:
        """A client's session is on a newer connection."""
        for node, (_, key, stamp) in self._of(older):
            self.note([node], (newer, key, stamp))

    def _of(self, client: Client) -> list[tuple[NodeName, Missed]]:
        """What was missed of one client; it is forgotten."""
        found = list(self._of_client.get(client, ()))
        for node, missed in found:
            self._forget(node, missed)
        return found

    def _forget(self, node: NodeName, missed: Missed) -> None:
        of_node, of_client = self._missed[node], self._of_client[missed[0]]
        del of_node[missed], of_client[node, missed]
        if not of_node:
            del self._missed[node]
        if not of_client:
            del self._of_client[missed[0]]
