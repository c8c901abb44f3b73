"""
The system of an event-log chaos run: nodes, what both logs of each are, and what strikes them.

    async with Stage(reactor, folder, options, NODES) as stage:
        await stage.apart(stage.outside.go_away)
        await stage.strike("kill primary", "ixn1", 0.0)
        await stage.apart(stage.outside.come_back)
        verdict = await stage.judged(truth)
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from ixproxy.errors import StorageError
from ixproxy.testing.capture_chaos_faults import STRIKES, Node
from ixproxy.testing.chaos_rows import read_rows
from ixproxy.testing.chaos_scene import POSTGRESQL, SQLITE
from ixproxy.testing.chaos_supervisor import Supervisor
from ixproxy.testing.eventlog_chaos_deployment import (
    BACKUP,
    LEAST_BOUND,
    SHAKEN,
    WITNESS,
    deployment,
)
from ixproxy.testing.eventlog_chaos_judging import Truth, Verdict, judge
from ixproxy.testing.eventlog_chaos_outsides import OUTSIDES, Outside
from ixproxy.testing.eventlog_chaos_rows import Logged, read_tables, spooled
from ixproxy.testing.postgresql import PostgresqlServer
from ixproxy.testing.processes import RealCluster

TRACEBACK = "Traceback (most recent call last)"
LOOK_SECONDS = 0.3
STILL_SECONDS = 90.0
"""What has not moved for so long will not; a log is tried again after 30 s at most."""


@dataclass(frozen=True, slots=True)
class Options:
    """
    What a run is to be like.

    :ivar case: `away`, `bound` or `mandatory`.
    :ivar log: the kind of the log that is struck.
    :ivar store: of the nodes: `sqlite` or `postgresql`.
    :ivar rounds: how often a log is struck, where it is `away`.
    :ivar rate: documents per second, there.
    :ivar drops: so many events at least are dropped before each kill, where the spool has a bound.
    :ivar only: these faults of logs alone; empty: all.
    """

    case: str = "away"
    log: str = "postgresql"
    store: str = SQLITE
    rounds: int = 8
    seed: int = 1
    rate: float = 30.0
    drops: int = 1500
    lease_limit: int = 3
    only: tuple[str, ...] = ()


@dataclass(slots=True)
class Outcome:
    """
    What came of a run.

    :ivar struck: how often what happened.
    :ivar surprises: what ended that nothing had struck, and what else must not be.
    :ivar missing: what could not happen here, and why.
    :ivar waited: the most events that waited for the log on one node, as far as somebody looked.
    """

    options: Options
    verdict: Verdict
    struck: Counter[str]
    surprises: list[str]
    missing: list[str]
    seconds: float
    waited: int = 0

    @property
    def failed(self) -> bool:
        """Whether anything is wrong."""
        return bool(self.verdict.wrong or self.surprises)


class Stage:
    """
    :param folder: for the file, the logs and the databases.
    :param nodes: which are there.
    :param outside: one that is started and goes on; None: it has its own.
    :ivar struck: how often what happened.
    """

    def __init__(
        self,
        reactor: Any,
        folder: Path,
        options: Options,
        nodes: Iterable[str],
        *,
        bound: int = LEAST_BOUND,
        mandatory: bool = False,
        proxy: bool = False,
        outside: Outside | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.reactor = reactor
        self.options = options
        self.nodes = tuple(nodes)
        self.outside = outside or OUTSIDES[options.log](folder / "log")
        self.struck: Counter[str] = Counter()
        self._folder = folder
        self._is_ours = outside is None
        self._bound, self._mandatory, self._proxy = bound, mandatory, proxy
        self._server: PostgresqlServer | None = None
        self.stores: dict[str, str] = {}
        self._witnesses = {name: f"sqlite:{folder / name}-witness.db" for name in self.nodes}
        self._of: dict[str, Node] = {}
        self._looks: list[Logged] = []

    async def __aenter__(self) -> Stage:
        try:
            await self._set_up()
        except BaseException:
            await self._let_go()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self.supervisor.stop()
        for process in self.cluster.servers.processes.values():
            process.signal(signal.SIGCONT)
        await self.cluster.stop()
        await self._let_go()

    async def _set_up(self) -> None:
        if self._is_ours:
            await self.apart(self.outside.start)
        await self.apart(self._make_stores)
        text = deployment(
            self.stores,
            self._witnesses,
            self.outside.address,
            bound=self._bound,
            mandatory=self._mandatory,
            lease_limit=self.options.lease_limit,
            proxy=self._proxy,
        )
        self.cluster = RealCluster(self.reactor, self._folder / "cluster", text)
        self.supervisor = Supervisor(
            self.reactor, self.cluster, Random(f"{self.options.seed}/supervisor")
        )
        try:
            await self._begin()
        except BaseException:
            await self.cluster.stop()
            raise
        self.supervisor.start()
        for name in self.nodes:
            self._of[name] = Node(
                self.reactor, self.cluster, self.supervisor, self.options.lease_limit, name
            )

    async def _begin(self) -> None:
        """Start the servers; the log is away when they do, where that costs little."""
        away = self._is_ours and self.outside.comes_soon
        if away:
            await self.apart(self.outside.go_away)
        try:
            await self.cluster.start()
        finally:
            if away:
                await self.apart(self.outside.come_back)

    def _make_stores(self) -> None:
        if self.options.store == POSTGRESQL:
            self._server = PostgresqlServer()
            self._server.start()
            self.stores = {name: self._server.make_database(name) for name in self.nodes}
        else:
            self.stores = {name: f"sqlite:{self._folder / name}.db" for name in self.nodes}

    async def _let_go(self) -> None:
        if self._is_ours:
            await self.apart(self.outside.stop)
        server, self._server = self._server, None
        if server is not None:
            await self.apart(server.remove)

    async def apart(self, work: Callable[[], Any]) -> Any:
        """Do what blocks, in a thread."""
        return await deferToThread(work)

    async def pause(self, seconds: float) -> None:
        """Let some time pass."""
        await deferLater(self.reactor, seconds)

    def endpoints(self, node: str) -> list[str]:
        """Of both servers of a node."""
        return [self.cluster.endpoint(name) for name in (node, node + BACKUP)]

    async def strike(self, kind: str, node: str, seconds: float) -> None:
        """Have something happen to a node: one of `capture_chaos_faults.STRIKES`."""
        self.struck[kind] += 1
        await STRIKES[kind][0](self._of[node], seconds)

    async def meanwhile(self, *works: Any) -> None:
        """Have some things happen at the same time."""
        await gatherResults([Deferred.fromCoroutine(work) for work in works], consumeErrors=True)

    async def drained(self) -> bool:
        """Wait until all logs have everything; whether they do before nothing moves any more."""
        moved, before, calm = self.reactor.seconds(), (-1, -1, -1), 0
        while self.reactor.seconds() - moved < STILL_SECONDS:
            await self.pause(LOOK_SECONDS)
            left = await self.apart(self._left)
            calm = calm + 1 if left == (0, 0, 0) and self.supervisor.complete else 0
            if calm == 2:
                return True
            if left != before:
                moved, before = self.reactor.seconds(), left
        return False

    def _left(self) -> tuple[int, int, int]:
        left = [spooled(self.stores, log) for log in (WITNESS, SHAKEN)]
        if any(left):
            return left[0], left[1], 0
        entries = len(self.witness().rows)
        return 0, 0, 0 if self.outside.complete(entries) else entries

    def witness(self) -> Logged:
        """What the logs have that nothing happened to, all nodes together."""
        found = Logged()
        for address in self._witnesses.values():
            of_node = read_tables(address)
            found.rows |= of_node.rows
            found.gaps += of_node.gaps
            found.twice += of_node.twice
        return found

    def left_interactions(self) -> set[str]:
        """The ids of the interactions that the nodes have."""
        rows = read_rows(self.stores, ("interactions",))["interactions"]
        return {row["id"] for row in rows}

    async def judged(self, truth: Truth) -> Verdict:
        """
        Wait until all logs have everything, and judge them.

        :raise ixproxy.errors.StorageError: a log cannot be read.
        """
        drained = await self.drained()
        verdict: Verdict = await self.apart(lambda: self._judged(truth))
        verdict.count(
            "nodes with events that do not leave",
            [] if drained else await self.apart(self._names_of_spools),
        )
        return verdict

    def _names_of_spools(self) -> list[str]:
        return [f"{name}: {spooled({name: at}, SHAKEN)} rows" for name, at in self.stores.items()]

    def _judged(self, truth: Truth) -> Verdict:
        truth.there = self.left_interactions()
        witness = self.witness()
        return judge(truth, witness, self.outside.logged(), self._looks)

    async def look(self) -> None:
        """See what the log has now, for the verdict; nothing, where it cannot be read."""
        with suppress(StorageError):
            self._looks.append(await self.apart(self.outside.logged))

    def surprises(self) -> list[str]:
        """What ended by itself, and what servers said that they must not."""
        found = self.supervisor.surprises()
        for process in self.cluster.servers.processes.values():
            if TRACEBACK in process.log.read_text("utf-8", "replace"):
                found.append(f"{process.name}: its log has a traceback")
        return found

    def said(self, node: str, text: str) -> bool:
        """Whether one of a node's servers has said something."""
        return any(
            text in self.cluster.log(name).read_text("utf-8", "replace")
            for name in (node, node + BACKUP)
            if self.cluster.log(name).exists()
        )
