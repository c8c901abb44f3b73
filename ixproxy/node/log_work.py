"""
What an event log is given: frozen values.

An entry is an event, or says that events were dropped, for the log was away for
so long that its spool was full. Both are named for ever by the node's dbid, the
epoch of the lease under which they happened, and a number: a node whose
database was restored from a backup gives the numbers behind it again, in a
later epoch.
"""

from __future__ import annotations

import msgspec

from ixproxy.messages.message import Event


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
