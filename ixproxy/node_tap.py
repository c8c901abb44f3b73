"""
`twistd ixnode`: one server of a node of a deployment, from the file to the service.

The only server of a node, its primary and its backup are started alike: who
has the lease of the node's database serves, and the other one waits. Each
time that one begins to serve or to wait it is made anew, by the file as it
was read last.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from random import random
from typing import Any

from twisted.application.service import IService
from twisted.cred.checkers import ICredentialsChecker
from twisted.logger import Logger
from twisted.python import usage

from ixproxy.addresses import connect_address
from ixproxy.config import Deployment, NodeApplication, load
from ixproxy.config_changes import (
    capture_changes,
    in_one_text,
    log_changes,
    node_changes,
    option_changes,
)
from ixproxy.config_plans import NodePlan, node_plan, store_settings
from ixproxy.errors import ConfigError, ConfigProblem
from ixproxy.interfaces import IStore, IStoreMaker
from ixproxy.net.capture_plans import CapturePlan
from ixproxy.net.dialling import Dialling
from ixproxy.net.door import Door
from ixproxy.net.executors import Executor, ThreadExecutor
from ixproxy.net.log_plans import LogPlan
from ixproxy.net.node_limits import NodeLimits
from ixproxy.net.node_server import NodeServer
from ixproxy.net.pair_member import NodePairMember, Term
from ixproxy.net.surroundings import Surroundings
from ixproxy.node.leading import LEADING
from ixproxy.node.model import NodeModel
from ixproxy.node_parts import capture_plans, log_plans, with_parts
from ixproxy.plugin import find_maker
from ixproxy.tap_parts import (
    Options,
    checkers_of,
    end_badly,
    keep_alive,
    listen_for_hangup,
    need_restart,
    presence,
    settle_memory,
    silence,
    stop_once,
)
from ixproxy.tap_trust import credential_of, door_of, trust_changes, warn_of_passwords
from ixproxy.tls import Credential

log = Logger()

__all__ = ["Options", "makeService"]

SWITCH_INTERVAL = 0.0005
"""
Seconds after which a thread must let others run. The writer's thread gives the
interpreter up around each statement and waits so long to get it back from a
busy reactor; Python's own 5 ms would make that most of its time.
"""


@dataclass(frozen=True, slots=True)
class NodeParts:
    """
    What the file says of one node.

    :ivar store: what its store's maker takes.
    :ivar credential: what it shows and trusts; None: it speaks no TLS.
    :ivar secured: endpoints at which TLS is spoken.
    :ivar capture: its capture points, with what makes them, as are its event `logs`.
    """

    application: NodeApplication
    credential: Credential | None
    door: Door
    plan: NodePlan
    model: NodeModel
    limits: NodeLimits
    store: dict[str, object]
    secured: frozenset[str] = frozenset()
    capture: tuple[CapturePlan, ...] = ()
    logs: tuple[LogPlan, ...] = ()


def makeService(options: Options) -> IService:
    """Build the node; the framework starts it."""
    from twisted.internet import reactor

    try:
        return build(reactor, Path(options["config"]), options["application"], checkers_of(options))
    except ConfigError as problem:
        raise usage.UsageError(str(problem)) from problem


def read(path: Path, name: str, checkers: Sequence[ICredentialsChecker] = ()) -> NodeParts:
    """
    Read what the file says of a node.

    :param checkers: those of `--auth`.
    :raise ConfigError: the file, or the application in it, cannot be used.
    """
    deployment: Deployment = load(path)
    application = deployment.node(name)
    plan = node_plan(deployment, name)
    capture = capture_plans(deployment, application)
    logs = log_plans(application)
    plan = replace(plan, settings=with_parts(plan.settings, capture, logs))
    named = {each.name for each in fields(NodeLimits)}
    options = application.settings
    limits = NodeLimits(
        **{each.name: getattr(options, each.name) for each in fields(options) if each.name in named}
    )
    settings = store_settings(deployment, application)
    model = NodeModel(plan.tenants, plan.custom_properties, store_of(settings).dialect)
    return NodeParts(
        application,
        credential_of(application),
        door_of(deployment, application, checkers),
        plan,
        model,
        limits,
        settings,
        deployment.secured(),
        capture,
        logs,
    )


def store_of(settings: Mapping[str, object]) -> IStore:
    """
    The store that its maker makes; nothing is opened yet.

    :raise ConfigError: there is no such kind, or its address is not usable.
    """
    store: IStore = find_maker(IStoreMaker, kind_of(settings)).make(settings)
    return store


def kind_of(settings: Mapping[str, object]) -> str:
    """What the address of a store begins with."""
    return str(settings["address"]).partition(":")[0]


class Terms:
    """
    Makes what serves next.

    :param surroundings: of the process.
    :ivar parts: what the file says: the next one is made of it.
    """

    def __init__(
        self, reactor: Any, parts: NodeParts, dialling: Dialling, surroundings: Surroundings
    ) -> None:
        self._reactor = reactor
        self.parts = parts
        self._dialling = dialling
        self._surroundings = surroundings

    def executor(self, what: str) -> Executor:
        """A thread with a name."""
        return ThreadExecutor(self._reactor, f"{self.parts.application.name} {what}")

    def next(self) -> Term:
        """A server, its store and its lease."""
        parts, store = self.parts, store_of(self.parts.store)
        server = NodeServer(
            self._reactor,
            self._dialling.listening(parts.application.listen),
            store,
            parts.model,
            parts.plan.settings,
            parts.limits,
            name=parts.application.name,
            dbid=parts.application.dbid,
            now=time.time,
            new_session=lambda: os.urandom(16),
            executors=self.executor,
            keep_alive=keep_alive(self._reactor, parts.application.settings),
            surroundings=self._surroundings,
            store_kind=kind_of(parts.store),
            servers=parts.plan.servers,
            third_party=lambda text: self._dialling.endpoint(text, connect_address(text).host),
            chance=random,
            capture=parts.capture,
            logs=parts.logs,
        )
        server.state.door = parts.door
        return Term(server, store, store.lease())


def build(
    reactor: Any, path: Path, name: str, checkers: Sequence[ICredentialsChecker] = ()
) -> NodePairMember:
    """
    One server of a node, ready to start.

    :raise ConfigError: as for `read`.
    """
    parts = read(path, name, checkers)
    dialling = Dialling(reactor, parts.credential, parts.secured)
    warn_of_passwords(parts.application, checkers)
    surroundings = Surroundings(reactor, time.time)
    surroundings.certificate_expires = dialling.certificate_expires
    terms = Terms(reactor, parts, dialling, surroundings)
    member = NodePairMember(
        reactor,
        name,
        terms.next,
        lambda: terms.executor("lease"),
        parts.application.settings.lease_limit,
        seconds=awake_and_asleep,
    )
    # Both were logged where they happened.
    member.listening.addErrback(lambda _: end_badly(reactor))
    member.broken.addCallback(lambda _: end_badly(reactor))
    reactor.callWhenRunning(_settle)
    reactor.callWhenRunning(stop_once)
    reloading = Reloading(member, terms, surroundings, path, dialling, checkers)
    reactor.callWhenRunning(listen_for_hangup, reactor, reloading.reload)
    return member


def awake_and_asleep() -> float:
    """Seconds since the machine was started, its sleep counted in."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _settle() -> None:
    """What start-up made lives on, and the threads are to take turns more often."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    settle_memory()


class Reloading:
    """Applies a changed file to a running server."""

    def __init__(
        self,
        member: NodePairMember,
        terms: Terms,
        surroundings: Surroundings,
        path: Path,
        dialling: Dialling,
        checkers: Sequence[ICredentialsChecker] = (),
    ) -> None:
        self._member = member
        self._terms = terms
        self._surroundings = surroundings
        self._path = path
        self._parts = terms.parts
        self._dialling = dialling
        self._checkers = checkers

    def reload(self) -> bool:
        """Read the file again; a bad one changes nothing and says why."""
        before = self._terms.parts
        try:
            parts = read(self._path, self._parts.application.name, self._checkers)
            self._check(parts)
        except ConfigError as problem:
            self._refused(problem)
            return False
        self._terms.parts = parts
        server = self._member.server
        if server is None or self._member.state not in LEADING:
            self._applied(parts)
            self._member.configuration_changed()
            return True
        # New external servers are connected to as soon as they are known.
        self._dialling.use(before.credential, before.secured | parts.secured)
        changed = server.configuration_changed(
            parts.model,
            parts.plan.settings,
            parts.limits,
            silence(parts.application.settings),
            parts.plan.servers,
            parts.capture,
            parts.logs,
        )

        def failed(failure: Any) -> None:
            if self._member.server is server:
                self._terms.parts = before
                self._refused(failure.value)
            else:
                self._applied(parts)  # by whatever serves next

        changed.addCallbacks(lambda _: self._applied(parts), failed)
        return True

    def _check(self, parts: NodeParts) -> None:
        """:raise ConfigError: something differs that needs a restart."""
        old, new = self._parts, parts
        table = f"applications.{old.application.name}"
        problems = need_restart(
            table,
            (
                ("dbid", old.application.dbid, new.application.dbid),
                ("listen", old.application.listen, new.application.listen),
                ("tls", presence(old.credential), presence(new.credential)),
                ("store", old.store["address"], new.store["address"]),
                (
                    "options.settings.number-of-database-connections",
                    old.limits.number_of_database_connections,
                    new.limits.number_of_database_connections,
                ),
            ),
        )
        if old.store["custom_columns"] != new.store["custom_columns"]:
            text = "custom properties have changed, which needs a restart"
            problems.append(ConfigProblem("tenants", "custom-properties", text))
        if problems:
            raise ConfigError(problems)

    def _applied(self, parts: NodeParts) -> None:
        old, self._parts = self._parts, parts
        changes = [
            *node_changes(old.plan, parts.plan),
            *capture_changes(old.capture, parts.capture),
            *log_changes(old.logs, parts.logs),
            *option_changes(old.application.settings, parts.application.settings),
            *trust_changes(old.credential, parts.credential, old.door, parts.door),
        ]
        self._dialling.use(parts.credential, parts.secured)
        self._member.limit = parts.application.settings.lease_limit
        if self._member.server is not None:
            self._member.server.state.door = parts.door
        self._surroundings.configuration_applied()
        log.info(
            "{path} was applied: {changes}", path=str(self._path), changes=in_one_text(changes)
        )

    def _refused(self, problem: BaseException) -> None:
        self._surroundings.configuration_refused(problem)
        log.error("{path} was not applied: {reason}", path=str(self._path), reason=str(problem))
