"""
Routing: in turn, each node as often as its weight says.

Theory of operation: smooth weighted round robin. Every node has a credit; at
each draft all credits grow by the nodes' weights, the highest one goes first
and pays the sum of all weights. With weights 5, 1, 1 the turns run
A A B A C A A, not A A A A A B C.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zope.interface import implementer

from ixproxy.interfaces import IRoutingStrategy
from ixproxy.strategies.settings import Settings
from ixproxy.values import Draft, NodeName, NodeView

HIGHEST = 1000
DEFAULT = 1


@implementer(IRoutingStrategy)
class Weighted:
    """
    Credits are kept for every tenant and media type apart.

    :param weights: node to weight, 0 to 1000; a node that is not named has
        weight 1, one of weight 0 gets no new work.
    """

    def __init__(self, weights: Mapping[NodeName, int]) -> None:
        self._weights = dict(weights)
        self._credits: dict[tuple[int, str], dict[NodeName, int]] = {}

    def rank(self, draft: Draft, nodes: Sequence[NodeView]) -> Sequence[NodeName]:
        """The nodes of weight 1 and more, highest credit first."""
        weights = {node.name: self._weights.get(node.name, DEFAULT) for node in nodes}
        weights = {name: weight for name, weight in weights.items() if weight}
        if not weights:
            return []
        credit = self._credits.setdefault((draft.tenant_id, draft.media_type), {})
        for name, weight in weights.items():
            credit[name] = credit.get(name, 0) + weight
        ranked = sorted(weights, key=lambda name: (-credit[name], name))
        credit[ranked[0]] -= sum(weights.values())
        return ranked


def make(settings: Mapping[str, object]) -> Weighted:
    """
    `weights`: a table of nodes and whole numbers from 0 to 1000.

    :raise ConfigError: it is missing or unusable, or another key is there.
    """
    keys = Settings(settings)
    given = keys.required("weights", "a table such as { ixn1 = 2, ixn2 = 1 }")
    weights: dict[NodeName, int] = {}
    if isinstance(given, Mapping):
        for name, weight in given.items():
            if isinstance(weight, bool) or not isinstance(weight, int):
                keys.refuse("weights", f"{name}: expected a whole number, not {weight!r}")
            elif not 0 <= weight <= HIGHEST:
                keys.refuse("weights", f"{name}: expected 0 to {HIGHEST}, not {weight}")
            else:
                weights[NodeName(str(name))] = weight
        if not any(weights.values()):
            keys.refuse("weights", "expected at least one node with a weight above 0")
    elif given is not None:
        keys.refuse("weights", f"expected a table such as {{ ixn1 = 2 }}, not {given!r}")
    keys.finish()
    return Weighted(weights)
