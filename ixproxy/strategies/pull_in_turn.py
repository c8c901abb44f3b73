"""Pull: one node after the other, the next pull beginning with the next node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zope.interface import implementer

from ixproxy.interfaces import IPullStrategy
from ixproxy.strategies.holding import hold_of
from ixproxy.strategies.settings import Settings
from ixproxy.strategies.turns import Turns
from ixproxy.values import Ask, NodeView, PullAttributes


@implementer(IPullStrategy)
class PullInTurn:
    """
    The guide's way: each node may hold the pull before the next is asked.

    :param hold: seconds that each node may hold.
    """

    def __init__(self, hold: float) -> None:
        self._hold = hold
        self._turns = Turns()

    def order(self, pull: PullAttributes, nodes: Sequence[NodeView]) -> Sequence[Ask]:
        """All nodes, the one whose turn it is first, each holding."""
        hold = self._hold if pull.for_strategy else 0.0
        names = self._turns.order((pull.tenant_id, pull.view), sorted(n.name for n in nodes))
        return [Ask(name, hold) for name in names]


def make(settings: Mapping[str, object]) -> PullInTurn:
    """
    `pull-hold-timeout`: seconds that each node may hold.

    :raise ConfigError: it is unusable, or another key is there.
    """
    keys = Settings(settings)
    hold = hold_of(keys)
    keys.finish()
    return PullInTurn(hold)
