"""What a reader connection found, as the answer to the request that asked for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ixproxy.interfaces import IStoreReader
from ixproxy.messages import EventAgentWorkbinStats
from ixproxy.messages.answers import InteractionsAnswer
from ixproxy.messages.message import Message
from ixproxy.node.answers import interaction_properties
from ixproxy.node.expressions import columns_of
from ixproxy.node.rows import InteractionRow
from ixproxy.node.selections import shown
from ixproxy.node.work import LongRead, WorkbinCount
from ixproxy.values import InteractionState


def read(plan: LongRead | WorkbinCount, reader: IStoreReader) -> Message:
    """
    Do what a plan says.

    :raise StorageError: the database could not be read, or was interrupted.
    """
    if isinstance(plan, LongRead):
        return answer_of(plan, reader.select(plan.selection, plan.now))
    return counted(plan, reader)


def counted(plan: WorkbinCount, reader: IStoreReader) -> EventAgentWorkbinStats:
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
