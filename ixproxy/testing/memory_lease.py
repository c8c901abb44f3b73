"""Leases in memory: of servers that are programs of one process, and of tests that want faults."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from zope.interface import implementer

from ixproxy.errors import LeaseLost, StorageError
from ixproxy.interfaces import ILease
from ixproxy.values import Holder


class MemoryLeases:
    """
    All leases of one database, of which one at most has it.

    :ivar owner: who has it; None: nobody.
    :ivar ended: who was ended for its silence, by name, in order.
    :ivar on_end: called with the name of who is ended: its process is to die.
    """

    def __init__(self) -> None:
        self.owner: MemoryLease | None = None
        self.ended: list[str] = []
        self.on_end: Callable[[str], None] = lambda _: None
        self._beats = count(1)

    def lease(self, name: str) -> MemoryLease:
        """
        One more.

        :param name: of the server whose it is.
        """
        return MemoryLease(self, name)

    def next_beat(self) -> int:
        """A number that was no beat before."""
        return next(self._beats)

    def die(self, name: str) -> None:
        """The process of a server is gone, and its lease with it."""
        if self.owner is not None and self.owner.name == name:
            self.owner = None


@implementer(ILease)
class MemoryLease:
    """
    See `ILease`.

    :ivar broken: what every call raises; None: they work.
    :ivar unkillable: `end` cannot end who has it.
    """

    def __init__(self, leases: MemoryLeases, name: str) -> None:
        self._leases = leases
        self.name = name
        self.broken: StorageError | None = None
        self.unkillable = False
        self.last_beat = 0

    def take(self) -> Holder | None:
        """See `ILease`."""
        self._check()
        owner = self._leases.owner
        if owner is None or owner is self:
            self._leases.owner = self
            self.last_beat = self._leases.next_beat()
            return None
        return Holder(owner.name, owner.last_beat)

    def end(self, holder: Holder) -> None:
        """See `ILease`."""
        self._check()
        owner = self._leases.owner
        if owner is None or Holder(owner.name, owner.last_beat) != holder:
            return
        if self.unkillable:
            raise StorageError(f"{holder.name} cannot be ended")
        self._leases.owner = None
        self._leases.ended.append(owner.name)
        self._leases.on_end(owner.name)

    def beat(self) -> None:
        """See `ILease`."""
        self._check()
        if self._leases.owner is not self:
            raise LeaseLost(f"{self.name} has lost its lease")
        self.last_beat = self._leases.next_beat()

    def release(self) -> None:
        """See `ILease`."""
        if self._leases.owner is self:
            self._leases.owner = None

    def _check(self) -> None:
        if self.broken is not None:
            raise self.broken
