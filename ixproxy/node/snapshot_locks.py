"""Locking and unlocking single members of a snapshot."""

from __future__ import annotations

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import EventAck, RequestLockInteraction, RequestUnlockInteraction
from ixproxy.node.rows import InteractionRow, SnapshotRow
from ixproxy.node.snapshots import lockable, own_snapshot, put_lock, take_lock_off
from ixproxy.node.turn import Turn
from ixproxy.node.work import Sender


def lock(turn: Turn, sender: Sender, request: RequestLockInteraction) -> EventAck:
    """
    Locks a member: it is in no view and cannot be pulled. That it is locked by
    this snapshot already is no mistake.
    """
    snapshot, row = _member(turn, sender, request)
    if row.snapshot_id != snapshot.snapshot_id:
        if row.is_locked:
            raise RequestRefused(Code.LOCKED)
        if not lockable(row):
            raise RequestRefused(Code.NOT_QUEUED)
        put_lock(turn, row, snapshot)
    return EventAck(interaction_id=row.id)


def unlock(turn: Turn, sender: Sender, request: RequestUnlockInteraction) -> EventAck:
    """Takes the snapshot's lock off a member, if it has one."""
    snapshot, row = _member(turn, sender, request)
    if row.snapshot_id == snapshot.snapshot_id:
        take_lock_off(turn, row)
    return EventAck(interaction_id=row.id)


def _member(
    turn: Turn, sender: Sender, request: RequestLockInteraction | RequestUnlockInteraction
) -> tuple[SnapshotRow, InteractionRow]:
    """:raise RequestRefused: it is no member, or has left the node."""
    snapshot = own_snapshot(turn, sender, request)
    if turn.rows.member(snapshot.snapshot_id, request.interaction_id) is None:
        raise RequestRefused(Code.NOT_IN_SNAPSHOT)
    row = turn.rows.interaction(request.interaction_id)
    if row is None or row.tenant_id != snapshot.tenant_id:
        raise RequestRefused(Code.UNKNOWN_INTERACTION)
    return snapshot, row
