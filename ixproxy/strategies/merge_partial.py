"""Merge: whatever came, flagged partial where anything is missing."""

from __future__ import annotations

from collections.abc import Mapping

from zope.interface import implementer

from ixproxy.errors import Code
from ixproxy.interfaces import Gathered, IMergePolicy, Merged
from ixproxy.strategies.losses import (
    OnLoss,
    first_refusal,
    lost_too_much,
    on_loss_of,
    stopped,
    whole,
)
from ixproxy.strategies.settings import Settings


@implementer(IMergePolicy)
class MergePartial:
    """
    Waits for every node, and makes the best of what they say.

    Neither a refusal nor a loss spoils the answers of others; they only make
    the reply partial. An error is passed on when nobody answered.
    """

    def __init__(self, on_loss: OnLoss = OnLoss.CONTINUE) -> None:
        self._on_loss = on_loss

    def settled(self, gathered: Gathered) -> bool:
        """When all have spoken, or a loss is to stop us."""
        return not gathered.awaited or stopped(gathered, self._on_loss)

    def merge(self, gathered: Gathered) -> Merged:
        """The answers; without any, a refusal, else 2002."""
        if not gathered.answers and (refused := first_refusal(gathered)):
            return refused
        if lost_too_much(gathered, self._on_loss):
            return Merged(code=Code.LOST_CONNECTION)
        partial = bool(gathered.refusals) or not whole(gathered)
        return Merged(sorted(gathered.answers), partial=partial)


def make(settings: Mapping[str, object]) -> MergePartial:
    """
    `on-loss`: `continue` (the default), `report` or `stop`.

    :raise ConfigError: it is unusable, or another key is there.
    """
    keys = Settings(settings)
    on_loss = on_loss_of(keys, OnLoss.CONTINUE)
    keys.finish()
    return MergePartial(on_loss)
