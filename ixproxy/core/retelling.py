"""
Nodes that refused an agent session are told it again, a few times, with longer
and longer pauses; then it is said once that they go without it.

So it is with one that is there and does not answer a change or a logout.

What they are told is the whole session, as it is by then. While a change of the
agent is under way nothing is told, for the change would be overtaken. When a
node takes the session at last, it is told what has changed meanwhile, too,
before it counts as one that has it.

What a restart loses, and who restores it: see `lacking`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container

from ixproxy.core.agent_sessions import AgentKey, AgentSession, AgentSessions
from ixproxy.core.agent_states import AgentState
from ixproxy.core.agreeing import Agreeing
from ixproxy.core.clients import Client
from ixproxy.core.forced_changes import log_out_everywhere, tell_logged_out
from ixproxy.core.lacking import TRIES
from ixproxy.core.links import Link
from ixproxy.core.pending import Pending
from ixproxy.core.state import ProxyState, error_code
from ixproxy.core.unanswered import ENDED, UNDECIDED, LogoutTold
from ixproxy.errors import Code
from ixproxy.messages import RequestAgentLogout
from ixproxy.messages.agents import NO_SEAT
from ixproxy.values import NodeName
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Frame


def ended_by(
    state: ProxyState,
    sessions: AgentSessions,
    link: Link,
    session: AgentSession,
    client: Client,
    code: int,
) -> bool:
    """
    A node refuses a session that it was told. Where that decides, the client's
    part in it is over everywhere, and the client is told.

    :return: False: all others keep it, and the node lacks it.
    """
    if code not in ENDED and (not link.facts.is_proxy or code in UNDECIDED):
        return False
    reason = NO_SEAT if code == Code.NO_LICENCE else None
    log_out_everywhere(state, sessions, session, client, but=link, reason=reason)
    tell_logged_out(state, session, client, reason)
    return True


class Retelling:
    """Tells nodes what they lack."""

    def __init__(
        self,
        state: ProxyState,
        sessions: AgentSessions,
        busy: Container[AgentKey],
        agreeing: Agreeing,
    ) -> None:
        self._state = state
        self._sessions = sessions
        self._busy = busy
        self._agreeing = agreeing
        self._awaited: Counter[NodeName] = Counter()
        state.when_known_late.append(self.known_late)

    def ticked(self) -> None:
        """Some time passed: tell what is due, no more at a time than a node that is back is."""
        self._agreeing.ticked()
        for link in self._state.links.values():
            self._tell_logouts(link)
            for (key, client), missing in self._sessions.lacking.due(link.name, self._state.now):
                if self._awaited[link.name] >= self._state.settings.replay_window:
                    break
                if key not in self._busy and not self._state.no_way_to(link, client):
                    missing.due = float("inf")
                    self.tell(link, key, client)

    def known_late(self, link: Link, client: Client) -> None:
        """A node knows a client that has worked with others meanwhile: tell it what they know."""
        state, sessions = self._state, self._sessions
        if not link.linked:
            # It is told of all before it is offered for work.
            return
        for key in sorted(sessions.agents_of(client)):
            if key[0] in link.facts.tenants:
                sessions.lacking.note(link.name, key, client, state.now)
        for request in tuple(sessions.standing.of(client)):
            if getattr(request, "tenant_id", 0) in link.facts.tenants:
                state.ask(link, request, None, why="replay-agent", client=client)

    def _tell_logouts(self, link: Link) -> None:
        """A node that is there did not answer a logout, or was too busy: it is told once more."""
        absences = self._sessions.absences
        if not link.linked or not absences.due(link.name, self._state.now):
            return
        for missed in absences.take(link.name):
            client, (tenant, agent), stamp = missed
            if self._state.no_way_to(link, client):
                absences.note([link.name], missed)
            else:
                logout = RequestAgentLogout(tenant_id=tenant, agent_id=agent, agent_session=stamp)
                told = LogoutTold(self._state, self._sessions, missed)
                self._state.ask(link, logout, told, why="replay-agent", client=client)

    def tell(self, link: Link, key: AgentKey, client: Client) -> None:
        """Tell a node one session as it is now."""
        session = self._sessions.get(key)
        assert session is not None
        self._awaited[link.name] += 1
        again = _Again(self, session.stamp, session.state, key, client)
        self._state.ask(link, session.replay(), again, why="replay-agent", client=client)

    def answered(self, link: Link, again: _Again, code: int) -> None:
        """
        A node has a session now, or not.

        :param code: why not; 0: it has.
        """
        self._settled(link)
        state, lacking, key, client = self._state, self._sessions.lacking, again.key, again.client
        self._agreeing.told(link, key, client)
        session = self._sessions.get(key)
        if not lacking.has(link.name, key, client):
            return
        assert session is not None
        if code:
            if session.stamp != again.stamp or not ended_by(
                state, self._sessions, link, session, client, code
            ):
                self._failed(link, key, client, str(code))
        elif session.state == again.told:
            lacking.found(link.name, key, client)
        else:
            self.tell(link, key, client)

    def lost(self, link: Link, again: _Again) -> None:
        """No answer will come."""
        self._settled(link)
        self._failed(link, again.key, again.client, "it does not answer")

    def _settled(self, link: Link) -> None:
        self._awaited[link.name] -= 1
        if not self._awaited[link.name]:
            del self._awaited[link.name]

    def _failed(self, link: Link, key: AgentKey, client: Client, why: str) -> None:
        missing = self._sessions.lacking.failed(link.name, key, client, self._state.now)
        if missing is not None and missing.tries == TRIES:
            self._state.note(
                "warn",
                "{link} goes without the session of agent {agent} of {client}, told {tries} "
                "times again: {why}",
                link=str(link),
                agent=key[1],
                client=str(client),
                tries=TRIES,
                why=why,
            )


class _Again:
    """One session being told again."""

    def __init__(
        self,
        retelling: Retelling,
        stamp: tuple[int, int],
        told: AgentState,
        key: AgentKey,
        client: Client,
    ) -> None:
        self._retelling = retelling
        self.stamp = stamp
        self.told = told
        self.key = key
        self.client = client

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """It is known there, or refused."""
        code = error_code(frame) if frame.kind == Kind.ERROR else 0
        self._retelling.answered(link, self, code)

    def lost(self, link: Link, pending: Pending) -> None:
        """Time is up, or the node went."""
        self._retelling.lost(link, self)
