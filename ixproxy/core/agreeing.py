"""
Whether all nodes tell the same of an agent.

Theory of operation: a change that one of an agent's clients asked for goes to all nodes, and
each tells the agent's other clients of it. A node that could not do it does not. Whoever asked
knows that, and tells the node once more; but not if they have left meanwhile, and the session
goes on for others, through this proxy or another one. So it is noted for a moment which nodes
tell what.

Those that have not told by then what the session's authority has lack the session, and are told
it whole (`retelling`); that changes nothing where they have it after all. Where all others tell
the same, and the authority is silent, it is the one that lacks it, and they are followed.
Where they do not, it was not done everywhere, and is taken back: those that told of it are
told the session whole, as it is without it.

What a restart loses, and who restores it: what was told in the last moments. Clients come
back, and their sessions are told to all nodes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ixproxy.core.agent_sessions import AgentKey, AgentSession, AgentSessions
from ixproxy.core.clients import Client
from ixproxy.core.lacking import AT_ONCE
from ixproxy.core.links import Link
from ixproxy.core.state import ProxyState
from ixproxy.messages import EventForcedAgentStateChange
from ixproxy.values import NodeName
from ixproxy.wire.prefix import Frame

SETTLED = 2.0
"""Seconds after which all nodes have told of a change, or have not done it."""
MOST = 100
"""Events of one node to one client that are kept; then the oldest is forgotten."""


class Told(NamedTuple):
    """A node tells a client of a change."""

    link: Link
    client: Client
    frame: Frame
    event: EventForcedAgentStateChange


class _Heard:
    """
    What one client of a session was told lately.

    :ivar said: what the authority told last; None: nothing yet.
    :ivar by: what each of the nodes told.
    """

    __slots__ = ("by", "due", "said", "stamp")

    def __init__(self, stamp: tuple[int, int], due: float) -> None:
        self.stamp = stamp
        self.due = due
        self.said: object = None
        self.by: dict[NodeName, list[Told]] = {}

    def last(self, link: Link) -> object:
        """What a node told last; None: nothing."""
        told = self.by.get(link.name)
        return _what(told[-1].event) if told else None


class Agreeing:
    """
    By agent and client, what nodes told in the last moments.

    :param authority: the node whose word counts.
    :param follow: does what a node has told.
    """

    def __init__(
        self,
        state: ProxyState,
        sessions: AgentSessions,
        authority: Callable[[AgentSession], Link | None],
        follow: Callable[[Told, AgentSession], None],
    ) -> None:
        self._state = state
        self._sessions = sessions
        self._authority = authority
        self._follow = follow
        self._heard: dict[tuple[AgentKey, Client], _Heard] = {}

    def __len__(self) -> int:
        return len(self._heard)

    def heard(self, told: Told, session: AgentSession, *, counts: bool) -> None:
        """
        A node tells a client of a change that another client asked for.

        :param counts: it is the session's authority.
        """
        key, due = (session.key, told.client), self._state.now + SETTLED
        heard = self._heard.get(key)
        if heard is None or heard.stamp != session.stamp:
            heard = self._heard[key] = _Heard(session.stamp, due)
        by_this = heard.by.setdefault(told.link.name, [])
        by_this.append(told)
        del by_this[:-MOST]
        if counts:
            heard.said, heard.due = _what(told.event), due

    def told(self, link: Link, key: AgentKey, client: Client) -> None:
        """A node was told the whole session: what it told before may not be so any more."""
        heard = self._heard.get((key, client))
        if heard is not None:
            heard.by.pop(link.name, None)

    def ticked(self) -> None:
        """Some time passed: what nodes have not told by now they have not done."""
        for (key, client), heard in tuple(self._heard.items()):
            if heard.due <= self._state.now:
                del self._heard[key, client]
                session = self._sessions.get(key)
                if session is not None and session.has(client, heard.stamp):
                    self._settle(session, client, heard)

    def _settle(self, session: AgentSession, client: Client, heard: _Heard) -> None:
        lacking = self._sessions.lacking
        links = [
            link
            for link in self._state.links_of(session.tenant)
            if link.linked
            and link.name in client.numbers
            and not lacking.has(link.name, session.key, client)
        ]
        authority = self._authority(session)
        if heard.said is None:
            others = [link for link in links if link is not authority]
            told = heard.last(others[0]) if others else None
            if told is None or any(heard.last(link) != told for link in others):
                # The authority, too, which was none when it told.
                for link in links:
                    if heard.last(link) is not None:
                        lacking.note(link.name, session.key, client, AT_ONCE)
                return
            heard.said = told
            for event in heard.by[others[0].name]:
                self._follow(event, session)
        for link in links:
            if heard.last(link) != heard.said:
                lacking.note(link.name, session.key, client, AT_ONCE)


def _what(event: EventForcedAgentStateChange) -> object:
    """What all nodes tell alike."""
    return (
        event.agent_state_change_operation,
        event.media_type_name,
        event.reason,
        event.media_list,
        event.donot_disturb,
    )
