"""`twistd ixproxy`: one proxy of a deployment, from the file to the service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.application.service import IService
from twisted.internet.endpoints import clientFromString, serverFromString
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.logger import Logger
from twisted.python import usage

from ixproxy.config import Deployment, load
from ixproxy.core.proxy import ProxyCore
from ixproxy.errors import ConfigError
from ixproxy.net.proxy_server import ProxyServer
from ixproxy.proxy_parts import (
    deployment_of,
    limits_of,
    refuse_chain,
    settings_of,
    strategies_of,
)
from ixproxy.tap_parts import (
    Options,
    end_badly,
    keep_alive,
    listen_for_hangup,
    need_restart,
    settle_memory,
)
from ixproxy.values import NodeFacts

log = Logger()

__all__ = ["Options", "makeService"]


def makeService(options: Options) -> IService:
    """Build the proxy; the framework starts it."""
    from twisted.internet import reactor

    try:
        return build(reactor, Path(options["config"]), options["application"])
    except ConfigError as problem:
        raise usage.UsageError(str(problem)) from problem


def build(reactor: Any, path: Path, name: str) -> ProxyServer:
    """
    One proxy, ready to start.

    :raise ConfigError: the file, or the application in it, cannot be used.
    """
    deployment = load(path)
    application = deployment.proxy(name)
    view = deployment.view_for(name)
    refuse_chain(view)

    core = ProxyCore(
        settings_of(view, userdata_size(deployment, name)), deployment_of(view), strategies_of(view)
    )

    def connect(node: NodeFacts) -> IStreamClientEndpoint:
        endpoint: IStreamClientEndpoint = clientFromString(reactor, node.endpoint)
        return endpoint

    server = ProxyServer(
        reactor,
        core,
        serverFromString(reactor, application.listen),
        connect,
        keep_alive=keep_alive(reactor, view.settings),
        limits=limits_of(view),
    )
    # Logged where it happened.
    server.listening.addErrback(lambda _: end_badly(reactor))
    reactor.callWhenRunning(settle_memory)
    reloading = Reloading(server, path, name, application.listen)
    reactor.callWhenRunning(listen_for_hangup, reactor, reloading.reload)
    return server


class Reloading:
    """Applies a changed file to a running proxy."""

    def __init__(self, server: ProxyServer, path: Path, name: str, listen: str) -> None:
        self._server = server
        self._path = path
        self._name = name
        self._listen = listen

    def reload(self) -> bool:
        """Read the file again; a bad one changes nothing and says why."""
        try:
            deployment = load(self._path)
            table = f"applications.{self._name}"
            now = deployment.proxy(self._name).listen
            if problems := need_restart(table, [("listen", self._listen, now)]):
                raise ConfigError(problems)
            view = deployment.view_for(self._name)
            refuse_chain(view)
            settings = settings_of(view, userdata_size(deployment, self._name))
            changed = settings, deployment_of(view), strategies_of(view), limits_of(view)
        except ConfigError as problem:
            self._server.surroundings.configuration_refused(problem)
            log.error("{path} was not applied: {reason}", path=str(self._path), reason=str(problem))
            return False
        self._server.configuration_changed(*changed)
        self._server.surroundings.configuration_applied()
        log.info("{path} was applied", path=str(self._path))
        return True


def userdata_size(deployment: Deployment, proxy: str) -> int:
    """The longest user data that any node behind the proxy takes, in bytes."""
    return max((n.settings.max_userdata_size for n in deployment.nodes_behind(proxy)), default=0)
