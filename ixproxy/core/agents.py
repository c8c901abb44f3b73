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

What a restart loses, and who restores it: changes in flight; their clients
fail them as in doubt when their connections break.
"""

from __future__ import annotations

from enum import Enum

import msgspec

from ixproxy.core.agent_sessions import AgentKey, AgentSession, AgentSessions
from ixproxy.core.clients import Client
from ixproxy.core.links import Link
from ixproxy.core.pending import Pending
from ixproxy.core.state import Asked, ProxyState
from ixproxy.errors import Code, RemoteProtocolError
from ixproxy.messages import (
    EventAck,
    RequestAddMedia,
    RequestAgentLogin,
    RequestAgentLogout,
    RequestCancelNotReadyForMedia,
    RequestNotReadyForMedia,
    RequestRemoveMedia,
)
from ixproxy.messages.agents import AgentRequest, MediaRequest
from ixproxy.messages.message import Message
from ixproxy.values import rendezvous
from ixproxy.wire.codec import decode
from ixproxy.wire.prefix import Frame


class Agents:
    """Takes agent requests to the nodes; one change of an agent at a time."""

    def __init__(self, state: ProxyState) -> None:
        self._state = state
        self.sessions = AgentSessions()
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
        self._named: tuple[int, int] | None = None
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
        answer = self._checked(decode(frame))
        self._awaited.discard(link)
        if self._asked.client.gone:
            self._end()
        elif isinstance(answer, EventAck):
            self._did(link, answer)
        else:
            self._refused(link, frame)

    def _checked(self, answer: Message) -> Message:
        """:raise RemoteProtocolError: the answer lacks what it must have."""
        return answer

    def lost(self, link: Link, pending: Pending) -> None:
        """One node went away: the home node's loss is 2002, another's is absence."""
        if self._over:
            return
        self._awaited.discard(link)
        if self._asked.client.gone:
            self._end()
        elif link is self._home and self._phase is not Phase.SPREAD:
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
        if self._phase is Phase.HOME:
            self._named = answer.agent_session
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
            self._state.answer_message(self._asked, EventAck(agent_session=self._named))

    def _remember(self) -> None:
        """All did it: the table follows."""
        session = self._agents.sessions.get(self._key)
        if session is None:
            return
        request = self._request
        match request:
            case RequestAgentLogout():
                self._agents.sessions.leave(self._key, self._asked.client)
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
            client = self._asked.client
            for link in dict.fromkeys(self._accepted):
                if link.linked and link.name in client.numbers:
                    self._state.ask(link, undoing, None, why="undo-agent", client=client)

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

    def _checked(self, answer: Message) -> Message:
        missing = isinstance(answer, EventAck) and answer.agent_session is None
        if missing and self._phase is Phase.HOME:
            raise RemoteProtocolError(Code.BAD_ATTRIBUTE, "AgentSession is missing in a login")
        return answer

    def _did(self, link: Link, answer: EventAck) -> None:
        if self._phase is Phase.HOME and answer.agent_session is not None:
            self._stamp = answer.agent_session
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
        self._agents.sessions.keep(self._session())
        others = [link for link in dict.fromkeys(self._accepted) if link is not self._home]
        self._ask(others, self._session().confirmation(), "confirm-session")
        if not self._awaited:
            super()._next_phase()

    def _session(self) -> AgentSession:
        known = self._agents.sessions.get(self._key)
        joined = known if known is not None and known.stamp == self._stamp else None
        clients = joined.clients if joined else set()
        # Who joins a session adds to its media, as on the nodes: one that was away
        # learns them all from the replay.
        media = joined.media if joined else {}
        asked = {name: int(bool(ready)) for name, ready in self._login.media_list.items()}
        return AgentSession(
            self._login.tenant_id,
            self._login.agent_id,
            self._stamp,
            self._login.place_id,
            {**media, **asked},
            clients | {self._asked.client},
        )

    def _opposite(self) -> AgentRequest | None:
        return RequestAgentLogout(
            tenant_id=self._login.tenant_id,
            agent_id=self._login.agent_id,
            agent_session=self._stamp,
        )
