"""Rules about who can trust whom: certificates, and what `allow` lets in."""

from __future__ import annotations

from collections.abc import Iterator

from ixproxy.addresses import connect_address, listen_address
from ixproxy.config_lines import Path, dotted
from ixproxy.config_rules import Case, Rule
from ixproxy.config_tables import NodeApplication, ProxyApplication
from ixproxy.values import ClientType

Server = NodeApplication | ProxyApplication


def _mistake(case: Case, server: Server, key: str, text: str) -> None:
    case.findings.error(("applications", server.name, "tls"), key, text)


def _tls_is_spoken_over_tcp(case: Case) -> None:
    text = "expected TCP: over a UNIX socket there is no TLS, and no need of it"
    for server in case.servers():
        if server.tls is None:
            continue
        if server.listen and listen_address(server.listen).kind == "unix":
            case.error(server.name, "listen", text)
        elif server.endpoint and connect_address(server.endpoint).kind == "unix":
            case.error(server.name, "endpoint", text)


def _demanded_certificates_can_be_verified(case: Case) -> None:
    for server in case.servers():
        if server.tls and server.tls.require_client_certificate and not server.tls.trust:
            text = "expected trust: without authorities no client certificate can be verified"
            _mistake(case, server, "trust", text)


def _rules_say_who_is_meant(case: Case) -> None:
    for server in case.servers():
        if not server.primary:
            _rule_by_rule(case, server)


def _rule_by_rule(case: Case, server: Server) -> None:
    for place, rule in enumerate(server.allow):
        path: Path = ("applications", server.name, "allow", place)
        if any(problem.table == dotted(path) for problem in case.findings.errors):
            # What does not fit is left out, so it may only look as if nobody were meant.
            continue
        if bool(rule.subject) == bool(rule.user):
            text = "expected either the subject of a certificate or a user"
            case.findings.error(path, "", text)
        if rule.user and ClientType.PROXY in rule.client_types:
            text = "a proxy shows a certificate; a user cannot be one"
            case.findings.error(path, "client-types", text)


def _subjects_can_be_verified(case: Case) -> None:
    for server in case.servers():
        if any(rule.subject for rule in server.allow):
            _has_what_verifies(case, server)


def _has_what_verifies(case: Case, server: Server) -> None:
    if server.tls is None:
        primary = case.deployment.applications.get(server.primary)
        if isinstance(primary, NodeApplication | ProxyApplication):
            if primary.tls is None:
                return
            text = f'expected a tls table: "{server.primary}" allows by subjects of certificates'
            case.error(server.name, "tls", text)
        else:
            text = "expected a tls table: without certificates nobody has a subject"
            case.error(server.name, "allow", text)
    elif not server.tls.trust:
        text = "expected trust: without authorities no subject can be verified"
        _mistake(case, server, "trust", text)


def _external_servers_are_reached_as_they_listen(case: Case) -> None:
    for node in case.deployment.nodes():
        secured = [each.name for each in case.deployment.called_by(node) if each.tls is not None]
        if secured and node.tls is None:
            text = f'expected a tls table: "{secured[0]}" listens with TLS and must be verified'
            case.error(node.name, "tls", text)


def _upstreams_are_reached_as_they_listen(case: Case) -> None:
    closed: set[str] = set()
    for proxy in case.servers():
        if isinstance(proxy, ProxyApplication):
            _reaches_its_upstreams(case, proxy, closed)


def _reaches_its_upstreams(case: Case, proxy: ProxyApplication, closed: set[str]) -> None:
    """
    :param closed: servers of which it was said that they let no proxy in.
    """
    secured = [server for server in _upstreams(case, proxy) if server.tls is not None]
    if secured and proxy.tls is None:
        text = (
            f'expected a tls table: "{secured[0].name}" listens with TLS and must see a certificate'
        )
        case.error(proxy.name, "tls", text)
        return
    for server in secured:
        name = server.primary or server.name
        if name not in closed and not _lets_proxies_in(server):
            closed.add(name)
            text = (
                f'expected a rule with client-types "Proxy": "{proxy.name}" connects, and over'
                " TLS a proxy needs an allowed certificate"
            )
            case.error(name, "allow", text)


def _upstreams(case: Case, proxy: ProxyApplication) -> Iterator[Server]:
    """Every server that a proxy may connect to, backups included."""
    applications = case.deployment.applications
    for name in dict.fromkeys(case.deployment.connected(proxy.connections)):
        primary = applications.get(name)
        if isinstance(primary, NodeApplication | ProxyApplication):
            yield primary
            backup = applications.get(primary.backup)
            if isinstance(backup, NodeApplication | ProxyApplication):
                yield backup


def _lets_proxies_in(server: Server) -> bool:
    return any(ClientType.PROXY in rule.client_types for rule in server.allow)


RULES: tuple[Rule, ...] = (
    _demanded_certificates_can_be_verified,
    _tls_is_spoken_over_tcp,
    _rules_say_who_is_meant,
    _subjects_can_be_verified,
    _external_servers_are_reached_as_they_listen,
    _upstreams_are_reached_as_they_listen,
)
