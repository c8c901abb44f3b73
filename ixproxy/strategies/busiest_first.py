"""Pull: the node with the most work in the view is asked first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zope.interface import implementer

from ixproxy.interfaces import IPullStrategy
from ixproxy.strategies.holding import hold_of
from ixproxy.strategies.settings import Settings
from ixproxy.strategies.turns import Turns
from ixproxy.values import Ask, NodeView, PullAttributes

IN_TURN_EVERY = 20


@implementer(IPullStrategy)
class BusiestFirst:
    """
    Orders nodes by how much the view shows on each; equals take turns.

    Load facts are moments old, so nodes without work are asked too, last; and
    of all only the last may hold, for work may have come to any of them. A
    node that is never the busiest must not starve: some pulls go in turn.

    :param hold: seconds that the last node may hold.
    :param in_turn_every: one of so many pulls of a view begins with the node
        whose turn it is, however little it has.
    """

    def __init__(self, hold: float, in_turn_every: int = IN_TURN_EVERY) -> None:
        self._hold = hold
        self._every = in_turn_every
        self._equals = Turns()
        self._turns = Turns()
        self._pulls: dict[tuple[int, str], int] = {}

    def order(self, pull: PullAttributes, nodes: Sequence[NodeView]) -> Sequence[Ask]:
        """All nodes, most work first."""
        shown = {node.name: node.load.views.get(pull.view, 0) for node in nodes}
        key = (pull.tenant_id, pull.view)
        turned = self._equals.order(key, sorted(shown))
        ranked = sorted(turned, key=lambda name: -shown[name])
        self._pulls[key] = count = (self._pulls.get(key, 0) + 1) % self._every
        if count == 0:
            first = self._turns.order(key, sorted(shown))[0]
            ranked.remove(first)
            ranked.insert(0, first)
        hold = self._hold if pull.for_strategy else 0.0
        return [*(Ask(name) for name in ranked[:-1]), Ask(ranked[-1], hold)]


def make(settings: Mapping[str, object]) -> BusiestFirst:
    """
    `pull-hold-timeout`: seconds that the last node may hold; `in-turn-every`:
    one of how many pulls goes in turn, 2 to 1000 (20).

    :raise ConfigError: one is unusable, or another key is there.
    """
    keys = Settings(settings)
    hold = hold_of(keys)
    every = keys.whole("in-turn-every", IN_TURN_EVERY, 2, 1000)
    keys.finish()
    return BusiestFirst(hold, every)
