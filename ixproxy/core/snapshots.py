"""
Client snapshots: what each is made of, from its take to its end.

Theory of operation
-------------------
A client's snapshot is one snapshot on each node that was asked. Those are its
*parts*: a node, the snapshot's id there, and how many interactions it has. They
stand in the order of the nodes' names, and neither this order nor a count ever
changes: position 0 is the first interaction of the first part, and what comes
and goes on nodes moves no position. Clients know the proxy's own ids, which
begin somewhere else in each proxy that is started, so that no other one knows
an id of this one by chance. An id is known to the client that took it, on the
connection by which it did, and to nobody else.

TAKING    the nodes were asked; parts come in one by one.
STANDING  all have taken: the client has its id.
ENDED     it stands in no table: whoever names it is told 2006.

Whatever ends it has its parts released on their nodes (`snapshot_releases`). A
part whose node is away is not gone: the node has it still, and keeps it if it
is listed when the client is registered there again (`listed`). Until then the
snapshot is not accessible, except to be released. A part is gone when its node
does not have it any more, or is in the deployment no more, or was reached
through a proxy whose link broke, for that frees what it had.

While a take is in flight on a node, a client that has gone is not taken off that
node (`waits_to_leave`): what was taken can be given back in its name only.

What a restart loses, and who restores it: all of it; the ids are not known any
more (2006). The nodes free what they have when the clients register again
without listing it, or do not come back in time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from ixproxy.core.clients import Client
from ixproxy.core.fan_outs import FanOuts
from ixproxy.messages.registration import MAX_SNAPSHOTS
from ixproxy.values import NodeName

LAST_ID = (1 << 31) - 1


class State(Enum):
    """How far a snapshot is."""

    TAKING = "taking"
    STANDING = "standing"
    ENDED = "ended"


class Step(Enum):
    """What happens to a snapshot."""

    TAKEN = "all nodes have taken"
    FAILED = "a node refused, or was lost"
    RELEASED = "its client released it"
    PART_GONE = "a part is gone"
    LEFT = "its client has gone"


NEXT: dict[tuple[State, Step], State | None] = {
    (State.TAKING, Step.TAKEN): State.STANDING,
    (State.TAKING, Step.FAILED): State.ENDED,
    (State.TAKING, Step.RELEASED): None,
    (State.TAKING, Step.PART_GONE): None,
    (State.TAKING, Step.LEFT): State.ENDED,
    (State.STANDING, Step.TAKEN): None,
    (State.STANDING, Step.FAILED): None,
    (State.STANDING, Step.RELEASED): State.ENDED,
    (State.STANDING, Step.PART_GONE): State.ENDED,
    (State.STANDING, Step.LEFT): State.ENDED,
    (State.ENDED, Step.TAKEN): None,
    (State.ENDED, Step.FAILED): None,
    (State.ENDED, Step.RELEASED): None,
    (State.ENDED, Step.PART_GONE): None,
    (State.ENDED, Step.LEFT): None,
}


class Part(NamedTuple):
    """
    One node's share of a snapshot.

    :ivar id: the snapshot's id on the node.
    :ivar size: interactions in it, those that have left meanwhile included.
    """

    node: NodeName
    id: int
    size: int


class Slice(NamedTuple):
    """Positions of one part, counted from its own first: from `start`, `number` of them."""

    part: Part
    start: int
    number: int


class Snapshot:
    """
    One snapshot of a client.

    :ivar parts: in the order of positions, once it is STANDING.
    :ivar broken: one of its parts is gone, while others are being taken.
    """

    __slots__ = ("broken", "client", "id", "parts", "state", "tenant")

    def __init__(self, client: Client, tenant: int, identifier: int) -> None:
        self.client = client
        self.tenant = tenant
        self.id = identifier
        self.parts: list[Part] = []
        self.broken = False
        self.state = State.TAKING

    @property
    def size(self) -> int:
        """How many interactions were taken."""
        return sum(part.size for part in self.parts)

    def part_on(self, node: NodeName) -> Part | None:
        """The share of one node, if it has one."""
        return next((part for part in self.parts if part.node == node), None)

    def page(self, start: int, number: int) -> list[Slice]:
        """
        What each part has of some positions; parts that have none are left out.

        :param start: the first position, from 0; there may be nothing.
        :param number: how many at most; 0: all that follow.
        """
        end = start + number if number else self.size
        slices, first = [], 0
        for part in self.parts:
            begin, stop = max(start - first, 0), min(end - first, part.size)
            if begin < stop:
                slices.append(Slice(part, begin, stop - begin))
            first += part.size
        return slices


class Snapshots:
    """
    All snapshots of one proxy.

    :param first_id: 1 to 2**31 - 1; another one each time that a proxy is started.
    """

    def __init__(self, first_id: int = 1) -> None:
        self._next_id = first_id
        self._by_id: dict[int, Snapshot] = {}
        self._of_client: dict[Client, dict[int, Snapshot]] = {}
        self._takes: Counter[tuple[Client, NodeName]] = Counter()
        self._leaving: set[tuple[Client, NodeName]] = set()

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Snapshot]:
        return iter(list(self._by_id.values()))

    def number_of(self, client: Client) -> int:
        """How many one client has, or is taking."""
        return len(self._of_client.get(client, ()))

    def has_room(self, client: Client, most: int, unreleased: Counter[Client]) -> bool:
        """
        Whether the client may have one more: none has more than a part of all.

        :param unreleased: parts of ended ones that nodes still have, by client.
        """
        of_client = self.number_of(client) + unreleased[client]
        share = min(FanOuts.share(most), MAX_SNAPSHOTS)
        return len(self) + unreleased.total() < most and of_client < share

    def begin(self, client: Client, tenant: int) -> Snapshot:
        """A take begins."""
        while self._next_id in self._by_id:
            self._next_id = self._after(self._next_id)
        snapshot = Snapshot(client, tenant, self._next_id)
        self._next_id = self._after(self._next_id)
        self._by_id[snapshot.id] = snapshot
        self._of_client.setdefault(client, {})[snapshot.id] = snapshot
        return snapshot

    @staticmethod
    def _after(identifier: int) -> int:
        return identifier + 1 if identifier < LAST_ID else 1

    def find(self, client: Client, tenant: int, identifier: int) -> Snapshot | None:
        """The snapshot that a client means; None: it has no such one, or not any more."""
        snapshot = self._of_client.get(client, {}).get(identifier)
        if snapshot is None or snapshot.state is not State.STANDING or snapshot.tenant != tenant:
            return None
        return snapshot

    def of(self, client: Client) -> list[Snapshot]:
        """All that one client has, or is taking."""
        return list(self._of_client.get(client, {}).values())

    def listed(self, client: Client, node: NodeName) -> list[int]:
        """What a node is to keep for a client: ids as the node knows them."""
        found = (each.part_on(node) for each in self._of_client.get(client, {}).values())
        return [part.id for part in found if part is not None]

    def step(self, snapshot: Snapshot, step: Step) -> None:
        """
        Move on by the table; one that has ended is forgotten.

        :raise ValueError: the step is none from this state.
        """
        after = NEXT[snapshot.state, step]
        if after is None:
            raise ValueError(f"snapshot {snapshot.id}: {step.name} while {snapshot.state.value}")
        snapshot.state = after
        if after is State.STANDING:
            snapshot.parts.sort()
        elif after is State.ENDED:
            del self._by_id[snapshot.id]
            mine = self._of_client[snapshot.client]
            del mine[snapshot.id]
            if not mine:
                del self._of_client[snapshot.client]

    def take_began(self, client: Client, node: NodeName) -> None:
        """A node was asked to take."""
        self._takes[client, node] += 1

    def take_ended(self, client: Client, node: NodeName) -> bool:
        """It has answered, or will not; whether the client waited for this to leave the node."""
        key = client, node
        self._takes[key] -= 1
        if self._takes[key] > 0:
            return False
        del self._takes[key]
        waited = key in self._leaving
        self._leaving.discard(key)
        return waited

    def waits_to_leave(self, client: Client, node: NodeName) -> bool:
        """Whether a client that has gone must stay known on a node until a take has ended."""
        key = client, node
        if key not in self._takes:
            return False
        self._leaving.add(key)
        return True
