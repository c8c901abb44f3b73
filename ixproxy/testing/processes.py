"""
A cluster of real processes on this machine, for tests.

    cluster = RealCluster(reactor, tmp_path, deployment_text)
    async with cluster:
        client = await connect(reactor, cluster.endpoint("proxy1"), …)
        await cluster.kill("ixn2")
        await cluster.restart("ixn2")
        cluster.pause("ixn1")
        serving = await cluster.primary_of("ixn1")
        cluster.resume("ixn1")
        await cluster.change(another_text)

Nothing is waited for by time: a node is ready when one of its servers answers,
and a proxy when it says that an id is unknown, for it does so only with all
nodes linked. Backups of nodes are started once their primaries serve, and are
ready when their logs say that they wait. Backups of proxies are not started.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.task import deferLater

from ixproxy.client import Backoff, Settings, connect
from ixproxy.config import load
from ixproxy.errors import Code, ConfigError, IxproxyError, RequestRefused
from ixproxy.messages import RequestGetInteractionProperties
from ixproxy.testing.ports import free_ports
from ixproxy.testing.servers import ServerFailed, Servers
from ixproxy.values import ClientType, TlsFiles

START_SECONDS = 60.0
ASK_AGAIN_SECONDS = 0.05

APPLIED = " was applied: "
"""What a process writes into its log when it follows a changed file."""

WAITS = " waits: "
"""What a server of a node writes when another one has its lease."""

NOBODY = "no-such-interaction"
"""An id that names no node as its origin, so every node is asked for it."""

_PORT = re.compile(r'("tcp:(?:[a-z][a-z0-9.-]*:|[0-9]+(?:[.][0-9]+)+:)?)([0-9]+)')
"""The port in an endpoint string, `"tcp:PORT` or `"tcp:HOST:PORT`, and what stands before it."""


class RealCluster:
    """
    The nodes and proxies of a deployment file, each a process of its own.

    :param directory: for the file, the databases and the logs; made if need be.
    :param text: a deployment file. Each TCP port in it is replaced by a free
        one, equal ones by equal ones; its stores are SQLite files with
        relative paths.
    :param random: chooses the ports; None: the system's.
    :param tls: what is shown and trusted by whoever asks whether servers are ready.
    :param entering: as for `Servers`; None: all run as this process does.
    :ivar file: the deployment file as it was written.
    :ivar nodes: the primary of each node; `backups`: the backups of those that
        have one; `proxies`: all proxies.
    :ivar servers: the processes.
    :raise ConfigError: the text has mistakes.
    """

    def __init__(
        self,
        reactor: Any,
        directory: Path,
        text: str,
        random: Random | None = None,
        tls: TlsFiles | None = None,
        entering: Callable[[str], list[str]] | None = None,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.file = directory / "cluster.toml"
        self._random = random or SystemRandom()
        self._ports: dict[str, int] = {}
        self._write(text)
        self._reactor = reactor
        self._tls = tls
        self._read()
        self.servers = Servers(reactor, self.file, entering or (lambda name: []))

    def _write(self, text: str) -> None:
        """As an operator should: no process ever sees half a file."""
        written = self.file.with_suffix(".new")
        written.write_text(on_free_ports(text, self._random, self._ports), "utf-8")
        written.replace(self.file)

    @property
    def names(self) -> tuple[str, ...]:
        """All processes."""
        return (*self.nodes, *self.backups, *self.proxies)

    def _read(self) -> None:
        self._deployment = load(self.file)
        self.nodes = tuple(node.name for node in self._deployment.nodes())
        backups = (node.backup for node in self._deployment.nodes())
        self.backups = tuple(name for name in backups if name)
        self.proxies = tuple(proxy.name for proxy in self._deployment.proxies())

    async def __aenter__(self) -> RealCluster:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def endpoint(self, name: str) -> str:
        """Where a process listens, as an endpoint string for clients."""
        if name in (*self.nodes, *self.backups):
            return self._deployment.node(name).endpoint
        return self._deployment.proxy(name).endpoint

    def store(self, node: str) -> Path:
        """The database of a node."""
        return Path(self._deployment.node(node).store.removeprefix("sqlite:"))

    def stores(self) -> dict[str, Path]:
        """Every node with its database."""
        return {node: self.store(node) for node in self.nodes}

    def pair(self, node: str) -> tuple[str, ...]:
        """The servers of a node, its primary first."""
        backup = self._deployment.node(node).backup
        return (node, backup) if backup else (node,)

    def log(self, name: str) -> Path:
        """The log of a process."""
        return self.directory / f"{name}.log"

    async def start(self) -> None:
        """
        Start all, and wait until they are ready.

        :raise IxproxyError: one ended, or is not ready in `START_SECONDS`; what
            was started is stopped again.
        """
        try:
            for name in (*self.nodes, *self.proxies):
                self.begin(name)
            await self.ready()
            for name in self.backups:
                self.begin(name)
            for name in self.backups:
                await self.waits(name)
        except BaseException:
            await self.stop()
            raise

    def begin(self, name: str) -> None:
        """Start one process, without waiting for it."""
        kind = "ixproxy" if name in self.proxies else "ixnode"
        self.servers.start(kind, name, self.log(name))

    async def ready(self) -> None:
        """
        Wait until every node takes registrations and every proxy has all its nodes linked.

        :raise IxproxyError: see `start`.
        """
        for name in (*self.nodes, *self.proxies):
            servers = self.pair(name) if name in self.nodes else (name,)
            endpoints = [self.endpoint(each) for each in servers]

            def check(servers: tuple[str, ...] = servers) -> None:
                self.servers.check(servers)

            await wait_for_server(self._reactor, endpoints, START_SECONDS, check, self._tls)

    async def waits(self, backup: str) -> None:
        """
        Wait until the log of a server that was started just now says that it waits.

        :raise IxproxyError: see `start`.
        """
        deadline = self._reactor.seconds() + START_SECONDS
        log = self.log(backup)
        while WAITS not in log.read_text("utf-8", "replace"):
            self.servers.check((backup,))
            if self._reactor.seconds() > deadline:
                raise ServerFailed(f"{backup} does not wait to be primary")
            await deferLater(self._reactor, ASK_AGAIN_SECONDS)

    async def primary_of(self, node: str) -> str:
        """Which server of a node serves: who answers, and has the newest lease; empty: none."""
        found: dict[int, str] = {}
        for name in self.pair(node):
            with suppress(IxproxyError):
                found[await ask(self._reactor, self.endpoint(name), self._tls)] = name
        return found[max(found)] if found else ""

    async def change(self, text: str) -> None:
        """
        Another deployment file, of which every process that runs is told by SIGHUP.

        Ports that the file had before are the same free ones. Fires when every
        process that the file names has applied it; who is new in it is not
        started, and who is not in it any more is not ended.

        :raise ConfigError: the text has mistakes; nobody is told.
        :raise IxproxyError: a process did not apply it; the text has the end of its log.
        """
        before = self.file.read_text("utf-8")
        self._write(text)
        try:
            self._read()
        except ConfigError:
            self.file.write_text(before, "utf-8")
            raise
        running = [each for each in self.servers.processes.values() if each.running]
        told = {each.name: each.log.read_text("utf-8", "replace") for each in running}
        for process in running:
            process.signal(signal.SIGHUP)
        deadline = self._reactor.seconds() + START_SECONDS
        for process in (each for each in running if each.name in self.names):
            while process.log.read_text("utf-8", "replace").count(APPLIED) <= told[
                process.name
            ].count(APPLIED):
                if self._reactor.seconds() > deadline or not process.running:
                    raise ServerFailed(
                        f"{process.name} has not applied the file; its log says:\n{process.tail()}"
                    )
                await deferLater(self._reactor, ASK_AGAIN_SECONDS)

    async def end(self, name: str) -> str:
        """Stop one process for good, in order; what became of it."""
        ended = await self.servers.end(name)
        del self.servers.processes[name]
        return ended

    async def kill(self, name: str) -> None:
        """Kill one process; nothing of it runs any more when this is done."""
        await self.servers.end(name, signal.SIGKILL)

    def pause(self, name: str) -> None:
        """Have a process stand still, as one that hangs, until `resume`."""
        self.servers.processes[name].signal(signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """Have a paused process go on, if it is still there."""
        self.servers.processes[name].signal(signal.SIGCONT)

    async def restart(self, name: str) -> None:
        """Start one process again, stopped first if it runs; wait until all are ready."""
        await self.servers.end(name)
        self.begin(name)
        await self.ready()

    async def stop(self) -> list[str]:
        """Stop all; the names of those that did not stop in order and were killed."""
        return await self.servers.stop()


def on_free_ports(text: str, random: Random, known: dict[str, int] | None = None) -> str:
    """
    A deployment file with other TCP ports: free ones, equal ones for equal ones.

    :param known: those of before, which stay; the others are added.
    """
    ports = {} if known is None else known
    named = list(dict.fromkeys(port for _, port in _PORT.findall(text) if port not in ports))
    if named:
        ports.update(zip(named, free_ports(len(named), random), strict=True))
    return _PORT.sub(lambda found: f"{found[1]}{ports[found[2]]}", text)


async def wait_for_server(
    reactor: Any,
    endpoint: str | IStreamClientEndpoint | Sequence[str],
    seconds: float,
    check: Callable[[], None],
    tls: TlsFiles | None = None,
) -> None:
    """
    Wait until a server takes registrations and, being a proxy, has all its nodes linked.

    :param endpoint: where it is, or where one of several is.
    :param seconds: when to give up.
    :param check: asked before each attempt; raises when there is no hope.
    :param tls: what is shown and trusted.
    :raise IxproxyError: it did not come up in time; the reason of the last attempt.
    """
    deadline = reactor.seconds() + seconds
    several: Sequence[Any] = endpoint if isinstance(endpoint, list | tuple) else (endpoint,)
    endpoints = cycle(several)
    while True:
        check()
        try:
            await ask(reactor, next(endpoints), tls)
            return
        except IxproxyError:
            if reactor.seconds() > deadline:
                raise
        await deferLater(reactor, ASK_AGAIN_SECONDS)


async def ask(
    reactor: Any, endpoint: str | IStreamClientEndpoint, tls: TlsFiles | None = None
) -> int:
    """
    Ask a server whether it is ready.

    :return: its epoch; 0: it is a proxy.
    :raise IxproxyError: it is not.
    """
    client = await connect(
        reactor,
        endpoint,
        name="readiness",
        client_type=ClientType.AGENT_APPLICATION,
        settings=Settings(timeout=2.0, attempt_timeout=2.0, backoff=Backoff()),
        tls=tls,
    )
    try:
        if client.server.role != "proxy":
            return client.server.epoch
        for tenant in client.server.tenants:
            request = RequestGetInteractionProperties(tenant_id=tenant, interaction_id=NOBODY)
            try:
                await client.request(request)
            except RequestRefused as refusal:
                if refusal.code != Code.UNKNOWN_INTERACTION:
                    raise
        return 0
    finally:
        await client.close()
