"""The numbers that a node never gives twice."""

from __future__ import annotations

import msgspec


class Counters(msgspec.Struct):
    """
    The numbers that only go up.

    :ivar event_number: of the last event.
    :ivar queue_seq: of the last arrival in a queue.
    :ivar interaction_number: of the last generated id of this epoch.
    :ivar stamp_number: the highest number of any agent session seen.
    """

    event_number: int = 0
    queue_seq: int = 0
    interaction_number: int = 0
    stamp_number: int = 0


def set_back(counters: Counters, numbers: tuple[int, ...]) -> None:
    """Undo what was counted since `msgspec.structs.astuple(counters)` gave these numbers."""
    for name, number in zip(Counters.__struct_fields__, numbers, strict=True):
        setattr(counters, name, number)
