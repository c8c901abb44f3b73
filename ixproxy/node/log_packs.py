"""
Rows of the outbox for event logs: a pack of the events of one batch, or a gap.

A row is a MessagePack list: what it is, the epoch of its lease, the index of its
first event among all that this log was ever told, and the frames of the events,
or what was dropped there. So how much waits is known from the oldest row and the newest.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ixproxy.errors import IxproxyError
from ixproxy.messages.message import Event
from ixproxy.node.log_work import Dropped, Entry
from ixproxy.wire.codec import decode
from ixproxy.wire.prefix import read_frame

PACK_BYTES = 256 << 10
"""Bytes of frames in one row, about."""

PACK, GAP = 1, 2


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
    frames: list[bytes]


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


def consumer_of(log: str) -> str:
    """Under which name the outbox keeps what an event log is told."""
    return f"log:{log}"


def pack_of(epoch: int, index: int, frames: Sequence[bytes]) -> bytes:
    """The row of some events."""
    return _encode(Pack(PACK, epoch, index, list(frames)))


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
    return head.index + (len(_pack(body).frames) if head.kind == PACK else 0)


def entries_of(dbid: int, body: bytes) -> tuple[list[Entry], list[str]]:
    """What a row says, for the log; and what is wrong with that of it that cannot be read."""
    entries: list[Entry] = []
    problems: list[str] = []
    try:
        head = _head(body)
        if head.kind == GAP:
            dropped = _gap(body).dropped
            return [Entry(dbid, head.epoch, dropped.first, dropped)], problems
        frames = _pack(body).frames
    except msgspec.MsgspecError as problem:
        # Another version of the program wrote it, or the disk.
        return [], [f"the row: {problem}"]
    for frame in frames:
        try:
            event = decode(read_frame(frame))
        except IxproxyError as problem:
            problems.append(str(problem))
            continue
        if isinstance(event, Event):
            entries.append(Entry(dbid, head.epoch, event.event_number, event))
        else:
            problems.append(f"{type(event).__name__} is no event")
    return entries, problems
