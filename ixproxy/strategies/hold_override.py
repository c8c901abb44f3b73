"""Pull: in turn, but an empty node does not keep the client from one that has work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zope.interface import implementer

from ixproxy.interfaces import IPullStrategy
from ixproxy.strategies.holding import hold_of
from ixproxy.strategies.settings import Settings
from ixproxy.strategies.turns import Turns
from ixproxy.values import Ask, NodeView, PullAttributes


@implementer(IPullStrategy)
class HoldOverride:
    """
    All nodes answer at once but the last, which may hold.

    :param hold: seconds that a holding node may hold.
    :param share: every node holds its share of them instead, so that work
        which arrives meanwhile is met wherever it comes in.
    """

    def __init__(self, hold: float, share: bool = False) -> None:
        self._hold = hold
        self._share = share
        self._turns = Turns()

    def order(self, pull: PullAttributes, nodes: Sequence[NodeView]) -> Sequence[Ask]:
        """All nodes, the one whose turn it is first."""
        names = self._turns.order((pull.tenant_id, pull.view), sorted(n.name for n in nodes))
        if not pull.for_strategy:
            return [Ask(name) for name in names]
        if self._share:
            part = min(self._hold, pull.budget) / len(names)
            return [Ask(name, part) for name in names]
        return [*(Ask(name) for name in names[:-1]), Ask(names[-1], self._hold)]


def make(settings: Mapping[str, object]) -> HoldOverride:
    """
    `pull-hold-timeout`: seconds; `holds`: `last` (the default) or `each`,
    which shares the seconds, or the pull's own time where that is shorter.

    :raise ConfigError: one is unusable, or another key is there.
    """
    keys = Settings(settings)
    hold = hold_of(keys)
    holds = keys.choice("holds", "last", ("last", "each"))
    keys.finish()
    return HoldOverride(hold, share=holds == "each")
