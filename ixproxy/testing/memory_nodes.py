"""
The nodes of a cluster in memory: one server, or a pair of them, over one database.

    node.kill()                 # the primary dies; its backup takes over
    node.primary.pause()        # …, or is ended by its backup for its silence
    node.start()                # whoever is dead comes back
    node.capture(plan)          # it has capture points
    node.log(plan)              # … and event logs

Where there are two servers, one is primary and the other waits for its lease.
What the two have in common outlives them: the database, and who has its lease.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from ixproxy.interfaces import IStore
from ixproxy.net.capture_plans import CapturePlan
from ixproxy.net.log_plans import LogPlan
from ixproxy.net.node_limits import NodeLimits
from ixproxy.net.node_server import NodeServer
from ixproxy.node.esp_servers import ExternalServer
from ixproxy.node.leading import State
from ixproxy.node.model import NodeModel, NodeSettings
from ixproxy.testing.clock import SteppingClock
from ixproxy.testing.memory_lease import MemoryLeases
from ixproxy.testing.memory_servers import Common, MemoryServer, node_address
from ixproxy.testing.network import MemoryNetwork
from ixproxy.testing.places import Place
from ixproxy.testing.process import ProcessClock
from ixproxy.values import Server

FIRST_DBID = 101

KEEP_ALIVE = (10.0, 30.0)
"""Seconds between looks at connections, and of silence after which one is given up."""

LEASE_LIMIT = 10.0
"""Seconds without a beat after which the lease of a lone server may be taken away."""


class MemoryNode:
    """
    One node: its database outlives its programs.

    :param place: where its database lies.
    :param keep_alive: seconds between looks at connections, and of silence.
    :param pair: it has two servers.
    :param lease_limit: seconds without a beat after which its lease may be taken away.
    :param ends: what happens to a holder of the lease that was silent for so
        long: its program is killed, as on one host with SQLite; or only its
        sessions at the database are cut, as with PostgreSQL.
    :param servers: external servers, which it connects to.
    :ivar members: its servers; the first is the one that is configured as primary.
    """

    def __init__(
        self,
        number: int,
        clock: SteppingClock,
        network: MemoryNetwork,
        random: Random,
        place: Place,
        model: NodeModel,
        settings: NodeSettings,
        limits: NodeLimits,
        keep_alive: tuple[float, float] = KEEP_ALIVE,
        *,
        pair: bool = False,
        lease_limit: float = LEASE_LIMIT,
        ends: Callable[[MemoryServer], None] = MemoryServer.kill,
        servers: tuple[ExternalServer, ...] = (),
    ) -> None:
        self.name = f"node{number + 1}"
        self.dbid = FIRST_DBID + number
        self.place = place
        self.leases = MemoryLeases()
        self._common = Common(
            clock,
            network,
            place,
            model,
            settings,
            limits,
            keep_alive,
            lease_limit,
            self.dbid,
            self.leases,
            not pair,
            servers,
        )
        names = [self.name, f"{self.name}-b"] if pair else [self.name]
        self.members = [
            MemoryServer(name, self._common, Random(random.random()) if pair else random)
            for name in names
        ]
        self._last = self.members[0]
        self.leases.on_end = lambda name: ends(self.member(name))

    def member(self, name: str) -> MemoryServer:
        """One of its servers."""
        return next(each for each in self.members if each.name == name)

    @property
    def primary(self) -> MemoryServer | None:
        """The server that listens now; of two that do, the one with the newer lease."""
        first = max(self.members, key=lambda each: each.epoch)
        return first if first.epoch else None

    @property
    def backup(self) -> MemoryServer | None:
        """The server of a pair that is not primary, while the other is."""
        primary = self.primary
        others = [each for each in self.members if each is not primary]
        return others[0] if others and primary is not None else None

    @property
    def latest(self) -> MemoryServer:
        """The primary, or whichever was it last."""
        self._last = self.primary or self._last
        return self._last

    @property
    def host(self) -> str:
        """Where the primary runs, or did last."""
        return self.latest.name

    @property
    def process(self) -> ProcessClock:
        """The program of the primary, or of whichever was it last."""
        return self.latest.process

    @property
    def server(self) -> NodeServer | None:
        """What the primary serves with, or did last."""
        return self.latest.server

    @property
    def servers(self) -> tuple[Server, ...]:
        """Where proxies find it."""
        return tuple(Server(each.name, node_address(each.name)) for each in self.members)

    @property
    def model(self) -> NodeModel:
        """The tenants that its programs are started with."""
        return self._common.model

    @property
    def settings(self) -> NodeSettings:
        """What its programs are started with."""
        return self._common.settings

    @property
    def around_store(self) -> Callable[[IStore], IStore]:
        """What each program that is started puts around its store, to look on or have it fail."""
        return self._common.around_store

    @around_store.setter
    def around_store(self, around: Callable[[IStore], IStore]) -> None:
        self._common.around_store = around

    @property
    def at_database(self) -> Callable[[str, IStore], IStore]:
        """What stands at its database, below its programs: given a server's name and its store."""
        return self._common.at_database

    @at_database.setter
    def at_database(self, at_database: Callable[[str, IStore], IStore]) -> None:
        self._common.at_database = at_database

    @property
    def listening(self) -> bool:
        """Whether clients can come in."""
        return self.primary is not None

    @property
    def alive(self) -> bool:
        """Whether any of its programs runs."""
        return any(each.alive for each in self.members)

    def start(self) -> None:
        """Start whichever of its programs does not run."""
        for each in self.members:
            each.start()

    def capture(self, *plans: CapturePlan) -> None:
        """
        Its capture points from now on: what runs follows live, and what is
        started later begins with them.
        """
        common = self._common
        common.capture = plans
        rules = {plan.name: plan.rules for plan in plans}
        self.change(common.model, replace(common.settings, capture=rules))

    def log(self, *plans: LogPlan) -> None:
        """Its event logs from now on, likewise."""
        common = self._common
        common.logs = plans
        rules = {plan.name: plan.rules for plan in plans}
        self.change(common.model, replace(common.settings, logs=rules))

    def change(self, model: NodeModel, settings: NodeSettings | None = None) -> None:
        """
        Other tenants, and other settings if they are given: what runs follows
        live, and what is started later begins with them.
        """
        common = self._common
        common.model = model
        common.settings = settings or common.settings
        for each in self.members:
            if each.alive and each.member is not None:
                if each.member.state is State.PRIMARY and each.server is not None:
                    each.server.configuration_changed(
                        model,
                        common.settings,
                        common.limits,
                        capture=common.capture,
                        logs=common.logs,
                    )
                else:
                    each.member.configuration_changed()

    def kill(self) -> None:
        """The primary's program dies, or, where there is none, all do."""
        primary = self.primary
        for each in [primary] if primary is not None else self.members:
            each.kill()

    def end(self) -> None:
        """All its programs die, and its database is needed no more."""
        for each in self.members:
            each.kill()
        self.place.discard()

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table, as the database has them."""
        return self.place.rows(table)
