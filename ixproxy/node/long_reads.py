"""What a reader connection found, as the answer to the request that asked for it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ixproxy.messages import Event3rdServerResponse
from ixproxy.messages.message import KeyValues, Message
from ixproxy.node.answers import interaction_properties
from ixproxy.node.expressions import columns_of
from ixproxy.node.rows import InteractionRow
from ixproxy.node.selections import shown
from ixproxy.node.work import LongRead

MOST_IN_A_RESPONSE = 500 << 10
"""Bytes of interactions in the answer to a call: any hop takes a frame of them."""

_encode = msgspec.msgpack.Encoder().encode


def answer_of(plan: LongRead, rows: Sequence[InteractionRow]) -> Message:
    """
    The answer that shows `rows`, in their order.

    :param rows: what the store chose for `plan.selection` at `plan.now`.
    """
    found, following = shown(plan.selection, rows, plan.limit)
    if plan.envelope is not None:
        return _response(plan.envelope, found, have_more=following is not None)
    order = plan.selection.order
    keys: dict[str, bytes] = {}
    if plan.keyed and order is not None:
        keys = {row.id: order.key(columns_of(row), plan.now) for row in found}
    return plan.answer(
        interactions={row.id: interaction_properties(row) for row in found},
        sort_keys=keys,
        have_more=following is not None,
    )


def _response(
    envelope: KeyValues, found: Sequence[InteractionRow], *, have_more: bool
) -> Event3rdServerResponse:
    """The answer to a call: as many as fit one frame, for it cannot come in parts."""
    shown: dict[str, KeyValues] = {}
    size = 0
    for row in found:
        properties = interaction_properties(row)
        size += len(_encode(properties)) + len(row.id) + 8
        if shown and size > MOST_IN_A_RESPONSE:
            have_more = True
            break
        shown[row.id] = properties
    output = {"Interactions": shown, "Count": len(shown), "HaveMore": int(have_more)}
    return Event3rdServerResponse(envelope3rd_server={**envelope, "Parameters": output})
