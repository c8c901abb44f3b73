"""What a proxy's sockets know, added to a status that its mind began."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from ixproxy.messages import EventServerStatus, LimitUse
from ixproxy.net.connection import FrameConnection
from ixproxy.net.listener import PeerListener
from ixproxy.values import NodeName


def with_sockets(
    status: EventServerStatus,
    listener: PeerListener,
    nodes: Mapping[NodeName, FrameConnection],
) -> EventServerStatus:
    """Add peers and their limit, and what waits to be sent to each node."""
    proxy = status.proxy_status
    if proxy is not None:
        links = [
            replace(link, output=nodes[NodeName(link.node)].backlog) if link.node in nodes else link
            for link in proxy.links
        ]
        proxy = replace(proxy, links=links)
    limit = LimitUse(
        name="max-connections", used=listener.peers, allowed=listener.limits.connections
    )
    return replace(
        status,
        peers=listener.peers,
        unregistered=listener.unregistered,
        slow_readers=listener.slow,
        limits=[limit, *status.limits],
        proxy_status=proxy,
    )
