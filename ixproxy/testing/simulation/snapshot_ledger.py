"""
Snapshots and where interactions were, by what the nodes' databases were told.

As in the ledger, of which this is a part, only what is committed counts. Of each
interaction every state is kept that it had behind a commit, so that an answer can
be held against the time in which it was made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from ixproxy.node.rows import InteractionRow, SnapshotMemberRow, SnapshotRow
from ixproxy.values import InteractionState, SnapshotState

Key = tuple[str, int]
"""A node, and the number of a snapshot there."""

OUT = (InteractionState.ROUTING, InteractionState.HANDLING)


class Seen(NamedTuple):
    """
    How an interaction was on one node, from `at` on until the next.

    :ivar row: None: it was not there.
    """

    at: float
    row: InteractionRow | None

    @property
    def lock(self) -> int:
        """The number of the snapshot that has locked it; 0: none has."""
        return (self.row.snapshot_id or 0) if self.row is not None else 0

    @property
    def is_out(self) -> bool:
        """Whether somebody had it."""
        return self.row is not None and self.row.state in OUT


class OnNode:
    """
    One snapshot of a node.

    :ivar state: a value of `SnapshotState`; None: it is there no more.
    :ivar members: those that it ever had, in the order of their positions.
    :ivar locked: those that were locked by it when they became members, or at the next commit.
    :ivar written: as each member was when its row was written: when, its state, and its number
        in its queue.
    """

    def __init__(self, node: str, row: SnapshotRow) -> None:
        self.node = node
        self.number = row.snapshot_id
        self.session = row.session
        self.state: int | None = row.state
        self.members: dict[str, int] = {}
        self.locked: set[str] = set()
        self.written: dict[str, list[tuple[float, int, int]]] = {}

    def __str__(self) -> str:
        return f"snapshot {self.number} of {self.node}"

    @property
    def ids(self) -> list[str]:
        """The members in their order."""
        return sorted(self.members, key=self.members.__getitem__)

    def knows_its_move(self, identifier: str, before: Seen, seen: Seen) -> bool:
        """
        Whether a member that it has just moved is in its row as it is. What was not out before the
        commit and is so behind it was taken after the move, which changes the state alone.
        """
        arrived = self.written[identifier][-1][2]
        if seen.row is not None and seen.is_out and not before.is_out:
            return seen.row.queue_seq == arrived
        return not self.has_changed(identifier, seen)

    def has_changed(self, identifier: str, seen: Seen) -> bool:
        """Whether a member was seen in another way than the snapshot has it at that time."""
        written = self.written[identifier]
        known = [entry for entry in written if entry[0] <= seen.at] or written[:1]
        return seen.row is not None and (seen.row.state, seen.row.queue_seq) != known[-1][1:]


class Witness(Protocol):
    """Is told what a node has done, when it is committed."""

    def moved(self, snapshot: OnNode, identifier: str, here: bool) -> None:
        """A snapshot has moved a member; `here`: it is as the snapshot has it, or is gone."""

    def lock_lost(self, snapshot: OnNode, identifier: str, seen: Seen) -> None:
        """What was locked is so no more, and is there, and its snapshot is whole still."""

    def locked_without(self, node: str, identifier: str, number: int) -> None:
        """An interaction is locked by a snapshot that is not there, or was taken while locked."""


class SnapshotLedger:
    """
    The snapshots of all nodes.

    :ivar of: by node and number, those included that are gone.
    :ivar history: by interaction and node, oldest first.
    """

    def __init__(self, now: Callable[[], float] = lambda: 0.0) -> None:
        self.now = now
        self.witness: Witness | None = None
        self.of: dict[Key, OnNode] = {}
        self.history: dict[str, dict[str, list[Seen]]] = {}
        self._lock: dict[tuple[str, str], int] = {}
        self._changed: dict[str, InteractionRow | None] = {}
        self._moved: list[tuple[OnNode, str]] = []
        self._new: list[tuple[OnNode, str]] = []
        self._ended: list[OnNode] = []

    def written(
        self, node: str, puts: Sequence[Any], deletes: Sequence[tuple[str, tuple[Any, ...]]]
    ) -> None:
        """A node has written some rows in a transaction that is committed."""
        for put in puts:
            if put.table == "interactions":
                self._changed[put.id] = put
            elif put.table == "snapshots":
                self._snapshot(node, put)
            elif put.table == "snapshot_members":
                self._member(node, put)
        for table, key in deletes:
            if table == "interactions":
                self._changed[key[0]] = None
            elif table == "snapshots" and (node, key[0]) in self.of:
                self._ended.append(self.of[node, key[0]])

    def committed(self, node: str) -> None:
        """That was all of the transaction."""
        changed, self._changed = self._changed, {}
        moved, self._moved = self._moved, []
        new, self._new = self._new, []
        ended, self._ended = self._ended, []
        for snapshot in ended:
            snapshot.state = None
        for identifier, row in changed.items():
            self._saw(node, identifier, row)
        for snapshot, identifier in new:
            if self.seen(identifier, node).lock == snapshot.number:
                snapshot.locked.add(identifier)
        if self.witness is not None:
            for snapshot, identifier in moved:
                before, seen = self._last_two(identifier, node)
                here = snapshot.knows_its_move(identifier, before, seen)
                self.witness.moved(snapshot, identifier, here)
            for snapshot in ended:
                for (on, identifier), number in self._lock.items():
                    if (on, number) == (node, snapshot.number):
                        self.witness.locked_without(node, identifier, number)

    def seen(self, identifier: str, node: str) -> Seen:
        """How an interaction is on a node now."""
        history = self.history.get(identifier, {}).get(node)
        return history[-1] if history else Seen(0.0, None)

    def _last_two(self, identifier: str, node: str) -> tuple[Seen, Seen]:
        history = self.history.get(identifier, {}).get(node, [])
        before, seen = [Seen(0.0, None), Seen(0.0, None), *history][-2:]
        return before, seen

    def since(self, identifier: str, node: str, at: float) -> list[Seen]:
        """How it was on a node from a moment on until now: at least one state."""
        history = self.history.get(identifier, {}).get(node, [])
        later = sum(seen.at >= at for seen in history)
        if later < len(history):
            return history[len(history) - later - 1 :]
        return [Seen(0.0, None), *history]

    def of_session(self, session: bytes) -> list[OnNode]:
        """The snapshots that a client session ever had on any node."""
        return [each for each in self.of.values() if each.session == session]

    def _snapshot(self, node: str, row: SnapshotRow) -> None:
        known = self.of.get((node, row.snapshot_id))
        if known is None:
            self.of[node, row.snapshot_id] = OnNode(node, row)
        else:
            known.session, known.state = row.session, row.state

    def _member(self, node: str, row: SnapshotMemberRow) -> None:
        snapshot = self.of.get((node, row.snapshot_id))
        if snapshot is None:
            # Its own row is written behind those of its first members.
            snapshot = self.of[node, row.snapshot_id] = OnNode(
                node, SnapshotRow(snapshot_id=row.snapshot_id, session=b"", tenant_id=0, taken_at=0)
            )
        if row.interaction_id in snapshot.members:
            self._moved.append((snapshot, row.interaction_id))
        else:
            snapshot.members[row.interaction_id] = row.position
            self._new.append((snapshot, row.interaction_id))
        written = snapshot.written.setdefault(row.interaction_id, [])
        written.append((self.now(), row.state, row.queue_seq))

    def _saw(self, node: str, identifier: str, row: InteractionRow | None) -> None:
        before = self._lock.pop((node, identifier), 0)
        seen = Seen(self.now(), row)
        self.history.setdefault(identifier, {}).setdefault(node, []).append(seen)
        number = seen.lock
        if number:
            self._lock[node, identifier] = number
        witness = self.witness
        if witness is None:
            return
        if number:
            holder = self.of.get((node, number))
            if seen.is_out or holder is None or holder.state is None:
                witness.locked_without(node, identifier, number)
        if before and before != number and row is not None:
            holder = self.of.get((node, before))
            if holder is not None and holder.state == SnapshotState.WHOLE:
                witness.lock_lost(holder, identifier, seen)
