"""
Agent sessions that a node does not have, though it is there and all others do.

Theory of operation: a node that came back may refuse a session, for its place
is still another agent's, or its seats are taken; or it does not answer in time.
The agent works on, on all other nodes: to changes of the session such a node is
as good as away. It is told the session again (`retelling`).

What a restart loses, and who restores it: all of it; clients register anew,
their agents log in again, and every node is asked.
"""

from __future__ import annotations

from collections.abc import Iterator

from ixproxy.core.clients import Client
from ixproxy.values import NodeName

FIRST_PAUSE = 2.0
"""Seconds until a node is told again; twice as long each time."""
TRIES = 6
"""Times that it is told again; the last is two minutes after the first."""

AT_ONCE = float("-inf")
"""As the time at which a node was found to lack a session: it is told as soon as may be."""

AgentOf = tuple[tuple[int, str], Client]
"""An agent, and one of the clients that it is logged in by."""


class Missing:
    """
    One session of one client on one node.

    :ivar tries: how often it was told again.
    :ivar due: when it is told next; infinite: no more, or it is being told.
    """

    __slots__ = ("due", "tries")

    def __init__(self, due: float) -> None:
        self.tries = 0
        self.due = due


class Lacking:
    """By node, what it lacks."""

    def __init__(self) -> None:
        self._of_node: dict[NodeName, dict[AgentOf, Missing]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._of_node.values()))

    def note(self, node: NodeName, key: tuple[int, str], client: Client, now: float) -> None:
        """A node does not have a session; what is known already goes on."""
        of_node = self._of_node.setdefault(node, {})
        if (key, client) not in of_node:
            of_node[key, client] = Missing(now + FIRST_PAUSE)

    def has(self, node: NodeName, key: tuple[int, str], client: Client) -> bool:
        """Whether the node is without a session."""
        return (key, client) in self._of_node.get(node, ())

    def due(self, node: NodeName, now: float) -> Iterator[tuple[AgentOf, Missing]]:
        """What a node may be told again."""
        for each, missing in tuple(self._of_node.get(node, {}).items()):
            if missing.due <= now:
                yield each, missing

    def failed(
        self, node: NodeName, key: tuple[int, str], client: Client, now: float
    ) -> Missing | None:
        """A node was told again, in vain; None: nobody wants to know any more."""
        missing = self._of_node.get(node, {}).get((key, client))
        if missing is not None:
            missing.tries += 1
            tired = missing.tries >= TRIES
            missing.due = float("inf") if tired else now + FIRST_PAUSE * 2**missing.tries
        return missing

    def found(self, node: NodeName, key: tuple[int, str], client: Client) -> None:
        """A node has a session, or need not have it; harmless when it is not lacking."""
        of_node = self._of_node.get(node)
        if of_node is not None:
            of_node.pop((key, client), None)
            if not of_node:
                del self._of_node[node]

    def over(self, key: tuple[int, str], client: Client) -> None:
        """A client is logged in no more by that session."""
        for node in tuple(self._of_node):
            self.found(node, key, client)

    def moved(self, key: tuple[int, str], older: Client, newer: Client) -> None:
        """
        A client's session is on a newer connection, or another client stays in it: the node
        is told in its name from now on.
        """
        for of_node in self._of_node.values():
            missing = of_node.pop((key, older), None)
            if missing is not None:
                if missing.tries < TRIES and missing.due == float("inf"):
                    # What it was being told it was told in the older one's name.
                    missing.due = AT_ONCE
                of_node.setdefault((key, newer), missing)

    def forget_node(self, node: NodeName) -> None:
        """A node is away: it is told all when it returns."""
        self._of_node.pop(node, None)
