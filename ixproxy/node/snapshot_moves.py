"""
Moving and stopping all that a snapshot has.

Theory of operation: members are gone through in their order, some in each
batch, so that whoever asks something else meanwhile waits for no more than
that. A member that is not as it was when the snapshot was taken (or as the
snapshot has moved it since) is left alone and named in the answer. Each step
is a transaction: when the node goes down on the way, what was moved stays
moved, and the request is in doubt; when a step fails the refusal says so too.
"""

from __future__ import annotations

from msgspec.structs import replace

from ixproxy.errors import Code
from ixproxy.messages import (
    EventInteractionMoved,
    RequestMoveInteractions,
    RequestStopInteractions,
)
from ixproxy.node.access import tenant_of
from ixproxy.node.changing import stop_one
from ixproxy.node.life_cycle import Trigger
from ixproxy.node.long_plans import Moving
from ixproxy.node.placing import Destination, put_down, queue_destination
from ixproxy.node.rows import InteractionRow, SnapshotMemberRow, SnapshotRow
from ixproxy.node.snapshots import AT_A_TIME, own_snapshot
from ixproxy.node.turn import Cause, Turn
from ixproxy.node.work import Answer, Effect, GoesOn, GoOn, Sender, Token
from ixproxy.values import InteractionState

_OUT = (InteractionState.ROUTING, InteractionState.HANDLING)


def move(turn: Turn, sender: Sender, request: RequestMoveInteractions, token: Token) -> GoOn:
    """
    Begins to move all members to a queue (each: T20 of the life cycle).

    :raise RequestRefused: unknown snapshot or queue.
    """
    own_snapshot(turn, sender, request)
    _destination(turn, sender, request)
    return GoOn(GoesOn(sender, request, Moving(), token))


def stop(turn: Turn, sender: Sender, request: RequestStopInteractions, token: Token) -> GoOn:
    """
    Begins to stop all members (each: T17 of the life cycle).

    :raise RequestRefused: unknown snapshot.
    """
    own_snapshot(turn, sender, request)
    return GoOn(GoesOn(sender, request, Moving(), token))


def move_on(turn: Turn, work: GoesOn) -> Effect:
    """
    Moves or stops the next members.

    :raise RequestRefused: the snapshot or the queue is there no more.
    """
    sender, request, progress = work.sender, work.message, work.progress
    assert isinstance(request, RequestMoveInteractions | RequestStopInteractions)
    assert isinstance(progress, Moving)
    snapshot = own_snapshot(turn, sender, request)
    to = None
    if isinstance(request, RequestMoveInteractions):
        to = _destination(turn, sender, request)
    cause = Cause(sender, request.reason, sender.session)
    done, errors = progress.done, dict(progress.errors)
    for member in turn.rows.members(snapshot.snapshot_id, progress.at, AT_A_TIME):
        row = turn.rows.interaction(member.interaction_id)
        code = _why_not(snapshot, member, row)
        if code or row is None:
            errors[member.interaction_id] = code
            continue
        done += 1
        if to is None:
            stop_one(turn, row, (), cause)
        else:
            placed = put_down(turn, row, (), to, Trigger.PLACED_IN_QUEUE, cause)
            # It is where the snapshot has put it: that is no change since.
            turn.rows.put_member(replace(member, state=placed.state, queue_seq=placed.queue_seq))
    at = progress.at + AT_A_TIME
    if at >= snapshot.size:
        message = EventInteractionMoved(number_of_interactions=done, errors=errors)
        return Answer(work.token, message, partial=bool(errors))
    return GoOn(replace(work, progress=Moving(at, done, errors), begun=True))


def _destination(turn: Turn, sender: Sender, request: RequestMoveInteractions) -> Destination:
    return queue_destination(tenant_of(turn, sender, request.tenant_id), request.queue)


def _why_not(snapshot: SnapshotRow, member: SnapshotMemberRow, row: InteractionRow | None) -> int:
    """The code why a member is left alone; 0: it is not."""
    if row is None or row.tenant_id != snapshot.tenant_id:
        return Code.UNKNOWN_INTERACTION
    if row.state != member.state or row.queue_seq != member.queue_seq:
        return Code.CHANGED_SINCE
    if row.is_locked and row.snapshot_id != snapshot.snapshot_id:
        return Code.LOCKED
    return Code.NOT_QUEUED if row.state in _OUT else 0
