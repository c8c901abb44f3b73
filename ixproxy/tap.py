"""`twistd ixproxy`: one proxy of a deployment, from the file to the service."""

from __future__ import annotations

import gc
import signal
from pathlib import Path
from typing import Any

from twisted.application.service import IService
from twisted.internet.endpoints import clientFromString, serverFromString
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.logger import Logger
from twisted.python import usage

from ixproxy.config import load
from ixproxy.core.proxy import ProxyCore
from ixproxy.errors import ConfigError
from ixproxy.net.keep_alive import KeepAlive
from ixproxy.net.proxy_server import ProxyServer
from ixproxy.proxy_parts import (
    deployment_of,
    limits_of,
    refuse_chain,
    settings_of,
    strategies_of,
)
from ixproxy.values import NodeFacts

log = Logger()


class Options(usage.Options):
    """What `twistd ixproxy --help` shows."""

    synopsis = "--config FILE --application NAME"
    optParameters = (
        ["config", "c", None, "The deployment file."],
        ["application", "a", None, "Which application of it this is."],
    )

    def postOptions(self) -> None:
        """The framework has read the command line."""
        for name in ("config", "application"):
            if not self[name]:
                raise usage.UsageError(f"--{name} is needed")


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

    def userdata_size() -> int:
        return max((n.settings.max_userdata_size for n in deployment.nodes_behind(name)), default=0)

    core = ProxyCore(settings_of(view, userdata_size()), deployment_of(view), strategies_of(view))

    def connect(node: NodeFacts) -> IStreamClientEndpoint:
        endpoint: IStreamClientEndpoint = clientFromString(reactor, node.endpoint)
        return endpoint

    options = view.settings
    interval = float(options.keep_alive_interval)
    server = ProxyServer(
        reactor,
        core,
        serverFromString(reactor, application.listen),
        connect,
        keep_alive=KeepAlive(
            reactor, interval or 3600.0, interval + options.keep_alive_timeout or 7200.0
        ),
        limits=limits_of(view),
    )
    server.listening.addErrback(lambda _: reactor.stop())
    reactor.callWhenRunning(_settle_memory)
    reactor.callWhenRunning(_listen_for_hangup, reactor, server, path, name)
    return server


def _settle_memory() -> None:
    """What start-up made lives on: the collector need not look at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _listen_for_hangup(reactor: Any, server: ProxyServer, path: Path, name: str) -> None:
    if hasattr(signal, "SIGHUP"):
        signal.signal(
            signal.SIGHUP, lambda *_: reactor.callFromThread(reload_file, server, path, name)
        )


def reload_file(server: ProxyServer, path: Path, name: str) -> bool:
    """Apply a changed file live; a bad one changes nothing and says why."""
    try:
        deployment = load(path)
        view = deployment.view_for(name)
        refuse_chain(view)
        size = max((n.settings.max_userdata_size for n in deployment.nodes_behind(name)), default=0)
        changed = settings_of(view, size), deployment_of(view), strategies_of(view)
    except ConfigError as problem:
        log.error("{path} was not applied: {problem}", path=str(path), problem=str(problem))
        return False
    server.configuration_changed(*changed)
    log.info("{path} was applied", path=str(path))
    return True
