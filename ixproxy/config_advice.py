"""
The guide's advice on a deployment without mistakes; what it finds are warnings.

"The guide" is the Interaction Server Cluster chapter of the field's deployment
guide: its suggested deployment, its recommended settings and its limitations.
"""

from __future__ import annotations

from collections.abc import Iterator

from ixproxy.addresses import connect_address
from ixproxy.config_check import first_of
from ixproxy.config_rules import Case, Rule
from ixproxy.config_tables import (
    PROXIES,
    NodeApplication,
    ProxyApplication,
    Tenant,
)

LOGIN_SESSION = 1440
"""The guide's `login-session-timeout`, in minutes."""

FOUND_AGAIN = 2
"""Seconds that a takeover takes beyond the lease limit, at most."""


def _nodes_come_in_pairs(case: Case) -> None:
    for node in case.deployment.nodes():
        if not node.backup:
            text = (
                "the guide configures every node as a pair: without a backup, nobody can"
                " process this node's interactions while it is down"
            )
            case.advise(node.name, "backup", text)


def _nodes_are_used(case: Case) -> None:
    reached = {
        node.name
        for proxy in case.deployment.proxies()
        for node in case.deployment.nodes_behind(proxy.name)
    }
    for node in case.deployment.nodes():
        if reached and node.name not in reached:
            text = "no proxy connects to this node, directly or by a cluster"
            case.advise(node.name, "", text)


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
            case.advise(proxy.name, "backup", text)


def _settings_are_as_recommended(case: Case) -> None:
    for node in case.deployment.nodes():
        settings = node.settings
        if settings.login_session_timeout != LOGIN_SESSION:
            text = f"the guide recommends {LOGIN_SESSION}, not {settings.login_session_timeout}"
            case.advise_setting(node.name, "login-session-timeout", text)
        if settings.not_ready_on_invitation_timeout:
            text = "the guide recommends false: else nodes disagree on an agent's state"
            case.advise_setting(node.name, "not-ready-on-invitation-timeout", text)
        if settings.allow_multiple_agent_connections != "false":
            text = (
                "the guide recommends false in a cluster, not"
                f" {settings.allow_multiple_agent_connections}: notifications multiply"
            )
            case.advise_setting(node.name, "allow-multiple-agent-connections", text)


def _login_control_is_equal(case: Case) -> None:
    nodes = list(case.deployment.nodes())
    for node in nodes[1:]:
        mine, first = node.settings.agent_login_control, nodes[0].settings.agent_login_control
        if mine != first:
            text = (
                f'the guide recommends the same on all nodes, and "{nodes[0].name}" has'
                f' "{first}", not "{mine}"'
            )
            case.advise_setting(node.name, "agent-login-control", text)


def _agents_have_places_of_their_names(case: Case) -> None:
    for node in case.deployment.nodes():
        if node.settings.agent_login_control != "ignore":
            continue
        for tenant in case.deployment.tenants_of(node):
            missing = sorted((tenant.agents or frozenset()) - (tenant.places or frozenset()))
            if tenant.places is not None and missing:
                text = (
                    f'an agent\'s id serves as the place, and tenant "{tenant.name}" has no place'
                    f" {first_of(missing)}"
                )
                case.advise_setting(node.name, "agent-login-control", text)


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
                case.advise(node.name, "connections", text)


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
                text = f'media type "{media}" is disabled for all tenants of this node'
                case.advise_setting(node.name, "media-types", text, "cluster-settings")


def _pairs_are_alike(case: Case) -> None:
    for backup in case.servers():
        primary = case.deployment.applications.get(backup.primary)
        if not isinstance(primary, NodeApplication | ProxyApplication):
            continue
        if (primary.tls is None) != (backup.tls is None):
            text = f'only one of "{primary.name}" and "{backup.name}" has a tls table'
            case.advise(backup.name, "tls", text)


def _pairs_on_sqlite_share_a_host(case: Case) -> None:
    for node in case.deployment.nodes():
        backup = case.deployment.applications.get(node.backup)
        if not isinstance(backup, NodeApplication):
            continue
        hosts = connect_address(node.endpoint).host, connect_address(backup.endpoint).host
        if node.store.startswith("sqlite:") and hosts[0] != hosts[1]:
            text = (
                "both servers of a pair on SQLite run on one host, for they share the file;"
                f' their endpoints say "{hosts[0]}" and "{hosts[1]}"'
            )
            case.advise(backup.name, "endpoint", text)


def _slowest_takeover(case: Case, proxy: ProxyApplication) -> int:
    """Seconds until the backup of a node that hangs is found; 0: no node has one."""
    pairs = [node for node in case.deployment.nodes_behind(proxy.name) if node.backup]
    return max((node.settings.lease_limit + FOUND_AGAIN for node in pairs), default=0)


def _parking_makes_sense(case: Case) -> None:
    for proxy in case.deployment.proxies():
        settings = proxy.settings
        window = settings.parking_window
        if window and window >= settings.request_timeout:
            text = (
                f"expected less than request-timeout, {settings.request_timeout}, not {window}:"
                " a request that waits so long is out of time when its node is back"
            )
            case.advise_setting(proxy.name, "parking-window", text)
        elif window > settings.node_loss_grace:
            text = (
                f"expected at most node-loss-grace, {settings.node_loss_grace}, not {window}:"
                " a request that waits longer is for what was revoked from its client"
            )
            case.advise_setting(proxy.name, "parking-window", text)
        elif window and (slow := _slowest_takeover(case, proxy)) > window:
            text = (
                f"expected at least {slow}, the longest lease-limit of the pairs behind it and"
                f" {FOUND_AGAIN}, not {window}: a request is refused before the backup of a node"
                " that hangs has taken over"
            )
            case.advise_setting(proxy.name, "parking-window", text)
        if window and settings.max_parked_per_node > settings.max_parked:
            text = (
                f"expected at most max-parked, {settings.max_parked}, not"
                f" {settings.max_parked_per_node}: more than that never wait"
            )
            case.advise_setting(proxy.name, "max-parked-per-node", text)


ADVICE: tuple[Rule, ...] = (
    _nodes_come_in_pairs,
    _nodes_are_used,
    _desktop_proxies_stand_alone,
    _settings_are_as_recommended,
    _login_control_is_equal,
    _agents_have_places_of_their_names,
    _connections_to_esp_servers_are_symmetric,
    _media_types_have_nodes,
    _pairs_are_alike,
    _pairs_on_sqlite_share_a_host,
    _parking_makes_sense,
)
"""What the guide says of servers; the other `config_*` have the rest."""
