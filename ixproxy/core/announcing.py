"""
The load of all nodes together, announced to proxies behind this one as a node would.

Theory of operation: a downstream proxy hears of the sum once when it has
registered, and again when it has changed, at most once a second. It needs the
sum for its strategies and its operators only. That a *find* reaches every node
that may hold a media type does not hang on it: a proxy asks its upstream proxy
whatever the media type, because an upstream proxy is never limited to some; and
the proxy that the nodes are linked to was told by the node before the first
interaction of that media type was acknowledged to anybody through it.

What a restart loses, and who restores it: what was announced last; the sum is
announced anew to whoever registers.
"""

from __future__ import annotations

from collections.abc import Mapping

from ixproxy.core.clients import Peer
from ixproxy.core.registering import is_proxy
from ixproxy.core.state import ProxyState
from ixproxy.messages import EventNodeLoad
from ixproxy.wire.codec import encode

_NOTHING = encode(EventNodeLoad())

SPACING = 1.0
"""Seconds between two announcements, at least."""


class Announcing:
    """What downstream proxies are told of this proxy's nodes."""

    def __init__(self, state: ProxyState) -> None:
        self._state = state
        self._announced = _NOTHING
        self._announced_at = float("-inf")

    def ticked(self) -> None:
        """Some time passed: tell all downstream proxies of what has changed."""
        state = self._state
        if not state.loads_changed or state.now - self._announced_at < SPACING:
            return
        state.loads_changed = False
        self._announced_at = state.now
        raw = encode(total_load(state))
        if raw != self._announced:
            self._announced = raw
            for peer in state.clients.peers.values():
                if 0 in peer.clients and is_proxy(peer.clients[0]):
                    self._send(peer)

    def tell(self, peer: Peer) -> None:
        """A downstream proxy has registered: tell it what the others know."""
        if self._announced != _NOTHING:
            self._send(peer)

    def _send(self, peer: Peer) -> None:
        if len(self._announced) - 4 <= peer.max_frame:
            peer.send(self._announced)


def total_load(state: ProxyState) -> EventNodeLoad:
    """What waits on all linked nodes, and the media types that any node holds."""
    queues: dict[int, dict[str, int]] = {}
    views: dict[int, dict[str, int]] = {}
    media_types: dict[int, set[str]] = {}
    for link in state.links.values():
        for tenant, load in link.loads.items():
            media_types.setdefault(tenant, set()).update(load.media_types)
            if link.linked:
                _add(queues.setdefault(tenant, {}), load.queues)
                _add(views.setdefault(tenant, {}), load.views)
    return EventNodeLoad(
        queues={tenant: queues[tenant] for tenant in sorted(queues)},
        views={tenant: views[tenant] for tenant in sorted(views)},
        media_types={tenant: sorted(media_types[tenant]) for tenant in sorted(media_types)},
    )


def _add(total: dict[str, int], counts: Mapping[str, int]) -> None:
    for name, count in counts.items():
        total[name] = total.get(name, 0) + count
