"""
What an event log is given: frozen values.

An entry is an event, or says that events were dropped, for the log was away for
so long that its spool was full. Both are named for ever by the node's dbid, the
epoch of the lease under which they happened, and a number: a node whose
database was restored from a backup gives the numbers behind it again, in a
later epoch.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import msgspec

from ixproxy.messages.message import Event


class Bound(Enum):
    """What bounds a spool, by its key of an event log's table."""

    EVENTS = "max-queue-size"
    BYTES = "max-queue-bytes"


class Dropped(msgspec.Struct, frozen=True):
    """
    Events that no log will ever have.

    :ivar first: number of the first, as is `last` that of the last.
    :ivar first_time: seconds since the epoch, UTC, as is `last_time`.
    :ivar events: how many, by the name of the event.
    """

    first: int
    last: int
    first_time: float
    last_time: float
    events: dict[str, int]


class Entry(msgspec.Struct, frozen=True):
    """
    One thing to log.

    :ivar number: of the event, or of the first that was dropped.
    """

    dbid: int
    epoch: int
    number: int
    what: Event | Dropped


class ShipLog(msgspec.Struct, frozen=True):
    """
    Work: read what an event log is to be told next. It gets exactly one LogShipment.

    :ivar told: the numbers of the rows that it was told: they are deleted.
    :ivar limit: read so many rows at most.
    :ivar token: whatever the server must know to answer; returned untouched.
    """

    log: str
    limit: int
    told: tuple[int, ...] = ()
    token: Any = None

    def __repr__(self) -> str:
        return f"ShipLog({self.log!r}, {self.limit})"


class LogShipment(msgspec.Struct, frozen=True):
    """
    Effect: what an event log is to be told next, oldest first.

    :ivar bodies: rows of the outbox, by number.
    :ivar left: events that wait, these counted in.
    :ivar left_bytes: likewise, bytes of them.
    :ivar number: the node's last event when they were read.
    :ivar at: all that happened before this time, seconds since the epoch, UTC, had been told
        where nothing was read.
    :ivar failed: they could not be read, nor deleted.
    """

    log: str
    bodies: dict[int, bytes] = {}
    left: int = 0
    left_bytes: int = 0
    number: int = 0
    at: float = 0.0
    failed: bool = False
    token: Any = None

    def __repr__(self) -> str:
        return f"LogShipment({self.log!r}, {len(self.bodies)} rows, {self.left} events)"


class LogGrew(msgspec.Struct, frozen=True):
    """
    Effect: an event log is to be told something more.

    :ivar waiting: events that wait for it.
    :ivar waiting_bytes: bytes of them.
    :ivar dropped: events of this batch that it will never be told of.
    :ivar first: the number of the first of them.
    :ivar bound: why; None: nothing was dropped.
    """

    log: str
    waiting: int
    waiting_bytes: int = 0
    dropped: int = 0
    first: int = 0
    bound: Bound | None = None


class LogRefused(msgspec.Struct, frozen=True):
    """
    Effect: something was refused, for an event log that must have everything is full.

    :ivar bound: which one is reached.
    """

    log: str
    bound: Bound


LogEffect = LogShipment | LogGrew | LogRefused
