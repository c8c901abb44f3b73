"""Rules across the tables of a deployment: a file that breaks one is not used."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from ixproxy.addresses import Address, connect_address, everywhere, listen_address
from ixproxy.config_check import Findings, instead
from ixproxy.config_deployment import Deployment
from ixproxy.config_lines import Path, dotted
from ixproxy.config_node_options import FRAME_MARGIN
from ixproxy.config_schema import CALLED_TYPES, CLIENT_TYPES, ESP_TYPE
from ixproxy.config_tables import (
    NODES,
    PROXIES,
    Cluster,
    NodeApplication,
    ProxyApplication,
    ServerApplication,
)


@dataclass(slots=True)
class Case:
    """
    A deployment under examination.

    :ivar names: every application that the file names, also those whose
        tables do not fit.
    """

    deployment: Deployment
    findings: Findings
    names: Collection[str]

    def servers(self) -> Iterator[NodeApplication | ProxyApplication]:
        """Every server that listens, backups included."""
        for each in self.deployment.applications.values():
            if isinstance(each, NodeApplication | ProxyApplication):
                yield each

    def error(self, application: str, key: str, text: str) -> None:
        """A mistake in an application's own table."""
        self.findings.error(("applications", application), key, text)

    def setting(self, application: str, key: str, text: str, section: str = "settings") -> None:
        """A mistake in one of an application's options."""
        self.findings.error(("applications", application, "options", section), key, text)

    def advise(self, application: str, key: str, text: str) -> None:
        """Something to think about in an application's own table."""
        self.findings.warning(("applications", application), key, text)

    def advise_setting(
        self, application: str, key: str, text: str, section: str = "settings"
    ) -> None:
        """Something to think about in one of an application's options."""
        self.findings.warning(("applications", application, "options", section), key, text)


IN_MEMORY = "sqlite::memory:"
"""The store of a node that keeps nothing."""

Rule = Callable[[Case], None]
"""Looks at one side of a deployment; what it finds goes to `case.findings`."""


def _repeated(pairs: Iterable[tuple[object, str]]) -> Iterator[tuple[str, str]]:
    """Each name whose value an earlier name has already, and that earlier name."""
    seen: dict[object, str] = {}
    for value, name in pairs:
        if value and seen.setdefault(value, name) != name:
            yield name, seen[value]


def _numbers_are_unique(case: Case) -> None:
    tenants = case.deployment.tenants.values()
    for name, other in _repeated((each.id, each.name) for each in tenants):
        text = f'tenant "{other}" has this id already'
        case.findings.error(("tenants", name), "id", text)
    applications = case.deployment.applications.values()
    numbered = [each for each in applications if not isinstance(each, Cluster)]
    for name, other in _repeated((each.dbid, each.name) for each in numbered if not each.primary):
        case.error(name, "dbid", f'"{other}" has this dbid already; it stands in generated ids')


def _addresses_are_unique(case: Case) -> None:
    for name, other in _repeated((each.endpoint, each.name) for each in case.servers()):
        case.error(name, "endpoint", f'"{other}" is reached by this endpoint already')
    seen: list[tuple[str, Address, str]] = []
    for each in case.servers():
        if not each.listen:
            continue
        if not each.endpoint:
            text = f'expected an endpoint: how others reach "{each.listen}" is not known'
            case.error(each.name, "endpoint", text)
            continue
        host, mine = connect_address(each.endpoint).host, listen_address(each.listen)
        for other_host, theirs, other in seen:
            if host == other_host and overlap(mine, theirs):
                text = f'"{other}" listens on this address of the same host already'
                case.error(each.name, "listen", text)
                break
        seen.append((host, mine, each.name))


def overlap(mine: Address, theirs: Address) -> bool:
    """Whether two listeners of one host get in each other's way."""
    if mine.kind != theirs.kind or mine.kind == "systemd":
        return False
    if mine.kind == "unix":
        return mine.path == theirs.path
    same = mine.host == theirs.host or everywhere(mine) or everywhere(theirs)
    return mine.port != 0 and mine.port == theirs.port and same


def _stores_are_unique(case: Case) -> None:
    for name, other in _repeated((each.store, each.name) for each in case.deployment.nodes()):
        if case.deployment.node(name).store != IN_MEMORY:
            text = f'"{other}" keeps its state there already; each node has a database of its own'
            case.error(name, "store", text)
    for node in case.deployment.nodes():
        if node.backup and node.store == IN_MEMORY:
            text = f'"{node.backup}" could not see what is in the memory of this server'
            case.error(node.name, "store", f"expected a database that a pair can share: {text}")


def _references_are_known(case: Case) -> None:
    known = case.deployment.tenants
    for each in case.deployment.applications.values():
        for name in () if isinstance(each, Cluster) or each.primary else each.tenants:
            if name not in known:
                case.error(each.name, "tenants", f'no tenant "{name}"{instead(name, known)}')
        if isinstance(each, Cluster) or not each.primary:
            for name in each.connections:
                if name not in case.names:
                    text = f'no application "{name}"{instead(name, case.names)}'
                    case.error(each.name, "connections", text)
    for each in case.servers():
        for place, rule in enumerate(each.allow if not each.primary else ()):
            path: Path = ("applications", each.name, "allow", place)
            for name in rule.tenants:
                if name not in known:
                    text = f'no tenant "{name}"{instead(name, known)}'
                    case.findings.error(path, "tenants", text)
            for name in rule.client_types:
                if name not in CLIENT_TYPES:
                    text = f'no client type "{name}"{instead(name, CLIENT_TYPES)}'
                    case.findings.error(path, "client-types", text)
    for node in case.deployment.nodes():
        _node_references(case, node)


def _node_references(case: Case, node: NodeApplication) -> None:
    tenants = case.deployment.tenants_of(node)
    media = {name for tenant in tenants for name in tenant.media_types}
    for name in node.cluster_settings.media_types if len(tenants) == len(node.tenants) else ():
        if name not in media:
            text = f'no tenant of this node has a media type "{name}"{instead(name, media)}'
            case.setting(node.name, "media-types", text, "cluster-settings")
    queues = {name for tenant in tenants for name in tenant.queues}
    for name in node.settings.completed_queues if len(tenants) == len(node.tenants) else ():
        if name not in queues:
            text = f'no tenant of this node has a queue "{name}"{instead(name, queues)}'
            case.setting(node.name, "completed-queues", text)
    for name in node.connections:
        match case.deployment.applications.get(name):
            case NodeApplication() | ProxyApplication() | Cluster():
                text = f'expected ESP servers (type "{ESP_TYPE}"), and "{name}" is none'
                case.error(node.name, "connections", text)
            case ServerApplication(primary=primary) if primary:
                text = f'"{name}" is the backup of "{primary}"; expected "{primary}"'
                case.error(node.name, "connections", text)
            case ServerApplication(type=type) if type not in CALLED_TYPES:
                text = f'"{name}" is left out: an application of type "{type}" is not called'
                case.advise(node.name, "connections", text)
            case ServerApplication(endpoint="") as server:
                text = f'"{server.name}" is left out: it has no endpoint to connect to'
                case.advise(node.name, "connections", text)


def _backups_stand_behind_one_primary(case: Case) -> None:
    claimed: dict[str, str] = {}
    for each in case.deployment.applications.values():
        if isinstance(each, Cluster) or not each.backup:
            continue
        if each.backup == each.name:
            case.error(each.name, "backup", "expected another application: it names itself")
        elif each.backup not in case.names:
            text = f'no application "{each.backup}"{instead(each.backup, case.names)}'
            case.error(each.name, "backup", text)
        elif (other := claimed.setdefault(each.backup, each.name)) != each.name:
            case.error(each.name, "backup", f'"{each.backup}" is the backup of "{other}" already')
        elif _stands_elsewhere(case, each.backup, each.name):
            text = f'expected an application without a backup itself, and "{each.backup}" has one'
            case.error(each.name, "backup", text)


def _stands_elsewhere(case: Case, backup: str, primary: str) -> bool:
    other = case.deployment.applications.get(backup)
    return not isinstance(other, Cluster | None) and other.primary != primary


def _clusters_hold_primaries_of_their_kind(case: Case) -> None:
    for cluster in case.deployment.clusters():
        for name in cluster.connections:
            match case.deployment.applications.get(name):
                case NodeApplication(primary=primary) | ProxyApplication(primary=primary) if (
                    primary
                ):
                    _primaries_only(case, cluster.name, name, primary)
                case NodeApplication() if cluster.kind == PROXIES:
                    text = f'"{name}" is a node; this cluster is one of proxies ("{PROXIES}")'
                    case.error(cluster.name, "connections", text)
                case ProxyApplication() if cluster.kind == NODES:
                    text = f'"{name}" is a proxy; this cluster is one of nodes ("{NODES}")'
                    case.error(cluster.name, "connections", text)
                case Cluster():
                    text = f'"{name}" is a cluster itself; expected servers'
                    case.error(cluster.name, "connections", text)
                case ServerApplication(type=type):
                    _left_out(case, cluster.name, name, type)


def _primaries_only(case: Case, application: str, name: str, primary: str) -> None:
    text = f'"{name}" is the backup of "{primary}"; expected primaries only: name "{primary}"'
    case.error(application, "connections", text)


def _left_out(case: Case, application: str, name: str, type: str) -> None:
    text = f'"{name}" is left out: only applications of type "{NODES}" are connected, not "{type}"'
    case.advise(application, "connections", text)


def _proxies_have_nodes_or_one_proxy(case: Case) -> None:
    applications = case.deployment.applications
    for proxy in case.deployment.proxies():
        nodes, direct, clusters = set(), set(), set()
        for name in proxy.connections:
            match applications.get(name):
                case NodeApplication(primary=primary) | ProxyApplication(primary=primary) if (
                    primary
                ):
                    _primaries_only(case, proxy.name, name, primary)
                case NodeApplication() | Cluster(kind="Interaction Server"):
                    nodes.add(name)
                case ProxyApplication():
                    direct.add(name)
                case Cluster(kind="Interaction Server Proxy"):
                    clusters.add(name)
                case ServerApplication(type=type):
                    _left_out(case, proxy.name, name, type)
        chained = sorted(direct | clusters)
        if nodes and chained:
            text = f'expected nodes or one proxy, not both: "{chained[0]}" leads to a proxy'
            case.error(proxy.name, "connections", text)
        elif len(chained) > 1:
            text = f"expected one proxy or one cluster of proxies, not {len(chained)}"
            case.error(proxy.name, "connections", text)
        reached = [applications.get(name) for name in case.deployment.connected(proxy.connections)]
        if reached and all(isinstance(each, ServerApplication) for each in reached):
            text = "expected at least one node, proxy or cluster of them to connect to"
            case.error(proxy.name, "connections", text)


def _proxies_run_in_no_circle(case: Case) -> None:
    for proxy in case.deployment.proxies():
        seen: list[str] = []
        waiting = list(case.deployment.connected(proxy.connections))
        while waiting:
            name = waiting.pop()
            other = case.deployment.applications.get(name)
            if name in seen or not isinstance(other, ProxyApplication):
                continue
            seen.append(name)
            waiting.extend(case.deployment.connected(other.connections))
        if proxy.name in seen:
            text = "expected no circle: its connections lead back to itself"
            case.error(proxy.name, "connections", text)


def _listed_names_exist(case: Case) -> None:
    for tenant in case.deployment.tenants.values():
        for key, groups, members in (
            ("agent-groups", tenant.agent_groups, tenant.agents),
            ("place-groups", tenant.place_groups, tenant.places),
        ):
            for group, names in (groups or {}).items():
                for name in names if members is not None else ():
                    if name not in (members or ()):
                        kind = key.removesuffix("-groups")
                        text = f'no {kind} "{name}"{instead(name, members or ())}'
                        case.findings.error(("tenants", tenant.name, key), group, text)


def _frames_hold_the_largest_user_data(case: Case) -> None:
    for node in case.deployment.nodes():
        needed = node.settings.max_userdata_size + FRAME_MARGIN
        if node.settings.max_frame < needed:
            text = (
                f"expected at least {needed}: max-userdata-size and {FRAME_MARGIN} bytes"
                f" for the rest of a frame, not {node.settings.max_frame}"
            )
            case.setting(node.name, "max-frame", text)
    for proxy in case.deployment.proxies():
        for node in case.deployment.nodes_behind(proxy.name):
            needed = node.settings.max_userdata_size + FRAME_MARGIN
            if proxy.settings.max_frame < needed <= node.settings.max_frame:
                text = (
                    f"expected at least {needed}, not {proxy.settings.max_frame}: node"
                    f' "{node.name}" takes user data of {node.settings.max_userdata_size} bytes'
                )
                case.setting(proxy.name, "max-frame", text)
                break


def _sessions_outlast_the_grace_of_a_lost_node(case: Case) -> None:
    for proxy in case.deployment.proxies():
        grace = proxy.settings.node_loss_grace
        for node in case.deployment.nodes_behind(proxy.name):
            kept = node.settings.agent_session_restore_timeout
            if kept < grace:
                # Else a node would give work away that a desktop still shows.
                path = dotted(("applications", node.name, "options", "settings"))
                text = (
                    f"expected at most {kept}, the agent-session-restore-timeout of [{path}],"
                    f" not {grace}"
                )
                case.setting(proxy.name, "node-loss-grace", text)
                break


RULES: tuple[Rule, ...] = (
    _numbers_are_unique,
    _addresses_are_unique,
    _stores_are_unique,
    _references_are_known,
    _backups_stand_behind_one_primary,
    _clusters_hold_primaries_of_their_kind,
    _proxies_have_nodes_or_one_proxy,
    _proxies_run_in_no_circle,
    _listed_names_exist,
    _frames_hold_the_largest_user_data,
    _sessions_outlast_the_grace_of_a_lost_node,
)
"""What holds between servers; the other `config_*` have the rest."""
