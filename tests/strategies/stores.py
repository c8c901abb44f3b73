"""Nodes as mere numbers, to see whom a pull strategy serves."""

from __future__ import annotations

from collections.abc import Mapping

from ixproxy.interfaces import IPullStrategy
from ixproxy.values import NodeName
from tests.strategies.views import node, pull


def pull_until_empty(
    strategy: IPullStrategy, backlogs: Mapping[NodeName, int], facts_every: int = 1
) -> list[NodeName]:
    """The nodes that gave, in order; load facts are renewed every so many pulls."""
    left = dict(backlogs)
    served: list[NodeName] = []
    while any(left.values()):
        if len(served) % facts_every == 0:
            nodes = [node(name, shown=left[name]) for name in sorted(left)]
        gave = next(step.node for step in strategy.order(pull(), nodes) if left[step.node])
        left[gave] -= 1
        served.append(gave)
    return served
