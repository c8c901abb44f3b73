"""
Agent sessions told to a node that came (back), some at a time.

Theory of operation: each session is confirmed in the name of each of its
clients, so that it outlasts any one of them there. When all are told it is
looked for sessions that began meanwhile; the node is offered for work when
there are none. A node that refuses a session stays without it; but an upstream
proxy speaks for all nodes, and has taken the agent off all of them: the agent's
client is told that it is logged out.
"""

from __future__ import annotations

from collections import deque

from ixproxy.core.agent_sessions import AgentKey, AgentSession, AgentSessions
from ixproxy.core.clients import Client
from ixproxy.core.links import Link
from ixproxy.core.pending import Pending
from ixproxy.core.registering import joined
from ixproxy.core.state import ProxyState, error_code
from ixproxy.errors import Code
from ixproxy.messages import EventForcedAgentStateChange
from ixproxy.wire.codec import encode
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Frame

LOGOUT = "Logout"

_UNDECIDED = frozenset(
    (
        Code.BUSY, Code.CANCELLED, Code.EXPIRED, Code.INTERNAL, Code.LOST_CONNECTION,
        Code.NOT_ACCESSIBLE, Code.NOT_REGISTERED, Code.STOPPING, Code.SUPERSEDED,
    )
)  # fmt: skip
"""Refusals that say nothing about the session."""

Told = tuple[AgentKey, tuple[int, int], Client]


def replay(state: ProxyState, sessions: AgentSessions, link: Link) -> None:
    """A node knows all clients: tell it of the sessions, then offer it for work."""
    Replaying(state, link, sessions).start()


class Replaying:
    """One node being told."""

    def __init__(self, state: ProxyState, link: Link, sessions: AgentSessions) -> None:
        self._state = state
        self._link = link
        self._sessions = sessions
        self._told: set[Told] = set()
        self._next: deque[tuple[AgentSession, Client]] = deque()
        self._awaited = 0

    def start(self) -> None:
        """Send as many as the window allows."""
        link, window = self._link, self._state.settings.replay_window
        while self._awaited < window and (self._next or (not self._awaited and self._look())):
            session, client = self._next.popleft()
            if link.name in client.numbers and client in session.clients:
                self._awaited += 1
                telling = _Telling(self, session, client)
                self._state.ask(
                    link, session.confirmation(), telling, why="replay-agent", client=client
                )
        link.replaying = self._awaited + len(self._next)
        if not self._awaited:
            joined(self._state, link)

    def _look(self) -> bool:
        """Whether there are sessions that were not told yet."""
        for session in self._sessions:
            if session.tenant in self._link.facts.tenants:
                for client in sorted(session.clients, key=_age):
                    key = (session.tenant, session.agent), session.stamp, client
                    if self._link.name in client.numbers and key not in self._told:
                        self._told.add(key)
                        self._next.append((session, client))
        return bool(self._next)

    def settled(self) -> None:
        """The node knows one session, or does not."""
        self._awaited -= 1
        if self._link.speaks:
            self.start()

    def refused(self, session: AgentSession, client: Client, code: int) -> None:
        """The node does not take a session."""
        state, link = self._state, self._link
        state.note(
            "warn",
            "{link} refused a replayed session of agent {agent} of {client}: {code}",
            link=str(link),
            agent=session.agent,
            client=str(client),
            code=code,
        )
        if not link.facts.is_proxy or code in _UNDECIDED or client not in session.clients:
            return
        self._sessions.leave((session.tenant, session.agent), client)
        event = EventForcedAgentStateChange(
            tenant_id=session.tenant,
            agent_id=session.agent,
            place_id=session.place,
            agent_session=session.stamp,
            agent_state_change_operation=LOGOUT,
            media_list=dict(session.media),
            extension={"Proxy": state.settings.name},
        )
        if not client.gone:
            state.answer_raw(client, 0, encode(event))


def _age(client: Client) -> tuple[int, int]:
    return client.peer.id, client.number


class _Telling:
    """One confirmation on its way."""

    def __init__(self, replaying: Replaying, session: AgentSession, client: Client) -> None:
        self._replaying = replaying
        self._session = session
        self._client = client

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """The session is known there, or refused."""
        if frame.kind == Kind.ERROR:
            self._replaying.refused(self._session, self._client, error_code(frame))
        self._replaying.settled()

    def lost(self, link: Link, pending: Pending) -> None:
        """Time is up; or the node went again, and joins from the start when it is back."""
        self._replaying.settled()
