"""
What proxies tell nodes about agents for no client that waits, and is not answered in time.

Theory of operation: a node that is there but silent is sent a cancellation when
time is up, and then may have done what it was told, or not. So it is told once
more: a logout as one that it has missed (`absences`), anything else as the whole
session (`lacking`). What it refuses it has at least heard.

What a restart loses, and who restores it: all of it; see `absences` and `lacking`.
"""

from __future__ import annotations

from ixproxy.core.absences import Missed
from ixproxy.core.agent_sessions import AgentKey, AgentSessions
from ixproxy.core.clients import Client
from ixproxy.core.links import Link
from ixproxy.core.pending import Pending
from ixproxy.core.state import ProxyState
from ixproxy.wire.prefix import Frame


class LogoutTold:
    """A logout on its way to nodes."""

    def __init__(self, state: ProxyState, sessions: AgentSessions, missed: Missed) -> None:
        self._state = state
        self._sessions = sessions
        self._missed = missed

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """The agent is out there, or was already."""

    def lost(self, link: Link, pending: Pending) -> None:
        """It may be in there still."""
        client, key, stamp = self._missed
        self._sessions.absences.note([link.name], (_by_now(self._state, client), key, stamp))


class ChangeTold:
    """A change of a session on its way to nodes, in the name of one of its clients."""

    def __init__(
        self, state: ProxyState, sessions: AgentSessions, key: AgentKey, client: Client
    ) -> None:
        self._state = state
        self._sessions = sessions
        self._key = key
        self._client = client

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """It is done there, or refused."""

    def lost(self, link: Link, pending: Pending) -> None:
        """One that is there may not have done it; one that is away is told all later."""
        session, client = self._sessions.get(self._key), _by_now(self._state, self._client)
        if link.linked and session is not None and client in session.clients:
            self._sessions.lacking.note(link.name, self._key, client, self._state.now)


def _by_now(state: ProxyState, client: Client) -> Client:
    """The same client on its newest connection; one that has left: itself."""
    newer = state.clients.newest(client.session)
    return newer if client.gone and not client.said_goodbye and newer is not None else client
