"""Placing interactions in queues and workbins: where they wait, and go back to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import (
    EventAck,
    RequestPlaceInQueue,
    RequestPlaceInWorkbin,
    Workbin,
)
from ixproxy.node.access import interaction_of, may_move, tenant_of
from ixproxy.node.event_making import Happening
from ixproxy.node.events import happen
from ixproxy.node.inviting import call_off_all
from ixproxy.node.life_cycle import Trigger, transition
from ixproxy.node.model import NO_WORKBIN, OWNERS, TenantModel, workbin_columns, workbin_queue
from ixproxy.node.parties import release
from ixproxy.node.rows import InteractionRow, PartyRow
from ixproxy.node.turn import Cause, Turn
from ixproxy.node.user_data import Columns, edited
from ixproxy.node.work import Sender
from ixproxy.values import InteractionState


class Destination(NamedTuple):
    """A queue, or a workbin with its private queue."""

    queue: str
    workbin: dict[str, str | None]


def queue_destination(tenant: TenantModel, queue: str) -> Destination:
    """:raise RequestRefused: the tenant has no such queue."""
    if not queue:
        raise RequestRefused(Code.MISSING_VALUE, "Queue is missing")
    if queue not in tenant.queues:
        raise RequestRefused(Code.UNKNOWN_QUEUE, f"tenant {tenant.name!r} has no queue {queue!r}")
    return Destination(queue, NO_WORKBIN)


def workbin_destination(tenant: TenantModel, workbin: Workbin) -> Destination:
    """
    :raise RequestRefused: the tenant has no such workbin, or the one owner of
        the kind that the workbin belongs to is not named, or not known.
    """
    name = workbin.workbin_type_id
    if not name:
        raise RequestRefused(Code.MISSING_VALUE, "WorkbinTypeId is missing")
    kind = tenant.workbins.get(name)
    if kind is None:
        raise RequestRefused(
            Code.UNKNOWN_WORKBIN, f"tenant {tenant.name!r} has no workbin {name!r}"
        )
    named = [each for each, (attribute, _) in OWNERS.items() if getattr(workbin, attribute)]
    if named != [kind]:
        raise RequestRefused(
            Code.UNKNOWN_OWNER,
            f"workbin {name!r} belongs to one {kind}; named: {', '.join(named) or 'nobody'}",
        )
    owner = getattr(workbin, OWNERS[kind][0])
    known = tenant.owners(kind)
    if known is not None and owner not in known:
        raise RequestRefused(Code.UNKNOWN_OWNER, f"tenant {tenant.name!r} has no {kind} {owner!r}")
    return Destination(workbin_queue(name), workbin_columns(kind, workbin))


def arrival(turn: Turn, to: Destination, row: InteractionRow | None = None) -> Columns:
    """
    The columns of an interaction that enters a queue or workbin now.

    :param row: where it comes from: what enters the same queue again keeps
        the time when it was first moved there.
    """
    turn.counters.queue_seq += 1
    columns: Columns = {
        "queue": to.queue,
        "queue_seq": turn.counters.queue_seq,
        "placed_in_queue_at": turn.now,
        **to.workbin,
    }
    if row is None or row.queue != to.queue or row.moved_to_queue_at is None:
        columns["moved_to_queue_at"] = turn.now
    if to.queue in turn.settings.completed_queues:
        columns["completed_at"] = turn.now
    return columns


def place_in_queue(turn: Turn, sender: Sender, request: RequestPlaceInQueue) -> EventAck:
    """T5, T13 of the life cycle; of a waiting interaction it is a move (T20)."""
    row = interaction_of(turn, sender, request)
    to = queue_destination(tenant_of(turn, sender, row.tenant_id), request.queue)
    return _place(turn, sender, request, row, to, Trigger.PLACED_IN_QUEUE)


def place_in_workbin(turn: Turn, sender: Sender, request: RequestPlaceInWorkbin) -> EventAck:
    """T6, T13 of the life cycle."""
    row = interaction_of(turn, sender, request)
    to = workbin_destination(tenant_of(turn, sender, row.tenant_id), request.workbin)
    return _place(turn, sender, request, row, to, Trigger.PLACED_IN_WORKBIN)


def _place(
    turn: Turn,
    sender: Sender,
    request: RequestPlaceInQueue | RequestPlaceInWorkbin,
    row: InteractionRow,
    to: Destination,
    trigger: Trigger,
) -> EventAck:
    parties = may_move(turn, sender, row)
    cause = Cause(sender, request.reason, sender.session)
    wanted = (request.added_properties, request.changed_properties, request.deleted_properties)
    if any(wanted):
        columns, changed = edited(turn, sender, row, wanted)
        before, row = row, replace(row, **columns)
        if any(changed):
            step = transition(Trigger.CHANGED, before.state)
            happen(turn, step, Happening(before, row, cause, stayed=parties, changed=changed))
    put_down(turn, row, parties, to, trigger, cause)
    return EventAck(interaction_id=row.id)


def put_down(
    turn: Turn,
    row: InteractionRow,
    parties: Sequence[PartyRow],
    to: Destination,
    trigger: Trigger,
    cause: Cause,
) -> InteractionRow:
    """
    Its parties leave an interaction, which waits in another place from now on.

    :raise RequestRefused: it cannot be placed.
    """
    step = transition(trigger, row.state)
    called_off = call_off_all(turn, row, "the interaction was placed elsewhere")
    release(turn, row, parties)
    placed = replace(row, state=InteractionState.QUEUED, assigned_to=None, **arrival(turn, to, row))
    turn.rows.put_interaction(placed)
    happen(turn, step, Happening(row, placed, cause, left=parties, called_off=called_off))
    return placed
