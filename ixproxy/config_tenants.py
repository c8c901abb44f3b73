"""Advice on who serves whom: proxies, the tenants that they name, and the nodes behind them."""

from __future__ import annotations

from ixproxy.config_rules import Case, Rule
from ixproxy.config_tables import PROXIES, ProxyApplication


def _proxies_serve_the_tenants_that_they_name(case: Case) -> None:
    for proxy in case.deployment.proxies():
        behind = case.deployment.nodes_behind(proxy.name)
        served = {tenant for node in behind for tenant in node.tenants}
        for tenant in proxy.tenants:
            if tenant not in served:
                text = (
                    f'no node behind this proxy serves tenant "{tenant}", and clients choose a'
                    " proxy by its tenants"
                )
                case.advise(proxy.name, "tenants", text)


def _tenants_have_a_proxy_that_names_them(case: Case) -> None:
    proxies = list(case.deployment.proxies())
    if not proxies or not all(proxy.tenants for proxy in proxies):
        return  # One that names none is open to all.
    named = {tenant for proxy in proxies for tenant in proxy.tenants}
    for tenant in {tenant: None for node in case.deployment.nodes() for tenant in node.tenants}:
        if tenant not in named:
            text = "no proxy names this tenant, and clients choose a proxy by its tenants"
            case.findings.warning(("tenants", tenant), "", text)


def _proxies_of_a_cluster_see_the_same_nodes(case: Case) -> None:
    for cluster in case.deployment.clusters():
        if cluster.kind != PROXIES:
            continue
        seen = {
            name: {node.name for node in case.deployment.nodes_behind(name)}
            for name in cluster.connections
            if isinstance(case.deployment.applications.get(name), ProxyApplication)
        }
        everything = set().union(*seen.values())
        for name, nodes in seen.items():
            if missing := sorted(everything - nodes):
                text = (
                    f'the guide has every proxy connect to all nodes, and "{name}" does not'
                    f" to {', '.join(missing)}: a client that chooses it misses what is there"
                )
                case.advise(cluster.name, "connections", text)


def _clusters_of_proxies_have_more_than_one(case: Case) -> None:
    for cluster in case.deployment.clusters():
        if cluster.kind == PROXIES and len(cluster.connections) == 1:
            text = (
                f'the guide has one proxy more than is needed, and "{cluster.connections[0]}"'
                " stands alone: its clients have nowhere else to go"
            )
            case.advise(cluster.name, "connections", text)


ADVICE: tuple[Rule, ...] = (
    _proxies_serve_the_tenants_that_they_name,
    _tenants_have_a_proxy_that_names_them,
    _proxies_of_a_cluster_see_the_same_nodes,
    _clusters_of_proxies_have_more_than_one,
)
