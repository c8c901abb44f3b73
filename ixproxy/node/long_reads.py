"""What a reader connection found, as the answer to the request that asked for it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ixproxy.messages import Event3rdServerResponse
from ixproxy.messages.answers import InteractionsAnswer
from ixproxy.messages.message import KeyValues
from ixproxy.node.answers import interaction_properties
from ixproxy.node.expressions import columns_of
from ixproxy.node.rows import InteractionRow
from ixproxy.node.selections import shown
from ixproxy.node.work import LongRead

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
