"""Where to connect: an endpoint, or an application of a deployment file."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from ixproxy.cli.outcomes import UsageError
from ixproxy.config import (
    PROXIES,
    Cluster,
    Deployment,
    NodeApplication,
    ProxyApplication,
    ServerApplication,
)

Server = NodeApplication | ProxyApplication


def endpoints_of(deployment: Deployment, application: str, random: Random) -> list[str]:
    """
    The endpoints to try, in order.

    A proxy or node gives its own, then its backup's. A cluster of proxies
    gives those of all its members, one drawn at random first; so does a
    client's own application, by its connections.

    :raise UsageError: there is no such application, or nothing to connect to.
    """
    named = deployment.applications.get(application)
    match named:
        case None:
            there = ", ".join(deployment.applications) or "none"
            raise UsageError(f"no application {application!r} in the file; there are: {there}")
        case NodeApplication() | ProxyApplication():
            return _pair(deployment, named)
        case Cluster() if named.kind != PROXIES:
            members = ", ".join(named.connections)
            raise UsageError(
                f"{application} is a cluster of nodes, of which a client needs all: "
                f"name a proxy in front of it, or one of {members}"
            )
        case Cluster() | ServerApplication():
            names = list(deployment.connected(named.connections))
            return _drawn(deployment, application, names, random)


def _drawn(
    deployment: Deployment, application: str, names: Sequence[str], random: Random
) -> list[str]:
    servers = [deployment.applications.get(name) for name in names]
    proxies = [each for each in servers if isinstance(each, ProxyApplication)]
    if not proxies:
        raise UsageError(f"{application} has no proxy among its connections")
    random.shuffle(proxies)
    return [endpoint for proxy in proxies for endpoint in _pair(deployment, proxy)]


def _pair(deployment: Deployment, server: Server) -> list[str]:
    backup = deployment.applications.get(server.backup)
    both = [server.endpoint]
    if isinstance(backup, NodeApplication | ProxyApplication):
        both.append(backup.endpoint)
    found = [endpoint for endpoint in both if endpoint]
    if not found:
        raise UsageError(f"{server.name} has no endpoint in the file")
    return found


def tenant_of(wanted: str, deployment: Deployment | None, served: Sequence[int]) -> int:
    """
    The id of the tenant that a command is about.

    :param wanted: its id or, with a deployment file, its name; empty: the
        only one that the server serves.
    :raise UsageError: there is none such, or it is not clear which.
    """
    if wanted.isascii() and wanted.isdigit():
        return int(wanted)
    if not wanted:
        if len(served) == 1:
            return served[0]
        listed = ", ".join(map(str, served)) or "none"
        raise UsageError(f"name the tenant with --tenant; the server serves: {listed}")
    if deployment is None:
        raise UsageError(f"a tenant's name needs --config; its id would do: {wanted!r}")
    if wanted not in deployment.tenants:
        raise UsageError(
            f"no tenant {wanted!r} in the file; there are: {', '.join(deployment.tenants)}"
        )
    return deployment.tenants[wanted].id
