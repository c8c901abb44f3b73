"""Servers that said how they are, for tests of what is made of it."""

from __future__ import annotations

from typing import Any

from ixproxy.cli.status_asking import Found, Target
from ixproxy.messages import (
    EventServerStatus,
    LinkStatus,
    NodeStatus,
    ProxyStatus,
    ServerFacts,
)

NOON = 1_800_014_400.0
"""12:00:00 on a day in January."""


def node(name: str = "ixn1", dbid: int = 101, primary: str = "", **more: Any) -> Found:
    """A node that is well, but for what a test says."""
    epoch = more.pop("epoch", 3)
    about = NodeStatus(dbid=dbid, epoch=epoch, store="sqlite", **more.pop("node_status", {}))
    status = EventServerStatus(
        name=name, role="node", time=NOON, uptime=100.0, node_status=about, **more
    )
    return Found(
        Target(name, f"tcp:{name}:1", primary),
        NOON,
        ServerFacts(name=primary or name, role="node", dbid=dbid, epoch=epoch, tenants=[1]),
        status,
    )


def proxy(
    *links: LinkStatus, name: str = "proxy1", nodes: tuple[str, ...] | None = None, **more: Any
) -> Found:
    """A proxy with these links."""
    status = EventServerStatus(
        name=name,
        role="proxy",
        time=NOON,
        uptime=100.0,
        proxy_status=ProxyStatus(links=list(links)),
        **more,
    )
    target = Target(name, f"tcp:{name}:1", nodes=nodes)
    return Found(target, NOON, ServerFacts(name=name, role="proxy", tenants=[1]), status)


def away(name: str, failure: str = "connection refused", primary: str = "") -> Found:
    """A server that does not answer."""
    return Found(Target(name, f"tcp:{name}:1", primary), NOON, failure=failure)
