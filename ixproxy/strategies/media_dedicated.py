"""Routing: nodes that were set aside for the media type come before those open to any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zope.interface import implementer

from ixproxy.interfaces import IRoutingStrategy
from ixproxy.strategies.settings import Settings
from ixproxy.strategies.turns import Turns
from ixproxy.values import Draft, NodeName, NodeView


@implementer(IRoutingStrategy)
class MediaDedicated:
    """
    Two groups, each in turn: nodes whose `media-types` name the media type,
    then nodes without `media-types`, which serve as their reserve.
    """

    def __init__(self) -> None:
        self._turns = Turns()

    def rank(self, draft: Draft, nodes: Sequence[NodeView]) -> Sequence[NodeName]:
        """The dedicated nodes, then the open ones; a node for other media is left out."""
        dedicated, open_to_any = [], []
        for node in nodes:
            if node.media_types is None:
                open_to_any.append(node.name)
            elif draft.media_type in node.media_types:
                dedicated.append(node.name)
        key = (draft.tenant_id, draft.media_type)
        return [
            *self._turns.order((*key, "dedicated"), sorted(dedicated)),
            *self._turns.order((*key, "open"), sorted(open_to_any)),
        ]


def make(settings: Mapping[str, object]) -> MediaDedicated:
    """
    Takes no settings.

    :raise ConfigError: there are some.
    """
    Settings(settings).finish()
    return MediaDedicated()
