"""
One agent session over all nodes: everywhere or nowhere.

Theory of operation
-------------------
An agent's *home* is the first linked node of its tenant in rendezvous order,
so every proxy asks the same node first. A login goes through four phases:

HOME      the home node gives the session its stamp, provisionally;
OTHERS    all other linked nodes are asked with that stamp;
CONFIRM   the home node's commit of ConfirmSession decides;
SPREAD    the others are told; the client is answered.

A refusal before the decision undoes all and gives one error; a node lost on
the way counts as away and is told when it returns; the home node lost means
undo and 2002. Other agent requests go to the home node, then to all others,
and are undone by their opposite where one refuses. A second request for the
same agent while one is under way is 2004.

What a restart loses, and who restores it: the table of sessions; agents log
in again and name their `AgentSession`, which the nodes still know.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

import msgspec

from ixproxy.core.clients import Client
from ixproxy.core.links import Link
from ixproxy.core.pending import Pending
from ixproxy.core.registering import joined
from ixproxy.core.state import Asked, ProxyState
from ixproxy.errors import Code, RemoteProtocolError
from ixproxy.messages import (
    EventAck,
    RequestAddMedia,
    RequestAgentLogin,
    RequestAgentLogout,
    RequestCancelNotReadyForMedia,
    RequestConfirmSession,
    RequestNotReadyForMedia,
    RequestRemoveMedia,
)
from ixproxy.messages.agents import AgentRequest, MediaRequest
from ixproxy.values import rendezvous
from ixproxy.wire.codec import decode
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Frame

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


class Agents:
    """All agent sessions of this proxy's clients, and which are being changed."""

    def __init__(self, state: ProxyState) -> None:
        self._state = state
        self.sessions: dict[AgentKey, AgentSession] = {}
        self.busy: set[AgentKey] = set()

    def start(self, asked: Asked) -> None:
        """An agent request came in."""
        request = decode(asked.frame)
        assert isinstance(request, AgentRequest)
        key = request.tenant_id, request.agent_id
        links = self._in_order(key, asked.client)
        if key in self.busy:
            self._state.refuse(asked, Code.IN_PROGRESS)
        elif not links:
            self._state.refuse(asked, Code.NOT_ACCESSIBLE)
        else:
            self.busy.add(key)
            known = self.sessions.get(key)
            if request.agent_session is None and known is not None:
                if asked.client in known.clients:
                    request = msgspec.structs.replace(request, agent_session=known.stamp)
            elif request.agent_session is not None:
                request = msgspec.structs.replace(
                    request, agent_session=tuple(request.agent_session)
                )
            change: AgentChange
            if isinstance(request, RequestAgentLogin):
                change = LoggingIn(self._state, self, asked, request, links)
            else:
                change = AgentChange(self._state, self, asked, request, links)
            change.start()

    def _in_order(self, key: AgentKey, client: Client) -> list[Link]:
        """The linked nodes of the agent's tenant, its home first."""
        links = {link.name: link for link in self._state.links_of(key[0])}
        ordered = (links[name] for name in rendezvous(f"{key[0]}/{key[1]}", links))
        return [link for link in ordered if not self._state.no_way_to(link, client)]

    def client_gone(self, client: Client) -> None:
        """A client's connection is lost: the nodes keep its agents for a while."""
        for key, session in list(self.sessions.items()):
            session.clients.discard(client)
            if not session.clients:
                del self.sessions[key]

    def replay(self, link: Link) -> None:
        """A node came (back) and knows all clients: tell it of the sessions."""
        sessions = [
            session for session in self.sessions.values() if session.tenant in link.facts.tenants
        ]
        Replaying(self._state, link, sessions).start()


class Phase(Enum):
    """How far a change of an agent session is."""

    HOME = "home"
    OTHERS = "others"
    CONFIRM = "confirm"
    SPREAD = "spread"


class AgentChange:
    """An agent request that changes a session: home first, then all others."""

    def __init__(
        self,
        state: ProxyState,
        agents: Agents,
        asked: Asked,
        request: AgentRequest,
        links: list[Link],
    ) -> None:
        self._state = state
        self._agents = agents
        self._asked = asked
        self._request = request
        self._key = request.tenant_id, request.agent_id
        self._home, self._others = links[0], links[1:]
        self._phase = Phase.HOME
        self._awaited: set[Link] = set()
        self._accepted: list[Link] = []
        self._refusal: bytes | None = None
        self._over = False

    def start(self) -> None:
        """Ask the home node."""
        self._ask([self._home], self._request, "agent")

    def _ask(self, links: list[Link], request: AgentRequest, why: str) -> None:
        client = self._asked.client
        for link in links:
            if link.linked and link.name in client.numbers:
                self._awaited.add(link)
                self._state.ask(link, request, self, why=why, client=client, due=self._asked.due)

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """One node did it, or refuses."""
        if self._over:
            return
        self._awaited.discard(link)
        if self._asked.client.gone:
            self._end()
        elif frame.kind == Kind.ERROR:
            self._refused(link, frame)
        else:
            answer = decode(frame)
            if isinstance(answer, EventAck):
                self._did(link, answer)

    def lost(self, link: Link, pending: Pending) -> None:
        """One node went away: the home node's loss is 2002, another's is absence."""
        if self._over:
            return
        self._awaited.discard(link)
        if link is self._home and self._phase is not Phase.SPREAD:
            self._undo()
            self._finish_with_code(Code.LOST_CONNECTION)
        else:
            self._go_on()

    def _refused(self, link: Link, frame: Frame) -> None:
        if self._phase is Phase.SPREAD:
            self._state.note(
                "warn",
                "Node {node} did not confirm agent {agent}",
                node=link.name,
                agent=self._key[1],
            )
        else:
            self._refusal = self._refusal or frame.raw
        self._go_on()

    def _did(self, link: Link, answer: EventAck) -> None:
        self._accepted.append(link)
        self._go_on()

    def _go_on(self) -> None:
        if self._awaited:
            return
        if self._refusal is not None:
            self._undo()
            self._end()
            self._state.answer(self._asked, self._refusal)
        else:
            self._next_phase()

    def _next_phase(self) -> None:
        if self._phase is Phase.HOME:
            self._phase = Phase.OTHERS
            self._ask(self._others, self._request, "agent")
            if not self._awaited:
                self._next_phase()
        else:
            self._remember()
            self._end()
            session = self._agents.sessions.get(self._key)
            stamp = session.stamp if session is not None else None
            self._state.answer_message(self._asked, EventAck(agent_session=stamp))

    def _remember(self) -> None:
        """All did it: the table follows."""
        session = self._agents.sessions.get(self._key)
        if session is None:
            return
        request = self._request
        match request:
            case RequestAgentLogout():
                session.clients.discard(self._asked.client)
                if not session.clients:
                    del self._agents.sessions[self._key]
            case RequestAddMedia():
                session.media.setdefault(request.media_type_name, 0)
            case RequestRemoveMedia():
                session.media.pop(request.media_type_name, None)
            case RequestNotReadyForMedia():
                session.media[request.media_type_name] = 0
            case RequestCancelNotReadyForMedia():
                session.media[request.media_type_name] = 1

    def _undo(self) -> None:
        """Take back what some nodes did and others refused."""
        undoing = self._opposite()
        if undoing is not None:
            for link in self._accepted:
                if link.linked:
                    self._state.ask(
                        link, undoing, None, why="undo-agent", client=self._asked.client
                    )

    def _opposite(self) -> AgentRequest | None:
        request = self._request
        session = self._agents.sessions.get(self._key)
        if not isinstance(request, MediaRequest) or session is None:
            return None
        before = session.media.get(request.media_type_name)
        kind: type[MediaRequest]
        if before is None:
            kind = RequestRemoveMedia
        elif isinstance(request, RequestRemoveMedia):
            kind = RequestAddMedia
        else:
            kind = RequestCancelNotReadyForMedia if before else RequestNotReadyForMedia
        return kind(
            tenant_id=request.tenant_id,
            agent_id=request.agent_id,
            place_id=request.place_id,
            agent_session=request.agent_session,
            media_type_name=request.media_type_name,
        )

    def _finish_with_code(self, code: int) -> None:
        self._end()
        self._state.refuse(self._asked, code)

    def _end(self) -> None:
        self._over = True
        self._agents.busy.discard(self._key)


class LoggingIn(AgentChange):
    """A login: provisional everywhere, then confirmed, home first."""

    def __init__(
        self,
        state: ProxyState,
        agents: Agents,
        asked: Asked,
        request: RequestAgentLogin,
        links: list[Link],
    ) -> None:
        super().__init__(state, agents, asked, request, links)
        self._login = msgspec.structs.replace(request, provisional=True)
        self._request = self._login
        self._stamp: tuple[int, int] = (0, 0)

    def _did(self, link: Link, answer: EventAck) -> None:
        if self._phase is Phase.HOME:
            if answer.agent_session is None:
                raise RemoteProtocolError(Code.BAD_ATTRIBUTE, "AgentSession is missing in a login")
            self._stamp = (answer.agent_session[0], answer.agent_session[1])
            self._request = msgspec.structs.replace(self._login, agent_session=self._stamp)
        super()._did(link, answer)

    def _next_phase(self) -> None:
        if self._phase in (Phase.HOME, Phase.SPREAD):
            super()._next_phase()
            return
        if self._phase is Phase.OTHERS:
            self._phase = Phase.CONFIRM
            self._ask([self._home], self._session().confirmation(), "confirm-session")
            if not self._awaited:
                self._undo()
                self._finish_with_code(Code.LOST_CONNECTION)
            return
        self._phase = Phase.SPREAD
        self._agents.sessions[self._key] = self._session()
        others = [link for link in self._accepted if link is not self._home]
        self._ask(others, self._session().confirmation(), "confirm-session")
        if not self._awaited:
            super()._next_phase()

    def _session(self) -> AgentSession:
        known = self._agents.sessions.get(self._key)
        clients = set(known.clients) if known and known.stamp == self._stamp else set()
        return AgentSession(
            self._login.tenant_id,
            self._login.agent_id,
            self._stamp,
            self._login.place_id,
            {media: int(bool(ready)) for media, ready in self._login.media_list.items()},
            clients | {self._asked.client},
        )

    def _opposite(self) -> AgentRequest | None:
        return RequestAgentLogout(
            tenant_id=self._login.tenant_id,
            agent_id=self._login.agent_id,
            agent_session=self._stamp,
        )


class Replaying:
    """Agent sessions told to a node that came back, some at a time."""

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
