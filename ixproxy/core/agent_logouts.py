"""
A logout over all nodes: it is done where it can be, and remembered where it cannot.

Who wants out is let out: a node that does not know the session any more, or
knows a newer one, has nothing to do; one that is away, or is lost on the way,
hears of it when it returns. So nothing is undone. The home node is asked
first, and what it refuses to a client that this proxy does not know as logged
in is the answer.
"""

from __future__ import annotations

from ixproxy.core.agents import AgentChange, Phase
from ixproxy.core.clients import Client
from ixproxy.core.forced_changes import log_out_everywhere, tell_logged_out
from ixproxy.core.links import Link
from ixproxy.core.pending import Pending
from ixproxy.core.state import error_code
from ixproxy.errors import Code
from ixproxy.messages import EventAck
from ixproxy.wire.prefix import Frame

_NOTHING_TO_DO = frozenset(
    {Code.NOT_LOGGED_IN_FOR_LOGOUT, Code.AGENT_NOT_LOGGED_IN, Code.STALE_SESSION}
)


class LoggingOut(AgentChange):
    """A logout: home first, then all others, whatever they say."""

    def start(self) -> None:
        """Ask the home node."""
        known = self._sessions.get(self._key)
        self._known = known is not None and known.has(
            self._asked.client, self._request.agent_session
        )
        super().start()

    def _refused(self, link: Link, frame: Frame) -> None:
        if not self._known and self._phase is Phase.HOME:
            super()._refused(link, frame)
            return
        if error_code(frame) in _NOTHING_TO_DO:
            self._accepted.append(link)
        else:
            self._note_refusal(link, frame)
        self._go_on()

    def lost(self, link: Link, pending: Pending) -> None:
        """A node went away: it is told when it returns."""
        if self._over:
            return
        self._awaited.discard(link)
        self._silent.add(link)
        self._accepted = [each for each in self._accepted if each is not link]
        if self._asked.client.gone:
            self._client_gone()
        else:
            self._go_on()

    def _next_phase(self) -> None:
        if self._phase is Phase.HOME:
            self._phase = Phase.OTHERS
            self._ask(self._others, self._request, "agent")
        self._ask(self._late(), self._request, "agent")
        if self._awaited:
            return
        self._remember()
        if self._accepted:
            self._state.answer_message(self._asked, EventAck(agent_session=self._named))
            self._end()
        else:
            self._finish_with_code(Code.LOST_CONNECTION)

    def _remember(self) -> None:
        # One that nobody here knew is as its node names it.
        client, stamp = self._asked.client, self._request.agent_session or self._named
        session = self._sessions.get(self._key)
        if session is not None and session.has(client, self._request.agent_session):
            stamp = session.stamp
            self._sessions.leave(self._key, client)
        if stamp is not None:
            client.left(stamp)
            links = self._state.links_of(self._key[0])
            away = [link.name for link in links if not self._is_out(link)]
            self._sessions.absences.note(away, (client, self._key, stamp))

    def _is_out(self, link: Link) -> bool:
        """Whether a node has done it, and was not told the session anew since."""
        accepted, asked = link in self._accepted, self._asked_links.get(link)
        return accepted and (asked == link.connections or not link.speaks)

    def _client_gone(self) -> None:
        """A client that is on a newer connection now is out there, too: some nodes did it."""
        newer, session = self._newer(), self._sessions.get(self._key)
        stamp = self._request.agent_session
        if newer is not None and session is not None and session.has(newer, stamp):
            log_out_everywhere(self._state, self._sessions, session, newer, but=None)
            tell_logged_out(self._state, session, newer, None)
        self._end()

    def _undo(self, client: Client) -> None:
        """Who has left stays out."""
