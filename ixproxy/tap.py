"""`twistd ixproxy`: one proxy of a deployment, from the file to the service."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import SystemRandom
from typing import Any

from twisted.application.service import IService
from twisted.cred.checkers import ICredentialsChecker
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.logger import Logger
from twisted.python import usage

from ixproxy.addresses import connect_address
from ixproxy.config import Deployment, ProxyApplication, ProxyView, load
from ixproxy.config_changes import in_one_text, proxy_changes
from ixproxy.core.proxy import ProxyCore
from ixproxy.core.snapshots import LAST_ID
from ixproxy.errors import ConfigError
from ixproxy.net.dialling import Dialling
from ixproxy.net.proxy_server import ProxyServer
from ixproxy.proxy_parts import (
    deployment_of,
    limits_of,
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
    silence,
    stop_once,
)
from ixproxy.tap_trust import credential_of, door_of, trust_changes, warn_of_passwords
from ixproxy.values import Server

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

    dialling = Dialling(reactor, credential_of(application), deployment.secured())
    warn_of_passwords(application, checkers)
    core = ProxyCore(
        settings_of(view, userdata_size(deployment, name)),
        deployment_of(view),
        strategies_of(view),
        first_snapshot=SystemRandom().randint(1, LAST_ID),
    )

    def connect(upstream: Server) -> IStreamClientEndpoint:
        return dialling.endpoint(upstream.endpoint, connect_address(upstream.endpoint).host)

    server = ProxyServer(
        reactor,
        core,
        dialling.listening(application.listen),
        connect,
        keep_alive=keep_alive(reactor, view.settings),
        limits=limits_of(view),
        door=door_of(deployment, application, checkers),
    )
    _say_what_is_left_out(view)
    server.surroundings.certificate_expires = dialling.certificate_expires
    # Logged where it happened.
    server.listening.addErrback(lambda _: end_badly(reactor))
    reactor.callWhenRunning(settle_memory)
    reactor.callWhenRunning(stop_once)
    reloading = Reloading(server, path, application, view, dialling, checkers)
    reactor.callWhenRunning(listen_for_hangup, reactor, reloading.reload)
    return server


class Reloading:
    """Applies a changed file to a running proxy."""

    def __init__(
        self,
        server: ProxyServer,
        path: Path,
        application: ProxyApplication,
        view: ProxyView,
        dialling: Dialling,
        checkers: Sequence[ICredentialsChecker] = (),
    ) -> None:
        self._server = server
        self._path = path
        self._application = application
        self._view = view
        self._dialling = dialling
        self._checkers = checkers

    def reload(self) -> bool:
        """Read the file again; a bad one changes nothing and says why."""
        try:
            deployment = load(self._path)
            was, name = self._application, self._application.name
            now = deployment.proxy(name)
            fixed = [
                ("listen", was.listen, now.listen),
                ("tls", presence(was.tls), presence(now.tls)),
            ]
            if problems := need_restart(f"applications.{name}", fixed):
                raise ConfigError(problems)
            view = deployment.view_for(name)
            credential = credential_of(now)
            settings = settings_of(view, userdata_size(deployment, name))
            strategies = strategies_of(view, self._view, self._server.core.state.strategies)
            door = door_of(deployment, now, self._checkers)
        except ConfigError as problem:
            self._server.surroundings.configuration_refused(problem)
            log.error("{path} was not applied: {reason}", path=str(self._path), reason=str(problem))
            return False
        changes = [
            *proxy_changes(self._view, view),
            *trust_changes(self._dialling.credential, credential, self._server.door, door),
        ]
        self._dialling.use(credential, deployment.secured())
        self._server.configuration_changed(
            settings,
            deployment_of(view),
            strategies,
            limits_of(view),
            silence=silence(view.settings),
            door=door,
        )
        self._server.surroundings.configuration_applied()
        if view.left_out != self._view.left_out:
            _say_what_is_left_out(view)
        self._view = view
        log.info(
            "{path} was applied: {changes}", path=str(self._path), changes=in_one_text(changes)
        )
        return True


def _say_what_is_left_out(view: ProxyView) -> None:
    for application in view.left_out:
        log.warn(
            "{application} is not connected: it is no Interaction Server", application=application
        )


def userdata_size(deployment: Deployment, proxy: str) -> int:
    """The longest user data that any node behind the proxy takes, in bytes."""
    return max((n.settings.max_userdata_size for n in deployment.nodes_behind(proxy)), default=0)
