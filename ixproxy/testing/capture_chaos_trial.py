"""
One capture chaos run: a real pair of servers, a source that gives documents, and faults.

Theory of operation: each fault happens once so many interactions are there, and
the source gives as fast as it can, but is never more than some documents ahead of
the next fault, so all of them happen amid work. When everything is given and has
struck, the rest is waited for, until nothing moves any more.
"""

from __future__ import annotations

import signal
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from random import Random
from sqlite3 import Error, connect
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater

from ixproxy.errors import StorageError
from ixproxy.testing import capture_chaos_faults as faults
from ixproxy.testing.capture_chaos_bystander import Bystander
from ixproxy.testing.capture_chaos_faults import BACKUP, NODE, Blow, Node
from ixproxy.testing.capture_chaos_judging import Found, Promises, Verdict, judge
from ixproxy.testing.capture_chaos_source import Source
from ixproxy.testing.capture_chaos_words import QUEUE, Given, draw, toml
from ixproxy.testing.chaos_rows import read_rows
from ixproxy.testing.chaos_supervisor import Supervisor
from ixproxy.testing.processes import RealCluster

POINT = "claims"
TRACEBACK = "Traceback (most recent call last)"
LOOK_SECONDS = 0.1
AT_ONCE = 50
MOST_AHEAD = 400
"""
Documents that are given at once; and interactions, about, that are not there yet meanwhile, nor
were when the next fault was due.
"""

DATABASE_SECONDS = 5
STILL_SECONDS = 60.0
"""What has not moved for so long will not."""

_DEPLOYMENT = """\
[tenants.Environment]
id = 1
[tenants.Environment.media-types]
email = {{}}
[tenants.Environment.queues.{queue}.views.All]

[applications.{node}]
type = "Interaction Server"
dbid = 101
tenants = ["Environment"]
listen = "tcp:7101:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:7101"
backup = "{backup}"
store = "sqlite:{node}.db"
[applications.{node}.options.settings]
lease-limit = {lease_limit}

[[applications.{node}.capture]]
name = "{point}"
tenant = "Environment"
queue = "{queue}"
default-values = {{ MediaType = "email" }}
duplicate-check = "{duplicate_check}"
notify = "{notify}"
{settings}

[applications.{backup}]
type = "Interaction Server"
listen = "tcp:7102:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:7102"
"""


@dataclass(frozen=True, slots=True)
class Options:
    """
    What a run is to be like.

    :ivar faults: how many.
    :ivar only: these kinds of fault alone; empty: all.
    """

    kind: str
    documents: int = 5000
    faults: int = 25
    seed: int = 1
    duplicate_check: str = "receipt"
    notify: str = "at-least-once"
    lease_limit: int = 3
    only: tuple[str, ...] = ()


@dataclass(slots=True)
class Outcome:
    """
    What came of a run.

    :ivar struck: faults by kind, and `surprises`: what ended that nothing had struck.
    :ivar counts: the capture point's own counters, of all its terms, about.
    :ivar seconds: from the first document to the last reply; `giving`: until all were given.
    """

    options: Options
    verdict: Verdict
    struck: Counter[str]
    surprises: list[str]
    counts: dict[str, int]
    seconds: float
    giving: float

    @property
    def failed(self) -> bool:
        """Whether anything is wrong."""
        return bool(self.verdict.wrong or self.surprises)


@dataclass(slots=True)
class Trial:
    """
    :ivar folder: of the databases and logs.
    :ivar tell: told what happens.
    :ivar next_at: the interactions with which the next fault is due, or that which strikes was.
    """

    reactor: Any
    folder: Path
    options: Options
    make_source: Callable[[Any, Path, Random], Source]
    tell: Callable[[str], object] = lambda line: None
    struck: Counter[str] = field(default_factory=Counter)
    given_at: float = 0.0
    next_at: float = 0.0

    async def run(self) -> Outcome:
        """
        From the first server to the verdict.

        :raise ixproxy.errors.IxproxyError: there can be no run here.
        """
        seed = self.options.seed
        source = self.make_source(self.reactor, self.folder / "source", Random(f"{seed}/source"))
        given = draw(self.options.documents, source.sorts, Random(f"{seed}/documents"))
        try:
            await source.start()
            return await self._among_servers(source, given)
        finally:
            await source.stop()

    async def _among_servers(self, source: Source, given: Sequence[Given]) -> Outcome:
        seed = self.options.seed
        text = deployment(self.options, source)
        # Its ports are the system's choice: other runs may have the same seed.
        cluster = RealCluster(self.reactor, self.folder / "cluster", text)
        supervisor = Supervisor(self.reactor, cluster, Random(f"{seed}/supervisor"))
        bystander = Bystander(
            self.reactor,
            [cluster.endpoint(name) for name in (NODE, BACKUP)],
            str(cluster.store(NODE)),
            POINT,
            Random(f"{seed}/bystander"),
        )
        async with cluster:
            supervisor.start()
            bystander.begin()
            began = self.reactor.seconds()
            try:
                submits = sum(len(each.submits) for each in given)
                node = Node(self.reactor, cluster, supervisor, self.options.lease_limit)
                blows = faults.draw(
                    source, self.options.faults, submits, Random(f"{seed}/faults"),
                    self.options.only,
                )  # fmt: skip
                await self.give_and_strike(node, source, given, blows)
                self.tell("all is given and has struck: what is left is waited for")
                await bystander.end()
                await self._drain(node, source)
                seconds = self.reactor.seconds() - began
                self.tell(f"{_count(node):6} interactions after {seconds:.0f} s: all is read back")
            finally:
                await bystander.end()
                supervisor.stop()
                for process in cluster.servers.processes.values():
                    process.signal(signal.SIGCONT)
            verdict = await self._judge(node, source, given, bystander)
        return Outcome(
            self.options, verdict, self.struck, supervisor.surprises(), dict(bystander.counts),
            seconds, self.given_at - began,
        )  # fmt: skip

    async def give_and_strike(
        self, node: Node, source: Source, given: Sequence[Given], blows: Sequence[Blow]
    ) -> None:
        """Give all documents, and have all faults happen amid them."""
        giving = Deferred.fromCoroutine(self._give(node, source, given))
        striking = Deferred.fromCoroutine(self._strike_all(blows, node, source))
        await gatherResults([giving, striking], consumeErrors=True)

    async def _give(self, node: Node, source: Source, given: Sequence[Given]) -> None:
        submits = 0
        for start in range(0, len(given), AT_ONCE):
            some = given[start : start + AT_ONCE]
            await self._until_taken(node, submits - MOST_AHEAD)
            while submits - MOST_AHEAD > self.next_at:
                await deferLater(self.reactor, LOOK_SECONDS)
            await source.give(some)
            submits += sum(len(each.submits) for each in some)
        self.given_at = self.reactor.seconds()

    async def _strike_all(self, blows: Sequence[Blow], node: Node, source: Source) -> None:
        try:
            for blow in blows:
                self.next_at = blow.after
                await self._until_taken(node, blow.after)
                await self._strike(blow, node, source)
        finally:
            self.next_at = inf

    async def _strike(self, blow: Blow, node: Node, source: Source) -> None:
        began = self.reactor.seconds()
        await faults.strike(blow, node, source)
        self.struck[blow.kind] += 1
        took = self.reactor.seconds() - began
        self.tell(f"{_count(node):6} interactions  {blow.kind}, {took:.1f} s")

    async def _until_taken(self, node: Node, enough: int) -> None:
        """Wait for so many interactions, or until no more come: the rest may be bad."""
        still, before = 0.0, -1
        while (there := _count(node)) < enough and still < STILL_SECONDS / 4:
            still = 0.0 if there != before else still + LOOK_SECONDS
            before = there
            await deferLater(self.reactor, LOOK_SECONDS)

    async def _drain(self, node: Node, source: Source) -> None:
        """Wait until nothing is left, or nothing moves any more."""
        moved, before = self.reactor.seconds(), (-1, -1)
        while self.reactor.seconds() - moved < STILL_SECONDS:
            left = (await source.left(), _outbox(node))
            if left == (0, 0) and node.supervisor.complete:
                return
            if left != before:
                moved, before = self.reactor.seconds(), left
            await deferLater(self.reactor, LOOK_SECONDS)
        self.tell(f"nothing has moved for {STILL_SECONDS:g} s: {before} left")

    async def _judge(
        self, node: Node, source: Source, given: Sequence[Given], bystander: Bystander
    ) -> Verdict:
        rows: dict[str, list[str]] = defaultdict(list)
        for id, external_id in _taken(node):
            rows[external_id].append(id)
        found = Found(
            rows=rows,
            left=await source.left(),
            outbox=_outbox(node),
            errors=await source.errors(),
            told=await source.told(),
            documents=await source.documents(),
            copies=await source.copies(),
            held=frozenset(bystander.held),
            tried=frozenset(bystander.tried),
        )
        check = self.options.duplicate_check
        verdict = judge(
            given,
            found,
            Promises(
                once=check != "none",
                by_external_id=check == "external-id",
                replies=source.replies,
                told_of_bad=source.told_of_bad,
                notified=source.notified,
                tell_once=self.options.notify == "at-most-once" and source.notified,
                ordered=source.ordered,
            ),
        )
        verdict.count("logs with tracebacks", _broken_logs(node))
        return verdict


def deployment(options: Options, source: Source) -> str:
    """The deployment file of a run: one pair, with the capture point."""
    return _DEPLOYMENT.format(
        queue=QUEUE,
        node=NODE,
        backup=BACKUP,
        point=POINT,
        lease_limit=options.lease_limit,
        duplicate_check=options.duplicate_check,
        notify=options.notify,
        settings=toml(source.settings()),
    )


def _read(node: Node, table: str) -> list[dict[str, Any]]:
    stores = {name: f"sqlite:{path}" for name, path in node.cluster.stores().items()}
    try:
        return read_rows(stores, (table,))[table]
    except StorageError:
        # Whoever becomes primary may just have it for itself.
        return []


def _broken_logs(node: Node) -> list[str]:
    """The logs of servers that broke somewhere."""
    logs = [node.cluster.log(name) for name in (NODE, BACKUP)]
    return [str(log) for log in logs if TRACEBACK in log.read_text("utf-8", "replace")]


def _count(node: Node) -> int:
    """How many interactions there are."""
    try:
        with closing(
            connect(f"file:{node.cluster.store(NODE)}?mode=ro", uri=True, timeout=DATABASE_SECONDS)
        ) as database:
            ((count,),) = database.execute("SELECT count(*) FROM interactions")
            return int(count)
    except Error:
        return 0


def _taken(node: Node) -> list[tuple[str, str]]:
    """Id and external id of all interactions."""
    return [(row["id"], row["external_id"] or "") for row in _read(node, "interactions")]


def _outbox(node: Node) -> int:
    return sum(POINT in row["consumer"] for row in _read(node, "outbox"))
