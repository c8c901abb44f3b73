"""Which agent session a row belongs to."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable

from ixproxy.eventlog.merging.agent_acts import AgentEvent, session_of
from ixproxy.eventlog.merging.agent_records import Session

SETTLING = 5.0
"""Seconds within which nodes log the same login or logout, where nothing else tells."""


class Sessions:
    """
    Agent sessions that are open, or were a while ago.

    :ivar all: by their keys.
    """

    def __init__(self, sessions: Iterable[Session] = ()) -> None:
        self.all: dict[str, Session] = {}
        self._agents: dict[tuple[int, str], list[Session]] = {}
        for session in sessions:
            self.keep(session)

    def keep(self, session: Session) -> None:
        """One more."""
        self.all[session.key] = session
        those = self._agents.setdefault((session.tenant_id, session.agent_id), [])
        # Oldest first, whatever the order in which they came, or were read.
        insort(those, session, key=lambda each: (each.began, each.key))

    def forget(self, session: Session) -> None:
        """One less."""
        del self.all[session.key]
        name = (session.tenant_id, session.agent_id)
        self._agents[name].remove(session)
        if not self._agents[name]:
            del self._agents[name]

    def for_login(self, event: AgentEvent) -> Session | None:
        """The session that a login belongs to; None: it begins one."""
        key = session_of(event)
        if key is not None:
            return self.all.get(key)
        node = event.dbid
        those = self._unnamed(event)
        for each in those:
            if each.closed is None and node in each.nodes:
                # Alone it never ended what it had; with others it was away.
                return each if len(each.nodes) > 1 else None
        for each in reversed(those):
            if each.closed is not None:
                new = node not in each.nodes and node not in each.left
                if new and event.time - each.began < SETTLING:
                    return each
            elif event.time - each.left.get(node, -1e300) > SETTLING:
                return each
        return None

    def of(self, event: AgentEvent) -> Session | None:
        """The session that a change or a logout belongs to."""
        key = session_of(event)
        if key is not None:
            return self.all.get(key)
        those = self._unnamed(event)
        for each in those:
            if event.dbid in each.nodes:
                return each
        for each in reversed(those):
            if each.closed is None or event.time - each.closed < SETTLING:
                return each
        return None

    def of_agent(self, event: AgentEvent) -> list[Session]:
        """All of the event's agent, the oldest first."""
        return list(self._agents.get((event.tenant_id, event.agent_id or ""), ()))

    def _unnamed(self, event: AgentEvent) -> list[Session]:
        place = event.place_id or ""
        those = self.of_agent(event)
        return [each for each in those if not each.named and each.place_id == place]
