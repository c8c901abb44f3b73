"""
What proxies tell nodes about agents for no client that waits, and is not answered in time.

Theory of operation: a node that is there but silent is sent a cancellation when
time is up, and then may have done what it was told, or not. One that could not
do it, for its store refused, or it was busy, has not. Both are told once more: a
logout as one that was missed (`absences`), anything else as the whole session
(`lacking`). Any other refusal says that it is heard, and need not be done.

What a restart loses, and who restores it: all of it; see `absences` and `lacking`.
"""

from __future__ import annotations

from ixproxy.core.absences import Missed
from ixproxy.core.agent_sessions import AgentKey, AgentSessions
from ixproxy.core.clients import Client
from ixproxy.core.links import Link
from ixproxy.core.pending import Pending
from ixproxy.core.state import ProxyState, error_code
from ixproxy.errors import Code
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Frame

PAUSE = 1.0
"""Seconds until a node that could not do a logout is told it again."""
UNDECIDED = frozenset(
    (
        Code.BUSY, Code.CANCELLED, Code.EXPIRED, Code.INTERNAL, Code.LOST_CONNECTION,
        Code.NOT_ACCESSIBLE, Code.NOT_REGISTERED, Code.STOPPING, Code.STORE_FAILED,
        Code.STORE_UNCERTAIN, Code.SUPERSEDED,
    )
)  # fmt: skip
"""Refusals that say nothing about the session."""
ENDED = frozenset((Code.NO_LICENCE, Code.STALE_SESSION))
"""Refusals of a decided session that end it everywhere: there is a newer one of the agent, or
all seats are those of agents with older ones."""


def could_not(frame: Frame) -> bool:
    """Whether an answer says that the node could not do now what it was told."""
    return frame.kind == Kind.ERROR and error_code(frame) in UNDECIDED


class LogoutTold:
    """A logout on its way to nodes."""

    def __init__(self, state: ProxyState, sessions: AgentSessions, missed: Missed) -> None:
        self._state = state
        self._sessions = sessions
        self._missed = missed

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """The agent is out there, or was already; or the node could not do it."""
        if could_not(frame):
            self.lost(link, pending)
            self._sessions.absences.pause(link.name, self._state.now + PAUSE)

    def lost(self, link: Link, pending: Pending) -> None:
        """It may be in there still."""
        client, key, stamp = self._missed
        self._sessions.missed(link.name, (by_now(self._state, client), key, stamp))


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
        """It is done there, or refused; or the node could not do it."""
        if could_not(frame):
            self.lost(link, pending)

    def lost(self, link: Link, pending: Pending) -> None:
        """One that is there may not have done it; one that is away is told all later."""
        session, client = self._sessions.get(self._key), by_now(self._state, self._client)
        if link.linked and session is not None and client in session.clients:
            self._sessions.lacking.note(link.name, self._key, client, self._state.now)


def by_now(state: ProxyState, client: Client) -> Client:
    """The same client on its newest connection; one that has left: itself."""
    newer = state.clients.newest(client.session)
    return newer if client.gone and not client.said_goodbye and newer is not None else client
