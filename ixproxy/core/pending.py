"""
Requests that await their answer on one link.

Time-outs are found by a sweep, not by a timer each: a dict keeps insertion
order, so with one dict for each deadline class the oldest come first and the
sweep stops at the first young one. Requests with a ttl of their own are in a
class that is searched whole. The two low bits of a reference say the class,
so an answer finds its entry by one look-up.

What a restart loses, and who restores it: the requests' clients fail them as
in doubt when their connections break.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import Any

from ixproxy.core.clients import Client


class Deadline(IntEnum):
    """The deadline classes."""

    NORMAL = 0
    DELIVERY = 1
    OWN = 2
    SERVICE = 3


_CLASS_MASK = 3
_LAST = (1 << 32) - 4


class Pending:
    """
    One request in flight.

    :ivar client: whose it is; None: the proxy's own.
    :ivar reference: the requester's reference.
    :ivar name: the request's number in the names table.
    :ivar interaction: the id it names, or "".
    :ivar due: when it times out, on the clock of `now`.
    :ivar exchange: the larger undertaking that its answer belongs to; None:
        the answer is forwarded as it is.
    :ivar abandoned: its client has been answered already, or is gone; only a
        take in the answer still matters.
    :ivar parts: bodies of the parts of the answer that came so far.
    """

    __slots__ = (
        "abandoned",
        "client",
        "due",
        "exchange",
        "interaction",
        "name",
        "parts",
        "reference",
    )

    def __init__(
        self,
        client: Client | None,
        reference: int,
        name: int,
        interaction: str,
        due: float,
        exchange: Any = None,
    ) -> None:
        self.client = client
        self.reference = reference
        self.name = name
        self.interaction = interaction
        self.due = due
        self.exchange = exchange
        self.abandoned = False
        self.parts: list[bytes] | None = None


class PendingTable:
    """The requests in flight on one link, by the reference used there."""

    __slots__ = ("_last", "classes", "count")

    def __init__(self) -> None:
        self.classes: tuple[dict[int, Pending], ...] = ({}, {}, {}, {})
        self._last = 0
        self.count = 0

    def add(self, pending: Pending, deadline: Deadline = Deadline.NORMAL) -> int:
        """Remember a request; the reference to send it with, never one in use."""
        entries = self.classes[deadline]
        reference = self._last
        while True:
            reference = reference + 4 if reference < _LAST else 4
            if reference | deadline not in entries:
                break
        self._last = reference
        reference |= deadline
        entries[reference] = pending
        self.count += 1
        return reference

    def get(self, reference: int) -> Pending | None:
        """The request that was sent with `reference`."""
        return self.classes[reference & _CLASS_MASK].get(reference)

    def remove(self, reference: int) -> None:
        """Its last answer came; harmless when unknown."""
        if self.classes[reference & _CLASS_MASK].pop(reference, None) is not None:
            self.count -= 1

    def overdue(self, now: float) -> list[tuple[int, Pending]]:
        """What is due and not abandoned, oldest first within a class."""
        due = []
        for deadline in (Deadline.NORMAL, Deadline.DELIVERY, Deadline.SERVICE):
            for reference, pending in self.classes[deadline].items():
                if pending.due > now:
                    break
                if not pending.abandoned:
                    due.append((reference, pending))
        for reference, pending in self.classes[Deadline.OWN].items():
            if pending.due <= now and not pending.abandoned:
                due.append((reference, pending))
        return due

    def __iter__(self) -> Iterator[tuple[int, Pending]]:
        for entries in self.classes:
            yield from entries.items()

    def clear(self) -> list[tuple[int, Pending]]:
        """The link is gone: everything that was in flight, oldest first."""
        entries = list(self)
        for table in self.classes:
            table.clear()
        self.count = 0
        return entries
