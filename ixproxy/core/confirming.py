"""
A session that a proxy behind this one replays, having come from another proxy.

The agent is logged in already, so nothing is provisional: the home node is
told first, then all others, and each applies it unless it knows a newer
session. What one of them refuses is undone on all, and the agent is out. A
node that is lost on the way, the home node too, is told when it returns; one
that could not do it, for its store refused, say, is told once more.

What a restart loses, and who restores it: as for all changes of an agent.
"""

from __future__ import annotations

from msgspec.structs import replace

from ixproxy.core.agent_sessions import AgentSession
from ixproxy.core.agent_states import AgentState
from ixproxy.core.agents import AgentChange
from ixproxy.core.clients import Client
from ixproxy.core.links import Link
from ixproxy.core.pending import Pending
from ixproxy.core.unanswered import could_not
from ixproxy.messages import EventAck, RequestAgentLogout, RequestConfirmSession
from ixproxy.messages.agents import AgentRequest
from ixproxy.wire.prefix import Frame


def confirmed(
    known: AgentSession | None, request: RequestConfirmSession, client: Client
) -> AgentSession:
    """
    The session that a confirmation carries, whole, with one more client; the
    others are told by the nodes what it changes.
    """
    assert request.agent_session is not None
    joined = known if known is not None and known.stamp == request.agent_session else None
    state = AgentState(
        {name: int(bool(ready)) for name, ready in request.media_list.items()},
        int(bool(request.donot_disturb)),
        {name: why for name, why in request.media_reasons.items() if name in request.media_list},
        request.state_reason,
    )
    return AgentSession(
        request.tenant_id,
        request.agent_id,
        request.agent_session,
        request.place_id,
        state,
        {**(joined.clients if joined else {}), client: state},
    )


class Confirming(AgentChange):
    """One confirmation on its way to all nodes."""

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """A node has it, or refuses; one that cannot do it now is as good as away."""
        if could_not(frame):
            self.lost(link, pending)
        else:
            super().answered(link, pending, frame, body)

    def lost(self, link: Link, pending: Pending) -> None:
        """A node went away, or is silent: it is told when it returns, or once more."""
        if not self._over:
            self._awaited.discard(link)
            self._silent.add(link)
            self._named = self._request.agent_session
            if self._asked.client.gone:
                self._end()
            else:
                self._go_on()

    def _did(self, link: Link, answer: EventAck) -> None:
        # Who has told the proxy of the session knows its name better than a node does.
        super()._did(link, replace(answer, agent_session=self._request.agent_session))

    def _remember(self) -> None:
        request = self._request
        assert isinstance(request, RequestConfirmSession)
        known = self._sessions.get(self._key)
        self._sessions.keep(confirmed(known, request, self._asked.client))
        for link in self._silent:
            self._missed(link)

    def _undo(self, client: Client) -> None:
        request = self._request
        assert request.agent_session is not None
        self._sessions.leave(self._key, client)
        super()._undo(client)
        silent = self._silent.difference(self._accepted)
        links = self._state.links_of(self._key[0])
        away = [link.name for link in links if not link.linked or link in silent]
        self._sessions.absences.note(away, (client, self._key, request.agent_session))

    def _opposites(self) -> list[AgentRequest]:
        return [
            RequestAgentLogout(
                tenant_id=self._request.tenant_id,
                agent_id=self._request.agent_id,
                agent_session=self._request.agent_session,
            )
        ]
