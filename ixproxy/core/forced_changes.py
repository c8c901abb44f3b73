"""
What nodes say was changed of an agent, other than by the client that is told.

Theory of operation
-------------------
Several nodes tell a client the same, for another client's request reached them
all. The client hears it once: an event is handed on if it changes what this
client was told last, and comes from the session's *authority*, which is the
node that gave the stamp, or, where that is away, the first in rendezvous
order. What another node says later is the same again, or was overtaken; one
that does not say it has not done it (`agreeing`).

What a node did by itself (`by_server`) no other node knows. It counts
whichever node says it, and is passed on to all others, once, as the request
that would have done it, in the client's name. Such a request changes nothing
on a node that has heard it from another proxy, so nothing echoes. A logout
counts whichever node says it, too, and goes to all: what ended a session on
one node must not leave it on another.

A session that a client had before, through another proxy perhaps, this proxy
learns when the client logs in: each node tells the client what it has besides
what the client said, and one that was away has less, or something older. So
for a moment the word of each node counts, and is told to all.

While a change of this proxy's own is under way and the home node has done it,
events wait: they came later, and other nodes may yet hear the change after
them. When it is over they are followed, and what they said is told to all
nodes again, behind the change.

What a restart loses, and who restores it: events that wait; the client is
told again what it is by its next login.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from msgspec.structs import replace

from ixproxy.core.absences import Missed
from ixproxy.core.agent_sessions import AgentKey, AgentSession, AgentSessions
from ixproxy.core.agent_states import LOGOUT, AgentState, differences, followed, unsaid
from ixproxy.core.agents import AgentChange
from ixproxy.core.agreeing import Agreeing, Told
from ixproxy.core.clients import Client
from ixproxy.core.handing_on import hand_on
from ixproxy.core.links import Link
from ixproxy.core.state import ProxyState
from ixproxy.core.unanswered import ChangeTold, LogoutTold
from ixproxy.errors import RemoteProtocolError
from ixproxy.messages import EventForcedAgentStateChange, RequestAgentLogout
from ixproxy.messages.agents import ANOTHERS, BY_SERVER, AgentRequest
from ixproxy.messages.message import Actor, Reason
from ixproxy.values import rendezvous
from ixproxy.wire.codec import decode, encode
from ixproxy.wire.prefix import Frame

MOST_WAITING = 100
"""Events about one agent that wait for a change to be over."""


class ForcedChanges:
    """
    Follows what nodes say of agents.

    :ivar agreeing: notes which nodes tell of a change.
    """

    def __init__(
        self, state: ProxyState, sessions: AgentSessions, busy: Mapping[AgentKey, AgentChange]
    ) -> None:
        self._state = state
        self._sessions = sessions
        self._busy = busy
        self.agreeing = Agreeing(state, sessions, self._authority, self._late)
        self._waiting: dict[AgentKey, deque[Told]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def received(self, link: Link, client: Client, frame: Frame) -> None:
        """
        A node tells a client of a change.

        :raise RemoteProtocolError: its body is none.
        """
        event = decode(frame)
        if not isinstance(event, EventForcedAgentStateChange):
            raise RemoteProtocolError(0, f"name {frame.name} is no forced change")
        key = event.tenant_id, event.agent_id
        change = self._busy.get(key)
        if change is not None and (event.by_server or change.past_home):
            waiting = self._waiting.setdefault(key, deque())
            if len(waiting) < MOST_WAITING:
                waiting.append(Told(link, client, frame, event))
            else:
                self._state.counters["agent events dropped"] += 1
        else:
            self._follow(Told(link, client, frame, event), waited=False)

    def over(self, key: AgentKey) -> None:
        """A change is over: what waited for it is followed."""
        for told in self._waiting.pop(key, ()):
            self._follow(told, waited=True)

    def _follow(self, told: Told, *, waited: bool) -> None:
        link, client, frame, event = told
        key = event.tenant_id, event.agent_id
        session = self._sessions.get(key)
        stamp = event.agent_session
        logout = event.agent_state_change_operation == LOGOUT
        if (
            logout
            and stamp is not None
            and not client.gone
            and self._sessions.ousted(client, key, stamp)
        ):
            hand_on(self._state, client, frame)
            # A node that is away while both sessions end would know the older one alone.
            missed = client, key, stamp
            tell_of_logout(
                self._state,
                self._sessions,
                missed,
                but=link,
                reason=event.reason,
                by_server=event.by_server,
            )
        elif client.gone or session is None or not session.has(client, stamp):
            self._state.counters["agent events of no session"] += 1
        elif logout:
            hand_on(self._state, client, frame)
            log_out_everywhere(
                self._state,
                self._sessions,
                session,
                client,
                but=link,
                reason=event.reason,
                by_server=event.by_server,
            )
        elif self._state.now <= session.learning_until:
            self._change(told, session, again=True)
        elif event.by_server:
            self._change(told, session, again=waited)
        else:
            counts = link is self._authority(session)
            self.agreeing.heard(told, session, counts=counts)
            if counts:
                self._change(told, session, again=waited)
            else:
                self._state.counters["agent events heard before"] += 1

    def _late(self, told: Told, session: AgentSession) -> None:
        """What all nodes but the authority have told, which has not done it."""
        self._change(told, session, again=False)

    def _change(self, told: Told, session: AgentSession, *, again: bool) -> None:
        link, client, frame, event = told
        view = session.clients[client]
        seen = followed(view, event)
        tenant = self._state.deployment.tenants.get(session.tenant)
        known = tenant is not None and event.media_type_name in ("", *tenant.media_types)
        if seen is None or not known:
            hand_on(self._state, client, frame)
            return
        if seen != view:
            session.clients[client] = seen
            hand_on(self._state, client, frame)
        before, after = session.state, followed(session.state, event)
        if after is not None and after != before:
            session.state = after
            if event.by_server or again:
                about = replace(event, place_id="", agent_session=session.stamp)
                requests = differences(about, before, after)
                if event.by_server:
                    requests = [replace(each, extension={BY_SERVER: 1}) for each in requests]
                # One that waited may have been overtaken by the change on its own node, too.
                self._pass_on(requests, client, None if again else link)

    def _pass_on(self, requests: list[AgentRequest], client: Client, but: Link | None) -> None:
        for request in requests:
            told = ChangeTold(
                self._state, self._sessions, (request.tenant_id, request.agent_id), client
            )
            for link in self._state.links_of(request.tenant_id):
                if link is not but and link.linked and link.name in client.numbers:
                    self._state.ask(link, request, told, why="agent-state", client=client)

    def _authority(self, session: AgentSession) -> Link | None:
        """The node whose word counts."""
        links = {
            link.name: link
            for link in self._state.links_of(session.tenant)
            if link.linked
            and any(
                link.name in client.numbers
                and not self._sessions.lacking.has(link.name, session.key, client)
                for client in session.clients
            )
        }
        for link in links.values():
            if link.facts.dbid == session.stamp[1]:
                return link
        order = rendezvous(f"{session.tenant}/{session.agent}", links)
        return links[order[0]] if order else None


def log_out_everywhere(
    state: ProxyState,
    sessions: AgentSessions,
    session: AgentSession,
    client: Client,
    *,
    but: Link | None,
    reason: Reason | None = None,
    by_server: bool = True,
) -> None:
    """
    A client's part in a session has ended on one node: end it on all, now or
    when they are back.

    :param but: where it has ended.
    :param reason: why.
    :param by_server: no client has asked for it; False: another one of the agent has.
    """
    sessions.leave(session.key, client)
    missed = client, session.key, session.stamp
    tell_of_logout(state, sessions, missed, but=but, reason=reason, by_server=by_server)


def tell_of_logout(
    state: ProxyState,
    sessions: AgentSessions,
    missed: Missed,
    *,
    but: Link | None,
    reason: Reason | None,
    by_server: bool = True,
) -> None:
    """Tell all nodes but one that a client is out of a session, now or when they are back."""
    client, (tenant, agent), stamp = missed
    logout = RequestAgentLogout(
        tenant_id=tenant,
        agent_id=agent,
        agent_session=stamp,
        reason=reason,
        extension={BY_SERVER: 1 if by_server else ANOTHERS},
    )
    away = []
    told = LogoutTold(state, sessions, missed)
    for link in state.links_of(tenant):
        if link is but:
            continue
        if link.linked and link.name in client.numbers:
            state.ask(link, logout, told, why="agent-state", client=client)
        else:
            away.append(link.name)
    sessions.absences.note(away, missed)


def tell_logged_out(
    state: ProxyState, session: AgentSession, client: Client, reason: Reason | None
) -> None:
    """Tell a client, in the proxy's own name, that its agent is logged out, and why."""
    event = EventForcedAgentStateChange(
        reason=reason,
        tenant_id=session.tenant,
        agent_id=session.agent,
        place_id=session.place,
        agent_session=session.stamp,
        agent_state_change_operation=LOGOUT,
        media_list=dict(session.state.media),
        extension={"Proxy": state.settings.name},
    )
    if not client.gone:
        state.answer_raw(client, 0, encode(event))


def tell_rest(state: ProxyState, session: AgentSession, client: Client, said: AgentState) -> None:
    """
    Tell a client that has joined a session what that has, and the client did
    not say, as a node tells one that it did not know before.
    """
    for kind, media, reason in unsaid(said, session.state):
        event = EventForcedAgentStateChange(
            actor=Actor(agent_id=session.agent, place_id=session.place),
            reason=reason,
            tenant_id=session.tenant,
            agent_id=session.agent,
            place_id=session.place,
            agent_session=session.stamp,
            media_type_name=media,
            media_list=dict(session.state.media),
            donot_disturb=session.state.donot_disturb,
            agent_state_change_operation=kind,
        )
        state.answer_raw(client, 0, encode(event))
