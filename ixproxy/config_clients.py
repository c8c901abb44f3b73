"""Client applications: to whom the guide connects them, and whether they are served there."""

from __future__ import annotations

from collections.abc import Iterator

from ixproxy.config_check import instead
from ixproxy.config_rules import Case, Rule
from ixproxy.config_schema import (
    DESKTOP_TYPE,
    MEDIA_TYPES,
    ORCHESTRATION_TYPE,
    PAIRED_CLIENTS,
    REPORTING_TYPES,
    ROUTER_TYPE,
)
from ixproxy.config_tables import (
    PROXIES,
    Cluster,
    NodeApplication,
    ProxyApplication,
    ServerApplication,
)


def _clients(case: Case) -> Iterator[ServerApplication]:
    for each in case.deployment.applications.values():
        if isinstance(each, ServerApplication) and not each.primary:
            yield each


def _clients_name_primaries(case: Case) -> None:
    for client in _clients(case):
        for name in client.connections:
            match case.deployment.applications.get(name):
                case NodeApplication(primary=primary) | ProxyApplication(primary=primary) if (
                    primary
                ):
                    text = f'"{name}" is the backup of "{primary}"; expected "{primary}"'
                    case.error(client.name, "connections", text)


def _sections_of_routers_name_nodes(case: Case) -> None:
    nodes = [node.name for node in case.deployment.nodes()]
    for client in _clients(case):
        for name in client.options if client.type == ROUTER_TYPE else ():
            if name not in nodes:
                text = f'no node "{name}"{instead(name, nodes)}'
                case.findings.error(("applications", client.name, "options"), name, text)


def _other_clients_have_pairs_of_proxies(case: Case) -> None:
    for client in _clients(case):
        for name in client.connections if client.type in PAIRED_CLIENTS else ():
            match case.deployment.applications.get(name):
                case ProxyApplication(backup="", primary=""):
                    text = (
                        f'the guide connects a client of type "{client.type}" to a pair of'
                        f' proxies, and "{name}" has no backup'
                    )
                    case.advise(client.name, "connections", text)
                case Cluster(kind="Interaction Server Proxy"):
                    text = (
                        f'the guide connects a client of type "{client.type}" to a pair of'
                        f' proxies of its own, not to the cluster "{name}"'
                    )
                    case.advise(client.name, "connections", text)


def _desktops_choose_from_a_cluster(case: Case) -> None:
    for client in _clients(case):
        for name in client.connections if client.type == DESKTOP_TYPE else ():
            match case.deployment.applications.get(name):
                case ProxyApplication() | NodeApplication():
                    text = (
                        "the guide connects desktops to a cluster of proxies, of which each"
                        f' chooses one; "{name}" is one server'
                    )
                    case.advise(client.name, "connections", text)


def _nodes_of(case: Case, client: ServerApplication) -> list[str]:
    """The nodes that a client is connected to directly, by name or by their cluster."""
    return [
        name
        for name in case.deployment.connected(client.connections)
        if isinstance(case.deployment.applications.get(name), NodeApplication)
    ]


def _media_servers_use_proxies(case: Case) -> None:
    for client in _clients(case):
        direct = _nodes_of(case, client) if client.type in MEDIA_TYPES else []
        if direct:
            text = (
                f'the guide connects a client of type "{client.type}" to a pair of proxies,'
                f' and "{direct[0]}" is a node: its interactions would all go there'
            )
            case.advise(client.name, "connections", text)


def _direct_clients_see_every_node(case: Case) -> None:
    nodes = [node.name for node in case.deployment.nodes()]
    for client in _clients(case):
        if client.type not in (*REPORTING_TYPES, ORCHESTRATION_TYPE):
            continue
        direct = _nodes_of(case, client)
        missing = [name for name in nodes if name not in direct]
        if direct and missing:
            text = (
                "connected to nodes directly, it sees those nodes only: the guide connects it"
                f" to proxies or to every node; missing: {', '.join(missing)}"
            )
            case.advise(client.name, "connections", text)


def _routers_know_every_node(case: Case) -> None:
    nodes = {node.name for node in case.deployment.nodes()}
    for client in _clients(case):
        if client.type != ROUTER_TYPE:
            continue
        connected = set(case.deployment.connected(client.connections))
        through = sorted(
            name
            for name in connected
            if isinstance(case.deployment.applications.get(name), ProxyApplication)
        )
        if through:
            text = f'the guide connects it to the nodes directly, and "{through[0]}" is a proxy'
            case.advise(client.name, "connections", text)
        if missing := sorted(nodes - connected):
            text = f"the guide connects it to every node; missing: {', '.join(missing)}"
            case.advise(client.name, "connections", text)


def _clients_find_their_tenants(case: Case) -> None:
    for client in _clients(case):
        for name in client.connections:
            served = _tenants_at(case, name)
            for tenant in client.tenants:
                if served is not None and tenant not in served:
                    text = f'it works for tenant "{tenant}", which "{name}" does not name'
                    case.advise(client.name, "tenants", text)


def _tenants_at(case: Case, name: str) -> set[str] | None:
    """The tenants of a server, or of the members of a cluster; None: they are left open."""
    match case.deployment.applications.get(name):
        case Cluster(kind=kind, connections=members) if kind == PROXIES:
            named = [_tenants_at(case, member) for member in members]
            return None if None in named else set().union(*filter(None, named))
        case NodeApplication(tenants=tenants) | ProxyApplication(tenants=tenants):
            return set(tenants) or None
        case _:
            return None


RULES: tuple[Rule, ...] = (_clients_name_primaries, _sections_of_routers_name_nodes)
ADVICE: tuple[Rule, ...] = (
    _other_clients_have_pairs_of_proxies,
    _desktops_choose_from_a_cluster,
    _media_servers_use_proxies,
    _direct_clients_see_every_node,
    _routers_know_every_node,
    _clients_find_their_tenants,
)
