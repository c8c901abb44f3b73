"""
The system of a chaos run: hosts, databases, servers; set up, and taken away again.

    async with Scene(reactor, folder, options) as scene:
        primary = await scene.primary_of("ixn1")
        await scene.kill(primary)

On SQLite both servers of a pair are on one host, beside their database, which
lies on a small file system of its own. On PostgreSQL each server has a host,
and PostgreSQL is on this machine, a database for each node. Without root there
is one host for all, and no small file systems; `missing` says so.
"""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from ixproxy.testing import chaos_disks, chaos_hosts
from ixproxy.testing.chaos_deployment import BACKUP, NODES, PROXIES, deployment, node_of, servers
from ixproxy.testing.chaos_disks import SmallDisk
from ixproxy.testing.chaos_hosts import HERE, Hosts, Loopback, make_hosts
from ixproxy.testing.chaos_rows import read_rows
from ixproxy.testing.chaos_supervisor import KILLED, STOPPED, Supervisor
from ixproxy.testing.postgresql import PostgresqlServer
from ixproxy.testing.processes import RealCluster
from ixproxy.testing.servers import ServerFailed, ServerProcess

SQLITE, POSTGRESQL = "sqlite", "postgresql"
FIND_SECONDS = 30.0
"""How long a node may be without a primary before a fault that needs one."""


@dataclass(frozen=True, slots=True)
class Options:
    """
    What a run is like.

    :ivar store: `sqlite` or `postgresql`.
    :ivar lease_limit: seconds; None: nodes stand alone.
    :ivar apart: hosts and file systems of their own are wanted.
    :ivar rate: documents handed in per second.
    """

    store: str = SQLITE
    rounds: int = 20
    seed: int = 1
    lease_limit: int | None = 3
    apart: bool = True
    rate: float = 30.0
    minutes: float = 0.0
    only: tuple[str, ...] = ()


class Scene:
    """
    Everything that faults happen to.

    :param folder: for the file, the logs and the databases.
    :ivar missing: why some faults cannot be had.
    :ivar complaints: what faults themselves found to be wrong.
    """

    def __init__(self, reactor: Any, folder: Path, options: Options) -> None:
        self.reactor = reactor
        self.folder = folder
        self.options = options
        self.random = Random(f"{options.seed}/scene")
        self.pairs = options.lease_limit is not None
        self.missing: list[str] = []
        self.complaints: list[str] = []
        self.disks: dict[str, SmallDisk] = {}
        self.postgres: PostgresqlServer | None = None
        self.stores: dict[str, str] = {}
        self.hosts: Hosts = Loopback(())
        self._stack = ExitStack()

    async def __aenter__(self) -> Scene:
        try:
            self._set_up()
            await self.cluster.start()
        except BaseException:
            self._stack.close()
            raise
        self.supervisor.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.supervisor.stop()
        for process in self.cluster.servers.processes.values():
            process.signal(signal.SIGCONT)
        if self.postgres is not None:
            self.postgres.resume()
        self.hosts.heal()
        await self.cluster.stop()
        self._keep_databases()
        self._stack.close()

    def _set_up(self) -> None:
        chaos_hosts.clear_what_the_dead_left()
        places = {self.host_of(name) for name in (*servers(self.pairs), *PROXIES)}
        names = sorted(places)
        self.hosts = Loopback(names)
        if self._wanted("cuts, delay and loss", chaos_hosts.unusable()):
            try:
                self.hosts = self._stack.enter_context(make_hosts(names, self.options.seed))
            except ServerFailed as problem:
                self._wanted("cuts, delay and loss", str(problem))
        if self.options.store == SQLITE:
            self._make_sqlite()
        else:
            self._make_postgresql()
        text = deployment(
            self.stores,
            lambda name: self.hosts.address(self.host_of(name)),
            self.options.lease_limit,
        )
        self.cluster = RealCluster(
            self.reactor,
            self.folder,
            text,
            Random(self.options.seed),
            entering=lambda name: self.hosts.entering(self.host_of(name)),
        )
        self.supervisor = Supervisor(self.reactor, self.cluster, self.random)

    def _wanted(self, what: str, reason: str) -> bool:
        """Whether something can be had; why not is noted."""
        if not self.options.apart:
            reason = "not asked for"
        if reason:
            self.missing.append(f"{what}: {reason}")
        return not reason

    def _make_sqlite(self) -> None:
        small = self._wanted("full disks", chaos_disks.unusable())
        for node in NODES:
            place = self.folder / "disks" / node
            place.mkdir(parents=True)
            if small:
                self.disks[node] = disk = SmallDisk(place)
                self._stack.callback(disk.remove)
            self.stores[node] = f"sqlite:{place / node}.db"

    def _make_postgresql(self) -> None:
        address = self.hosts.address(HERE)
        places = "127.0.0.1" if not self.hosts.apart else f"127.0.0.1,{address}"
        self.postgres = server = PostgresqlServer(settings=f"listen_addresses = '{places}'")
        self._stack.callback(server.remove)
        if self.hosts.apart:
            with (server.folder / "cluster" / "pg_hba.conf").open("a") as file:
                file.write(f"host all all {address}/24 trust\n")
        server.start()
        for node in NODES:
            made = server.make_database(node)
            self.stores[node] = made.replace("@127.0.0.1:", f"@{address}:")

    def _keep_databases(self) -> None:
        """What is on a small file system goes with it: keep a copy."""
        for node, disk in self.disks.items():
            disk.free()
            shutil.copytree(disk.path, self.folder / "databases" / node, dirs_exist_ok=True)

    def host_of(self, name: str) -> str:
        """The host that a process is on."""
        if name in PROXIES:
            return name
        return node_of(name) if self.options.store == SQLITE else name

    def process(self, name: str) -> ServerProcess:
        """A server, as it is now."""
        return self.cluster.servers.processes[name]

    def endpoint(self, name: str) -> str:
        """Where a server listens."""
        return self.cluster.endpoint(name)

    async def primary_of(self, node: str) -> str:
        """
        The server that serves a node.

        :raise ServerFailed: there is none for long.
        """
        deadline = self.reactor.seconds() + FIND_SECONDS
        while not (found := await self.cluster.primary_of(node)):
            if self.reactor.seconds() > deadline:
                raise ServerFailed(f"{node} has no primary for {FIND_SECONDS:g} s")
            await self.pause(0.1)
        return found

    def epoch_of(self, node: str) -> int:
        """How many times a server has become primary of a node, by its database."""
        rows = read_rows({node: self.stores[node]}, ("meta",))
        return int(rows["meta"][0]["epoch"])

    def partner_of(self, server: str) -> str:
        """The other server of a pair."""
        return node_of(server) if server.endswith(BACKUP) else server + BACKUP

    async def pause(self, seconds: float) -> None:
        """Let some time pass."""
        await deferLater(self.reactor, seconds)

    async def kill(self, name: str) -> None:
        """`kill -9`; the supervisor starts it again."""
        self.supervisor.hurt[name] = KILLED
        await self.cluster.kill(name)

    async def stop(self, name: str) -> None:
        """SIGTERM; the supervisor starts it again."""
        self.supervisor.hurt[name] = STOPPED
        await self.cluster.servers.end(name)

    async def freeze(self, name: str, seconds: float) -> None:
        """SIGSTOP, and SIGCONT later if it lives then: on SQLite its backup may have killed it."""
        if self.options.store == SQLITE:
            self.supervisor.hurt[name] = KILLED
        process = self.process(name)
        process.signal(signal.SIGSTOP)
        await self.pause(seconds)
        process.signal(signal.SIGCONT)

    async def apart(self, work: Callable[[], object]) -> None:
        """Do what blocks, in a thread."""
        await deferToThread(work)
