"""Requests that change nothing, and those by which a proxy finds and returns things."""

from __future__ import annotations

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import (
    EventAck,
    EventInteractionProperties,
    EventInteractionsFound,
    EventPing,
    EventWorkbinContent,
    EventWorkbinTypesInfo,
    RequestCancelTake,
    RequestFindInteractions,
    RequestGetInteractionProperties,
    RequestGetWorkbinContent,
    RequestLocate,
    RequestPing,
    RequestWorkbinTypesInfo,
)
from ixproxy.node.access import interaction_of, media_of, own_party, tenant_of
from ixproxy.node.answers import interaction_properties
from ixproxy.node.expressions import ExpressionError
from ixproxy.node.life_cycle import Trigger
from ixproxy.node.parties import put_back
from ixproxy.node.placing import workbin_destination
from ixproxy.node.selections import MOST_BYTES, Selection
from ixproxy.node.timers import seen_handling
from ixproxy.node.turn import Cause, Turn
from ixproxy.node.work import LongRead, ReadLong, Sender, Token
from ixproxy.values import ClientType


def get_properties(
    turn: Turn, sender: Sender, request: RequestGetInteractionProperties
) -> EventInteractionProperties:
    """All properties of one interaction; for the agent who handles it, a sign of life."""
    row = interaction_of(turn, sender, request)
    parties = turn.rows.parties_of(row.id)
    own = own_party(turn, sender, row, parties)
    if own is not None and sender.client_type == ClientType.AGENT_APPLICATION:
        seen_handling(turn, row)
    party = own or next(iter(parties), None)
    return EventInteractionProperties(
        interaction_id=row.id, interaction=interaction_properties(row, party)
    )


def find(turn: Turn, sender: Sender, request: RequestFindInteractions, token: Token) -> ReadLong:
    """
    Finds by condition, on a reader connection.

    :raise RequestRefused: unknown tenant or media type, or an expression that
        is not valid.
    """
    tenant = tenant_of(turn, sender, request.tenant_id)
    if request.media_type:
        media_of(tenant, request.media_type)
    try:
        condition = turn.model.condition(request.condition) if request.condition else None
        order = turn.model.order(request.order) if request.order else turn.model.by_arrival
    except ExpressionError as problem:
        raise RequestRefused(Code.INVALID_CONDITION, str(problem)) from problem
    limit = turn.settings.max_interactions_per_find
    if request.number_of_interactions > 0:
        limit = min(limit, request.number_of_interactions)
    selection = Selection(
        tenant.id,
        media_type=request.media_type,
        condition=condition,
        order=order,
        limit=limit + 1,
        most_bytes=MOST_BYTES,
    )
    plan = LongRead(selection, EventInteractionsFound, limit, turn.now, keyed=bool(request.order))
    return ReadLong(token, sender, plan)


def workbin_content(
    turn: Turn, sender: Sender, request: RequestGetWorkbinContent, token: Token
) -> ReadLong:
    """What lies in a workbin, in the order in which it came there."""
    tenant = tenant_of(turn, sender, request.tenant_id)
    if request.media_type:
        media_of(tenant, request.media_type)
    to = workbin_destination(tenant, request.workbin)
    limit = turn.settings.max_workbin_interactions
    selection = Selection(
        tenant.id,
        queue=to.queue,
        media_type=request.media_type,
        workbin=tuple((column, value) for column, value in to.workbin.items() if value),
        condition=turn.model.lying,
        order=turn.model.by_arrival,
        limit=limit + 1,
        most_bytes=MOST_BYTES,
    )
    return ReadLong(token, sender, LongRead(selection, EventWorkbinContent, limit, turn.now))


def workbin_types(
    turn: Turn, sender: Sender, request: RequestWorkbinTypesInfo
) -> EventWorkbinTypesInfo:
    """The workbin types of a tenant, each with its kind of owner."""
    tenant = tenant_of(turn, sender, request.tenant_id)
    return EventWorkbinTypesInfo(
        workbin_types={name: {"Owner": owner} for name, owner in tenant.workbins.items()}
    )


def locate(turn: Turn, sender: Sender, request: RequestLocate) -> EventAck:
    """Whether the interaction is here, after all that was asked before."""
    return EventAck(interaction_id=interaction_of(turn, sender, request).id)


def cancel_take(turn: Turn, sender: Sender, request: RequestCancelTake) -> EventAck:
    """Gives back what nobody received; a take that is over is none to cancel."""
    row = turn.rows.interaction(request.interaction_id)
    if row is not None and row.tenant_id in sender.tenants:
        for party in turn.rows.parties_of(row.id):
            if party.take_number == request.take_number:
                put_back(turn, row, (party,), Trigger.TAKE_CANCELLED, Cause(None, request.reason))
                break
    return EventAck(interaction_id=request.interaction_id)


def ping(turn: Turn, sender: Sender, request: RequestPing) -> EventPing:
    """Simple statistics of this node."""
    memory = turn.memory
    return EventPing(
        statistics={
            "Name": turn.identity.name,
            "Dbid": turn.identity.dbid,
            "Epoch": turn.identity.epoch,
            "LastEventNumber": turn.counters.event_number,
            "Sessions": len(memory.sessions),
            "SessionsLost": len(memory.lost),
            "Snapshots": len(memory.snapshots),
            "Agents": sum(row.confirmed for rows in memory.agents.values() for row in rows),
        }
    )
