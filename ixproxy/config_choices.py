"""Strategies in a deployment: the nodes that they name, and what all proxies must agree on."""

from __future__ import annotations

from collections.abc import Iterable

from ixproxy.config_check import instead
from ixproxy.config_rules import Case, Rule
from ixproxy.config_tables import ProxyApplication

_NAMES_NODES = {"weighted": "weights", "hash-of-id": "nodes"}
"""Built-in routing strategies that name nodes, and under which key."""


def _named(proxy: ProxyApplication) -> tuple[str, list[str]]:
    """The key under which a proxy's routing names nodes, and those that it names."""
    key = _NAMES_NODES.get(proxy.routing.use, "")
    given = proxy.routing.settings.get(key)
    names = given if isinstance(given, Iterable) and not isinstance(given, str) else ()
    return key, [name for name in names if isinstance(name, str)]


def _strategies_name_nodes_of_their_proxy(case: Case) -> None:
    for proxy in case.deployment.proxies():
        there = [str(each.name) for each in case.deployment.upstreams_of(proxy.name)]
        key, names = _named(proxy)
        for name in names:
            if name not in there:
                text = f'this proxy connects to no "{name}"{instead(name, there)}'
                case.findings.error(("applications", proxy.name, "routing"), key, text)


def _every_node_is_a_home(case: Case) -> None:
    for proxy in case.deployment.proxies():
        key, names = _named(proxy)
        if proxy.routing.use != "hash-of-id" or not names:
            continue
        there = [str(each.name) for each in case.deployment.upstreams_of(proxy.name)]
        if missing := [name for name in there if name not in names]:
            text = (
                f"no interaction that brings its own id goes to {', '.join(missing)}; leave"
                f" {key} out, and all nodes are named that the proxy connects to"
            )
            case.findings.warning(("applications", proxy.name, "routing"), key, text)


def _equal_ids_meet_whatever_the_proxy(case: Case) -> None:
    proxies = {
        proxy.name: {node.name for node in case.deployment.nodes_behind(proxy.name)}
        for proxy in case.deployment.proxies()
    }
    for name, nodes in proxies.items():
        for other in proxies:
            mine = case.deployment.proxy(name).routing
            hashing = case.deployment.proxy(other).routing.use == "hash-of-id"
            if hashing and mine.use != "hash-of-id" and nodes & proxies[other]:
                text = (
                    f'equal ids meet on one node only if all proxies use hash-of-id: "{other}"'
                    f' does, and this one uses "{mine.use}" for the same nodes'
                )
                case.findings.warning(("applications", name, "routing"), "use", text)
                break


def _pulls_have_time_for_every_node(case: Case) -> None:
    for proxy in case.deployment.proxies():
        nodes = len(case.deployment.nodes_behind(proxy.name))
        hold, longest = proxy.settings.pull_hold_timeout, proxy.settings.request_timeout
        if proxy.pull.use == "round-robin" and nodes > 1 and nodes * hold > longest:
            text = (
                f"the guide advises a low value: {nodes} nodes may hold a pull for {hold} seconds"
                f" each, one after the other, and request-timeout is {longest}"
            )
            case.advise_setting(proxy.name, "pull-hold-timeout", text)


def _nodes_take_the_clients_of_a_proxy(case: Case) -> None:
    for proxy in case.deployment.proxies():
        for node in case.deployment.nodes_behind(proxy.name):
            most = node.settings.max_current_clients
            if proxy.settings.max_clients > most:
                text = (
                    f'expected at most {most}, the max-current-clients of "{node.name}": it'
                    " refuses further ones, and so does the proxy"
                )
                case.advise_setting(proxy.name, "max-clients", text)
                break


RULES: tuple[Rule, ...] = (_strategies_name_nodes_of_their_proxy,)
ADVICE: tuple[Rule, ...] = (
    _every_node_is_a_home,
    _equal_ids_meet_whatever_the_proxy,
    _pulls_have_time_for_every_node,
    _nodes_take_the_clients_of_a_proxy,
)
