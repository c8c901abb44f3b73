"""Rules about who can trust whom: certificates, and what `allow` lets in."""

from __future__ import annotations

from ixproxy.config_address import connect_address, listen_address
from ixproxy.config_lines import Path, dotted
from ixproxy.config_rules import Case
from ixproxy.config_tables import NodeApplication, ProxyApplication
from ixproxy.values import ClientType

Server = NodeApplication | ProxyApplication


def check_security(case: Case) -> None:
    """Hold the rules about TLS and rights against the deployment."""
    for server in case.servers():
        _sockets_can_be_secured(case, server)
        _rules_say_who_is_meant(case, server)
        _subjects_can_be_verified(case, server)
    closed: set[str] = set()
    for proxy in case.servers():
        if isinstance(proxy, ProxyApplication):
            _upstreams_are_reached_as_they_listen(case, proxy, closed)


def _mistake(case: Case, server: Server, key: str, text: str) -> None:
    case.findings.error(("applications", server.name, "tls"), key, text)


def _sockets_can_be_secured(case: Case, server: Server) -> None:
    if server.tls is None:
        return
    if server.tls.require_client_certificate and not server.tls.trust:
        text = "expected trust: without authorities no client certificate can be verified"
        _mistake(case, server, "trust", text)
    if server.listen and listen_address(server.listen).kind == "unix":
        text = "expected TCP: over a UNIX socket there is no TLS, and no need of it"
        case.error(server.name, "listen", text)
    elif server.endpoint and connect_address(server.endpoint).kind == "unix":
        text = "expected TCP: over a UNIX socket there is no TLS, and no need of it"
        case.error(server.name, "endpoint", text)


def _rules_say_who_is_meant(case: Case, server: Server) -> None:
    for place, rule in enumerate(server.allow if not server.primary else ()):
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


def _subjects_can_be_verified(case: Case, server: Server) -> None:
    subjects = [rule for rule in server.allow if rule.subject]
    if not subjects:
        return
    if server.tls is None:
        if server.primary:
            text = f'expected a tls table: "{server.primary}" allows by subjects of certificates'
            case.error(server.name, "tls", text)
        else:
            text = "expected a tls table: without certificates nobody has a subject"
            case.error(server.name, "allow", text)
    elif not server.tls.trust:
        text = "expected trust: without authorities no subject can be verified"
        _mistake(case, server, "trust", text)


def _upstreams_are_reached_as_they_listen(
    case: Case, proxy: ProxyApplication, closed: set[str]
) -> None:
    """
    :param closed: servers of which it was said that they let no proxy in.
    """
    for name in dict.fromkeys(case.deployment.connected(proxy.connections)):
        primary = case.deployment.applications.get(name)
        if not isinstance(primary, NodeApplication | ProxyApplication):
            continue
        backup = case.deployment.applications.get(primary.backup)
        for each in (primary, backup):
            if isinstance(each, NodeApplication | ProxyApplication) and each.tls is not None:
                _may_connect(case, proxy, each, closed)


def _may_connect(case: Case, proxy: ProxyApplication, server: Server, closed: set[str]) -> None:
    name = server.primary or server.name
    if proxy.tls is None:
        text = f'expected a tls table: "{server.name}" listens with TLS and must see a certificate'
        case.error(proxy.name, "tls", text)
    elif name not in closed and not _lets_proxies_in(server):
        closed.add(name)
        text = (
            f'expected a rule with client-types "Proxy": "{proxy.name}" connects, and over TLS'
            " a proxy needs an allowed certificate"
        )
        case.error(name, "allow", text)


def _lets_proxies_in(server: Server) -> bool:
    return any(ClientType.PROXY in rule.client_types for rule in server.allow)
