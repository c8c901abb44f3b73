"""Agent sessions told to a node that came (back), some at a time."""

from __future__ import annotations

from ixproxy.core.agent_sessions import AgentSession, AgentSessions
from ixproxy.core.links import Link
from ixproxy.core.pending import Pending
from ixproxy.core.registering import joined
from ixproxy.core.state import ProxyState
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Frame


def replay(state: ProxyState, sessions: AgentSessions, link: Link) -> None:
    """A node knows all clients: tell it of the sessions, then offer it for work."""
    theirs = [session for session in sessions if session.tenant in link.facts.tenants]
    Replaying(state, link, theirs).start()


class Replaying:
    """One node being told."""

    def __init__(self, state: ProxyState, link: Link, sessions: list[AgentSession]) -> None:
        self._state = state
        self._link = link
        self._sessions = sessions
        self._awaited = 0

    def start(self) -> None:
        """Send as many as the window allows."""
        while self._sessions and self._awaited < self._state.settings.replay_window:
            session = self._sessions.pop()
            client = next((c for c in session.clients if self._link.name in c.numbers), None)
            if client is None:
                continue
            self._awaited += 1
            self._state.ask(
                self._link, session.confirmation(), self, why="replay-agent", client=client
            )
        self._link.replaying = self._awaited + len(self._sessions)
        if not self._awaited:
            joined(self._state, self._link)

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """One session is known there, or refused."""
        if frame.kind == Kind.ERROR:
            self._state.note("warn", "Node {node} refused a replayed agent session", node=link.name)
        self._awaited -= 1
        self.start()

    def lost(self, link: Link, pending: Pending) -> None:
        """The node went again; it joins from the start when it is back."""
        self._awaited -= 1
        if link.speaks:
            self.start()
