"""`twistd ixnode`: one node of a deployment, from the file to the service."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from twisted.application.service import IService
from twisted.internet.endpoints import serverFromString
from twisted.logger import Logger
from twisted.python import usage

from ixproxy.config import Deployment, NodeApplication, load
from ixproxy.config_plans import NodePlan, node_plan, store_settings
from ixproxy.errors import ConfigError, ConfigProblem
from ixproxy.interfaces import IStore, IStoreMaker
from ixproxy.net.executors import Executor, ThreadExecutor
from ixproxy.net.node_limits import NodeLimits
from ixproxy.net.node_server import NodeServer
from ixproxy.node.model import NodeModel
from ixproxy.plugin import find_maker
from ixproxy.tap_parts import (
    Options,
    end_badly,
    keep_alive,
    listen_for_hangup,
    need_restart,
    settle_memory,
)

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
    """

    application: NodeApplication
    plan: NodePlan
    model: NodeModel
    limits: NodeLimits
    store: dict[str, object]


def makeService(options: Options) -> IService:
    """Build the node; the framework starts it."""
    from twisted.internet import reactor

    try:
        return build(reactor, Path(options["config"]), options["application"])
    except ConfigError as problem:
        raise usage.UsageError(str(problem)) from problem


def read(path: Path, name: str) -> NodeParts:
    """
    Read what the file says of a node.

    :raise ConfigError: the file, or the application in it, cannot be used.
    """
    deployment: Deployment = load(path)
    application = deployment.node(name)
    if application.primary:
        text = "the backup server of a pair is not supported yet; start the primary"
        raise ConfigError([ConfigProblem(f"applications.{name}", "", text)])
    plan = node_plan(deployment, name)
    named = {each.name for each in fields(NodeLimits)}
    options = application.settings
    limits = NodeLimits(
        **{each.name: getattr(options, each.name) for each in fields(options) if each.name in named}
    )
    model = NodeModel(plan.tenants, plan.custom_properties)
    return NodeParts(application, plan, model, limits, store_settings(deployment, application))


def build(reactor: Any, path: Path, name: str) -> NodeServer:
    """
    One node, ready to start.

    :raise ConfigError: as for `read`, or the store's address is not usable.
    """
    parts = read(path, name)
    options = parts.application.settings
    address = str(parts.store["address"])
    store: IStore = find_maker(IStoreMaker, address.partition(":")[0]).make(parts.store)

    def executor(what: str) -> Executor:
        return ThreadExecutor(reactor, f"{name} {what}")

    server = NodeServer(
        reactor,
        serverFromString(reactor, parts.application.listen),
        store,
        parts.model,
        parts.plan.settings,
        parts.limits,
        name=name,
        dbid=parts.application.dbid,
        now=time.time,
        new_session=lambda: os.urandom(16),
        executors=executor,
        keep_alive=keep_alive(reactor, options),
        store_kind=address.partition(":")[0],
    )

    # Both were logged where they happened.
    server.listening.addErrback(lambda _: end_badly(reactor))
    server.lost.addCallback(lambda _: end_badly(reactor))
    reactor.callWhenRunning(_settle)
    reloading = Reloading(server, path, name, parts)
    reactor.callWhenRunning(listen_for_hangup, reactor, reloading.reload)
    return server


def _settle() -> None:
    """What start-up made lives on, and the threads are to take turns more often."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    settle_memory()


class Reloading:
    """Applies a changed file to a running node."""

    def __init__(self, server: NodeServer, path: Path, name: str, parts: NodeParts) -> None:
        self._server = server
        self._path = path
        self._name = name
        self._parts = parts

    def reload(self) -> bool:
        """Read the file again; a bad one changes nothing and says why."""
        try:
            parts = read(self._path, self._name)
            self._check(parts)
        except ConfigError as problem:
            self._refused(problem)
            return False
        changed = self._server.configuration_changed(parts.model, parts.plan.settings, parts.limits)
        changed.addCallbacks(
            lambda _: self._applied(parts), lambda failure: self._refused(failure.value)
        )
        return True

    def _check(self, parts: NodeParts) -> None:
        """:raise ConfigError: something differs that needs a restart."""
        old, new = self._parts, parts
        table = f"applications.{self._name}"
        problems = need_restart(
            table,
            (
                ("dbid", old.application.dbid, new.application.dbid),
                ("listen", old.application.listen, new.application.listen),
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
        self._parts = parts
        self._server.surroundings.configuration_applied()
        log.info("{path} was applied", path=str(self._path))

    def _refused(self, problem: BaseException) -> None:
        self._server.surroundings.configuration_refused(problem)
        log.error("{path} was not applied: {reason}", path=str(self._path), reason=str(problem))
