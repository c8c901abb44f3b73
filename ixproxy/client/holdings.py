"""
What a client has taken and not given back, followed by the names table.

Theory of operation: the `holdings` column says what a request does when it
succeeds. An answer that hands something over lists it with its take number; a
give-back takes it off the list. What is uncertain is decided so that nothing
is stranded: after a doubtful take the id is not listed, so the node puts it
back when the client registers again; after a doubtful give-back it stays
listed, so that it is still the client's if nothing happened. Ids of doubtful
give-backs are remembered: a later "no such interaction" or "not a party" then
means that the give-back was carried out.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAbandoned,
    EventAck,
    EventPulledInteractions,
    EventRevoked,
    EventRouteRequest,
)
from ixproxy.messages.message import Message
from ixproxy.wire.names import BY_MESSAGE, Holdings

_NOT_OURS = frozenset((Code.UNKNOWN_INTERACTION, Code.NOT_A_PARTY))


def handed_over(request: Message, answer: Message) -> dict[str, int]:
    """The ids that `answer` hands to the sender of `request`, with their take numbers."""
    if BY_MESSAGE[type(request)].holdings is not Holdings.TAKES:
        return {}
    if isinstance(answer, EventPulledInteractions):
        return dict(answer.take_numbers)
    if isinstance(answer, EventAck) and answer.take_number:
        identifier = answer.interaction_id or getattr(request, "interaction_id", "")
        return {identifier: answer.take_number} if identifier else {}
    return {}


class Held:
    """The ids that one client session holds, each with the number of its take."""

    def __init__(self, held: Mapping[str, int] | None = None) -> None:
        self._numbers: dict[str, int] = dict(held or {})
        self._doubtful: set[str] = set()
        self.numbers: Mapping[str, int] = MappingProxyType(self._numbers)
        """Interaction id to take number, as it is at any time."""

    @property
    def doubtful(self) -> frozenset[str]:
        """Ids that are listed though they may have been given back."""
        return frozenset(self._doubtful)

    def answered(self, request: Message, answer: Message) -> dict[str, int]:
        """
        A request succeeded.

        :return: what its answer handed over.
        """
        if BY_MESSAGE[type(request)].holdings is Holdings.GIVES_BACK:
            self.drop(getattr(request, "interaction_id", ""))
        taken = handed_over(request, answer)
        self._numbers.update(taken)
        self._doubtful.difference_update(taken)
        return taken

    def refused(self, request: Message, code: int, in_doubt: bool) -> None:
        """A request was refused, or its outcome is not known."""
        identifier = getattr(request, "interaction_id", "")
        if identifier not in self._numbers:
            return
        if in_doubt:
            if BY_MESSAGE[type(request)].holdings is Holdings.GIVES_BACK:
                self._doubtful.add(identifier)
        elif code in _NOT_OURS and identifier in self._doubtful:
            self.drop(identifier)

    def event_received(self, event: Message) -> tuple[str, ...]:
        """
        Something happened.

        A revoke with a ticket ends an invitation, which is no holding.

        :return: what it handed over.
        """
        if isinstance(event, EventRouteRequest):
            # It is the client's by this event, for there was no request.
            self._numbers[event.interaction_id] = event.take_number
            self._doubtful.discard(event.interaction_id)
            return (event.interaction_id,)
        if isinstance(event, EventAbandoned) or (
            isinstance(event, EventRevoked) and not event.ticket_id
        ):
            self.drop(event.interaction_id)
        return ()

    def confirmed(self, held: Mapping[str, int]) -> list[str]:
        """
        A server said what the session really has there, after a registration.

        :return: ids that were listed and are not held, in order; they are
            dropped.
        """
        gone = [
            identifier
            for identifier, number in self._numbers.items()
            if held.get(identifier) != number
        ]
        for identifier in gone:
            self.drop(identifier)
        self._doubtful.clear()
        return gone

    def drop(self, identifier: str) -> bool:
        """Take an id off the list; whether it was there."""
        self._doubtful.discard(identifier)
        return self._numbers.pop(identifier, None) is not None
