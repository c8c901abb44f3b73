"""
Which client a client session is on: its newest registration, and no other.

What a restart loses, and who restores it: all of it; sessions register again.
The highest incarnation that was ever registered is in the session's row.
"""

from __future__ import annotations

from collections.abc import Iterator

from ixproxy.errors import Code, RequestRefused
from ixproxy.net.node_peers import NodeClient


class NodeSessions:
    """The binding of each connected session."""

    def __init__(self) -> None:
        self._clients: dict[bytes, NodeClient] = {}

    def __len__(self) -> int:
        return len(self._clients)

    def __iter__(self) -> Iterator[NodeClient]:
        return iter(self._clients.values())

    def bind(self, client: NodeClient) -> NodeClient | None:
        """
        Bind a session to its new registration.

        :return: the client that is superseded by it.
        :raise RequestRefused: SUPERSEDED: a newer registration is connected.
        """
        session = client.sender.session
        older = self._clients.get(session)
        if older is not None and client.generation < older.generation:
            raise RequestRefused(Code.SUPERSEDED)
        self._clients[session] = client
        if older is None or older is client:
            return None
        older.supersede()
        return older

    def at(self, session: bytes) -> NodeClient | None:
        """The client that the session is on now."""
        return self._clients.get(session)

    def unbind(self, client: NodeClient) -> bool:
        """
        The client is gone.

        :return: whether its session was on it: only then is the session lost.
        """
        session = client.sender.session
        if self._clients.get(session) is not client:
            return False
        del self._clients[session]
        return True
