"""New interactions: queued for media servers, in hand for agents; once for each receipt."""

from __future__ import annotations

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import EventAck, RequestSubmit
from ixproxy.node.access import agent_of, connected, media_of, own_party, tenant_of
from ixproxy.node.event_making import Happening
from ixproxy.node.events import happen
from ixproxy.node.life_cycle import Trigger, transition
from ixproxy.node.model import TenantModel
from ixproxy.node.parties import agent_party
from ixproxy.node.placing import Destination, arrival, queue_destination, workbin_destination
from ixproxy.node.rows import InteractionRow, ReceiptRow
from ixproxy.node.timers import start_handling
from ixproxy.node.turn import Cause, Turn
from ixproxy.node.user_data import submitted, suggested
from ixproxy.node.work import Sender
from ixproxy.node.working_set import ReceiptKey
from ixproxy.values import (
    INTERACTION_ID_LENGTH,
    ClientType,
    InteractionState,
    base36,
    id_origin,
    interaction_id,
)

HOUR = 3600.0


def submit(turn: Turn, sender: Sender, request: RequestSubmit) -> EventAck:
    """T1 and T2 of the life cycle."""
    tenant = tenant_of(turn, sender, request.tenant_id)
    receipt = receipt_key(sender, request)
    if receipt is not None:
        repeated = _repeated(turn, sender, receipt)
        if repeated is not None:
            return repeated
    by_agent = sender.client_type == ClientType.AGENT_APPLICATION
    if not media_of(tenant, request.media_type).enabled and by_agent:
        raise RequestRefused(
            Code.UNKNOWN_MEDIA_TYPE, f"media type {request.media_type!r} is disabled"
        )
    agent = None
    if by_agent:
        connected(turn, sender)
        agent = agent_of(turn, sender, request.tenant_id)
    to = _destination(tenant, request)
    id = request.interaction_id
    if id:
        _check_free(turn, id)
    user_data, columns = submitted(turn, sender, request.user_data)
    if request.parent_interaction_id:
        if columns.get("parent_id") and not turn.settings.allow_duplicates_in_submit:
            raise RequestRefused(Code.DUPLICATE_KEY, "ParentId is named twice")
        columns["parent_id"] = request.parent_interaction_id
    if not id:
        id = _new_id(turn)
    columns.update(arrival(turn, to))
    columns.setdefault("is_online", int(request.is_online))
    row = InteractionRow(
        id=id,
        tenant_id=request.tenant_id,
        media_type=request.media_type,
        type=request.interaction_type,
        subtype=request.interaction_subtype,
        state=InteractionState.HANDLING if agent else InteractionState.QUEUED,
        received_at=request.received_at or turn.now,
        submitted_at=turn.now,
        submitted_by=sender.client_name,
        assigned_to=agent.agent_id if agent else None,
        in_queues=suggested("InQueues", request.in_queues),
        out_queues=suggested("OutQueues", request.out_queues),
        user_data=user_data,
        **columns,
    )
    turn.rows.put_interaction(row)
    if receipt is not None:
        turn.rows.put_receipt(
            ReceiptRow(
                tenant_id=receipt[0],
                submitted_by=receipt[1],
                receipt=receipt[2],
                interaction_id=id,
                created_at=turn.now,
            )
        )
    cause = Cause(sender, request.reason, sender.session)
    take_number = 0
    if agent is None:
        happen(turn, transition(Trigger.SUBMITTED, None), Happening(None, row, cause))
    else:
        party = agent_party(turn, sender, id, agent)
        take_number = party.take_number
        turn.rows.put_party(party)
        start_handling(turn, row)
        step = transition(Trigger.SUBMITTED_BY_AGENT, None)
        happen(turn, step, Happening(None, row, cause, joined=party))
    return EventAck(interaction_id=id, take_number=take_number, extension={"InteractionId": id})


def receipt_key(sender: Sender, request: RequestSubmit) -> ReceiptKey | None:
    """Whose receipt of what: submitters of one name share their receipts."""
    if not request.submit_receipt:
        return None
    return request.tenant_id, sender.client_name, request.submit_receipt


def _repeated(turn: Turn, sender: Sender, key: ReceiptKey) -> EventAck | None:
    """The first answer once more, if this receipt was given and is not too old."""
    receipt = turn.rows.receipt(key)
    if receipt is None or receipt.created_at <= oldest_receipt(turn):
        return None
    id = receipt.interaction_id
    row = turn.rows.interaction(id)
    party = own_party(turn, sender, row, turn.rows.parties_of(id)) if row else None
    return EventAck(
        interaction_id=id,
        take_number=party.take_number if party and party.session == sender.session else 0,
        extension={"InteractionId": id},
        repeated=True,
    )


def oldest_receipt(turn: Turn) -> float:
    """Receipts given at this time or before count no more."""
    return turn.now - turn.settings.submit_receipt_retention * HOUR


def _destination(tenant: TenantModel, request: RequestSubmit) -> Destination:
    if request.workbin is None:
        if not request.queue:
            raise RequestRefused(Code.MISSING_VALUE, "a queue or a workbin is required")
        return queue_destination(tenant, request.queue)
    if request.queue:
        raise RequestRefused(Code.BAD_ATTRIBUTE, "both a queue and a workbin are named")
    return workbin_destination(tenant, request.workbin)


def _check_free(turn: Turn, id: str) -> None:
    """
    Refuse a client's id that is taken, or that this node may yet generate.

    Then a generated id need not be looked up.
    """
    if turn.rows.interaction(id) is not None:
        raise RequestRefused(Code.DUPLICATE_INTERACTION, f"{id!r} exists already")
    ours = len(id) == INTERACTION_ID_LENGTH and id_origin(id) == turn.identity.dbid
    if ours and id[6:10] >= base36(turn.identity.epoch, 4):
        raise RequestRefused(
            Code.DUPLICATE_INTERACTION, f"{id!r} is kept for ids that this node generates"
        )


def _new_id(turn: Turn) -> str:
    turn.counters.interaction_number += 1
    identity = turn.identity
    return interaction_id(identity.dbid, identity.epoch, turn.counters.interaction_number)
