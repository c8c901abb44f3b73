"""Routing: the node with the least waiting work; equals take turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zope.interface import implementer

from ixproxy.interfaces import IRoutingStrategy
from ixproxy.strategies.settings import Settings
from ixproxy.strategies.turns import Turns
from ixproxy.values import Draft, NodeLoad, NodeName, NodeView


@implementer(IRoutingStrategy)
class LeastBacklog:
    """
    Orders nodes by backlog.

    Load facts are moments old, and a burst between two of them would all go
    to one node; so what was ranked first since a node's last facts counts as
    waiting there.
    """

    def __init__(self) -> None:
        self._turns = Turns()
        self._load: dict[NodeName, NodeLoad] = {}
        self._since: dict[NodeName, int] = {}

    def rank(self, draft: Draft, nodes: Sequence[NodeView]) -> Sequence[NodeName]:
        """All nodes, least waiting first."""
        waiting: dict[NodeName, int] = {}
        for node in nodes:
            if self._load.get(node.name) != node.load:
                self._load[node.name] = node.load
                self._since[node.name] = 0
            waiting[node.name] = node.load.backlog + self._since[node.name]
        # The sort is stable, so that equals stay in the order of their turns.
        ranked = sorted(self._turns.order("", sorted(waiting)), key=waiting.__getitem__)
        self._since[ranked[0]] += 1
        return ranked


def make(settings: Mapping[str, object]) -> LeastBacklog:
    """
    Takes no settings.

    :raise ConfigError: there are some.
    """
    Settings(settings).finish()
    return LeastBacklog()
