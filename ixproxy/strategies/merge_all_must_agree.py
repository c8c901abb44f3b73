"""Merge: yes when every node says yes; one no is the answer."""

from __future__ import annotations

from collections.abc import Mapping

from zope.interface import implementer

from ixproxy.interfaces import Gathered, IMergePolicy, Merged
from ixproxy.strategies.losses import OnLoss, on_loss_of, stopped, union
from ixproxy.strategies.settings import Settings


@implementer(IMergePolicy)
class MergeAllMustAgree:
    """
    For what is done on all nodes or on none, such as an agent's login.

    Hears every node out, even after a refusal: whoever undoes the others must
    know which of them had agreed.
    """

    def __init__(self, on_loss: OnLoss = OnLoss.REPORT) -> None:
        self._on_loss = on_loss

    def settled(self, gathered: Gathered) -> bool:
        """When all have spoken, or a loss is to stop us."""
        return not gathered.awaited or stopped(gathered, self._on_loss)

    def merge(self, gathered: Gathered) -> Merged:
        """The first refusal, else 2002 for a loss, else yes."""
        return union(gathered, self._on_loss)


def make(settings: Mapping[str, object]) -> MergeAllMustAgree:
    """
    `on-loss`: `report` (the default), `stop`, or `continue`: a lost node
    counts as away.

    :raise ConfigError: it is unusable, or another key is there.
    """
    keys = Settings(settings)
    on_loss = on_loss_of(keys, OnLoss.REPORT)
    keys.finish()
    return MergeAllMustAgree(on_loss)
