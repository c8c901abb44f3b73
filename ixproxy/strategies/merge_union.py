"""Merge: all answers, one node after the other; the guide's way."""

from __future__ import annotations

from collections.abc import Mapping

from zope.interface import implementer

from ixproxy.interfaces import Gathered, IMergePolicy, Merged
from ixproxy.strategies.losses import OnLoss, on_loss_of, stopped, union
from ixproxy.strategies.settings import Settings


@implementer(IMergePolicy)
class MergeUnion:
    """
    Waits for every node and answers with all, in name order.

    A refusal is the whole answer: the first one is passed on unchanged, at
    once, for what one node finds wrong with a question is wrong with it
    everywhere. A node that was away when the others were asked makes the
    answer partial; one lost after being asked makes it error 2002.
    """

    def __init__(self, on_loss: OnLoss = OnLoss.REPORT) -> None:
        self._on_loss = on_loss

    def settled(self, gathered: Gathered) -> bool:
        """When all have spoken, one has refused, or a loss is to stop us."""
        return not gathered.awaited or bool(gathered.refusals) or stopped(gathered, self._on_loss)

    def merge(self, gathered: Gathered) -> Merged:
        """A refusal, else 2002 for a loss, else the union."""
        return union(gathered, self._on_loss)


def make(settings: Mapping[str, object]) -> MergeUnion:
    """
    `on-loss`: `continue`, `report` (the default) or `stop`.

    :raise ConfigError: it is unusable, or another key is there.
    """
    keys = Settings(settings)
    on_loss = on_loss_of(keys, OnLoss.REPORT)
    keys.finish()
    return MergeUnion(on_loss)
