"""
The agent sessions of this proxy's clients.

What a restart loses, and who restores it: all of it; agents log in again and
name their `AgentSession`, which the nodes still know.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ixproxy.core.clients import Client
from ixproxy.messages import RequestConfirmSession

AgentKey = tuple[int, str]


@dataclass(slots=True)
class AgentSession:
    """An agent that this proxy's clients logged in."""

    tenant: int
    agent: str
    stamp: tuple[int, int]
    place: str
    media: dict[str, int] = field(default_factory=dict)
    clients: set[Client] = field(default_factory=set)

    def confirmation(self) -> RequestConfirmSession:
        """The whole session, as nodes are told of it."""
        return RequestConfirmSession(
            tenant_id=self.tenant,
            agent_id=self.agent,
            place_id=self.place,
            agent_session=self.stamp,
            media_list=dict(self.media),
        )


class AgentSessions:
    """Sessions by agent, and agents by client; a session without clients is forgotten."""

    def __init__(self) -> None:
        self._sessions: dict[AgentKey, AgentSession] = {}
        self._of_client: dict[Client, set[AgentKey]] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator[AgentSession]:
        return iter(self._sessions.values())

    def get(self, key: AgentKey) -> AgentSession | None:
        """The session of an agent."""
        return self._sessions.get(key)

    def keep(self, session: AgentSession) -> None:
        """An agent is logged in, in the place of its older session."""
        key = session.tenant, session.agent
        older = self._sessions.get(key)
        if older is not None:
            for client in older.clients - session.clients:
                self._unlink(key, client)
        self._sessions[key] = session
        for client in session.clients:
            self._of_client.setdefault(client, set()).add(key)

    def leave(self, key: AgentKey, client: Client) -> None:
        """One client logged the agent out; harmless when it was not logged in there."""
        session = self._sessions.get(key)
        if session is None or client not in session.clients:
            return
        session.clients.remove(client)
        self._unlink(key, client)
        if not session.clients:
            del self._sessions[key]

    def client_gone(self, client: Client) -> None:
        """A client left: the nodes keep its agents for a while."""
        for key in tuple(self._of_client.get(client, ())):
            self.leave(key, client)

    def moved(self, older: Client, newer: Client) -> None:
        """A client's session is on a newer connection, and so are its agents."""
        for key in self._of_client.pop(older, ()):
            clients = self._sessions[key].clients
            clients.discard(older)
            clients.add(newer)
            self._of_client.setdefault(newer, set()).add(key)

    def _unlink(self, key: AgentKey, client: Client) -> None:
        keys = self._of_client.get(client)
        if keys is not None:
            keys.discard(key)
            if not keys:
                del self._of_client[client]
