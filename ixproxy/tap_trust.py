"""What starting a node and starting a proxy have in common: certificates, and who may come in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from time import time

from twisted.cred.checkers import ICredentialsChecker
from twisted.logger import Logger

from ixproxy.config import Allow, Deployment, NodeApplication, ProxyApplication
from ixproxy.errors import ConfigError, ConfigProblem
from ixproxy.net.door import Door, Rule, attributes_of
from ixproxy.tls import Credential, TlsProblem, read_credential
from ixproxy.values import ClientType
from ixproxy.wire.permits import ANY_CLIENT, Grant

log = Logger()

Server = NodeApplication | ProxyApplication


def credential_of(server: Server) -> Credential | None:
    """
    What a server shows and trusts, read from the files of its `tls` table.

    :raise ConfigError: one of them cannot be used.
    """
    if server.tls is None:
        return None
    try:
        return read_credential(server.tls, datetime.fromtimestamp(time(), UTC))
    except TlsProblem as problem:
        table = f"applications.{server.name}.tls"
        raise ConfigError([ConfigProblem(table, problem.key, problem.description)]) from problem


def door_of(
    deployment: Deployment, server: Server, checkers: Sequence[ICredentialsChecker] = ()
) -> Door:
    """
    Whom a server lets in, by its `allow` tables.

    :param checkers: those of `--auth`.
    :raise ConfigError: a rule is about users, and nobody checks passwords.
    """
    if not checkers and any(rule.user for rule in server.allow):
        table = f"applications.{server.primary or server.name}"
        text = "a rule is about users, so --auth must say who knows them and their passwords"
        raise ConfigError([ConfigProblem(table, "allow", text)])
    rules = [_rule(deployment, rule) for rule in server.allow]
    return Door(rules, tuple(checkers), secured=server.tls is not None)


def _rule(deployment: Deployment, rule: Allow) -> Rule:
    types = frozenset(map(ClientType, rule.client_types)) or ANY_CLIENT
    tenants = frozenset(deployment.tenants[name].id for name in rule.tenants) or None
    subject = attributes_of(rule.subject) if rule.subject else frozenset()
    return Rule(Grant(types, tenants), subject, rule.user)


def trust_changes(
    was: Credential | None, now: Credential | None, door_was: Door, door_now: Door
) -> list[str]:
    """What is new in whom a server trusts and what it shows, in words for the log."""
    changes = []
    if was and now and was.chain != now.chain and now.expires:
        changes.append(f"certificate renewed, valid until {now.expires:%Y-%m-%d %H:%M} UTC")
    if was and now and was.trust != now.trust:
        changes.append("other authorities are trusted")
    if was and now and was.demands_certificates != now.demands_certificates:
        demanded = "demanded" if now.demands_certificates else "not demanded any more"
        changes.append(f"client certificates are {demanded}")
    if door_was.rules != door_now.rules:
        changes.append(f"allow: {len(door_was.rules)} -> {len(door_now.rules)} rules, or others")
    return changes


def warn_of_passwords(server: Server, checkers: Sequence[ICredentialsChecker]) -> None:
    """Passwords that travel in the clear are the operator's to know of."""
    if checkers and server.tls is None:
        log.warn("{server} has no tls table: passwords travel in the clear", server=server.name)
