"""Which interactions a view, a find or a workbin shows, as a value for stores."""

from __future__ import annotations

from dataclasses import dataclass

from ixproxy.node.expressions import Condition, Order


@dataclass(frozen=True, slots=True)
class Selection:
    """
    A choice of interaction rows.

    Every part narrows it; empty strings and None do not. `limit` is the
    number of rows at most, 0 for none. `available` asks for rows that can be
    pulled: queued, not locked, not on hold.
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
    limit: int = 0
