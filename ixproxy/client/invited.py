"""
To what the agents of a client are invited, and have not answered.

Theory of operation: an invitation is named by its interaction and its ticket,
for each node counts its tickets by itself. It is over when the client's own
request answers it, or is told that it is too late; when an event says that
another client of the agent accepted, or that it was revoked; and when the agent
is not logged in through this client any more. With a lost connection all are
forgotten: the servers tell those again that are out still.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAccepted,
    EventForcedAgentStateChange,
    EventInvite,
    EventRevoked,
    RequestAccept,
    RequestAgentLogout,
    RequestReject,
)
from ixproxy.messages.message import Message

MAX_OPEN = 1000
"""Invitations that are remembered; the oldest go first."""

LOGOUT = "Logout"
"""The operation of an event that says that an agent is logged out."""

_TOO_LATE = frozenset((Code.INVITATION_OVER, Code.UNKNOWN_INTERACTION))

Name = tuple[str, int]
"""Interaction id and ticket."""


class Invited:
    """The invitations of one client, oldest first."""

    def __init__(self) -> None:
        self._open: dict[Name, EventInvite] = {}
        self.open: Mapping[Name, EventInvite] = MappingProxyType(self._open)
        """Interaction id and ticket to the invitation, as it is at any time."""

    def event_received(self, event: Message) -> None:
        """Something happened."""
        if isinstance(event, EventInvite):
            self._open.pop((event.interaction_id, event.ticket_id), None)
            self._open[event.interaction_id, event.ticket_id] = event
            if len(self._open) > MAX_OPEN:
                del self._open[next(iter(self._open))]
        elif isinstance(event, EventRevoked | EventAccepted) and event.ticket_id:
            self._open.pop((event.interaction_id, event.ticket_id), None)
        elif (
            isinstance(event, EventForcedAgentStateChange)
            and event.agent_state_change_operation == LOGOUT
        ):
            self._logged_out(event.tenant_id, event.agent_id)

    def answered(self, request: Message) -> None:
        """A request succeeded."""
        if isinstance(request, RequestAccept | RequestReject):
            self._end(request.interaction_id, request.ticket_id)
        elif isinstance(request, RequestAgentLogout):
            self._logged_out(request.tenant_id, request.agent_id)

    def refused(self, request: Message, code: int) -> None:
        """A request was refused."""
        if code in _TOO_LATE and isinstance(request, RequestAccept | RequestReject):
            self._end(request.interaction_id, request.ticket_id)

    def lost(self) -> None:
        """The connection is lost."""
        self._open.clear()

    def _logged_out(self, tenant: int, agent: str) -> None:
        """An agent is not logged in through this client any more."""
        for name, invite in list(self._open.items()):
            if (invite.tenant_id, invite.agent_id) == (tenant, agent):
                del self._open[name]

    def _end(self, identifier: str, ticket: int) -> None:
        """Without a ticket: the only one to the interaction."""
        names = [name for name in self._open if name[0] == identifier and ticket in (0, name[1])]
        if len(names) == 1:
            del self._open[names[0]]
