"""
Rows of the outbox for event logs: a pack of the events of one batch, or a gap.

A row is a MessagePack list: what it is, the epoch of its lease, the index of its
first event among all that this log was ever told, and then the events, or what was
dropped there. So how much waits is known from the oldest row and the newest.
An event is its name and all its attributes: it needs no prefix, for nobody routes it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ixproxy.messages.message import Event
from ixproxy.node.log_rules import LOGGED
from ixproxy.node.log_work import Dropped, Entry

PACK_BYTES = 256 << 10
"""Bytes of events in one row, about."""

READ_BYTES = 4 << 20
"""Bytes of rows that are read at once, but for one that is larger."""

PACK, GAP = 1, 2


class Packed(msgspec.Struct, array_like=True, frozen=True):
    """
    An event.

    :ivar kind: its name.
    :ivar body: a MessagePack map of its attributes, by their protocol names.
    """

    kind: str
    body: bytes


class Head(msgspec.Struct, array_like=True, frozen=True):
    """What every row begins with."""

    kind: int
    epoch: int
    index: int


class Pack(msgspec.Struct, array_like=True, frozen=True):
    """
    Some events.

    :ivar index: of the first.
    """

    kind: int
    epoch: int
    index: int
    events: list[Packed]


class Gap(msgspec.Struct, array_like=True, frozen=True):
    """
    Some events that were dropped.

    :ivar index: of the next event that is not.
    """

    kind: int
    epoch: int
    index: int
    dropped: Dropped


_encode = msgspec.msgpack.Encoder().encode
_head = msgspec.msgpack.Decoder(Head).decode
_pack = msgspec.msgpack.Decoder(Pack).decode
_gap = msgspec.msgpack.Decoder(Gap).decode
_DECODE = {kind.__name__: msgspec.msgpack.Decoder(kind).decode for kind in LOGGED}


def consumer_of(log: str) -> str:
    """Under which name the outbox keeps what an event log is told."""
    return f"log:{log}"


def packed(event: Event) -> Packed:
    """An event, encoded."""
    return Packed(type(event).__name__, _encode(event))


def pack_of(epoch: int, index: int, events: Sequence[Packed]) -> bytes:
    """The row of some events."""
    return _encode(Pack(PACK, epoch, index, list(events)))


def gap_of(epoch: int, index: int, dropped: Dropped) -> bytes:
    """The row of a gap."""
    return _encode(Gap(GAP, epoch, index, dropped))


def index_of(body: bytes) -> int:
    """
    At which index a row begins.

    :raise msgspec.MsgspecError: it is none of this program.
    """
    return _head(body).index


def index_behind(body: bytes) -> int:
    """Likewise, at which index the row behind it begins."""
    head = _head(body)
    return head.index + (len(_pack(body).events) if head.kind == PACK else 0)


def entries_of(dbid: int, body: bytes) -> tuple[list[Entry], list[str]]:
    """What a row says, for the log; and what is wrong with that of it that cannot be read."""
    entries: list[Entry] = []
    problems: list[str] = []
    try:
        head = _head(body)
        if head.kind == GAP:
            dropped = _gap(body).dropped
            return [Entry(dbid, head.epoch, dropped.first, dropped)], problems
        events = _pack(body).events
    except msgspec.MsgspecError as problem:
        # Another version of the program wrote it, or the disk.
        return [], [f"the row: {problem}"]
    for each in events:
        decode = _DECODE.get(each.kind)
        if decode is None:
            problems.append(f"{each.kind} is no event that is logged")
            continue
        try:
            event = decode(each.body)
        except (msgspec.MsgspecError, ValueError, RecursionError) as problem:
            # The last: what an external server answers may be nested as deep as it likes.
            problems.append(f"{each.kind}: {problem}")
        else:
            entries.append(Entry(dbid, head.epoch, event.event_number, event))
    return entries, problems
