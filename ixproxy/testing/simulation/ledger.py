"""
The ledger: what the nodes' databases were told, commit by commit.

It is written below the nodes, by their stores (`ObservedStore`), so it holds
what is so, whatever anybody says; what clients are told is compared with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from ixproxy.interfaces import IStore
from ixproxy.node.rows import InteractionRow, PartyRow
from ixproxy.testing.faults import FaultyStore
from ixproxy.testing.simulation.seats import AgentSession, Seats
from ixproxy.testing.simulation.snapshot_ledger import SnapshotLedger

OWN = "own-"
"""What the ids begin with that clients give."""

Tell = Callable[[str, str], None]
"""Told the name of a broken rule, and how it was broken."""


class Book(Protocol):
    """Somebody else who keeps something of what is committed."""

    def written(
        self, node: str, puts: Sequence[Any], deletes: Sequence[tuple[str, tuple[Any, ...]]]
    ) -> None:
        """A node has written some rows in a transaction."""

    def committed(self, node: str) -> None:
        """It has committed what it has written; nothing is told of what it does not commit."""


class Ledger:
    """
    Everything that was ever committed, as far as rules need it.

    :param broken: told what may never be committed.
    :param reborn: told the id of what comes up again, as it may by a name that a client gives.
    :ivar born: interaction id to the node it came up on.
    :ivar births: how often it came up: more than once only where a client names it.
    :ivar owners: interaction id to the nodes that have it now.
    :ivar died: the interactions that were deleted.
    :ivar tags: mark of a submit to the interactions that carry it.
    :ivar marks: marks of changes to the interaction that has them.
    :ivar takes: who ever had what: (session, interaction id, number of the take).
    :ivar parties: who has it now.
    :ivar seats: who is logged in, or about to be.
    :ivar books: what else is kept of all commits.
    :ivar snapshots: what clients have taken, and how interactions were meanwhile.
    """

    def __init__(self, broken: Tell, reborn: Callable[[str], None] = lambda _: None) -> None:
        self.broken = broken
        self.reborn = reborn
        self.born: dict[str, str] = {}
        self.births: Counter[str] = Counter()
        self.owners: dict[str, set[str]] = {}
        self.died: dict[str, str] = {}
        self.tags: dict[int, list[str]] = {}
        self.marks: dict[str, str] = {}
        self.marks_of: dict[str, set[str]] = {}
        self.takes: set[tuple[bytes, str, int]] = set()
        self.parties: dict[tuple[str, str, bytes], int] = {}
        self.submitters: dict[str, str] = {}
        self.sessions_of: dict[str, set[bytes]] = {}
        """Interaction id to the client sessions that ever had to do with it; likewise agents."""
        self.agents_of: dict[str, set[str]] = {}
        self.logins: dict[AgentSession, set[str]] = {}
        """Agent session, by tenant, agent and stamp, to the nodes that ever had it."""
        self.seats = Seats()
        self.books: list[Book] = [self.seats]
        self.snapshots = SnapshotLedger()
        self.forbidden: dict[str, str] = {}
        """Marks that may never be committed, and why."""
        self.epochs: dict[str, int] = {}
        self.events: dict[str, int] = {}
        self.leases: dict[str, ObservedStore] = {}

    def opened(self, store: ObservedStore, epoch: int) -> None:
        """A node has begun a lease."""
        node = store.node
        before = self.epochs.get(node, 0)
        if epoch <= before:
            self.broken("epochs_rise", f"{node} begins epoch {epoch} after {before}")
        self.epochs[node] = epoch
        self.leases[node] = store

    def committed(
        self,
        store: ObservedStore,
        writes: Sequence[tuple[Sequence[Any], Sequence[Any]]],
        number: int,
    ) -> None:
        """A node has committed."""
        node = store.node
        if self.leases.get(node) is not store:
            self.broken(
                "only_the_newest_lease_writes", f"{node} commits under a lease that is over"
            )
        last = self.events.get(node, 0)
        if number < last:
            self.broken("events_are_numbered_upwards", f"{node} numbers {number} after {last}")
        self.events[node] = number
        for puts, deletes in writes:
            for put in puts:
                self._put(node, put)
            for book in self.books:
                book.written(node, puts, deletes)
            self.seats.written(node, puts, deletes)
            self.snapshots.written(node, puts, deletes)
            for table, key in deletes:
                if table == "interactions":
                    self._gone(node, key[0])
                elif table == "parties":
                    self.parties.pop((node, *key), None)
        for book in self.books:
            book.committed(node)
        self.seats.committed(node)
        self.snapshots.committed(node)

    def _put(self, node: str, put: Any) -> None:
        table = put.table
        if table == "interactions":
            self._interaction(node, put)
        elif table == "parties":
            self._party(node, put)
        elif table == "agents" and put.confirmed:
            session = put.tenant_id, put.agent_id, (put.number, put.dbid)
            self.logins.setdefault(session, set()).add(node)
        elif table == "invitations":
            self.agents_of.setdefault(put.interaction_id, set()).add(put.agent_id)
            self.sessions_of.setdefault(put.interaction_id, set()).add(put.inviter)

    def _interaction(self, node: str, row: InteractionRow) -> None:
        identifier = row.id
        on = self.owners.get(identifier)
        if on is None or node not in on:
            self._came(node, row)
        marks = self.marks_of.setdefault(identifier, set())
        content = msgspec.msgpack.decode(row.user_data)
        for name in content.keys() - marks:
            marks.add(name)
            self._marked(name, identifier, content[name])

    def _came(self, node: str, row: InteractionRow) -> None:
        identifier = row.id
        if identifier in self.born:
            where = self.owners.get(identifier)
            if where or not identifier.startswith(OWN):
                how = f"is on {', '.join(sorted(where))}" if where else "was ended"
                self.broken(
                    "each_interaction_comes_once", f"{identifier} comes on {node}, and {how}"
                )
            else:
                self.died.pop(identifier, None)
                self.marks_of.pop(identifier, None)
                self.reborn(identifier)
        self.births[identifier] += 1
        self.born.setdefault(identifier, node)
        self.submitters.setdefault(identifier, row.submitted_by)
        self.owners.setdefault(identifier, set()).add(node)

    def _marked(self, name: str, identifier: str, value: Any) -> None:
        if name == "tag":
            self.tags.setdefault(value, []).append(identifier)
            if len(self.tags[value]) > 1:
                self.broken(
                    "a_submit_makes_one_interaction",
                    f"submit {value} made {' and '.join(self.tags[value])}",
                )
            name = f"tag {value}"
        elif not name.startswith("m"):
            return
        elif (other := self.marks.setdefault(name, identifier)) != identifier:
            self.broken("a_change_is_made_once", f"{name} is in {other} and {identifier}")
        if (why := self.forbidden.get(name)) is not None:
            self.broken("what_was_refused_is_not_done", f"{name} is in {identifier}, but {why}")

    def _party(self, node: str, row: PartyRow) -> None:
        self.takes.add((row.session, row.interaction_id, row.take_number))
        self.sessions_of.setdefault(row.interaction_id, set()).add(row.session)
        if row.agent_id:
            self.agents_of.setdefault(row.interaction_id, set()).add(row.agent_id)
        self.parties[node, row.interaction_id, row.session] = row.take_number

    def _gone(self, node: str, identifier: str) -> None:
        on = self.owners.get(identifier)
        if on is None or node not in on:
            return
        on.discard(node)
        if not on:
            del self.owners[identifier]
        self.died[identifier] = node


class ObservedStore(FaultyStore):
    """A store of a node, with faults, that tells a ledger what is committed."""

    def __init__(self, store: IStore, node: str, ledger: Ledger) -> None:
        super().__init__(store)
        self.node = node
        self._ledger = ledger
        self._writes: list[tuple[Sequence[Any], Sequence[Any]]] = []

    def open(self, now: float) -> int:
        """See `IStore`."""
        epoch = super().open(now)
        self._ledger.opened(self, epoch)
        return epoch

    def begin(self) -> None:
        """See `IStore`."""
        self._writes.clear()
        super().begin()

    def write(self, puts: Sequence[Any], deletes: Sequence[tuple[str, tuple[Any, ...]]]) -> None:
        """See `IStore`."""
        super().write(puts, deletes)
        self._writes.append((puts, deletes))

    def committed(self, last_event_number: int) -> None:
        """See `FaultyStore`."""
        super().committed(last_event_number)
        self._ledger.committed(self, self._writes, last_event_number)
        self._writes.clear()
