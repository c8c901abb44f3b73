from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from ixproxy.node.rows import InteractionRow, SnapshotMemberRow, SnapshotRow
from ixproxy.testing.simulation.snapshot_ledger import OnNode, Seen, SnapshotLedger
from ixproxy.values import InteractionState, SnapshotState

ROW = InteractionRow(id="a", tenant_id=1, media_type="email", queue="In")
LOCKED = replace(ROW, is_locked=1, snapshot_id=7)
OUT = replace(ROW, state=InteractionState.HANDLING)
WHOLE = SnapshotRow(
    snapshot_id=7, session=b"s", tenant_id=1, taken_at=0.0, size=1, state=SnapshotState.WHOLE
)
MEMBER = SnapshotMemberRow(snapshot_id=7, interaction_id="a", position=0, state=0, queue_seq=1)


class Told:
    """A ledger, the time, and what its witness was told."""

    def __init__(self) -> None:
        self.time = 0.0
        self.ledger = SnapshotLedger(lambda: self.time)
        self.ledger.witness = self
        self.heard: list[str] = []

    def commit(self, *puts: Any, deletes: Any = (), at: float = 0.0) -> None:
        """One transaction."""
        self.time = at
        self.ledger.written("node1", puts, deletes)
        self.ledger.committed("node1")

    def moved(self, snapshot: OnNode, identifier: str, here: bool) -> None:
        self.heard.append(f"{snapshot} moved {identifier}{'' if here else ' elsewhere'}")

    def lock_lost(self, snapshot: OnNode, identifier: str, seen: Seen) -> None:
        how = "was taken from under" if seen.is_out else f"has lock {seen.lock}, not that of"
        self.heard.append(f"{identifier} {how} {snapshot}")

    def locked_without(self, node: str, identifier: str, number: int) -> None:
        self.heard.append(f"{identifier} on {node} is locked by {number}")


def test_it_knows_every_state_since_a_moment() -> None:
    told = Told()
    told.commit(ROW, at=1.0)
    told.commit(OUT, at=2.0)
    told.commit(deletes=[("interactions", ("a",))], at=3.0)
    since = told.ledger.since
    assert since("a", "node1", 0.5) == [
        Seen(0.0, None), Seen(1.0, ROW), Seen(2.0, OUT), Seen(3.0, None)
    ]  # fmt: skip
    assert since("a", "node1", 1.5) == [Seen(1.0, ROW), Seen(2.0, OUT), Seen(3.0, None)]
    assert since("a", "node1", 2.5) == [Seen(2.0, OUT), Seen(3.0, None)]
    assert since("a", "node1", 9.0) == [Seen(3.0, None)]
    assert since("a", "node2", 9.0) == [Seen(0.0, None)]
    assert told.ledger.seen("a", "node1").row is None


def test_a_member_that_was_locked_with_its_snapshot_is_known_as_such() -> None:
    told = Told()
    told.commit(LOCKED, MEMBER, WHOLE)
    snapshot = told.ledger.of["node1", 7]
    assert (snapshot.session, snapshot.ids, snapshot.locked) == (b"s", ["a"], {"a"})
    assert told.ledger.of_session(b"s") == [snapshot]
    assert told.heard == []
    there = replace(ROW, queue_seq=1)
    told.commit(there, MEMBER)
    told.commit(replace(there, queue_seq=2), MEMBER)
    assert told.heard[-2:] == [
        "snapshot 7 of node1 moved a",
        "snapshot 7 of node1 moved a elsewhere",
    ]


def test_what_is_taken_in_the_commit_of_its_move_was_moved_before() -> None:
    for state, queue_seq, elsewhere in ((0, 2, ""), (0, 1, " elsewhere"), (3, 2, " elsewhere")):
        told = Told()
        told.commit(replace(ROW, state=state, queue_seq=1), MEMBER, WHOLE)
        told.commit(replace(OUT, queue_seq=2), replace(MEMBER, queue_seq=queue_seq))
        assert told.heard == [f"snapshot 7 of node1 moved a{elsewhere}"]


def test_what_is_taken_while_it_is_locked_is_told() -> None:
    told = Told()
    told.commit(LOCKED, MEMBER, WHOLE)
    told.commit(OUT)
    assert told.heard == ["a was taken from under snapshot 7 of node1"]
    told.heard.clear()
    told.commit(replace(OUT, is_locked=1, snapshot_id=7))
    assert told.heard == ["a on node1 is locked by 7"]


def test_what_is_locked_by_another_snapshot_or_unlocked_by_nobody_is_told() -> None:
    told = Told()
    other = replace(WHOLE, snapshot_id=8)
    told.commit(LOCKED, MEMBER, WHOLE)
    told.commit(replace(LOCKED, snapshot_id=8), replace(MEMBER, snapshot_id=8), other)
    told.commit(ROW)
    assert told.heard == [
        "a has lock 8, not that of snapshot 7 of node1",
        "a has lock 0, not that of snapshot 8 of node1",
    ]
    told.commit(LOCKED)
    told.heard.clear()
    told.commit(deletes=[("interactions", ("a",))])
    assert told.heard == []


def test_what_is_taken_when_its_lock_has_ended_is_not() -> None:
    for end in (replace(WHOLE, state=SnapshotState.ENDING), None):
        told = Told()
        told.commit(LOCKED, MEMBER, WHOLE)
        told.commit(OUT, *([end] if end else []), deletes=[] if end else [("snapshots", (7,))])
        assert told.heard == []


def test_a_lock_without_a_snapshot_is_told() -> None:
    told = Told()
    told.commit(LOCKED)
    assert told.heard == ["a on node1 is locked by 7"]
    told = Told()
    told.commit(LOCKED, MEMBER, WHOLE)
    told.commit(deletes=[("snapshots", (7,))])
    assert told.heard == ["a on node1 is locked by 7"]
