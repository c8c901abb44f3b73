"""
The invitations that are out, as the node remembers them.

They are rows too, and live on when the node does not. What a restart loses:
who awaits the outcome with a request. The connections are gone with the node,
those requests are answered as in doubt, and the outcome is told by events.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ixproxy.messages import EventRouteUsed
from ixproxy.node.journal import Journal
from ixproxy.node.rows import InvitationRow
from ixproxy.node.work import Token

DELIVER, TRANSFER, CONFERENCE = "Deliver", "Transfer", "Conference"
"""What is asked by an invitation: the values of its `operation`."""

OPERATIONS = (DELIVER, TRANSFER, CONFERENCE)


class Waiting(NamedTuple):
    """
    The request of a client session that awaits the outcome of an invitation.

    :ivar used: what answers it however it is settled; None: an
        acknowledgement, or an error.
    """

    session: bytes
    token: Token
    used: EventRouteUsed | None = None


class Invitations:
    """Every invitation by its ticket, by interaction, and by the agent who is invited."""

    __slots__ = ("_asked_by", "_journal", "_of", "_rows", "_to", "_waiting")

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._rows: dict[int, InvitationRow] = {}
        self._of: dict[str, tuple[int, ...]] = {}
        self._to: dict[tuple[int, str], tuple[int, ...]] = {}
        self._waiting: dict[int, Waiting] = {}
        self._asked_by: dict[bytes, tuple[int, ...]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, ticket: int) -> InvitationRow | None:
        """The invitation with this ticket."""
        return self._rows.get(ticket)

    def of(self, interaction_id: str) -> list[InvitationRow]:
        """The invitations to an interaction, oldest first."""
        return [self._rows[ticket] for ticket in self._of.get(interaction_id, ())]

    def to(self, tenant_id: int, agent_id: str) -> list[InvitationRow]:
        """The invitations of an agent, oldest first."""
        return [self._rows[ticket] for ticket in self._to.get((tenant_id, agent_id), ())]

    def keep(self, row: InvitationRow) -> None:
        """An agent is invited."""
        self._journal.set(self._rows, row.ticket, row)
        self._journal.add(self._of, row.interaction_id, row.ticket)
        self._journal.add(self._to, (row.tenant_id, row.agent_id), row.ticket)

    def drop(self, row: InvitationRow) -> None:
        """It is answered, or over."""
        self._journal.remove(self._rows, row.ticket)
        self._journal.take_off(self._of, row.interaction_id, row.ticket)
        self._journal.take_off(self._to, (row.tenant_id, row.agent_id), row.ticket)

    def wait(
        self, ticket: int, session: bytes, token: Token, used: EventRouteUsed | None = None
    ) -> None:
        """A request of `session` awaits the outcome."""
        self._journal.set(self._waiting, ticket, Waiting(session, token, used))
        self._journal.add(self._asked_by, session, ticket)

    def waits(self, ticket: int) -> Waiting | None:
        """Which request awaits the outcome; it does so no more."""
        waiting = self._waiting.get(ticket)
        if waiting is not None:
            self._journal.remove(self._waiting, ticket)
            self._journal.take_off(self._asked_by, waiting.session, ticket)
        return waiting

    def awaited_by(self, session: bytes) -> Iterable[int]:
        """The tickets whose outcome a session awaits."""
        return self._asked_by.get(session, ())
