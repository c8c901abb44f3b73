"""
Watches all nodes at once, past the proxies, by the client library's `report`.

Theory of operation: each node has a connection of its own, and the library makes
one stream of what they tell, as a proxy does. So the stream itself has no gaps; a
node that is lost and comes back is told by its differences.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from ixproxy.cli.connecting import settings_of
from ixproxy.cli.identity import credentials_of, tls_of
from ixproxy.cli.outcomes import UsageError
from ixproxy.cli.watch_stream import Watch
from ixproxy.client import report
from ixproxy.client.places import Where, endpoints_of
from ixproxy.config import (
    Cluster,
    Deployment,
    NodeApplication,
    ProxyApplication,
    ServerApplication,
    client_view,
)
from ixproxy.messages.message import KeyValues


class NodePlace(NamedTuple):
    """A node, and where it is."""

    name: str
    place: Where


def nodes_of(deployment: Deployment, application: str) -> list[NodePlace]:
    """
    The nodes that are, or stand behind, an application of a deployment file.

    :raise UsageError: there is none such, or no node.
    """
    named = deployment.applications.get(application)
    if named is None:
        there = ", ".join(deployment.applications) or "none"
        raise UsageError(f"no application {application!r} in the file; there are: {there}")
    nodes = dict.fromkeys(_behind(deployment, [named]))
    if not nodes:
        raise UsageError(f"{application} is no node and has none behind it")
    return [NodePlace(name, client_view(deployment, name).place) for name in nodes]


def _behind(deployment: Deployment, applications: Iterable[object]) -> Iterator[str]:
    for each in applications:
        match each:
            case NodeApplication():
                yield each.name
            case ProxyApplication():
                yield from (node.name for node in deployment.nodes_behind(each.name))
            case Cluster() | ServerApplication():
                connected = deployment.connected(each.connections)
                yield from _behind(deployment, map(deployment.applications.get, connected))


async def watch_nodes(
    reactor: Any,
    args: Namespace,
    nodes: Sequence[NodePlace],
    tenants: Sequence[int],
    wanted: KeyValues,
    watch: Watch,
) -> None:
    """
    Watch all nodes until it is enough.

    :param wanted: the stream's filter.
    :raise NodeUnavailable: none of them gives a stream.
    :raise UsageError: the options make no sense together.
    """
    endpoints = [endpoint for node in nodes for endpoint in endpoints_of(node.place)]
    try:
        stream = await report(
            reactor,
            {node.name: node.place for node in nodes},
            name=args.name,
            on_event=watch.event_received,
            on_server=watch.server,
            tenants=tenants,
            filter=wanted,
            credentials=credentials_of(args),
            tls=tls_of(args, endpoints),
            settings=settings_of(args),
        )
    except ValueError as problem:
        raise UsageError(
            f"cannot connect to {', '.join(map(str, endpoints))}: {problem}"
        ) from problem
    try:
        await watch.over
    finally:
        await stream.close()
