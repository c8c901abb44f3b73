from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from ixproxy.errors import LocalProtocolError
from ixproxy.node.journal import Journal
from ixproxy.node.rows import (
    InteractionRow,
    OutboxRow,
    PartyRow,
    ReceiptRow,
    Row,
    SessionRow,
    SnapshotMemberRow,
    TimerRow,
)
from ixproxy.node.selections import Selection
from ixproxy.node.working_set import WorkingSet
from ixproxy.storage.sqlite import SqliteStore
from ixproxy.storage.sqlite_places import SqliteMemory

ROW = InteractionRow(id="a", tenant_id=1, media_type="email", queue="Q", queue_seq=1)
PARTY = PartyRow(
    interaction_id="a", session=b"s", tenant_id=1, party_type=2, take_number=7, joined_at=0.0
)
TIMER = TimerRow(kind="handling", interaction_id="a", due_at=5.0, seconds=5.0)
RECEIPT = ReceiptRow(tenant_id=1, submitted_by="m", receipt="r", interaction_id="a", created_at=0.0)

MEMBER = SnapshotMemberRow(snapshot_id=7, interaction_id="a", position=0, state=0, queue_seq=1)


class CountingStore(SqliteStore):
    """Counts what it is asked."""

    def __init__(self, place: SqliteMemory) -> None:
        super().__init__(place)
        self.fetched: list[str] = []
        self.written: list[tuple[list[Any], list[Any]]] = []

    def fetch(self, table: str, keys: Any) -> list[Any]:
        self.fetched.append(table)
        return super().fetch(table, keys)

    def fetch_by(self, table: str, column: str, values: Any) -> list[Any]:
        self.fetched.append(f"{table} by {column}")
        return super().fetch_by(table, column, values)

    def write(self, puts: Any, deletes: Any) -> None:
        self.written.append((list(puts), list(deletes)))
        super().write(puts, deletes)


@pytest.fixture
def store() -> Iterator[CountingStore]:
    place = SqliteMemory()
    store = CountingStore(place)
    store.open(0.0)
    store.begin()
    yield store
    store.close()
    place.discard()


def filled(store: CountingStore, *rows: Row) -> tuple[WorkingSet, Journal]:
    """A working set over a store that has `rows`."""
    store.write(rows, [])
    store.fetched.clear()
    store.written.clear()
    journal = Journal()
    return WorkingSet(store, journal), journal


def test_what_is_prefetched_is_read_in_few_statements_and_never_again(
    store: CountingStore,
) -> None:
    rows, _ = filled(store, ROW, PARTY, TIMER, RECEIPT)
    receipts = [(1, "m", "r"), (1, "m", "other")]
    timers = [("handling", "a"), ("handling", "b")]
    for _ in range(2):
        rows.prefetch(["a", "b", "a"], receipts, timers)
    assert rows.interaction("a") == ROW
    assert rows.interaction("b") is None
    assert rows.parties_of("a") == (PARTY,)
    assert rows.parties_of("b") == ()
    assert rows.receipt(receipts[0]) == RECEIPT
    assert rows.receipt(receipts[1]) is None
    assert rows.timer("handling", "a") == TIMER
    assert rows.timer("handling", "b") is None
    assert store.fetched == ["interactions", "parties by interaction_id", "receipts", "timers"]


def test_what_was_not_foreseen_is_read_when_asked_for(store: CountingStore) -> None:
    rows, _ = filled(store, ROW, PARTY, TIMER, RECEIPT)
    assert rows.interaction("a") == ROW
    assert rows.receipt((1, "m", "r")) == RECEIPT
    assert rows.timer("handling", "a") == TIMER
    fresh, _ = filled(store)
    assert fresh.parties_of("a") == (PARTY,)


def test_members_of_a_snapshot_are_read_once_and_changed_like_all_else(
    store: CountingStore,
) -> None:
    second = replace(MEMBER, interaction_id="b", position=1)
    rows, _ = filled(store, ROW, MEMBER, second)
    rows.prefetch(members=[(7, "a"), (7, "x"), (7, "a")])
    assert (rows.member(7, "a"), rows.member(7, "x")) == (MEMBER, None)
    assert store.fetched == ["snapshot_members"]
    moved = replace(MEMBER, queue_seq=5)
    rows.put_member(moved)
    rows.remove_member(second)
    assert (rows.member(7, "a"), rows.member(7, "b")) == (moved, None)
    rows.begin_request()
    assert rows.members(7, 0, 9) == [moved], "what the batch has changed is written before"
    assert store.fetched[1:] == ["interactions", "parties by interaction_id"]
    rows.put_member(second)
    with pytest.raises(LocalProtocolError):
        rows.members(7, 0, 9)


def test_changes_are_seen_at_once_and_written_together(store: CountingStore) -> None:
    rows, _ = filled(store, ROW, PARTY)
    changed = replace(ROW, state=3)
    rows.interaction("a")
    rows.put_interaction(changed)
    rows.put_party(replace(PARTY, session=b"t"))
    rows.remove_party(PARTY)
    rows.put_timer(TIMER)
    rows.remove_timer("routing", "a")
    rows.put_receipt(RECEIPT)
    rows.put_outbox(OutboxRow(event_number=1, consumer="log", body=b""))
    assert rows.interaction("a") == changed
    assert [party.session for party in rows.parties_of("a")] == [b"t"]
    assert rows.timer("handling", "a") == TIMER
    assert rows.receipt((1, "m", "r")) == RECEIPT
    rows.write_out()
    rows.write_out()
    ((puts, deletes),) = store.written
    assert rows.wrote
    assert len(puts) == 5
    assert deletes == [("parties", ("a", b"s")), ("timers", ("routing", "a"))]
    assert store.fetch("interactions", [("a",)]) == [changed]
    assert [each.session for each in store.fetch_by("parties", "session", [b"s", b"t"])] == [b"t"]


def test_rows_that_memory_keeps_are_written_and_removed_whole(store: CountingStore) -> None:
    rows, _ = filled(store)
    session = SessionRow(session=b"s", client_name="n", client_type="Proxy", incarnation=1)
    rows.put(session)
    rows.write_out()
    assert store.fetch("sessions", [(b"s",)]) == [session]
    rows.remove(session)
    rows.write_out()
    assert store.fetch("sessions", [(b"s",)]) == []


def test_a_selection_sees_what_earlier_requests_changed(store: CountingStore) -> None:
    rows, _ = filled(store, ROW)
    rows.begin_request()
    second = replace(ROW, id="b", queue_seq=2)
    rows.put_interaction(second)
    rows.remove_interaction(ROW)
    rows.begin_request()
    assert rows.select(Selection(1, queue="Q"), 0.0) == [second]
    assert rows.interaction("b") is second
    assert rows.interaction("a") is None


def test_a_selection_reads_the_parties_of_what_it_finds(store: CountingStore) -> None:
    rows, _ = filled(store, ROW, PARTY)
    rows.select(Selection(1), 0.0)
    store.fetched.clear()
    assert rows.parties_of("a") == (PARTY,)
    assert rows.interaction("a") == ROW
    assert store.fetched == []


def test_holdings_and_timers_see_what_earlier_requests_changed(store: CountingStore) -> None:
    rows, _ = filled(store, ROW, PARTY, TIMER)
    rows.begin_request()
    rows.put_interaction(replace(ROW, id="b"))
    earlier = replace(PARTY, interaction_id="b", take_number=3)
    rows.put_party(earlier)
    rows.remove_timer("handling", "a")
    rows.begin_request()
    assert rows.held_by(b"s") == [earlier, PARTY]
    assert rows.due_timers(9.0, 10) == []
    rows.put_timer(TIMER)
    rows.begin_request()
    assert rows.due_timers(9.0, 10) == [TIMER]
    assert rows.timer("handling", "a") == TIMER


def test_a_request_selects_before_it_changes_anything(store: CountingStore) -> None:
    rows, journal = filled(store, ROW)
    mark = rows.begin_request()
    rows.put_interaction(replace(ROW, state=3))
    with pytest.raises(LocalProtocolError, match="selects before"):
        rows.select(Selection(1), 0.0)
    journal.undo(mark)
    assert rows.select(Selection(1), 0.0) == [ROW]


def test_an_undone_request_is_not_written(store: CountingStore) -> None:
    rows, journal = filled(store, ROW, PARTY)
    rows.begin_request()
    first = replace(ROW, state=3)
    rows.interaction("a")
    rows.put_interaction(first)
    mark = rows.begin_request()
    rows.put_interaction(replace(ROW, state=2))
    rows.remove_party(PARTY)
    rows.put_interaction(replace(ROW, id="new"))
    rows.put_timer(TIMER)
    journal.undo(mark)
    assert rows.interaction("a") == first
    assert rows.interaction("new") is None
    assert rows.parties_of("a") == (PARTY,)
    rows.write_out()
    assert store.written == [([first], [])]


def test_it_is_remembered_how_the_batch_found_what_it_changed(store: CountingStore) -> None:
    rows, _ = filled(store, ROW)
    rows.interaction("a")
    rows.put_interaction(replace(ROW, state=2))
    rows.put_interaction(replace(ROW, state=3))
    rows.put_interaction(replace(ROW, id="new"))
    assert rows.originals == {"a": ROW, "new": None}
    fresh, _ = filled(store)
    assert fresh.interaction("a") is not None
    fresh.remove_interaction(ROW)
    assert fresh.originals == {"a": ROW}
