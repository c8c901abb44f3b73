"""
The book of pushed work: what nodes have pushed to routers, by what they have committed.

Theory of operation: a push is a party of type ROUTER, and its take number names it.
A take begins with such a row, and is over when the row is gone, or has another number.
Where the interaction is in the commit that ends a take is written down, so that a
router's answer that is acknowledged can be compared with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from ixproxy.node.rows import InteractionRow, PartyRow
from ixproxy.testing.simulation.players import Player
from ixproxy.testing.simulation.worlds import FAST, MAIL, World
from ixproxy.values import PartyType

Come = Callable[..., Player]
"""`Run.come`."""

LOADED = ((MAIL,), (MAIL, FAST), (FAST,), (FAST, MAIL), ())
"""What a router may have loaded."""


class Take(NamedTuple):
    """What a router has of an interaction."""

    number: int
    strategy: str


class Place(NamedTuple):
    """Where an interaction was: in a queue or in a workbin; `gone`: nowhere any more."""

    queue: str = ""
    workbin: str = ""
    owner: str = ""
    gone: bool = False


class PushedWork:
    """
    What routers have been pushed.

    :param broken: told the name of a broken rule, and how it was broken.
    :ivar takes: what each has, by node, interaction and session.
    :ivar over: where an interaction was when a take of it was over, by id and number.
    :ivar pushes: how many there were.
    :ivar loaded: the routers that ever came, and what each has said last that it has loaded.
    :ivar node: to which node each is connected, by its number.
    :ivar well: since when nothing hinders a node, and by which epoch.
    :ivar gone: since when a router is seen to be gone.
    """

    def __init__(self, world: World, broken: Callable[[str, str], None]) -> None:
        self._world = world
        self._broken = broken
        self.takes: dict[tuple[str, str, bytes], Take] = {}
        self.over: dict[tuple[str, int], Place] = {}
        self.pushes = 0
        self.loaded: dict[Player, tuple[str, ...]] = {}
        self.node: dict[Player, int] = {}
        self.well: dict[str, tuple[int, float]] = {}
        self.gone: dict[bytes, float] = {}
        self._rows: dict[str, InteractionRow | None] = {}
        self._new: dict[tuple[str, str, bytes], Take] = {}
        self._ended: list[tuple[str, int]] = []

    def begin(self, come: Come) -> None:
        """Those routers come that there are at first."""
        for number in range(self._world.pushers):
            self.come(come, number % self._world.nodes, LOADED[number])

    def come(self, come: Come, node: int, strategies: Sequence[str]) -> Player:
        """A router begins to connect to a node."""
        player = come("urs", None, node=node, extension={"strategies": list(strategies)})
        self.loaded[player], self.node[player] = tuple(strategies), node
        return player

    def written(
        self, node: str, puts: Sequence[Any], deletes: Sequence[tuple[str, tuple[Any, ...]]]
    ) -> None:
        """See `ledger.Book`."""
        for table, key in deletes:
            if table == "interactions":
                self._rows[key[0]] = None
            elif table == "parties":
                self._leaves(node, key[0], key[1])
        for put in puts:
            if put.table == "interactions":
                self._rows[put.id] = put
            elif put.table == "parties":
                self._joins(node, put)

    def _joins(self, node: str, row: PartyRow) -> None:
        key = node, row.interaction_id, row.session
        before = self.takes.get(key)
        if before is not None and before.number == row.take_number:
            return
        self._leaves(*key)
        if row.party_type == PartyType.ROUTER:
            self.takes[key] = self._new[key] = Take(row.take_number, row.strategy_id)
            self.pushes += 1

    def _leaves(self, node: str, identifier: str, session: bytes) -> None:
        key = node, identifier, session
        take = self.takes.pop(key, None)
        self._new.pop(key, None)
        if take is not None:
            self._ended.append((identifier, take.number))

    def committed(self, node: str) -> None:
        """See `ledger.Book`."""
        for identifier, number in self._ended:
            if identifier in self._rows:
                self.over[identifier, number] = _place(self._rows[identifier])
            else:
                self.over[identifier, number] = Place()
        if self._new:
            for each in self._wrong(node):
                self._broken(*each)
        self._ended.clear()
        self._new.clear()
        self._rows.clear()

    def _wrong(self, node: str) -> Iterable[tuple[str, str]]:
        """What may not be so of what a commit has pushed."""
        for (_, identifier, session), take in self._new.items():
            having = [key[2] for key in self.takes if key[:2] == (node, identifier)]
            if having != [session]:
                text = f"{identifier} is pushed as {take.number}, and {len(having)} routers have it"
                yield "each_is_pushed_to_one_router_at_a_time", text
            row = self._rows.get(identifier)
            if row is None or row.is_held or row.is_locked:
                how = "locked or on hold" if row is not None else "nowhere"
                text = f"{identifier} is pushed as {take.number}, and it is {how}"
                yield "what_is_locked_or_on_hold_is_not_pushed", text
        having_most = Counter(key[2] for key in self.takes if key[0] == node)
        routed = Counter(take.strategy for key, take in self.takes.items() if key[0] == node)
        # What was pushed before stays, so only who has got something can have too much.
        for key, take in self._new.items():
            if having_most[key[2]] > self._world.per_router:
                text = f"{having_most[key[2]]} on {node}, for {self._world.per_router}"
                yield "no_router_has_more_than_it_may", text
            if routed[take.strategy] > self._world.per_strategy:
                text = f"{routed[take.strategy]} of {take.strategy} on {node}"
                yield (
                    "no_strategy_has_more_than_it_may",
                    f"{text}, for {self._world.per_strategy}",
                )


def _place(row: InteractionRow | None) -> Place:
    if row is None:
        return Place(gone=True)
    if row.workbin_type:
        return Place(workbin=row.workbin_type, owner=row.workbin_agent or "")
    return Place(row.queue)
