"""Where the clients of a deployment connect to, and the rules for what the file says of that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ixproxy.client.places import Member, Pair, ProxyCluster, Standby
from ixproxy.client.warm_standby import WarmStandby
from ixproxy.config_deployment import Deployment
from ixproxy.config_options import WarmStandbyOptions
from ixproxy.config_rules import Case, Rule
from ixproxy.config_tables import (
    NODES,
    PROXIES,
    Cluster,
    NodeApplication,
    ProxyApplication,
    ServerApplication,
)
from ixproxy.errors import ConfigError, ConfigProblem

Server = NodeApplication | ProxyApplication


@dataclass(frozen=True, slots=True)
class ClientView:
    """
    What a client takes from the file, for `ixproxy.client.connect`.

    :ivar place: where it connects to.
    :ivar tenants: ids of the tenants that its own application names; empty
        where a server or cluster was named in its place.
    """

    place: Standby
    tenants: tuple[int, ...] = ()


def client_view(deployment: Deployment, application: str) -> ClientView:
    """
    Where to connect for the name of an application.

    A proxy or node is a pair with its backup. A cluster of proxies is one for
    the client too, each member with the tenants that it names. A client's own
    application is connected as its connections say: to one proxy, or to all of
    them as a cluster; its options go before the cluster's.

    :raise ConfigError: there is no such application, or nothing to connect to.
    """
    named = deployment.applications.get(application)
    match named:
        case None:
            there = ", ".join(deployment.applications) or "none"
            raise ConfigError(f"no application {application!r} in the file; there are: {there}")
        case NodeApplication() | ProxyApplication():
            return ClientView(_pair(deployment, named, WarmStandby()))
        case Cluster() if named.kind != PROXIES:
            members = ", ".join(named.connections)
            raise _problem(
                application,
                "it is a cluster of nodes, of which a client needs all: "
                f"name a proxy in front of it, or one of {members}",
            )
        case Cluster():
            return ClientView(_cluster(deployment, named.name, (named.name,), (named.standby,)))
        case ServerApplication():
            return _own(deployment, named)


def _own(deployment: Deployment, client: ServerApplication) -> ClientView:
    clusters = (deployment.applications.get(name) for name in client.connections)
    options = [client.standby, *(each.standby for each in clusters if isinstance(each, Cluster))]
    tenants = tuple(
        deployment.tenants[name].id for name in client.tenants if name in deployment.tenants
    )
    match [deployment.applications.get(name) for name in client.connections]:
        case [ProxyApplication() as proxy]:
            return ClientView(_pair(deployment, proxy, _standby(options)), tenants)
    return ClientView(_cluster(deployment, client.name, client.connections, options), tenants)


def _cluster(
    deployment: Deployment,
    application: str,
    connections: tuple[str, ...],
    options: Iterable[WarmStandbyOptions],
) -> ProxyCluster:
    members = [
        Member(
            proxy.name,
            _endpoints(deployment, proxy),
            frozenset(each.id for each in deployment.tenants_of(proxy)),
        )
        for proxy in _proxies(deployment, connections)
    ]
    if not members:
        raise _problem(application, "it has no proxy among its connections")
    return ProxyCluster(tuple(members), _standby(options))


def _proxies(deployment: Deployment, connections: tuple[str, ...]) -> Iterator[ProxyApplication]:
    for name in dict.fromkeys(deployment.connected(connections)):
        proxy = deployment.applications.get(name)
        if isinstance(proxy, ProxyApplication):
            yield proxy


def _pair(deployment: Deployment, server: Server, standby: WarmStandby) -> Pair:
    first, *others = _endpoints(deployment, server)
    return Pair(first, others[0] if others else None, standby)


def _endpoints(deployment: Deployment, server: Server) -> tuple[str, ...]:
    backup = deployment.applications.get(server.backup)
    both = [server]
    if isinstance(backup, NodeApplication | ProxyApplication):
        both.append(backup)
    found = tuple(deployment.dialled(each) for each in both if each.endpoint)
    if not found:
        raise _problem(server.name, "it has no endpoint")
    return found


def _standby(options: Iterable[WarmStandbyOptions]) -> WarmStandby:
    """Of each option the first that is given, else the default."""
    usual = WarmStandby()
    given = tuple(options)
    delays = [each.retry_delay for each in given if each.retry_delay is not None]
    ranges = [
        each.reconnection_random_delay_range
        for each in given
        if each.reconnection_random_delay_range is not None
    ]
    return WarmStandby(
        float(delays[0]) if delays else usual.retry_delay,
        float(ranges[0]) if ranges else usual.random_range,
    )


def _problem(application: str, text: str) -> ConfigError:
    return ConfigError([ConfigProblem(f"applications.{application}", "", text)])


def _only_clusters_of_proxies_stand_by(case: Case) -> None:
    for cluster in case.deployment.clusters():
        if cluster.kind == NODES and cluster.standby != WarmStandbyOptions():
            text = f'clients use no cluster of nodes; expected it in one of proxies ("{PROXIES}")'
            case.setting(cluster.name, "warm-standby", text)


def _clients_have_a_proxy_for_their_tenants(case: Case) -> None:
    for client in case.deployment.applications.values():
        if not isinstance(client, ServerApplication) or client.primary:
            continue
        wanted = set(client.tenants)
        served = [set(each.tenants) for each in _proxies(case.deployment, client.connections)]
        # A tenant that is nowhere is another finding.
        everywhere = set().union(*served)
        if (
            served
            and wanted <= everywhere
            and not any(not each or wanted <= each for each in served)
        ):
            text = (
                f"no proxy among them is for all of the tenants {', '.join(client.tenants)}:"
                " this client cannot connect"
            )
            case.advise(client.name, "connections", text)


RULES: tuple[Rule, ...] = (_only_clusters_of_proxies_stand_by,)
ADVICE: tuple[Rule, ...] = (_clients_have_a_proxy_for_their_tenants,)
