from __future__ import annotations

from msgspec.structs import replace

from ixproxy.node.journal import Journal
from ixproxy.node.kept_snapshots import KeptSnapshots
from ixproxy.node.rows import SnapshotRow
from ixproxy.values import SnapshotState

ROW = SnapshotRow(
    snapshot_id=1, session=b"a", tenant_id=1, taken_at=0.0, state=SnapshotState.WHOLE
)


def test_a_start_goes_on_with_what_is_whole_and_frees_the_rest() -> None:
    kept = KeptSnapshots(Journal())
    taking = replace(ROW, snapshot_id=2, state=SnapshotState.TAKING)
    ending = replace(ROW, snapshot_id=3, state=SnapshotState.ENDING)
    nobodys = replace(ROW, snapshot_id=4, session=b"b")
    kept.load([ROW, taking, ending, nobodys], {b"a": None})
    assert kept.of(b"a") == [ROW]
    assert sorted(kept.ending) == [2, 3, 4]
    assert len(kept) == 4


def test_what_is_undone_was_never_there() -> None:
    journal = Journal()
    kept = KeptSnapshots(journal)
    kept.keep(ROW)
    journal.forget()
    kept.keep(replace(ROW, snapshot_id=2))
    kept.keep(replace(ROW, state=SnapshotState.ENDING))
    kept.drop(ROW)
    assert (kept.get(1), [row.snapshot_id for row in kept.of(b"a")]) == (None, [2])
    journal.undo()
    assert kept.of(b"a") == [ROW]
    assert (dict(kept.ending), len(kept)) == ({}, 1)


def test_nothing_is_left_of_what_is_dropped() -> None:
    kept = KeptSnapshots(Journal())
    kept.keep(ROW)
    kept.keep(replace(ROW, state=SnapshotState.ENDING))
    kept.drop(ROW)
    assert (len(kept), kept.of(b"a"), dict(kept.ending), kept._of) == (0, [], {}, {})
