"""
The faults of a capture chaos run: what can strike the node, and when what strikes.

What can strike the source is its own affair (`Source.faults`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from ixproxy.errors import IxproxyError
from ixproxy.testing.capture_chaos_source import Source
from ixproxy.testing.chaos_supervisor import KILLED, STOPPED, Supervisor
from ixproxy.testing.processes import RealCluster

NODE, BACKUP = "ixn1", "ixn1-b"
_SUFFIX = BACKUP.removeprefix(NODE)
FIND_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Node:
    """
    The pair of servers that is struck, and who starts them again.

    :ivar name: of the node, and of its primary.
    """

    reactor: IReactorTime
    cluster: RealCluster
    supervisor: Supervisor
    lease_limit: float
    name: str = NODE

    async def pause(self, seconds: float) -> None:
        """Let some time pass."""
        await deferLater(self.reactor, seconds)

    async def primary(self) -> str:
        """Who serves; if nobody does for long, the primary by name."""
        for _ in range(round(FIND_SECONDS / 0.2)):
            if found := await self.cluster.primary_of(self.name):
                return found
            await self.pause(0.2)
        return self.name

    async def kill(self, name: str) -> None:
        """`kill -9`; the supervisor starts it again."""
        if self.cluster.servers.processes[name].running:
            self.supervisor.hurt[name] = KILLED
            await self.cluster.kill(name)


Strike = Callable[[Node, float], Awaitable[None]]


async def _kill_primary(node: Node, seconds: float) -> None:
    await node.kill(await node.primary())


async def _kill_backup(node: Node, seconds: float) -> None:
    await node.kill(_other(await node.primary()))


async def _kill_both(node: Node, seconds: float) -> None:
    killed = [Deferred.fromCoroutine(node.kill(name)) for name in (node.name, _other(node.name))]
    await gatherResults(killed, consumeErrors=True)


async def _stop_primary(node: Node, seconds: float) -> None:
    name = await node.primary()
    if node.cluster.servers.processes[name].running:
        node.supervisor.hurt[name] = STOPPED
        await node.cluster.servers.end(name)


async def _freeze_primary(node: Node, seconds: float) -> None:
    name = await node.primary()
    # On one host a backup kills the primary that hangs.
    node.supervisor.hurt[name] = KILLED
    node.cluster.pause(name)
    await node.pause(seconds)
    node.cluster.resume(name)


async def _freeze_beyond_the_limit(node: Node, seconds: float) -> None:
    await _freeze_primary(node, seconds + node.lease_limit)


STRIKES: Mapping[str, tuple[Strike, float, float]] = {
    "kill primary": (_kill_primary, 0.0, 0.0),
    "kill backup": (_kill_backup, 0.0, 0.0),
    "kill both": (_kill_both, 0.0, 0.0),
    "stop primary": (_stop_primary, 0.0, 0.0),
    "freeze primary": (_freeze_beyond_the_limit, 1.0, 3.0),
    "freeze primary briefly": (_freeze_primary, 0.3, 1.5),
}
"""What strikes the node, and for how many seconds at least and at most."""


@dataclass(frozen=True, slots=True)
class Blow:
    """
    One fault.

    :ivar after: as soon as so many documents are taken.
    """

    kind: str
    seconds: float
    after: int


def draw(
    source: Source, count: int, documents: int, random: Random, only: Sequence[str] = ()
) -> list[Blow]:
    """
    The faults of a run, each kind once before one comes again, spread over its documents.

    :param only: these alone, of those that there are.
    :raise IxproxyError: it is none of them.
    """
    spans = {name: span for name, (_, *span) in {**STRIKES, **source.faults()}.items()}
    kinds = [name for name in spans if not only or name in only]
    if not kinds:
        raise IxproxyError(f"of the faults that are wanted there are none among {', '.join(spans)}")
    order: list[str] = []
    while len(order) < count:
        order += random.sample(kinds, len(kinds))
    return [
        Blow(kind, random.uniform(*spans[kind]), round(documents * (at + random.random()) / count))
        for at, kind in enumerate(order[:count])
    ]


async def strike(blow: Blow, node: Node, source: Source) -> None:
    """Have a fault happen; what it does outside is whole again afterwards."""
    if blow.kind in STRIKES:
        await STRIKES[blow.kind][0](node, blow.seconds)
    else:
        await source.faults()[blow.kind][0](blow.seconds)


def _other(name: str) -> str:
    return name.removesuffix(_SUFFIX) if name.endswith(_SUFFIX) else name + _SUFFIX
