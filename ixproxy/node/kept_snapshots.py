"""
The snapshots that there are, as the node remembers them: their rows, without members.

What a restart loses: nothing. What was being taken then is freed, for its
requester has no answer; what was being freed goes on to be.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from msgspec.structs import replace

from ixproxy.node.journal import Journal
from ixproxy.node.rows import SnapshotRow
from ixproxy.values import SnapshotState


class KeptSnapshots:
    """
    :ivar ending: those that are being freed, whose members are not all gone yet.
    """

    __slots__ = ("_journal", "_of", "_rows", "ending")

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._rows: dict[int, SnapshotRow] = {}
        self._of: dict[bytes, tuple[int, ...]] = {}
        self.ending: dict[int, bool] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def load(self, rows: Iterable[SnapshotRow], sessions: Collection[bytes]) -> None:
        """Take over what a start finds stored, with the sessions that there are."""
        for row in rows:
            stays = row.state == SnapshotState.WHOLE and row.session in sessions
            self.keep(row if stays else replace(row, state=SnapshotState.ENDING))

    def get(self, snapshot_id: int) -> SnapshotRow | None:
        """The snapshot with this number, whatever its state."""
        return self._rows.get(snapshot_id)

    def of(self, session: bytes) -> list[SnapshotRow]:
        """The snapshots of a client session that are not being freed, oldest first."""
        return [self._rows[number] for number in self._of.get(session, ())]

    def keep(self, row: SnapshotRow) -> None:
        """Remember a snapshot as `row` says."""
        journal, number = self._journal, row.snapshot_id
        journal.set(self._rows, number, row)
        if row.state == SnapshotState.ENDING:
            journal.set(self.ending, number, True)
            journal.take_off(self._of, row.session, number)
        else:
            journal.add(self._of, row.session, number)

    def drop(self, row: SnapshotRow) -> None:
        """Forget a snapshot."""
        self._journal.remove(self._rows, row.snapshot_id)
        self._journal.remove(self.ending, row.snapshot_id)
        self._journal.take_off(self._of, row.session, row.snapshot_id)
