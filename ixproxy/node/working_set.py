"""
The rows of one batch: each read once, changed in memory, written together.

Theory of operation: what the requests of a batch need is prefetched in few
statements; what was not foreseen is read when asked for. A row that is there
is never read again, so that the requests of a batch see each other's changes.
Changes go through the journal and gather in one buffer, which `flush` hands to
the store: before the commit, and before any selection, for selections read
the tables. A request selects before it changes anything: then a refusal never
has to take back what was flushed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ixproxy.errors import LocalProtocolError
from ixproxy.interfaces import IStore
from ixproxy.node.journal import Journal
from ixproxy.node.pushing_memory import Routers
from ixproxy.node.rows import (
    DocumentRow,
    InteractionRow,
    Key,
    OutboxRow,
    PartyRow,
    ReceiptRow,
    Row,
    SnapshotMemberRow,
    TimerRow,
)
from ixproxy.node.selections import Selection
from ixproxy.values import PartyType

ReceiptKey = tuple[int, str, str]
TimerKey = tuple[str, str]
MemberKey = tuple[int, str]
"""Snapshot and interaction."""
DocumentKey = tuple[str, str]
"""Capture point and receipt."""


class Named(NamedTuple):
    """
    Interactions of one submitter that have, or had, one external id.

    :ivar whole: there are no others; else these were the newest.
    """

    ids: tuple[str, ...] = ()
    whole: bool = True


class WorkingSet:
    """
    :param routers: is told of the parties of routers, which it counts.
    :ivar originals: the interactions that were changed, each as the batch
        found it; None: it was not there.
    :ivar wrote: whether anything was handed to the store, and `wrote_timers` a timer.
    """

    __slots__ = (
        "_changes",
        "_documents",
        "_interactions",
        "_journal",
        "_members",
        "_named",
        "_parties",
        "_receipts",
        "_request_began",
        "_routers",
        "_store",
        "_timers",
        "originals",
        "wrote",
        "wrote_timers",
    )

    def __init__(self, store: IStore, journal: Journal, routers: Routers | None = None) -> None:
        self._store = store
        self._routers = routers
        self._journal = journal
        self._interactions: dict[str, InteractionRow | None] = {}
        self._parties: dict[str, tuple[PartyRow, ...]] = {}
        self._timers: dict[TimerKey, TimerRow | None] = {}
        self._receipts: dict[ReceiptKey, ReceiptRow | None] = {}
        self._members: dict[MemberKey, SnapshotMemberRow | None] = {}
        self._documents: dict[DocumentKey, DocumentRow | None] = {}
        self._named: dict[tuple[str, str], Named] = {}
        self._changes: dict[tuple[str, Key], Row | None] = {}
        self._request_began = 0
        self.originals: dict[str, InteractionRow | None] = {}
        self.wrote = self.wrote_timers = False

    def prefetch(
        self,
        ids: Iterable[str] = (),
        receipts: Iterable[ReceiptKey] = (),
        timers: Iterable[TimerKey] = (),
        members: Iterable[MemberKey] = (),
        documents: Iterable[DocumentKey] = (),
        named: Mapping[str, Mapping[str, int]] | None = None,
    ) -> None:
        """
        Read interactions with their parties, receipts, timers, members of
        snapshots and documents that are not here yet.

        :param named: by submitter, external ids: how many of the newest with each.
        """
        new = [id for id in dict.fromkeys(ids) if id not in self._interactions]
        if new:
            for id in new:
                self._interactions[id] = None
            for row in self._store.fetch("interactions", [(id,) for id in new]):
                self._interactions[row.id] = row
        unknown = [id for id in new if id not in self._parties]
        taken = [id for id in unknown if self._interactions[id] is not None]
        self._parties.update((id, ()) for id in unknown)
        if taken:
            for party in self._store.fetch_by("parties", "interaction_id", taken):
                self._parties[party.interaction_id] += (party,)
        wanted = [key for key in dict.fromkeys(receipts) if key not in self._receipts]
        if wanted:
            self._receipts.update(dict.fromkeys(wanted))
            for receipt in self._store.fetch("receipts", wanted):
                self._receipts[receipt.key] = receipt
        due = [key for key in dict.fromkeys(timers) if key not in self._timers]
        if due:
            self._timers.update(dict.fromkeys(due))
            for timer in self._store.fetch("timers", due):
                self._timers[timer.kind, timer.interaction_id] = timer
        asked = [key for key in dict.fromkeys(members) if key not in self._members]
        if asked:
            self._members.update(dict.fromkeys(asked))
            for member in self._store.fetch("snapshot_members", asked):
                self._members[member.snapshot_id, member.interaction_id] = member
        given = [key for key in dict.fromkeys(documents) if key not in self._documents]
        if given:
            self._documents.update(dict.fromkeys(given))
            for document in self._store.fetch("documents", given):
                self._documents[document.point, document.receipt] = document
        for submitted_by, counts in (named or {}).items():
            self._find(submitted_by, counts)

    def look_for(self, submitted_by: str, counts: Mapping[str, int]) -> None:
        """
        Make sure that the newest interactions with some external ids are here,
        as many as there are or `counts` says of each; may read the tables.
        """
        short = {}
        for external_id, count in counts.items():
            known = self._named.get((submitted_by, external_id))
            if known is None or not (
                known.whole or len(self.named(submitted_by, external_id)) >= count
            ):
                short[external_id] = count
        if short:
            self.flush()
            self._find(submitted_by, short)

    def named(self, submitted_by: str, external_id: str) -> list[InteractionRow]:
        """Those of them that are there and still have it, newest first."""
        known = self._named.get((submitted_by, external_id), Named())
        rows = [row for id in known.ids if (row := self._interactions[id]) is not None]
        return sorted(
            (row for row in rows if row.external_id == external_id),
            key=lambda row: (row.submitted_at, row.id),
            reverse=True,
        )

    def _find(self, submitted_by: str, counts: Mapping[str, int]) -> None:
        for count in set(counts.values()):
            some = [external_id for external_id, number in counts.items() if number == count]
            found: dict[str, list[str]] = {external_id: [] for external_id in some}
            for row in self._here(self._store.newest(submitted_by, some, count)):
                found[row.external_id or ""].append(row.id)
            for external_id, ids in found.items():
                # Not by the journal: it is so, whatever becomes of the request that asked.
                self._named[submitted_by, external_id] = Named(tuple(ids), len(ids) < count)

    def interaction(self, id: str) -> InteractionRow | None:
        """The interaction, or None."""
        if id not in self._interactions:
            self.prefetch((id,))
        return self._interactions[id]

    def parties_of(self, id: str) -> tuple[PartyRow, ...]:
        """The parties of an interaction, in the order in which they joined it."""
        if id not in self._parties:
            self.prefetch((id,))
        parties = self._parties[id]
        return parties if len(parties) < 2 else tuple(sorted(parties, key=_joined))

    def receipt(self, key: ReceiptKey) -> ReceiptRow | None:
        """The receipt, or None; it may be too old."""
        if key not in self._receipts:
            self.prefetch(receipts=(key,))
        return self._receipts[key]

    def timer(self, kind: str, id: str) -> TimerRow | None:
        """The timer, or None."""
        if (kind, id) not in self._timers:
            self.prefetch(timers=((kind, id),))
        return self._timers[kind, id]

    def document(self, point: str, receipt: str) -> DocumentRow | None:
        """The receipt of a document, or None; it may be too old."""
        if (point, receipt) not in self._documents:
            self.prefetch(documents=((point, receipt),))
        return self._documents[point, receipt]

    def outbox(self, consumer: str, limit: int, after: int) -> list[OutboxRow]:
        """The oldest that a consumer has behind a number; reads the tables."""
        self.flush()
        found: list[OutboxRow] = self._store.outbox(consumer, limit, after)
        return found

    def member(self, snapshot_id: int, id: str) -> SnapshotMemberRow | None:
        """The member of a snapshot, or None."""
        if (snapshot_id, id) not in self._members:
            self.prefetch(members=((snapshot_id, id),))
        return self._members[snapshot_id, id]

    def members(self, snapshot_id: int, start: int, limit: int) -> list[SnapshotMemberRow]:
        """Members from a position on, with their interactions; reads the tables."""
        self.flush()
        found: list[SnapshotMemberRow] = self._store.members(snapshot_id, start, limit)
        self._members.update(((snapshot_id, row.interaction_id), row) for row in found)
        self.prefetch(row.interaction_id for row in found)
        return found

    def held_by(self, session: bytes) -> list[PartyRow]:
        """What a client session holds, oldest take first; reads the tables."""
        self.flush()
        found: list[PartyRow] = self._store.fetch_by("parties", "session", [session])
        self.prefetch(row.interaction_id for row in found)
        return sorted(found, key=lambda row: row.take_number)

    def select(self, selection: Selection, now: float) -> list[InteractionRow]:
        """The rows that the store chooses, of this batch where it has them."""
        self.flush()
        rows: list[InteractionRow] = self._store.select(selection, now)
        return self._here(rows)

    def _here(self, rows: list[InteractionRow]) -> list[InteractionRow]:
        """Rows that the store gave are here from now on, as are their parties."""
        for row in rows:
            self._interactions.setdefault(row.id, row)
        missing = [row.id for row in rows if row.id not in self._parties]
        self._parties.update((id, ()) for id in missing)
        if missing:
            for party in self._store.fetch_by("parties", "interaction_id", missing):
                self._parties[party.interaction_id] += (party,)
        return rows

    def due_timers(self, now: float, limit: int) -> list[TimerRow]:
        """The timers that are due, earliest first."""
        self.flush()
        found: list[TimerRow] = self._store.due_timers(now, limit)
        self._timers.update(((row.kind, row.interaction_id), row) for row in found)
        self.prefetch(row.interaction_id for row in found)
        return found

    def put_interaction(self, row: InteractionRow) -> None:
        """A new interaction, or one changed."""
        journal, id = self._journal, row.id
        if id not in self.originals:
            self.originals[id] = self._interactions.get(id)
        if id not in self._parties:
            self._parties[id] = ()
        if self._named and row.external_id is not None:
            key = (row.submitted_by, row.external_id)
            known = self._named.get(key)
            if known is not None and id not in known.ids:
                journal.set(self._named, key, known._replace(ids=(*known.ids, id)))
        journal.set(self._interactions, id, row)
        journal.set(self._changes, ("interactions", (id,)), row)

    def remove_interaction(self, row: InteractionRow) -> None:
        """An interaction that is no more; its parties are removed before."""
        id = row.id
        if id not in self.originals:
            self.originals[id] = self._interactions.get(id)
        self._journal.set(self._interactions, id, None)
        self._journal.set(self._changes, ("interactions", (id,)), None)

    def put_party(self, row: PartyRow) -> None:
        """A party that joins, or takes part in another way."""
        id, session = row.interaction_id, row.session
        others = tuple(each for each in self.parties_of(id) if each.session != session)
        self._journal.set(self._parties, id, (*others, row))
        if row.party_type == PartyType.ROUTER and self._routers is not None:
            self._routers.joined(row)
        self._journal.set(self._changes, ("parties", (id, session)), row)

    def remove_party(self, row: PartyRow) -> None:
        """A party that leaves."""
        id, session = row.interaction_id, row.session
        others = tuple(each for each in self.parties_of(id) if each.session != session)
        self._journal.set(self._parties, id, others)
        if row.party_type == PartyType.ROUTER and self._routers is not None:
            self._routers.left(row)
        self._journal.set(self._changes, ("parties", (id, session)), None)

    def put_timer(self, row: TimerRow) -> None:
        """A timer that starts, or starts again."""
        key = (row.kind, row.interaction_id)
        self._journal.set(self._timers, key, row)
        self._journal.set(self._changes, ("timers", key), row)

    def remove_timer(self, kind: str, id: str) -> None:
        """A timer that ends; harmless where there is none."""
        self._journal.set(self._timers, (kind, id), None)
        self._journal.set(self._changes, ("timers", (kind, id)), None)

    def put_member(self, row: SnapshotMemberRow) -> None:
        """An interaction becomes a member of a snapshot, or is elsewhere by its doing."""
        key = (row.snapshot_id, row.interaction_id)
        self._journal.set(self._members, key, row)
        self._journal.set(self._changes, ("snapshot_members", key), row)

    def remove_member(self, row: SnapshotMemberRow) -> None:
        """It is none any more."""
        key = (row.snapshot_id, row.interaction_id)
        self._journal.set(self._members, key, None)
        self._journal.set(self._changes, ("snapshot_members", key), None)

    def put_receipt(self, row: ReceiptRow) -> None:
        """A receipt that is given."""
        key = (row.tenant_id, row.submitted_by, row.receipt)
        self._journal.set(self._receipts, key, row)
        self._journal.set(self._changes, ("receipts", key), row)

    def put_outbox(self, row: OutboxRow) -> None:
        """An event for one consumer."""
        self._journal.set(self._changes, ("outbox", (row.event_number, row.consumer)), row)

    def remove_outbox(self, number: int, consumer: str) -> None:
        """It was taken over."""
        self._journal.set(self._changes, ("outbox", (number, consumer)), None)

    def put_document(self, row: DocumentRow) -> None:
        """The receipt of a document that is done."""
        key = (row.point, row.receipt)
        self._journal.set(self._documents, key, row)
        self._journal.set(self._changes, ("documents", key), row)

    def put(self, row: Row) -> None:
        """A row that memory keeps whole: of an agent or a session."""
        self._journal.set(self._changes, (row.table, row.key), row)

    def remove(self, row: Row) -> None:
        """The same, removed."""
        self._journal.set(self._changes, (row.table, row.key), None)

    def begin_request(self) -> int:
        """Where to undo to if the request that begins now is refused."""
        self._request_began = self._journal.mark()
        return self._request_began

    def flush(self) -> None:
        """
        Hand all changes to the store.

        :raise LocalProtocolError: the request in hand has changed something.
        """
        if not self._changes:
            return
        if self._journal.mark() > self._request_began:
            raise LocalProtocolError("a request selects before it changes anything")
        self.write_out()

    def write_out(self) -> None:
        """The same at the end of a batch."""
        if not self._changes:
            return
        puts = [row for row in self._changes.values() if row is not None]
        deletes = [key for key, row in self._changes.items() if row is None]
        self.wrote = True
        self.wrote_timers = self.wrote_timers or any(key[0] == "timers" for key in self._changes)
        self._changes.clear()
        self._store.write(puts, deletes)


def _joined(party: PartyRow) -> int:
    return party.take_number
