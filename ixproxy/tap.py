"""`twistd ixproxy`: one proxy of a deployment, from the file to the service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.application.service import IService
from twisted.internet.endpoints import clientFromString, serverFromString
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.logger import Logger
from twisted.python import usage

from ixproxy.config import Deployment, ProxyView, load
from ixproxy.config_changes import in_one_text, proxy_changes
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
    silence,
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
    _say_what_is_left_out(view)
    # Logged where it happened.
    server.listening.addErrback(lambda _: end_badly(reactor))
    reactor.callWhenRunning(settle_memory)
    reloading = Reloading(server, path, name, application.listen, view)
    reactor.callWhenRunning(listen_for_hangup, reactor, reloading.reload)
    return server


class Reloading:
    """Applies a changed file to a running proxy."""

    def __init__(
        self, server: ProxyServer, path: Path, name: str, listen: str, view: ProxyView
    ) -> None:
        self._server = server
        self._path = path
        self._name = name
        self._listen = listen
        self._view = view

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
            strategies = strategies_of(view, self._view, self._server.core.state.strategies)
        except ConfigError as problem:
            log.error("{path} was not applied: {reason}", path=str(self._path), reason=str(problem))
            return False
        self._server.configuration_changed(
            settings, deployment_of(view), strategies, limits_of(view), silence(view.settings)
        )
        changes = in_one_text(proxy_changes(self._view, view))
        if view.left_out != self._view.left_out:
            _say_what_is_left_out(view)
        self._view = view
        log.info("{path} was applied: {changes}", path=str(self._path), changes=changes)
        return True


def _say_what_is_left_out(view: ProxyView) -> None:
    for application in view.left_out:
        log.warn(
            "{application} is not connected: it is no Interaction Server", application=application
        )


def userdata_size(deployment: Deployment, proxy: str) -> int:
    """The longest user data that any node behind the proxy takes, in bytes."""
    return max((n.settings.max_userdata_size for n in deployment.nodes_behind(proxy)), default=0)
