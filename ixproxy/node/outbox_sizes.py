"""How much waits in the outbox for each capture point."""

from __future__ import annotations

from collections.abc import Iterable

from ixproxy.interfaces import IStore
from ixproxy.node.journal import Journal


def consumer_of(point: str) -> str:
    """Under which name the outbox keeps what a capture point is told."""
    return f"capture:{point}"


class Outboxes:
    """
    How many rows each capture point has.

    :ivar sizes: by name.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.sizes: dict[str, int] = {}

    def use(self, store: IStore, points: Iterable[str]) -> None:
        """
        Count the rows of capture points that are not known yet, which are there from now on.

        :raise StorageError: they could not be counted.
        """
        for point in points:
            if point not in self.sizes:
                self.sizes[point] = store.outbox_size(consumer_of(point))

    def add(self, point: str, more: int) -> None:
        """There are more rows, or fewer."""
        self._journal.set(self.sizes, point, max(0, self.sizes.get(point, 0) + more))
