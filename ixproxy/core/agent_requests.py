"""
Agent requests come in: one change of an agent at a time, each to its kind of change.

What the table says is so already is answered at once, and no node is asked. A
second request for the same agent while one is under way is 2004; but a
confirmation, which a proxy behind this one sends once for each client of an
agent, waits for its turn.

What a restart loses, and who restores it: who waits; their clients fail it as
in doubt when their connections break.
"""

from __future__ import annotations

from collections import deque

from msgspec.structs import replace

from ixproxy.core.agent_logins import LoggingIn
from ixproxy.core.agent_logouts import LoggingOut
from ixproxy.core.agent_sessions import AgentKey, AgentSession, AgentSessions
from ixproxy.core.agent_states import is_so
from ixproxy.core.agents import AgentChange
from ixproxy.core.clients import Client
from ixproxy.core.confirming import Confirming, confirmed
from ixproxy.core.forced_changes import ForcedChanges
from ixproxy.core.links import Link
from ixproxy.core.retelling import Retelling
from ixproxy.core.state import Asked, ProxyState
from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    RequestAgentAvailable,
    RequestAgentLogin,
    RequestAgentLogout,
    RequestAgentNotAvailable,
    RequestConfirmSession,
)
from ixproxy.messages.agents import BY_SERVER, AgentRequest
from ixproxy.values import rendezvous
from ixproxy.wire.codec import decode

MOST_WAITING = 1000
"""Confirmations about one agent that wait for a change to be over."""
_ELSEWHERE = (RequestAgentAvailable, RequestAgentNotAvailable)
"""They are about no agent session."""


class AgentRequests:
    """
    Takes agent requests to the nodes.

    :ivar busy: agents of whom a change is under way.
    :ivar forced: follows what nodes say of agents.
    :ivar retelling: tells nodes the sessions that they lack.
    """

    def __init__(self, state: ProxyState) -> None:
        self._state = state
        self.sessions = AgentSessions()
        self.busy: dict[AgentKey, AgentChange] = {}
        self.forced = ForcedChanges(state, self.sessions, self.busy)
        self.retelling = Retelling(state, self.sessions, self.busy, self.forced.agreeing)
        self._waiting: dict[AgentKey, deque[tuple[Asked, RequestConfirmSession]]] = {}

    def start(self, asked: Asked) -> None:
        """An agent request came in."""
        request = decode(asked.frame)
        assert isinstance(request, AgentRequest)
        key, client = (request.tenant_id, request.agent_id), asked.client
        known = self.sessions.get(key)
        if BY_SERVER in request.extension:
            # Only a proxy's own word.
            rest = {name: it for name, it in request.extension.items() if name != BY_SERVER}
            request = replace(request, extension=rest)
        if request.agent_session is not None:
            request = replace(request, agent_session=tuple(request.agent_session))
        elif known is not None and client in known.clients and not isinstance(request, _ELSEWHERE):
            request = replace(request, agent_session=known.stamp)
        if key in self.busy:
            self._state.refuse(asked, Code.IN_PROGRESS)
        elif not self._answered(asked, request, known):
            self._ask_nodes(asked, request, key)

    def _answered(self, asked: Asked, request: AgentRequest, known: AgentSession | None) -> bool:
        """Answer what the table says; False: it does not."""
        client, stamp = asked.client, request.agent_session
        if not self.sessions.standing.has_room(client, request):
            self._state.refuse(asked, Code.LIMIT_REACHED, "the client has said so of too many")
            return True
        if known is None or client not in known.clients:
            return False
        if stamp is not None and stamp < known.stamp:
            # Of a session that a newer one has ended: it is not to touch the newer one.
            self._state.refuse(asked, Code.STALE_SESSION)
            return True
        if stamp != known.stamp or not _is_so(known, request):
            return False
        self._state.counters["agent requests answered here"] += 1
        self._state.answer_message(asked, EventAck(agent_session=known.stamp))
        return True

    def _ask_nodes(self, asked: Asked, request: AgentRequest, key: AgentKey) -> None:
        links = [
            link
            for link in self._in_order(key, asked.client)
            if not self._state.no_way_to(link, asked.client)
        ]
        if not links:
            self._state.refuse(asked, Code.NOT_ACCESSIBLE)
            return
        kind: type[AgentChange] = AgentChange
        change: AgentChange
        if isinstance(request, RequestAgentLogin):
            change = LoggingIn(self._state, self.sessions, self._over, asked, request, links)
        else:
            if isinstance(request, RequestAgentLogout):
                kind = LoggingOut
            elif not isinstance(request, _ELSEWHERE):
                lacking, client = self.sessions.lacking, asked.client
                links = [
                    link for link in links if not lacking.has(link.name, key, client)
                ] or links
            change = kind(self._state, self.sessions, self._over, asked, request, links)
        self._begin(change, key)

    def confirm(self, asked: Asked, request: RequestConfirmSession) -> None:
        """
        A proxy behind this one confirms a session in the name of a client.

        One that was logged in through this proxy is confirmed already. One
        that was logged in elsewhere is told to all nodes; nodes that are away
        are told when they return.
        """
        key = request.tenant_id, request.agent_id
        if request.agent_session is None:
            self._state.refuse(asked, Code.MISSING_VALUE, "AgentSession is missing")
            return
        request = replace(request, agent_session=tuple(request.agent_session))
        if key in self.busy:
            waiting = self._waiting.setdefault(key, deque())
            if len(waiting) < MOST_WAITING:
                waiting.append((asked, request))
            else:
                self._state.refuse(asked, Code.IN_PROGRESS)
            return
        known = self.sessions.get(key)
        links = self._in_order(key, asked.client)
        if known is not None and known.has(asked.client, request.agent_session):
            self._state.answer_message(asked, EventAck(agent_session=request.agent_session))
        elif not links:
            self.sessions.keep(confirmed(known, request, asked.client))
            self._state.answer_message(asked, EventAck(agent_session=request.agent_session))
        else:
            change = Confirming(self._state, self.sessions, self._over, asked, request, links)
            self._begin(change, key)

    def _begin(self, change: AgentChange, key: AgentKey) -> None:
        self.busy[key] = change
        change.start()

    def _over(self, key: AgentKey) -> None:
        """A change of an agent has ended: what nodes said meanwhile, then whoever waits."""
        self.busy.pop(key, None)
        self.forced.over(key)
        while key not in self.busy and key in self._waiting:
            asked, request = self._waiting[key].popleft()
            if not self._waiting[key]:
                del self._waiting[key]
            if asked.client.gone:
                continue
            if asked.cancelled or asked.due <= self._state.now:
                self._state.refuse(asked, Code.CANCELLED if asked.cancelled else Code.EXPIRED)
            else:
                self.confirm(asked, request)

    def _in_order(self, key: AgentKey, client: Client) -> list[Link]:
        """The linked nodes of the agent's tenant that know the client, its home first."""
        links = {link.name: link for link in self._state.links_of(key[0])}
        ordered = (links[name] for name in rendezvous(f"{key[0]}/{key[1]}", links))
        return [link for link in ordered if link.linked and link.name in client.numbers]


def _is_so(known: AgentSession, request: AgentRequest) -> bool:
    if isinstance(request, RequestAgentLogin):
        same_place = request.place_id in ("", known.place)
        return same_place and known.state.joined(request.media_list) == known.state
    return is_so(known.state, request)
