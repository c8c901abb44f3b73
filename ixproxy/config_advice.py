"""
The guide's advice on a deployment without mistakes; what it finds are warnings.

"The guide" is the Interaction Server Cluster chapter of the field's deployment
guide: its suggested deployment, its recommended settings and its limitations.
"""

from __future__ import annotations

from collections.abc import Iterator

from ixproxy.config_address import connect_address
from ixproxy.config_rules import Case
from ixproxy.config_schema import PAIRED_CLIENTS, ROUTER_TYPE
from ixproxy.config_tables import (
    PROXIES,
    Cluster,
    NodeApplication,
    ProxyApplication,
    ServerApplication,
    Tenant,
)

LOGIN_SESSION = 1440
"""The guide's `login-session-timeout`, in minutes."""


def advise(case: Case) -> None:
    """Hold every piece of advice against the deployment; findings go to `case.findings`."""
    for advice in (
        _nodes_come_in_pairs,
        _nodes_are_used,
        _desktop_proxies_stand_alone,
        _other_clients_have_pairs_of_proxies,
        _routers_know_every_node,
        _settings_are_as_recommended,
        _login_control_is_equal,
        _connections_to_esp_servers_are_symmetric,
        _media_types_have_nodes,
        _pairs_are_alike,
    ):
        advice(case)


def _warn(case: Case, application: str, key: str, text: str) -> None:
    case.findings.warning(("applications", application), key, text)


def _warn_setting(case: Case, application: str, key: str, text: str) -> None:
    case.findings.warning(("applications", application, "options", "settings"), key, text)


def _nodes_come_in_pairs(case: Case) -> None:
    for node in case.deployment.nodes():
        if not node.backup:
            text = (
                "the guide configures every node as a pair: without a backup, nobody can"
                " process this node's interactions while it is down"
            )
            _warn(case, node.name, "backup", text)


def _nodes_are_used(case: Case) -> None:
    reached = {
        node.name
        for proxy in case.deployment.proxies()
        for node in case.deployment.nodes_behind(proxy.name)
    }
    for node in case.deployment.nodes():
        if reached and node.name not in reached:
            text = "no proxy connects to this node, directly or by a cluster"
            _warn(case, node.name, "", text)


def _in_proxy_clusters(case: Case) -> set[str]:
    return {
        name
        for cluster in case.deployment.clusters()
        if cluster.kind == PROXIES
        for name in cluster.connections
    }


def _desktop_proxies_stand_alone(case: Case) -> None:
    clustered = _in_proxy_clusters(case)
    for proxy in case.deployment.proxies():
        if proxy.backup and proxy.name in clustered:
            text = (
                "the guide advises against a backup for a proxy in a cluster of proxies:"
                " its clients go to another proxy of the cluster"
            )
            _warn(case, proxy.name, "backup", text)


def _clients(case: Case) -> Iterator[ServerApplication]:
    for each in case.deployment.applications.values():
        if isinstance(each, ServerApplication) and not each.primary:
            yield each


def _other_clients_have_pairs_of_proxies(case: Case) -> None:
    for client in _clients(case):
        for name in client.connections if client.type in PAIRED_CLIENTS else ():
            match case.deployment.applications.get(name):
                case ProxyApplication(backup="", primary=""):
                    text = (
                        f'the guide connects a client of type "{client.type}" to a pair of'
                        f' proxies, and "{name}" has no backup'
                    )
                    _warn(case, client.name, "connections", text)
                case Cluster(kind="Interaction Server Proxy"):
                    text = (
                        f'the guide connects a client of type "{client.type}" to a pair of'
                        f' proxies of its own, not to the cluster "{name}"'
                    )
                    _warn(case, client.name, "connections", text)


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
            _warn(case, client.name, "connections", text)
        if missing := sorted(nodes - connected):
            text = f"the guide connects it to every node; missing: {', '.join(missing)}"
            _warn(case, client.name, "connections", text)


def _settings_are_as_recommended(case: Case) -> None:
    for node in case.deployment.nodes():
        settings = node.settings
        if settings.login_session_timeout != LOGIN_SESSION:
            text = f"the guide recommends {LOGIN_SESSION}, not {settings.login_session_timeout}"
            _warn_setting(case, node.name, "login-session-timeout", text)
        if settings.not_ready_on_invitation_timeout:
            text = "the guide recommends false: else nodes disagree on an agent's state"
            _warn_setting(case, node.name, "not-ready-on-invitation-timeout", text)
        if settings.allow_multiple_agent_connections != "false":
            text = (
                "the guide recommends false in a cluster, not"
                f" {settings.allow_multiple_agent_connections}: notifications multiply"
            )
            _warn_setting(case, node.name, "allow-multiple-agent-connections", text)


def _login_control_is_equal(case: Case) -> None:
    nodes = list(case.deployment.nodes())
    for node in nodes[1:]:
        mine, first = node.settings.agent_login_control, nodes[0].settings.agent_login_control
        if mine != first:
            text = (
                f'the guide recommends the same on all nodes, and "{nodes[0].name}" has'
                f' "{first}", not "{mine}"'
            )
            _warn_setting(case, node.name, "agent-login-control", text)


def _served(case: Case) -> Iterator[tuple[Tenant, str, list[NodeApplication]]]:
    """Every enabled media type of a tenant, with the nodes that take it."""
    nodes = list(case.deployment.nodes())
    for tenant in case.deployment.tenants.values():
        for media in tenant.media_types.values():
            if media.enabled:
                taking = [
                    node for node in nodes if tenant.name in node.tenants and node.takes(media.name)
                ]
                yield tenant, media.name, taking


def _connections_to_esp_servers_are_symmetric(case: Case) -> None:
    warned: set[str] = set()
    for tenant, media, nodes in _served(case):
        everything = {name for node in nodes for name in node.connections}
        for node in nodes:
            missing = sorted(everything - set(node.connections))
            if missing and node.name not in warned:
                warned.add(node.name)
                text = (
                    "the guide asks for the same ESP servers on all nodes of a tenant and media"
                    f' type ("{tenant.name}", "{media}"); missing: {", ".join(missing)}'
                )
                _warn(case, node.name, "connections", text)


def _media_types_have_nodes(case: Case) -> None:
    for tenant, media, nodes in _served(case):
        path = ("tenants", tenant.name, "media-types", media)
        if not nodes:
            text = "no node takes this media type: submits of it are refused with code 2001"
            case.findings.warning(path, "", text)
        elif not any(node.cluster_settings.enable_submit for node in nodes):
            text = "every node that takes this media type has enable-submit off"
            case.findings.warning(path, "", text)
    for node in case.deployment.nodes():
        tenants = case.deployment.tenants_of(node)
        for media in node.cluster_settings.media_types:
            known = [tenant.media_types[media] for tenant in tenants if media in tenant.media_types]
            if known and not any(each.enabled for each in known):
                section = ("applications", node.name, "options", "cluster-settings")
                text = f'media type "{media}" is disabled for all tenants of this node'
                case.findings.warning(section, "media-types", text)


def _pairs_are_alike(case: Case) -> None:
    for node in case.deployment.nodes():
        backup = case.deployment.applications.get(node.backup)
        if not isinstance(backup, NodeApplication):
            continue
        if (node.tls is None) != (backup.tls is None):
            text = f'only one of "{node.name}" and "{backup.name}" has a tls table'
            _warn(case, backup.name, "tls", text)
        hosts = connect_address(node.endpoint).host, connect_address(backup.endpoint).host
        if node.store.startswith("sqlite:") and hosts[0] != hosts[1]:
            text = (
                "both servers of a pair on SQLite run on one host, for they share the file;"
                f' their endpoints say "{hosts[0]}" and "{hosts[1]}"'
            )
            _warn(case, backup.name, "endpoint", text)
