"""
What a reader connection found: the answer to the request that asked for it, or
what is to be done next.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from ixproxy.errors import Code, RequestRefused
from ixproxy.interfaces import IStoreReader
from ixproxy.messages import (
    Event3rdServerResponse,
    EventAgentWorkbinStats,
    EventSnapshotInteractions,
)
from ixproxy.messages.answers import InteractionsAnswer
from ixproxy.messages.message import KeyValues, Message
from ixproxy.node.answers import interaction_properties
from ixproxy.node.expressions import columns_of
from ixproxy.node.long_plans import (
    Found,
    LongPlan,
    LongRead,
    MembersWanted,
    PageWanted,
    Taking,
    WorkbinCount,
)
from ixproxy.node.rows import InteractionRow
from ixproxy.node.selections import MOST_BYTES, shown
from ixproxy.values import InteractionState

PIECE = 32
"""Interactions of a page that are read together: each may be as large as one can be."""


def result_of(plan: LongPlan, reader: IStoreReader) -> Message | Taking:
    """
    Do what a plan says.

    :raise StorageError: the database could not be read, or was interrupted.
    :raise RequestRefused: the snapshot of a page is there no more.
    """
    if isinstance(plan, LongRead):
        rows = reader.select(plan.selection, plan.now)
        return answer_of(plan, rows) if plan.envelope is None else response_of(plan, rows)
    if isinstance(plan, PageWanted):
        return _page(plan, reader)
    if isinstance(plan, WorkbinCount):
        return _counted(plan, reader)
    return _chosen(plan, reader.select(plan.selection, plan.now))


def _chosen(plan: MembersWanted, rows: Sequence[InteractionRow]) -> Taking:
    order = plan.selection.order if plan.keyed else None
    found = (
        Found(
            row.id,
            row.state,
            row.queue_seq,
            order.key(columns_of(row), plan.now) if order is not None else b"",
        )
        for row in rows
    )
    return Taking(tuple(found), plan.selection.condition, plan.now)


def _page(plan: PageWanted, reader: IStoreReader) -> EventSnapshotInteractions:
    members = reader.members(plan.snapshot_id, plan.start, plan.number)
    end = min(plan.start + plan.number, plan.size)
    if [member.position for member in members] != list(range(plan.start, end)):
        # Only with its snapshot a member goes: it was released since the page was asked for.
        raise RequestRefused(Code.UNKNOWN_SNAPSHOT)
    there: dict[str, KeyValues] = {}
    keys: dict[str, bytes] = {}
    errors: dict[str, int] = {}
    size = covered = 0
    for at in range(0, len(members), PIECE):
        piece = members[at : at + PIECE]
        wanted = [member.interaction_id for member in piece]
        rows = {row.id: row for row in reader.fetch_by("interactions", "id", wanted)}
        for member in piece:
            row = rows.get(member.interaction_id)
            if row is None or row.tenant_id != plan.tenant_id:
                errors[member.interaction_id] = Code.UNKNOWN_INTERACTION
            else:
                size += len(row.user_data)
                if size > MOST_BYTES and covered:
                    break
                there[row.id] = interaction_properties(row)
                if member.sort_key:
                    keys[row.id] = member.sort_key
            covered += 1
        if size > MOST_BYTES:
            break
    return EventSnapshotInteractions(
        interactions=there,
        sort_keys=keys,
        errors=errors,
        have_more=bool(members) and plan.start + covered < plan.size,
    )


def _counted(plan: WorkbinCount, reader: IStoreReader) -> EventAgentWorkbinStats:
    """
    How much is in some workbins of one owner, as numbers that add up over nodes.

    `InWorkbin` lies there; `Handling` and `Routing` were taken out, and go back
    there if nobody places them elsewhere; `Total` is all of it. What lies in
    those of one type is `Type.NAME`, and what an agent handles `HeldBy.NAME`.
    """
    numbers: Counter[str] = Counter(dict.fromkeys(("Total", "InWorkbin", "Handling", "Routing"), 0))
    for name, selection in plan.workbins:
        numbers[f"Type.{name}"] += 0
        by = ("state", "assigned_to")
        for state, agent, number in reader.count_by(selection, by, plan.now):
            numbers["Total"] += number
            if state == InteractionState.HANDLING:
                numbers["Handling"] += number
                numbers[f"HeldBy.{agent or ''}"] += number
            elif state == InteractionState.ROUTING:
                numbers["Routing"] += number
            else:
                numbers["InWorkbin"] += number
                numbers[f"Type.{name}"] += number
    return EventAgentWorkbinStats(statistics=dict(numbers))

MOST_IN_A_RESPONSE = 500 << 10
"""Bytes of interactions in the answer to a call: any hop takes a frame of them."""

_encode = msgspec.msgpack.Encoder().encode


def answer_of(plan: LongRead, rows: Sequence[InteractionRow]) -> InteractionsAnswer:
    """
    The answer that shows `rows`, in their order.

    :param rows: what the store chose for `plan.selection` at `plan.now`.
    """
    found, following = shown(plan.selection, rows, plan.limit)
    order = plan.selection.order
    keys: dict[str, bytes] = {}
    if plan.keyed and order is not None:
        keys = {row.id: order.key(columns_of(row), plan.now) for row in found}
    return plan.answer(
        interactions={row.id: interaction_properties(row) for row in found},
        sort_keys=keys,
        have_more=following is not None,
    )


def response_of(plan: LongRead, rows: Sequence[InteractionRow]) -> Event3rdServerResponse:
    """
    The same as the answer to a call of the node's own service.

    It shows as many as fit one frame, for it cannot come in parts.
    """
    found, following = shown(plan.selection, rows, plan.limit)
    have_more = following is not None
    interactions: dict[str, KeyValues] = {}
    size = 0
    for row in found:
        properties = interaction_properties(row)
        size += len(_encode(properties)) + len(row.id)
        if interactions and size > MOST_IN_A_RESPONSE:
            have_more = True
            break
        interactions[row.id] = properties
    output = {
        "Interactions": interactions,
        "Count": len(interactions),
        "HaveMore": int(have_more),
    }
    return Event3rdServerResponse(
        envelope3rd_server={**(plan.envelope or {}), "Parameters": output}
    )
