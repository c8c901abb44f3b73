"""
Snapshots: taken, shown in pages, and freed.

Theory of operation: a snapshot is a list of interactions that stays as it was
found, whatever becomes of them. It belongs to a client session, and only that
session may use it. What it has is found on a reader connection and comes back
to the writer (`Taking`), where it becomes rows some at a time, each time in a
batch of its own, so that others are served in between; where it is to be
locked, each interaction is looked at again. The snapshot can be used when it
is whole, and only then is its number known to anybody.

Numbers are event numbers, so none comes again on a node. A snapshot is freed
when it is released, when its session ends, and when that registers again
without naming it. Then its locks go, some at a time as well: the first of them
at once, the rest by ticks, or step by step by the request that releases it. A
crash in between loses nothing of that: what is neither whole nor gone at a
start is freed then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import (
    EventAck,
    EventSnapshotTaken,
    RequestGetSnapshotInteractions,
    RequestReleaseSnapshot,
    RequestTakeSnapshot,
)
from ixproxy.messages.interactions import SnapshotRequest
from ixproxy.messages.registration import MAX_SNAPSHOTS
from ixproxy.node.access import connected, tenant_of
from ixproxy.node.expressions import ExpressionError, columns_of
from ixproxy.node.long_plans import Found, Freeing, MembersWanted, PageWanted, Taking
from ixproxy.node.rows import InteractionRow, SnapshotMemberRow, SnapshotRow
from ixproxy.node.selections import Selection
from ixproxy.node.turn import Turn
from ixproxy.node.work import Answer, Effect, GoesOn, GoOn, ReadLong, Sender, Token
from ixproxy.values import InteractionState, SnapshotState

AT_A_TIME = 200
"""Members with which something is done in one batch."""

_WAITING = (InteractionState.QUEUED, InteractionState.CACHED)


def take(turn: Turn, sender: Sender, request: RequestTakeSnapshot, token: Token) -> ReadLong:
    """
    Begins to take a snapshot: finds its members, on a reader connection.

    :raise RequestRefused: unknown tenant, an expression that is not valid, or
        too many snapshots.
    """
    tenant = tenant_of(turn, sender, request.tenant_id)
    connected(turn, sender)
    _check_room(turn, sender)
    try:
        condition = turn.model.condition(request.condition) if request.condition else None
        order = turn.model.order(request.order) if request.order else turn.model.by_arrival
    except ExpressionError as problem:
        raise RequestRefused(Code.INVALID_CONDITION, str(problem)) from problem
    limit = turn.settings.max_interactions_per_snapshot
    if request.number_of_interactions > 0:
        limit = min(limit, request.number_of_interactions)
    selection = Selection(
        tenant.id,
        condition=condition,
        order=order,
        available=request.check_interactions_state,
        lockable=request.lock,
        bare=True,
        limit=limit,
    )
    plan = MembersWanted(request, selection, turn.now, keyed=bool(request.order))
    return ReadLong(token, sender, plan)


def take_on(turn: Turn, work: GoesOn) -> Answer | GoOn:
    """
    Makes the next of the found interactions members.

    :raise RequestRefused: the client is gone, or has gone meanwhile.
    """
    sender, request, progress = work.sender, work.message, work.progress
    assert isinstance(request, RequestTakeSnapshot)
    assert isinstance(progress, Taking)
    row = _taken_so_far(turn, sender, request, progress)
    found = progress.found[progress.at : progress.at + AT_A_TIME]
    if request.lock or request.check_interactions_state:
        turn.rows.prefetch(each.interaction_id for each in found)
        found = tuple(each for each in found if _is_still(turn, row, request, progress, each))
    for position, each in enumerate(found, row.size):
        turn.rows.put_member(
            SnapshotMemberRow(
                snapshot_id=row.snapshot_id,
                interaction_id=each.interaction_id,
                position=position,
                state=each.state,
                queue_seq=each.queue_seq,
                sort_key=each.sort_key,
            )
        )
    at = progress.at + AT_A_TIME
    whole = at >= len(progress.found)
    state = SnapshotState.WHOLE if whole else SnapshotState.TAKING
    row = keep(turn, replace(row, size=row.size + len(found), state=state))
    if whole:
        message = EventSnapshotTaken(snapshot_id=row.snapshot_id, number_of_interactions=row.size)
        return Answer(work.token, message)
    return GoOn(replace(work, progress=replace(progress, snapshot_id=row.snapshot_id, at=at)))


def _taken_so_far(
    turn: Turn, sender: Sender, request: RequestTakeSnapshot, progress: Taking
) -> SnapshotRow:
    if not progress.snapshot_id:
        connected(turn, sender)
        _check_room(turn, sender)
        turn.counters.event_number += 1
        return SnapshotRow(
            snapshot_id=turn.counters.event_number,
            session=sender.session,
            tenant_id=request.tenant_id,
            taken_at=turn.now,
        )
    row = turn.memory.snapshots.get(progress.snapshot_id)
    if row is None or row.state != SnapshotState.TAKING:
        raise RequestRefused(Code.CANCELLED, "its client session has ended, or registered again")
    return row


def _check_room(turn: Turn, sender: Sender) -> None:
    limit = turn.settings.max_number_of_snapshots
    if len(turn.memory.snapshots) >= limit:
        raise RequestRefused(
            Code.TOO_MANY_SNAPSHOTS, f"there are {limit} snapshots, as many as are allowed"
        )
    if len(turn.memory.snapshots.of(sender.session)) >= MAX_SNAPSHOTS:
        raise RequestRefused(
            Code.TOO_MANY_SNAPSHOTS, f"this client has {MAX_SNAPSHOTS}, as many as one may have"
        )


def _is_still(
    turn: Turn, row: SnapshotRow, request: RequestTakeSnapshot, progress: Taking, found: Found
) -> bool:
    """Whether what was found is what was asked for yet; then it is locked, if that was, too."""
    interaction = turn.rows.interaction(found.interaction_id)
    if interaction is None or interaction.tenant_id != row.tenant_id:
        return False
    as_found = interaction.state == found.state and interaction.queue_seq == found.queue_seq
    if not as_found or not lockable(interaction):
        return False
    if request.check_interactions_state and interaction.is_held:
        return False
    condition = progress.condition
    if condition is not None and not condition.matches(columns_of(interaction), progress.now):
        return False
    if request.lock:
        put_lock(turn, interaction, row)
    return True


def lockable(row: InteractionRow) -> bool:
    """Whether a snapshot can lock an interaction: nobody has it, nor has locked it."""
    return row.state in _WAITING and not row.is_locked


def put_lock(turn: Turn, row: InteractionRow, snapshot: SnapshotRow) -> None:
    """Lock an interaction."""
    turn.rows.put_interaction(replace(row, is_locked=1, snapshot_id=snapshot.snapshot_id))


def take_lock_off(turn: Turn, row: InteractionRow) -> None:
    """Unlock an interaction."""
    turn.rows.put_interaction(replace(row, is_locked=0, snapshot_id=None))


def own_snapshot(turn: Turn, sender: Sender, request: SnapshotRequest) -> SnapshotRow:
    """
    The snapshot that a request names.

    :raise RequestRefused: the sender's session has no such snapshot in this tenant.
    """
    tenant_of(turn, sender, request.tenant_id)
    row = turn.memory.snapshots.get(request.snapshot_id)
    if (
        row is None
        or row.session != sender.session
        or row.tenant_id != request.tenant_id
        or row.state != SnapshotState.WHOLE
    ):
        raise RequestRefused(Code.UNKNOWN_SNAPSHOT)
    return row


def get_page(
    turn: Turn, sender: Sender, request: RequestGetSnapshotInteractions, token: Token
) -> ReadLong:
    """Shows some positions of a snapshot, as its interactions are now."""
    row = own_snapshot(turn, sender, request)
    number = request.number_of_interactions or row.size
    plan = PageWanted(row.snapshot_id, row.tenant_id, request.start_from, number, row.size)
    return ReadLong(token, sender, plan)


def release(
    turn: Turn, sender: Sender, request: RequestReleaseSnapshot, token: Token
) -> Effect | None:
    """Frees a snapshot; answered when all of its locks are gone."""
    row = own_snapshot(turn, sender, request)
    work = GoesOn(sender, request, Freeing(row.snapshot_id), token, begun=True)
    return free_on(turn, work)


def free_on(turn: Turn, work: GoesOn) -> Effect | None:
    """Takes the next members out of a snapshot, until none is left."""
    progress = work.progress
    assert isinstance(progress, Freeing)
    row = turn.memory.snapshots.get(progress.snapshot_id)
    if row is not None and not free(turn, *first_members(turn, (row,))[0]):
        return GoOn(work)
    return None if work.token is None else Answer(work.token, EventAck())


def first_members(
    turn: Turn, snapshots: Iterable[SnapshotRow]
) -> list[tuple[SnapshotRow, Sequence[SnapshotMemberRow] | None]]:
    """
    Snapshots with what `free` needs of them, as far as the batch has room;
    reads the tables, so it comes before any change.
    """
    found: list[tuple[SnapshotRow, Sequence[SnapshotMemberRow] | None]] = []
    room = before = min(AT_A_TIME, turn.room)
    for row in snapshots:
        members = turn.rows.members(row.snapshot_id, 0, room) if room else None
        room -= len(members or ())
        found.append((row, members))
    turn.room -= before - room
    return found


def free(turn: Turn, row: SnapshotRow, members: Sequence[SnapshotMemberRow] | None) -> bool:
    """
    Take members out of a snapshot that nobody uses any more.

    :param members: the first that it has; None: it is not known, and their time comes.
    :return: whether it is gone; else the rest follows by ticks.
    """
    for member in members or ():
        interaction = turn.rows.interaction(member.interaction_id)
        if interaction is not None and interaction.snapshot_id == row.snapshot_id:
            take_lock_off(turn, interaction)
        turn.rows.remove_member(member)
    left = row.size - len(members or ())
    if left > 0 and members != []:
        keep(turn, replace(row, size=left, state=SnapshotState.ENDING))
        return False
    turn.memory.snapshots.drop(row)
    turn.rows.remove(row)
    return True


def keep(turn: Turn, row: SnapshotRow) -> SnapshotRow:
    """Keep a snapshot as `row` says."""
    turn.memory.snapshots.keep(row)
    turn.rows.put(row)
    return row


def free_more(turn: Turn, snapshot_id: int) -> None:
    """By a tick: the next members of a snapshot that is being freed."""
    row = turn.memory.snapshots.get(snapshot_id)
    if row is not None:
        free(turn, *first_members(turn, (row,))[0])
