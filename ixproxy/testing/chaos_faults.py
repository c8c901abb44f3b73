"""
What may happen in a chaos run: a table of faults, drawn by a seed.

A fault strikes, lasts, and heals. One that a backup covers must leave its node
without service for no longer than the lease limit and two seconds. The others
cannot be covered (the database itself is gone, a network between a proxy and a
primary that lives, a full disk), and are told with the time from their healing
to the next good answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from random import Random
from typing import NamedTuple

from ixproxy.testing.chaos_deployment import NODES, PROXIES
from ixproxy.testing.chaos_hosts import HERE
from ixproxy.testing.chaos_rows import truncate_log
from ixproxy.testing.chaos_scene import POSTGRESQL, SQLITE, Scene
from ixproxy.testing.chaos_supervisor import ANYHOW
from ixproxy.testing.chaos_wire import Rule

DEPOSED = "is primary no more"
"""What a server writes into its log when it finds that another one is primary."""

AGAIN = "waits to be primary again"
"""What it writes when it has left."""

NOTICED_SECONDS = 5.0
"""In which a deposed primary that wakes up has found that out, has left, and waits."""


class Strikes(Enum):
    """What a fault is done to."""

    NODE = "node"
    PROXY = "proxy"
    ALL = "all nodes"


class Struck(NamedTuple):
    """
    What a fault was done to.

    :ivar server: the process, where there is one.
    :ivar healed: when it was over, in the reactor's seconds.
    """

    server: str
    healed: float


class Blow(NamedTuple):
    """
    One fault to come, drawn.

    :ivar target: a node or a proxy; with `proxy`, the network between both.
    """

    kind: str
    target: str
    proxy: str
    seconds: float


Strike = Callable[[Scene, Blow], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Kind:
    """
    One row of the table.

    :ivar strike: has it happen, and heals it; tells which server was struck.
    :ivar seconds: how long it lasts, at least and at most.
    :ivar covered: the backup takes over; or nobody should notice.
    :ivar stores: where there is such a fault.
    :ivar beyond: it lasts so much longer than the lease limit.
    :ivar pairs, apart, disks: what it needs.
    :ivar slow: other faults of the same round are not held to the limit.
    """

    strike: Strike
    strikes: Strikes
    seconds: tuple[float, float] = (0.0, 0.0)
    beyond: bool = False
    covered: bool = False
    stores: tuple[str, ...] = (SQLITE, POSTGRESQL)
    pairs: bool = False
    apart: bool = False
    disks: bool = False
    slow: bool = False

    @property
    def between(self) -> bool:
        """Whether it is done to what is between a proxy and a node."""
        return self.apart and not self.covered


async def _kill_primary(scene: Scene, blow: Blow) -> str:
    server = await scene.primary_of(blow.target)
    await scene.kill(server)
    return server


async def _kill_backup(scene: Scene, blow: Blow) -> str:
    server = scene.partner_of(await scene.primary_of(blow.target))
    await scene.kill(server)
    return server


async def _stop_primary(scene: Scene, blow: Blow) -> str:
    server = await scene.primary_of(blow.target)
    await scene.stop(server)
    return server


async def _freeze_primary(scene: Scene, blow: Blow) -> str:
    server = await scene.primary_of(blow.target)
    await scene.freeze(server, blow.seconds)
    return server


async def _freeze_beyond_the_limit(scene: Scene, blow: Blow) -> str:
    """The other one takes over; who wakes up has been killed, or finds that out and waits."""
    server = await scene.primary_of(blow.target)
    process, log = scene.process(server), scene.cluster.log(server)
    epoch, said = scene.epoch_of(blow.target), log.stat().st_size
    await scene.freeze(server, blow.seconds)
    after = f"{server} was frozen for {blow.seconds:.1f} s"
    if scene.epoch_of(blow.target) <= epoch:
        scene.complaints.append(f"{after}, and nobody took over")
    deadline = scene.reactor.seconds() + NOTICED_SECONDS
    while process.running and (missing := _unsaid(log.read_bytes()[said:])):
        if scene.reactor.seconds() > deadline:
            scene.complaints.append(f"{after}, lives, and does not say that it {missing}")
            break
        await scene.pause(0.1)
    return server


def _unsaid(log: bytes) -> str:
    """What a deposed primary has not written into its log yet; empty: it has written all."""
    text = log.decode("utf-8", "replace")
    return next((words for words in (DEPOSED, AGAIN) if words not in text), "")


async def _kill_proxy(scene: Scene, blow: Blow) -> str:
    await scene.kill(blow.target)
    return blow.target


async def _freeze_proxy(scene: Scene, blow: Blow) -> str:
    await scene.freeze(blow.target, blow.seconds)
    return blow.target


def _network(rule: Rule, *, one_way: bool = False) -> Strike:
    """Between the primary of a node and a proxy; `one_way`: what the node sends only."""

    async def strike(scene: Scene, blow: Blow) -> str:
        server = await scene.primary_of(blow.target)
        hosts = scene.host_of(server), scene.host_of(blow.proxy)
        scene.hosts.between(*hosts, rule, one_way=one_way)
        await scene.pause(blow.seconds)
        scene.hosts.between(*hosts, Rule())
        return server

    return strike


async def _cut_from_database(scene: Scene, blow: Blow) -> str:
    server = await scene.primary_of(blow.target)
    host = scene.host_of(server)
    scene.hosts.between(host, HERE, Rule(cut=True))
    await scene.pause(blow.seconds)
    scene.hosts.between(host, HERE, Rule())
    return server


def _database(how: str) -> Strike:
    """PostgreSQL: stopped, killed or paused, and there again."""

    async def strike(scene: Scene, blow: Blow) -> str:
        server = scene.postgres
        assert server is not None
        await scene.apart({"stop": server.stop, "kill": server.kill, "pause": server.pause}[how])
        await scene.pause(blow.seconds)
        await scene.apart(server.resume if how == "pause" else server.start)
        return "PostgreSQL"

    return strike


async def _fill_disk(scene: Scene, blow: Blow) -> str:
    server = await scene.primary_of(blow.target)
    disk = scene.disks[blow.target]
    scene.supervisor.hurt |= dict.fromkeys((server, scene.partner_of(server)), ANYHOW)
    # Otherwise the next writes go where the log's file is large enough already.
    await scene.apart(partial(truncate_log, scene.stores[blow.target]))
    over = scene.reactor.seconds() + blow.seconds
    while scene.reactor.seconds() < over:
        # Again and again, for what a server frees is not to help it.
        await scene.apart(disk.fill)
        await scene.pause(0.1)
    disk.free()
    return server


NODE, PROXY, ALL = Strikes
_SEEN = (3.0, 6.0)
_LONG = (2.5, 4.0)
_ONLY_POSTGRESQL = (POSTGRESQL,)

KINDS: dict[str, Kind] = {
    "kill primary": Kind(_kill_primary, NODE, covered=True),
    "kill backup": Kind(_kill_backup, NODE, covered=True, pairs=True),
    "stop primary": Kind(_stop_primary, NODE, covered=True),
    "freeze primary": Kind(
        _freeze_beyond_the_limit, NODE, _LONG, beyond=True, covered=True, pairs=True
    ),
    "freeze primary briefly": Kind(_freeze_primary, NODE, (0.5, 1.5), covered=True),
    "kill proxy": Kind(_kill_proxy, PROXY),
    "freeze proxy": Kind(_freeze_proxy, PROXY, _SEEN),
    "cut proxy from node": Kind(_network(Rule(cut=True)), NODE, _SEEN, apart=True),
    "cut answers of node": Kind(
        _network(Rule(cut=True), one_way=True), NODE, _SEEN, apart=True
    ),
    "delay to node": Kind(_network(Rule(delay=0.1)), NODE, _SEEN, apart=True, slow=True),
    "loss to node": Kind(_network(Rule(loss=0.05)), NODE, _SEEN, apart=True, slow=True),
    "cut primary from database": Kind(
        _cut_from_database, NODE, _LONG, beyond=True, covered=True,
        stores=_ONLY_POSTGRESQL, pairs=True, apart=True,
    ),
    "stop database": Kind(_database("stop"), ALL, _SEEN, stores=_ONLY_POSTGRESQL, slow=True),
    "kill database": Kind(_database("kill"), ALL, _SEEN, stores=_ONLY_POSTGRESQL, slow=True),
    "pause database": Kind(_database("pause"), ALL, _SEEN, stores=_ONLY_POSTGRESQL, slow=True),
    "full disk": Kind(_fill_disk, NODE, _SEEN, stores=(SQLITE,), disks=True),
}  # fmt: skip


def possible(store: str, *, pairs: bool, apart: bool, disks: bool) -> list[str]:
    """The kinds of fault that can be had."""
    return [
        name
        for name, kind in KINDS.items()
        if store in kind.stores
        and kind.pairs <= pairs
        and kind.apart <= apart
        and kind.disks <= disks
    ]


def draw(kinds: list[str], rounds: int, limit: float, random: Random) -> list[list[Blow]]:
    """
    What happens in each round.

    Every kind comes once before one comes again. In the last third two happen
    at once, to different nodes; what strikes all nodes stays alone.

    :param limit: the lease limit, in seconds.
    """
    order: list[str] = []
    while len(order) < 2 * rounds:
        order += random.sample(kinds, len(kinds))
    plan = []
    for number in range(rounds):
        names = [order.pop(0)]
        if number >= rounds - rounds // 3 and KINDS[names[0]].strikes is not ALL:
            names += [name for name in order if KINDS[name].strikes is not ALL][:1]
            order.remove(names[-1])
        nodes, proxies = random.sample(NODES, len(NODES)), random.sample(PROXIES, len(PROXIES))
        plan.append(
            [_blow(name, nodes[n], proxies[n], limit, random) for n, name in enumerate(names)]
        )
    return plan


def _blow(name: str, node: str, proxy: str, limit: float, random: Random) -> Blow:
    kind = KINDS[name]
    seconds = random.uniform(*kind.seconds) + (limit if kind.beyond else 0.0)
    target = {NODE: node, PROXY: proxy, ALL: ""}[kind.strikes]
    return Blow(name, target, proxy if kind.between else "", seconds)
