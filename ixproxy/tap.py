"""`twistd ixproxy`: one proxy of a deployment, from the file to the service."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twisted.application.service import IService
from twisted.cred.checkers import ICredentialsChecker
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.logger import Logger
from twisted.python import usage

from ixproxy.config import Deployment, ProxyApplication, load
from ixproxy.config_address import connect_address
from ixproxy.core.proxy import ProxyCore
from ixproxy.errors import ConfigError
from ixproxy.net.dialling import Dialling
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
    checkers_of,
    end_badly,
    keep_alive,
    listen_for_hangup,
    need_restart,
    presence,
    settle_memory,
)
from ixproxy.tap_trust import credential_of, door_of, warn_of_passwords
from ixproxy.values import NodeFacts

log = Logger()

__all__ = ["Options", "makeService"]


def makeService(options: Options) -> IService:
    """Build the proxy; the framework starts it."""
    from twisted.internet import reactor

    try:
        return build(reactor, Path(options["config"]), options["application"], checkers_of(options))
    except ConfigError as problem:
        raise usage.UsageError(str(problem)) from problem


def build(
    reactor: Any, path: Path, name: str, checkers: Sequence[ICredentialsChecker] = ()
) -> ProxyServer:
    """
    One proxy, ready to start.

    :raise ConfigError: the file, or the application in it, cannot be used.
    """
    deployment = load(path)
    application = deployment.proxy(name)
    view = deployment.view_for(name)
    refuse_chain(view)

    dialling = Dialling(reactor, credential_of(application), deployment.secured())
    warn_of_passwords(application, checkers)
    core = ProxyCore(
        settings_of(view, userdata_size(deployment, name)), deployment_of(view), strategies_of(view)
    )

    def connect(node: NodeFacts) -> IStreamClientEndpoint:
        return dialling.endpoint(node.endpoint, connect_address(node.endpoint).host)

    server = ProxyServer(
        reactor,
        core,
        dialling.listening(application.listen),
        connect,
        keep_alive=keep_alive(reactor, view.settings),
        limits=limits_of(view),
        door=door_of(deployment, application, checkers),
    )
    server.surroundings.certificate_expires = dialling.certificate_expires
    # Logged where it happened.
    server.listening.addErrback(lambda _: end_badly(reactor))
    reactor.callWhenRunning(settle_memory)
    reloading = Reloading(server, path, application, dialling, checkers)
    reactor.callWhenRunning(listen_for_hangup, reactor, reloading.reload)
    return server


class Reloading:
    """Applies a changed file to a running proxy."""

    def __init__(
        self,
        server: ProxyServer,
        path: Path,
        application: ProxyApplication,
        dialling: Dialling,
        checkers: Sequence[ICredentialsChecker] = (),
    ) -> None:
        self._server = server
        self._path = path
        self._application = application
        self._dialling = dialling
        self._checkers = checkers

    def reload(self) -> bool:
        """Read the file again; a bad one changes nothing and says why."""
        try:
            deployment = load(self._path)
            was, name = self._application, self._application.name
            now = deployment.proxy(name)
            changes = [
                ("listen", was.listen, now.listen),
                ("tls", presence(was.tls), presence(now.tls)),
            ]
            if problems := need_restart(f"applications.{name}", changes):
                raise ConfigError(problems)
            view = deployment.view_for(name)
            refuse_chain(view)
            credential = credential_of(now)
            settings = settings_of(view, userdata_size(deployment, name))
            changed = settings, deployment_of(view), strategies_of(view), limits_of(view)
            door = door_of(deployment, now, self._checkers)
        except ConfigError as problem:
            self._server.surroundings.configuration_refused(str(problem))
            log.error("{path} was not applied: {reason}", path=str(self._path), reason=str(problem))
            return False
        self._dialling.use(credential, deployment.secured())
        self._server.configuration_changed(*changed, door)
        self._server.surroundings.configuration_applied()
        log.info("{path} was applied", path=str(self._path))
        return True


def userdata_size(deployment: Deployment, proxy: str) -> int:
    """The longest user data that any node behind the proxy takes, in bytes."""
    return max((n.settings.max_userdata_size for n in deployment.nodes_behind(proxy)), default=0)
