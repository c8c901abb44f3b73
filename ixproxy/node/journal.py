"""
What was changed in memory, so that it can be taken back.

Theory of operation: a refusal writes nothing, and a batch that the store
rolls back did not happen. Everything that rules change in memory, the rows of
the batch and what the node remembers besides, are dictionaries, and rules
change them only through the journal. Undoing to a mark restores every entry
that was set or removed since, last change first.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Final, TypeVar

K = TypeVar("K")
V = TypeVar("V")

_ABSENT: Final = object()
_APPENDED: Final = object()


class Journal:
    """The changes of one batch, in order."""

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: list[tuple[Any, Any, Any]] = []

    def set(self, mapping: MutableMapping[K, V], key: K, value: V) -> None:
        """Set one entry."""
        self._entries.append((mapping, key, mapping.get(key, _ABSENT)))
        mapping[key] = value

    def remove(self, mapping: MutableMapping[K, V], key: K) -> None:
        """Remove one entry; harmless where there is none."""
        if key in mapping:
            self._entries.append((mapping, key, mapping.pop(key)))

    def add(self, index: MutableMapping[K, tuple[V, ...]], key: K, value: V) -> None:
        """Add something to what an index has for `key`, unless it is there."""
        known = index.get(key, ())
        if value not in known:
            self.set(index, key, (*known, value))

    def take_off(self, index: MutableMapping[K, tuple[V, ...]], key: K, value: V) -> None:
        """Take something off again; no key of an index has nothing."""
        rest = tuple(each for each in index.get(key, ()) if each != value)
        if rest:
            self.set(index, key, rest)
        else:
            self.remove(index, key)

    def append(self, gathered: list[V], value: V) -> None:
        """Put one thing more at the end of a list, which nobody else changes meanwhile."""
        self._entries.append((gathered, None, _APPENDED))
        gathered.append(value)

    def mark(self) -> int:
        """The place to undo to."""
        return len(self._entries)

    def undo(self, mark: int = 0) -> None:
        """Take back everything since `mark`; the order of a dictionary's keys may differ."""
        entries = self._entries
        while len(entries) > mark:
            mapping, key, value = entries.pop()
            if value is _ABSENT:
                mapping.pop(key, None)
            elif value is _APPENDED:
                mapping.pop()
            else:
                mapping[key] = value

    def forget(self) -> None:
        """What was changed stays."""
        self._entries.clear()
