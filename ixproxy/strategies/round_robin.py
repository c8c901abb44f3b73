"""Routing: each node in turn, for every tenant and media type apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zope.interface import implementer

from ixproxy.interfaces import IRoutingStrategy
from ixproxy.strategies.settings import Settings
from ixproxy.strategies.turns import Turns
from ixproxy.values import Draft, NodeName, NodeView


@implementer(IRoutingStrategy)
class RoundRobin:
    """Begins with the next node each time; the others follow in name order."""

    def __init__(self) -> None:
        self._turns = Turns()

    def rank(self, draft: Draft, nodes: Sequence[NodeView]) -> Sequence[NodeName]:
        """All nodes, the one whose turn it is first."""
        names = sorted(node.name for node in nodes)
        return self._turns.order((draft.tenant_id, draft.media_type), names)


def make(settings: Mapping[str, object]) -> RoundRobin:
    """
    Takes no settings.

    :raise ConfigError: there are some.
    """
    Settings(settings).finish()
    return RoundRobin()
