"""Whose turn it is: a pointer that moves on by one name each time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Sequence

from ixproxy.values import NodeName


class Turns:
    """
    A pointer per key, so that unlike streams of work do not disturb each other.

    It remembers the name that was first, not a place in a list: when a node
    goes or comes, the others keep their turns.
    """

    def __init__(self) -> None:
        self._last: dict[Hashable, NodeName] = {}

    def order(self, key: Hashable, names: Sequence[NodeName]) -> list[NodeName]:
        """`names`, which are sorted, beginning behind the one that was first last time."""
        if not names:
            return []
        last = self._last.get(key)
        start = bisect_right(names, last) % len(names) if last is not None else 0
        turned = [*names[start:], *names[:start]]
        self._last[key] = turned[0]
        return turned
