"""
What a node that came (back) is told besides its clients, some at a time.

Theory of operation: first the logouts that it missed, for they free places and
seats; then each session, whole, in the name of each of its clients, so that it
outlasts any one of them there; then topics, and agents who work elsewhere, and
which workbins the proxy listens to, in its own name. When
all are told it is looked for what has changed meanwhile; the node is offered
for work when nothing has.

A node that refuses a session stays without it at first: the agent's work on all
others is worth more, and the node is told again later (`retelling`). But one that
knows a newer session of the agent is right, and the older one ends everywhere; so does
one for which it has no seat, as all are those of agents with older ones. An upstream
proxy speaks for all nodes: what it refuses, it has taken off all of them. In all these
cases the agent's client is told that it is logged out.

What a restart loses, and who restores it: how far a node has been told; every
node then joins anew.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from ixproxy.core.absences import Missed
from ixproxy.core.agent_sessions import AgentKey, AgentSession, AgentSessions
from ixproxy.core.agent_states import AgentState
from ixproxy.core.clients import Client
from ixproxy.core.links import Link
from ixproxy.core.pending import Pending
from ixproxy.core.registering import joined
from ixproxy.core.retelling import ended_by
from ixproxy.core.state import ProxyState, error_code
from ixproxy.core.unanswered import PAUSE, UNDECIDED, by_now
from ixproxy.core.workbin_listeners import Telling
from ixproxy.core.workbins import Workbins
from ixproxy.errors import Code
from ixproxy.messages import RequestAgentLogout
from ixproxy.messages.message import Request
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Frame


class Item(NamedTuple):
    """One thing to tell; `session` where it is a session, no client where it is the proxy's own."""

    client: Client | None
    request: Request
    session: AgentSession | None = None


def replay(state: ProxyState, sessions: AgentSessions, workbins: Workbins, link: Link) -> None:
    """A node knows all clients: tell it the rest, then offer it for work."""
    Replaying(state, link, sessions, workbins).start()


class Replaying:
    """One node being told."""

    def __init__(
        self, state: ProxyState, link: Link, sessions: AgentSessions, workbins: Workbins
    ) -> None:
        self._state = state
        self._link = link
        self._sessions = sessions
        self._workbins = workbins
        self._told: dict[tuple[AgentKey, Client], tuple[tuple[int, int], AgentState]] = {}
        """Of each client's sessions, how it was told last."""
        self._said: dict[Client, list[Request]] = {}
        """Of each client, what stands and was told."""
        self._next: deque[Item] = deque()
        self._awaited = 0
        self._put_off: list[Missed] = []
        """Logouts that the node could not do: it is told later, and not waited for."""

    def start(self) -> None:
        """Send as many as the window allows."""
        link, window = self._link, self._state.settings.replay_window
        while self._awaited < window and (self._next or (not self._awaited and self._look())):
            item = self._current(self._next.popleft())
            if item is not None and item.client and link.name not in item.client.numbers:
                self._missed(item)
            elif item is not None:
                self._awaited += 1
                telling, why = _Telling(self, item), "replay-agent"
                self._state.ask(link, item.request, telling, why=why, client=item.client)
        link.replaying = self._awaited + len(self._next)
        if not self._awaited:
            self._note_put_off()
            joined(self._state, link)

    def _current(self, item: Item) -> Item | None:
        """What is to be told, as it is by now; None: nothing any more."""
        if item.session is None:
            return item
        session, client = self._sessions.get(item.session.key), item.client
        if session is None or client is None or not session.has(client, item.session.stamp):
            return None
        self._told[session.key, client] = session.stamp, session.state
        return Item(client, session.replay(), session)

    def _look(self) -> bool:
        """Whether there is anything that was not told yet; logouts go before all else."""
        return bool(
            self._look_for_logouts()
            or self._look_for_sessions()
            or self._look_for_rest()
            or self._look_for_workbins()
        )

    def _look_for_logouts(self) -> bool:
        for client, (tenant, agent), stamp in self._sessions.absences.take(self._link.name):
            logout = RequestAgentLogout(tenant_id=tenant, agent_id=agent, agent_session=stamp)
            self._next.append(Item(client, logout))
        return bool(self._next)

    def _look_for_sessions(self) -> bool:
        for session in self._sessions:
            if session.tenant not in self._link.facts.tenants:
                continue
            for client in sorted(session.clients, key=_age):
                key, how = (session.key, client), (session.stamp, session.state)
                if self._link.name in client.numbers and self._told.get(key) != how:
                    self._told[key] = how
                    self._next.append(Item(client, session.replay(), session))
        return bool(self._next)

    def _look_for_rest(self) -> bool:
        said: dict[Client, list[Request]] = {}
        for client, request in self._sessions.standing:
            if self._link.name not in client.numbers:
                continue
            tenant = getattr(request, "tenant_id", None)
            if tenant is not None and tenant not in self._link.facts.tenants:
                continue
            said.setdefault(client, []).append(request)
            if request not in self._said.get(client, ()):
                self._next.append(Item(client, request))
        self._said = said
        return bool(self._next)

    def _look_for_workbins(self) -> bool:
        self._next.extend(Item(None, request) for request in self._workbins.replay(self._link))
        return bool(self._next)

    def settled(self) -> None:
        """The node knows one thing, or does not."""
        self._awaited -= 1
        if self._link.speaks:
            self.start()
        else:
            while self._next:
                self._missed(self._next.popleft())
            self._note_put_off()

    def refused(self, item: Item, code: int) -> None:
        """The node does not take something."""
        state, link, session, client = self._state, self._link, item.session, item.client
        if isinstance(item.request, Telling):
            if code in UNDECIDED:
                self._missed(item)
            else:
                self._workbins.refused(link, item.request, code)
            return
        if session is None or client is None:
            if code in UNDECIDED:
                self._missed(item)
            if code not in (Code.STALE_SESSION, Code.NOT_LOGGED_IN_FOR_LOGOUT):
                what = type(item.request).__name__
                text = "{link} refused {what} of {client}, which other nodes took: {code}"
                state.note("warn", text, link=str(link), what=what, client=str(client), code=code)
            return
        state.note(
            "warn",
            "{link} refused a replayed session of agent {agent} of {client}: {code}",
            link=str(link),
            agent=session.agent,
            client=str(client),
            code=code,
        )
        told = self._told.get((session.key, client))
        if client not in session.clients or (told is not None and told[0] != session.stamp):
            return
        if not ended_by(state, self._sessions, link, session, client, code):
            self._sessions.lacking.note(link.name, session.key, client, state.now)

    def taken(self, item: Item) -> None:
        """The node has it, after all where it was refused before."""
        if item.session is not None and item.client is not None:
            self._sessions.lacking.found(self._link.name, item.session.key, item.client)

    def silent(self, item: Item) -> None:
        """The node does not say whether it has something."""
        self._missed(item)
        session, client = item.session, item.client
        if session is None or client is None or not self._link.speaks:
            return
        known = self._sessions.get(session.key)
        if known is not None and known.has(client, session.stamp):
            self._sessions.lacking.note(self._link.name, session.key, client, self._state.now)

    def _missed(self, item: Item) -> None:
        """A logout that was not done is one that the node has missed still; so is a workbin."""
        request, client = item.request, item.client
        if isinstance(request, Telling):
            if self._link.speaks:
                self._workbins.not_told(self._link.name, request)
        elif isinstance(request, RequestAgentLogout) and client and request.agent_session:
            key = request.tenant_id, request.agent_id
            self._put_off.append((client, key, request.agent_session))

    def _note_put_off(self) -> None:
        absences, name = self._sessions.absences, self._link.name
        for client, key, stamp in self._put_off:
            self._sessions.missed(name, (by_now(self._state, client), key, stamp))
        if self._put_off:
            absences.pause(name, self._state.now + PAUSE)
        self._put_off.clear()


def _age(client: Client) -> tuple[int, int]:
    return client.peer.id, client.number


class _Telling:
    """One thing on its way."""

    def __init__(self, replaying: Replaying, item: Item) -> None:
        self._replaying = replaying
        self._item = item

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """It is known there, or refused."""
        if frame.kind == Kind.ERROR:
            self._replaying.refused(self._item, error_code(frame))
        else:
            self._replaying.taken(self._item)
        self._replaying.settled()

    def lost(self, link: Link, pending: Pending) -> None:
        """Time is up; or the node went again, and joins from the start when it is back."""
        self._replaying.silent(self._item)
        self._replaying.settled()
