"""What a reader connection found, as the answer to the request that asked for it."""

from __future__ import annotations

from collections.abc import Sequence

from ixproxy.messages.answers import InteractionsAnswer
from ixproxy.node.answers import interaction_properties
from ixproxy.node.expressions import columns_of
from ixproxy.node.rows import InteractionRow
from ixproxy.node.selections import shown
from ixproxy.node.work import LongRead


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
