"""Which interactions a view, a find or a workbin shows, as a value for stores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from ixproxy.node.expressions import Condition, Order
from ixproxy.node.rows import InteractionRow

MOST_BYTES = 32 << 20
"""Of user data in one answer: what is shown is in memory several times on its way out."""


@dataclass(frozen=True, slots=True)
class Selection:
    """
    A choice of interaction rows.

    Every part narrows it; empty strings and None do not. `limit` is the
    number of rows at most, 0 for none. `available` asks for rows that can be
    pulled: queued, not locked, not on hold; `lockable` for rows that a snapshot
    can lock: in a queue and not locked. `bare` rows come without what may be
    large: user data and suggested queues.
    """

    tenant_id: int
    queue: str = ""
    media_type: str = ""
    workbin: tuple[tuple[str, str], ...] = ()
    """Workbin columns and the values that they must have."""
    condition: Condition | None = None
    order: Order | None = None
    segmentation: tuple[str, ...] = ()
    """Columns whose equal values make a segment."""
    segment_limit: int = 0
    """Rows of one segment at most that are out (routing or handling), 0: any."""
    available: bool = False
    lockable: bool = False
    bare: bool = False
    limit: int = 0
    most_bytes: int = 0
    """
    Bytes of user data in all rows together: the row that exceeds them is the
    last, unless it is the first. 0: any.
    """


def shown(
    selection: Selection, rows: Sequence[InteractionRow], limit: int
) -> tuple[Sequence[InteractionRow], InteractionRow | None]:
    """
    The rows that an answer shows, and the first of those that it does not.

    :param rows: what a store chose: one more than `limit`, if there are as many.
    """
    number = limit
    if selection.most_bytes:
        sizes = accumulate(len(row.user_data) for row in rows)
        too_large = (at for at, size in enumerate(sizes) if size > selection.most_bytes)
        number = min(limit, max(1, next(too_large, limit)))
    return rows[:number], rows[number] if len(rows) > number else None
