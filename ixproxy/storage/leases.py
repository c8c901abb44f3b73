"""Leases that all stores can have."""

from __future__ import annotations

from zope.interface import implementer

from ixproxy.interfaces import ILease
from ixproxy.values import Holder


@implementer(ILease)
class FreeLease:
    """Of a database that no other program can reach: nobody else can have it."""

    def take(self) -> Holder | None:
        """See `ILease`: it is ours."""
        return None

    def end(self, holder: Holder) -> None:
        """See `ILease`: there is no other holder."""

    def beat(self) -> None:
        """See `ILease`: nobody looks."""

    def release(self) -> None:
        """See `ILease`: nobody waits for it."""
