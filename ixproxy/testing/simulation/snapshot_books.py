"""What is kept of the snapshots that the clients of a run take: whose they are, and their parts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ixproxy import messages as m
from ixproxy.core.snapshots import Part, Snapshot
from ixproxy.testing.members import MemoryProxy
from ixproxy.testing.simulation.players import Asked, Player
from ixproxy.testing.simulation.run import Run
from ixproxy.testing.simulation.snapshot_ledger import OnNode


@dataclass(eq=False)
class Taken:
    """
    A snapshot of a client.

    :ivar asked: the take.
    :ivar size: positions, as the answer says.
    :ivar parts: what nodes have of it, in the order of positions; None: nobody knows, for it
        had ended already when its client was told of it.
    :ivar releases: the requests that released it.
    """

    player: Player
    id: int
    asked: Asked
    size: int
    parts: list[OnNode] | None
    releases: int = 0

    @property
    def take(self) -> m.RequestTakeSnapshot:
        """What was asked."""
        assert isinstance(self.asked.request, m.RequestTakeSnapshot)
        return self.asked.request

    @property
    def ids(self) -> list[str]:
        """Its members by position; only where its parts are known."""
        return [identifier for part in self.parts or () for identifier in part.ids]

    @property
    def where(self) -> dict[str, OnNode]:
        """Each member with the part that has it."""
        return {identifier: part for part in self.parts or () for identifier in part.members}


class Books:
    """
    The snapshots of a run.

    :ivar taken: by client and by the number that it knows.
    """

    def __init__(self) -> None:
        self.taken: dict[tuple[Player, int], Taken] = {}

    def mine(self, run: Run, *sorts: str) -> list[Taken]:
        """Those that clients have that are there, as far as they know."""
        there = run.there(*sorts)
        return [each for each in self.taken.values() if each.player in there and not each.releases]


def parts_of(run: Run, player: Player, identifier: int) -> list[OnNode] | None:
    """What nodes have of a client's snapshot, as its proxy knows it; None: it does not."""
    found = _find(run.cluster.fronts, player.session, identifier)
    return None if found is None else _parts(run, player, found.parts)


def _find(proxies: Iterable[MemoryProxy], session: bytes, identifier: int) -> Snapshot | None:
    for proxy in proxies:
        for each in proxy.core.state.snapshots if proxy.core is not None else ():
            if each.id == identifier and each.client.session == session:
                return each
    return None


def _parts(run: Run, player: Player, parts: Iterable[Part]) -> list[OnNode] | None:
    nodes = {node.name for node in run.cluster.nodes}
    found: list[OnNode] = []
    for part in parts:
        if part.node in nodes:
            known = run.ledger.snapshots.of.get((part.node, part.id))
            if known is None:
                return None
            found.append(known)
            continue
        behind = _find(run.cluster.proxies, player.session, part.id)
        more = None if behind is None else _parts(run, player, behind.parts)
        if more is None:
            return None
        found += more
    return found
