"""What a merge policy makes of nodes that are missing: a setting, and what follows from it."""

from __future__ import annotations

from enum import Enum

from ixproxy.errors import Code
from ixproxy.interfaces import Gathered, Merged
from ixproxy.strategies.settings import Settings


class OnLoss(Enum):
    """What to do when a node is lost after it was asked."""

    CONTINUE = "continue"
    """Answer with what came, flagged partial."""
    REPORT = "report"
    """Hear the others out, then answer with error 2002."""
    STOP = "stop"
    """Answer with error 2002 at once."""


def on_loss_of(keys: Settings, default: OnLoss) -> OnLoss:
    """The setting `on-loss`: `continue`, `report` or `stop`."""
    choices = tuple(each.value for each in OnLoss)
    return OnLoss(keys.choice("on-loss", default.value, choices))


def stopped(gathered: Gathered, on_loss: OnLoss) -> bool:
    """Whether a loss settles the fan-out before all have spoken."""
    return bool(gathered.lost) and on_loss is OnLoss.STOP


def first_refusal(gathered: Gathered) -> Merged | None:
    """The error of the node that refused first, to be passed on unchanged."""
    for node, code in gathered.refusals.items():
        return Merged(code=code, refused_by=node)
    return None


def lost_too_much(gathered: Gathered, on_loss: OnLoss) -> bool:
    """Whether what was lost makes the answer error 2002."""
    return bool(gathered.lost) and (on_loss is not OnLoss.CONTINUE or not gathered.answers)


def whole(gathered: Gathered) -> bool:
    """Whether every node that might have something was asked and not lost."""
    return not gathered.lost and not gathered.absent


def union(gathered: Gathered, on_loss: OnLoss) -> Merged:
    """The first refusal, else 2002 for a loss, else all answers in name order."""
    if refused := first_refusal(gathered):
        return refused
    if lost_too_much(gathered, on_loss):
        return Merged(code=Code.LOST_CONNECTION)
    return Merged(sorted(gathered.answers), partial=not whole(gathered))
