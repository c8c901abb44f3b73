"""
A login over all nodes, in four phases.

HOME      the home node gives the session its stamp, provisionally;
OTHERS    all other linked nodes are asked with that stamp;
CONFIRM   the home node's commit of ConfirmSession decides;
SPREAD    the others are told; the client is answered.

A refusal before the decision undoes all. After it, two count: that a node knows a
newer session, which is the agent's everywhere; and that older ones of others have
all its seats. Then this one is undone, too. A client that was in the session before
has lost nothing by a refusal: nothing is undone then, for until the decision nothing
was changed. But one that comes from another proxy, and is refused its session for want of a
place or a seat, is out of it: no node is left with it alone.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ixproxy.core.agent_sessions import AgentKey, AgentSession, AgentSessions
from ixproxy.core.agent_states import AgentState
from ixproxy.core.agents import AgentChange, Phase
from ixproxy.core.clients import Client
from ixproxy.core.forced_changes import tell_of_logout, tell_rest
from ixproxy.core.links import Link
from ixproxy.core.state import Asked, ProxyState, error_code
from ixproxy.core.unanswered import ENDED
from ixproxy.errors import Code, RemoteProtocolError
from ixproxy.messages import EventAck, RequestAgentLogin, RequestAgentLogout
from ixproxy.messages.agents import AgentRequest
from ixproxy.messages.message import Message
from ixproxy.wire.prefix import Frame

LEARNING = 1.0
"""Seconds after a login in which nodes tell the client what it did not say of its session."""

_OUT = frozenset(
    (Code.ALREADY_LOGGED_IN, Code.NO_LICENCE, Code.PLACE_OCCUPIED, Code.STALE_SESSION)
)
"""Refusals that say that the agent is not logged in by the session that the client had."""


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
        self._is_out = False
        """It was refused the session that it had."""
        self._joins = False
        """A session that other clients of this proxy are in."""
        self._learns = False
        """A session that the client had, and this proxy did not know; each node may know
        another state of it."""

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

    def _refused(self, link: Link, frame: Frame) -> None:
        self._is_out = self._is_out or error_code(frame) in _OUT
        if self._phase is Phase.SPREAD and error_code(frame) not in ENDED:
            self._note_refusal(link, frame)
            self._missed(link)
            self._go_on()
        else:
            super()._refused(link, frame)

    def _next_phase(self) -> None:
        if self._phase is Phase.HOME:
            self._phase = Phase.OTHERS
            self._ask(self._others, self._request, "agent")
            if not self._awaited:
                self._next_phase()
        elif self._phase is Phase.OTHERS:
            self._phase = Phase.CONFIRM
            self._ask([self._home], self._confirmation(), "confirm-session")
            if not self._awaited:
                self._undo(self._asked.client)
                self._finish_with_code(Code.LOST_CONNECTION)
        elif self._phase is Phase.CONFIRM:
            self._phase = Phase.SPREAD
            confirmation = self._confirmation()
            known = self._sessions.get(self._key)
            self._joins = (
                known is not None
                and known.stamp == self._stamp
                and self._asked.client not in known.clients
            )
            named = self._login.agent_session == self._stamp
            self._learns = named and (known is None or known.stamp != self._stamp)
            self._sessions.keep(self._session())
            # Those, too, that came back meanwhile and were told of older sessions only.
            others = [link for link in self._state.links_of(self._key[0]) if link is not self._home]
            self._ask(others, confirmation, "confirm-session")
            if not self._awaited:
                self._next_phase()
        else:
            self._state.answer_message(self._asked, EventAck(agent_session=self._stamp))
            session = self._sessions.get(self._key)
            if self._learns and session is not None:
                session.learning_until = self._state.now + LEARNING
            if self._joins and session is not None:
                said = AgentState().joined(self._login.media_list)
                tell_rest(self._state, session, self._asked.client, said)
            self._end()

    def _confirmation(self) -> AgentRequest:
        """What the session is to be, with what the client asked to add, and why."""
        return self._session().confirmation(self._login.reason)

    def _session(self) -> AgentSession:
        known = self._sessions.get(self._key)
        joined = known if known is not None and known.stamp == self._stamp else None
        # Who joins a session adds to its media, as on the nodes: one that was away
        # learns them all from the replay.
        state = (joined.state if joined else AgentState()).joined(self._login.media_list)
        clients = dict(joined.clients) if joined else {}
        return AgentSession(
            self._login.tenant_id,
            self._login.agent_id,
            self._stamp,
            self._login.place_id or (joined.place if joined else ""),
            state,
            {**clients, self._asked.client: state},
        )

    def _undo(self, client: Client) -> None:
        known = self._sessions.get(self._key)
        spread = self._phase is Phase.SPREAD
        if not spread and known is not None and known.has(self._asked.client, self._stamp):
            return
        if spread:
            self._sessions.leave(self._key, self._asked.client)
        super()._undo(client)
        if self._phase in (Phase.CONFIRM, Phase.SPREAD):
            # The home node may have decided before it was lost, and others been told.
            # So may one that did not answer in time.
            silent = self._silent.difference(self._accepted)
            links = self._state.links_of(self._key[0])
            away = [link.name for link in links if not link.linked or link in silent]
            self._sessions.absences.note(away, (client, self._key, self._stamp))
        had = self._login.agent_session
        if had is not None and self._is_out and not (known is not None and known.stamp == had):
            client.left(had)
            missed = client, self._key, had
            tell_of_logout(self._state, self._sessions, missed, but=None, reason=None)

    def _opposites(self) -> list[AgentRequest]:
        return [
            RequestAgentLogout(
                tenant_id=self._login.tenant_id,
                agent_id=self._login.agent_id,
                agent_session=self._stamp,
            )
        ]
