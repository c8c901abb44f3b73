"""
The agent sessions of this proxy's clients.

What a restart loses, and who restores it: all of it; agents log in again and
name their `AgentSession`, which the nodes still know.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from msgspec.structs import replace

from ixproxy.core.absences import Absences, Missed
from ixproxy.core.agent_states import AgentState
from ixproxy.core.clients import Client
from ixproxy.core.lacking import AT_ONCE, Lacking
from ixproxy.core.standing import Standing
from ixproxy.messages import RequestConfirmSession
from ixproxy.messages.agents import REPLAYED
from ixproxy.messages.message import Reason
from ixproxy.values import NodeName

AgentKey = tuple[int, str]

MOST_OUSTED = 5_000
"""Sessions of one client that were ended by newer ones, while no node has told it; as many as a
client may have agents."""


@dataclass(slots=True)
class AgentSession:
    """
    An agent that this proxy's clients logged in.

    :ivar clients: who is logged in, and the state that each was told last.
    :ivar learning_until: until when nodes say what the session was before this
        proxy knew it, each what it has.
    """

    tenant: int
    agent: str
    stamp: tuple[int, int]
    place: str
    state: AgentState = field(default_factory=AgentState)
    clients: dict[Client, AgentState] = field(default_factory=dict)
    learning_until: float = float("-inf")

    @property
    def key(self) -> AgentKey:
        """The agent."""
        return self.tenant, self.agent

    def replay(self) -> RequestConfirmSession:
        """The same for a node that does not have it, or not as it is."""
        return replace(self.confirmation(), extension={REPLAYED: 1})

    def confirmation(self, reason: Reason | None = None) -> RequestConfirmSession:
        """The whole session, as nodes are told of it."""
        state = self.state
        return RequestConfirmSession(
            tenant_id=self.tenant,
            agent_id=self.agent,
            place_id=self.place,
            agent_session=self.stamp,
            media_list=dict(state.media),
            donot_disturb=state.donot_disturb,
            media_reasons=dict(state.media_reasons),
            state_reason=state.state_reason,
            reason=reason,
        )

    def has(self, client: Client, stamp: tuple[int, int] | None) -> bool:
        """Whether `client` is logged in, by the session that it names, if it names one."""
        return client in self.clients and stamp in (None, self.stamp)


class AgentSessions:
    """
    Sessions by agent, and agents by client; a session without clients is forgotten.

    :ivar absences: the logouts that nodes have missed.
    :ivar lacking: the sessions that nodes would not have.
    :ivar standing: what else nodes are told when they come back.
    """

    def __init__(self) -> None:
        self.absences = Absences()
        self.lacking = Lacking()
        self.standing = Standing()
        self._sessions: dict[AgentKey, AgentSession] = {}
        self._of_client: dict[Client, set[AgentKey]] = {}
        self._ousted: dict[Client, dict[tuple[AgentKey, tuple[int, int]], None]] = {}
        """Sessions that a newer one has ended: their clients are still to hear it from a node."""

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator[AgentSession]:
        return iter(self._sessions.values())

    def get(self, key: AgentKey) -> AgentSession | None:
        """The session of an agent."""
        return self._sessions.get(key)

    def keep(self, session: AgentSession) -> None:
        """
        An agent is logged in, in the place of its older session. A client may be in one again
        that it was logged out of: a node that has missed the logout has the session as it was
        then.
        """
        key = session.key
        older = self._sessions.get(key)
        if older is not None:
            for client in older.clients.keys() - session.clients.keys():
                self._unlink(older, client)
                ousted = self._ousted.setdefault(client, {})
                ousted[key, older.stamp] = None
                if len(ousted) > MOST_OUSTED:
                    del ousted[next(iter(ousted))]
            if older.stamp != session.stamp:
                for client in session.clients:
                    self.lacking.over(key, client)
        self._sessions[key] = session
        for client in session.clients:
            self._of_client.setdefault(client, set()).add(key)
            client.entered(session.stamp)
            if older is not None and older.stamp != session.stamp:
                client.left(older.stamp)
            for node in self.absences.withdraw((client, key, session.stamp)):
                self.lacking.note(node, key, client, AT_ONCE)

    def missed(self, node: NodeName, missed: Missed) -> None:
        """A node did not do a logout; harmless where the client is in the session again."""
        client, key, stamp = missed
        session = self._sessions.get(key)
        if session is None or not session.has(client, stamp):
            self.absences.note([node], missed)

    def agents_of(self, client: Client) -> frozenset[AgentKey]:
        """The agents that a client has logged in."""
        return frozenset(self._of_client.get(client, ()))

    def leave(self, key: AgentKey, client: Client) -> None:
        """One client logged the agent out; harmless when it was not logged in there."""
        session = self._sessions.get(key)
        if session is None or client not in session.clients:
            return
        del session.clients[client]
        for other in session.clients:
            # A node that lacks the session lacks it for those who stay.
            self.lacking.moved(key, client, other)
            break
        self._unlink(session, client)
        if not session.clients:
            del self._sessions[key]

    def ousted(self, client: Client, key: AgentKey, stamp: tuple[int, int] | None) -> bool:
        """Whether a newer session has ended this one, which a client is told just now; once."""
        ended = self._ousted.get(client, {})
        if stamp is None or (key, stamp) not in ended:
            return False
        del ended[key, stamp]
        if not ended:
            del self._ousted[client]
        return True

    def client_gone(self, client: Client) -> None:
        """A client left: the nodes keep its agents for a while."""
        self._ousted.pop(client, None)
        self.absences.client_gone(client)
        self.standing.client_gone(client)
        for key in tuple(self._of_client.get(client, ())):
            self.leave(key, client)

    def moved(self, older: Client, newer: Client) -> None:
        """
        A client's session is on a newer connection, and so are its agents; what
        stands for as long as a connection is over.
        """
        self.absences.moved(older, newer)
        self._ousted.pop(older, None)
        self.standing.client_gone(older)
        for key in self._of_client.pop(older, ()):
            clients = self._sessions[key].clients
            clients[newer] = clients.pop(older)
            newer.entered(self._sessions[key].stamp)
            self.lacking.moved(key, older, newer)
            self._of_client.setdefault(newer, set()).add(key)

    def _unlink(self, session: AgentSession, client: Client) -> None:
        key = session.key
        client.left(session.stamp)
        self.lacking.over(key, client)
        keys = self._of_client.get(client)
        if keys is not None:
            keys.discard(key)
            if not keys:
                del self._of_client[client]
