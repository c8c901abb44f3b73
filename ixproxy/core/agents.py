"""
One agent session over all nodes: everywhere or nowhere.

Theory of operation
-------------------
An agent's *home* is the first linked node of its tenant in rendezvous order,
so every proxy asks the same node first. A change goes to the home node, then
to all others, those too that came meanwhile, and is undone by its opposite
where one refuses. A refusal undoes all and gives one error; a node lost on the
way counts as away and is told when it returns; the home node lost means undo
and 2002. One that was there and silent may yet do it: it is told the whole
session. One that was lost after it had answered, and is back, has been told how
the session was before: it is asked again. Logins and logouts have rules of
their own: `agent_logins` and `agent_logouts`.

An upstream proxy does all of this by itself: to a proxy behind it it is the
home node, and the only one.

What a restart loses, and who restores it: changes in flight; their clients
fail them as in doubt when their connections break.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from ixproxy.core.agent_sessions import AgentKey, AgentSessions
from ixproxy.core.agent_states import AgentState, changed, opposites
from ixproxy.core.clients import Client
from ixproxy.core.links import Link
from ixproxy.core.pending import Pending
from ixproxy.core.state import Asked, ProxyState, error_code
from ixproxy.core.unanswered import ChangeTold, LogoutTold
from ixproxy.errors import Code
from ixproxy.messages import EventAck, RequestAgentLogout
from ixproxy.messages.agents import AgentRequest
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
        self._asked_links: dict[Link, int] = {}
        """By which of its connections each was asked last."""
        self._accepted: list[Link] = []
        self._silent: set[Link] = set()
        """Those that did not answer once, or when nobody listened any more."""
        self._named: tuple[int, int] | None = None
        self._refusal: bytes | None = None
        self._over = False
        known = sessions.get(self._key)
        self._before = known.state if known is not None else AgentState()

    @property
    def past_home(self) -> bool:
        """Whether the home node has done it: what it tells from now on came later."""
        return self._phase is not Phase.HOME

    def start(self) -> None:
        """Ask the home node."""
        self._ask([self._home], self._request, "agent")

    def _ask(self, links: list[Link], request: AgentRequest, why: str) -> None:
        client = self._asked.client
        for link in links:
            if link.linked and link.name in client.numbers:
                self._awaited.add(link)
                self._asked_links[link] = link.connections
                self._state.ask(link, request, self, why=why, client=client, due=self._asked.due)

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """One node did it, or refuses."""
        if self._over:
            return
        answer = self._checked(decode(frame))
        self._awaited.discard(link)
        if self._asked.client.gone:
            self._silent.add(link)
            self._client_gone()
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
        self._silent.add(link)
        if self._asked.client.gone:
            self._client_gone()
        elif link is self._home and self._phase is not Phase.SPREAD:
            self._missed(link)
            self._undo(self._asked.client)
            self._finish_with_code(Code.LOST_CONNECTION)
        else:
            self._missed(link)
            self._go_on()

    def _missed(self, link: Link, newer: Client | None = None) -> None:
        """A node that is there may not have heard it: it is told the whole session later."""
        session, client = self._sessions.get(self._key), newer or self._asked.client
        if link.linked and session is not None and client in session.clients:
            self._sessions.lacking.note(link.name, self._key, client, self._state.now)

    def _refused(self, link: Link, frame: Frame) -> None:
        self._refusal = self._refusal or frame.raw
        self._go_on()

    def _note_refusal(self, link: Link, frame: Frame) -> None:
        """A refusal that stops nothing any more."""
        self._state.note(
            "warn",
            "{link} did not follow a change of agent {agent} of {client}: {code}",
            link=str(link),
            agent=self._key[1],
            client=str(self._asked.client),
            code=error_code(frame),
        )

    def _did(self, link: Link, answer: EventAck) -> None:
        if self._phase is Phase.HOME:
            self._named = answer.agent_session
        self._accepted.append(link)
        self._go_on()

    def _go_on(self) -> None:
        if self._awaited:
            return
        if self._refusal is not None:
            self._undo(self._asked.client)
            self._state.answer(self._asked, self._refusal)
            self._end()
        else:
            self._next_phase()

    def _next_phase(self) -> None:
        if self._phase is Phase.HOME:
            self._phase = Phase.OTHERS
            self._ask(self._others, self._request, "agent")
        # Those, too, that came back meanwhile and were told how it was before.
        self._ask(self._late(), self._request, "agent")
        if not self._awaited:
            self._remember()
            self._state.answer_message(self._asked, EventAck(agent_session=self._named))
            self._end()

    def _late(self) -> list[Link]:
        """The linked nodes with the session that were not asked since they were connected."""
        lacking, client = self._sessions.lacking, self._asked.client
        return [
            link
            for link in self._state.links_of(self._key[0])
            if self._asked_links.get(link) != link.connections
            and not lacking.has(link.name, self._key, client)
        ]

    def _remember(self) -> None:
        """All did it: the table follows."""
        client, request = self._asked.client, self._request
        self._sessions.standing.said(client, request)
        session = self._sessions.get(self._key)
        if session is not None and session.has(client, request.agent_session):
            session.state = changed(session.state, request)
            session.clients[client] = changed(session.clients[client], request)

    def _undo(self, client: Client) -> None:
        """Take back what some nodes did and others refused, in the name of `client`."""
        told: LogoutTold | ChangeTold = ChangeTold(self._state, self._sessions, self._key, client)
        for undoing in self._opposites():
            if isinstance(undoing, RequestAgentLogout) and undoing.agent_session is not None:
                missed = client, self._key, undoing.agent_session
                told = LogoutTold(self._state, self._sessions, missed)
            for link in dict.fromkeys(self._accepted):
                if link.linked and link.name in client.numbers:
                    self._state.ask(link, undoing, told, why="undo-agent", client=client)

    def _opposites(self) -> list[AgentRequest]:
        return opposites(self._before, self._request)

    def _client_gone(self) -> None:
        """
        Nobody awaits the outcome. A client that is on a newer connection now has
        its session on the nodes, and with it what this change did to some of them.
        """
        newer = self._newer()
        if newer is not None:
            self._undo(newer)
            for link in self._awaited | self._silent:
                # It may yet do it, or have done it.
                self._missed(link, newer)
        self._end()

    def _newer(self) -> Client | None:
        """The client that has gone, on its newer connection."""
        newer = self._state.clients.newest(self._asked.client.session)
        return None if self._asked.client.said_goodbye else newer

    def _finish_with_code(self, code: int) -> None:
        self._state.refuse(self._asked, code)
        self._end()

    def _end(self) -> None:
        """Whoever waits is next; what nodes told meanwhile the client hears after its answer."""
        if not self._over:
            self._over = True
            self._tell_over(self._key)
