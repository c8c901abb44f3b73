"""Merge: the first node that has anything is the answer, as for a search by external id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from zope.interface import implementer

from ixproxy.interfaces import Gathered, IMergePolicy, Merged
from ixproxy.strategies.losses import OnLoss, on_loss_of, stopped, union, whole
from ixproxy.strategies.settings import Settings
from ixproxy.values import NodeName

FOUND_IN = "Interactions"
# An empty map in the shortest form and in the longer ones that are allowed, and nil.
_EMPTY = frozenset({b"", b"\x80", b"\xde\x00\x00", b"\xdf\x00\x00\x00\x00", b"\xc0"})


def found(answer: Mapping[str, Any]) -> bool:
    """Whether an answer holds at least one interaction; nothing in it is decoded."""
    interactions = answer.get(FOUND_IN)
    if isinstance(interactions, msgspec.Raw | bytes | bytearray | memoryview):
        return bytes(interactions) not in _EMPTY
    return bool(interactions)


@implementer(IMergePolicy)
class MergeFirstFound:
    """
    Does not wait for nodes that can only say the same or nothing.

    What one node found stands, whatever others refused or lost. When nobody
    found anything it is a union of empty answers, with its rules.
    """

    def __init__(self, on_loss: OnLoss = OnLoss.REPORT) -> None:
        self._on_loss = on_loss

    def settled(self, gathered: Gathered) -> bool:
        """When one has found something, all have spoken, or a loss is to stop us."""
        return (
            not gathered.awaited or stopped(gathered, self._on_loss) or _first(gathered) is not None
        )

    def merge(self, gathered: Gathered) -> Merged:
        """The one answer that has something, else as a union."""
        first = _first(gathered)
        if first is not None:
            return Merged([first], partial=not whole(gathered))
        return union(gathered, self._on_loss)


def _first(gathered: Gathered) -> NodeName | None:
    """The node whose answer came first of those that have something."""
    return next((node for node, answer in gathered.answers.items() if found(answer)), None)


def make(settings: Mapping[str, object]) -> MergeFirstFound:
    """
    `on-loss`: `continue`, `report` (the default) or `stop`.

    :raise ConfigError: it is unusable, or another key is there.
    """
    keys = Settings(settings)
    on_loss = on_loss_of(keys, OnLoss.REPORT)
    keys.finish()
    return MergeFirstFound(on_loss)
