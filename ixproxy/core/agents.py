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
and are undone by their opposite where one refuses.

An upstream proxy does all of this by itself: to a proxy behind it it is the
home node, and the only one.

What a restart loses, and who restores it: changes in flight; their clients
fail them as in doubt when their connections break.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

import msgspec

from ixproxy.core.agent_sessions import AgentKey, AgentSession, AgentSessions
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
from ixproxy.wire.codec import decode
from ixproxy.wire.prefix import Frame


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
        sessions: AgentSessions,
        over: Callable[[AgentKey], None],
        asked: Asked,
        request: AgentRequest,
        links: list[Link],
    ) -> None:
        self._state = state
        self._sessions = sessions
        self._tell_over = over
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
                "{link} did not confirm agent {agent} of {client}",
                link=str(link),
                agent=self._key[1],
                client=str(self._asked.client),
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
        session = self._sessions.get(self._key)
        if session is None:
            return
        request = self._request
        match request:
            case RequestAgentLogout():
                self._sessions.leave(self._key, self._asked.client)
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
        session = self._sessions.get(self._key)
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
        if not self._over:
            self._over = True
            self._tell_over(self._key)


class LoggingIn(AgentChange):
    """A login: provisional everywhere, then confirmed, home first."""

    def __init__(
        self,
        state: ProxyState,
        sessions: AgentSessions,
        over: Callable[[AgentKey], None],
        asked: Asked,
        request: RequestAgentLogin,
        links: list[Link],
    ) -> None:
        super().__init__(state, sessions, over, asked, request, links)
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
        self._sessions.keep(self._session())
        # Those, too, that came back meanwhile and were told of older sessions only.
        others = [link for link in self._state.links_of(self._key[0]) if link is not self._home]
        self._ask(others, self._session().confirmation(), "confirm-session")
        if not self._awaited:
            super()._next_phase()

    def _session(self) -> AgentSession:
        known = self._sessions.get(self._key)
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
