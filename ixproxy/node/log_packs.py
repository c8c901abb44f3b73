"""
Rows of the outbox for event logs: a pack of the events of one batch, or a gap.

A row is a MessagePack list: what it is, the epoch of its lease, how much this log was
ever told before (events, and bytes of them), and then the events, or what was
dropped there. So how much waits is known from the oldest row and the newest.
An event is its name and all its attributes: it needs no prefix, for nobody routes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from ixproxy.messages.message import Event
from ixproxy.node.log_rules import LOGGED
from ixproxy.node.log_work import Dropped, Entry

PACK_BYTES = 256 << 10
"""Bytes of events in one row, about."""

READ_BYTES = 4 << 20
"""Bytes of rows that are read at once, but for one that is larger."""

PACK, GAP = 1, 2

CONSUMER = "log:"


class Amount(NamedTuple):
    """
    How much a log was told.

    :ivar size: of these events, as `Packed.size` counts.
    """

    events: int = 0
    size: int = 0


class Packed(msgspec.Struct, array_like=True, frozen=True):
    """
    An event.

    :ivar kind: its name.
    :ivar body: a MessagePack map of its attributes, by their protocol names.
    """

    kind: str
    body: bytes

    @property
    def size(self) -> int:
        """Bytes that it takes in a spool; a database needs some more for each row."""
        return len(self.kind) + len(self.body)


class Head(msgspec.Struct, array_like=True, frozen=True):
    """
    What every row begins with.

    :ivar before: what the log was told before it.
    """

    kind: int
    epoch: int
    before: Amount


class Pack(msgspec.Struct, array_like=True, frozen=True):
    """Some events."""

    kind: int
    epoch: int
    before: Amount
    events: list[Packed]


class Gap(msgspec.Struct, array_like=True, frozen=True):
    """Some events that were dropped."""

    kind: int
    epoch: int
    before: Amount
    dropped: Dropped


_encode = msgspec.msgpack.Encoder().encode
_head = msgspec.msgpack.Decoder(Head).decode
_pack = msgspec.msgpack.Decoder(Pack).decode
_gap = msgspec.msgpack.Decoder(Gap).decode
_DECODE = {kind.__name__: msgspec.msgpack.Decoder(kind).decode for kind in LOGGED}


def consumer_of(log: str) -> str:
    """Under which name the outbox keeps what an event log is told."""
    return f"{CONSUMER}{log}"


def log_of(consumer: str) -> str:
    """The event log that is a consumer of the outbox; "": it is something else."""
    return consumer.removeprefix(CONSUMER) if consumer.startswith(CONSUMER) else ""


def packed(event: Event) -> Packed:
    """An event, encoded."""
    return Packed(type(event).__name__, _encode(event))


def pack_of(epoch: int, before: Amount, events: Sequence[Packed]) -> bytes:
    """The row of some events."""
    return _encode(Pack(PACK, epoch, before, list(events)))


def gap_of(epoch: int, before: Amount, dropped: Dropped) -> bytes:
    """The row of a gap."""
    return _encode(Gap(GAP, epoch, before, dropped))


def told_before(body: bytes) -> Amount:
    """
    How much the log was told before a row.

    :raise msgspec.MsgspecError: it is none of this program.
    """
    return _head(body).before


def told_with(body: bytes) -> Amount:
    """Likewise, with what the row says."""
    head = _head(body)
    return and_these(head.before, _pack(body).events) if head.kind == PACK else head.before


def and_these(before: Amount, events: Sequence[Packed]) -> Amount:
    """So much, and some events more."""
    return Amount(before.events + len(events), before.size + sum(each.size for each in events))


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
