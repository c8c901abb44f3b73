"""
Long messages in several frames, and several messages in one.

An answer that is longer than its receiver's max-frame goes as several frames
with the same client and reference, flag MORE on all but the last; each is a
whole message. What is divided and how it is joined again is said by the merge
columns (`ixproxy.wire.bodies` does it, without decoding values).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from ixproxy.errors import Code, RemoteProtocolError
from ixproxy.messages.message import Message
from ixproxy.wire.bodies import CONTINUED, add, join_bodies, split_body
from ixproxy.wire.codec import decode, encode
from ixproxy.wire.names import BY_CODE, BY_MESSAGE, Merge, NameRow
from ixproxy.wire.prefix import Flag, Frame, read_frame, with_body, with_flags

__all__ = [
    "encode_parts",
    "join",
    "join_bodies",
    "join_frames",
    "merge_union",
    "split",
    "split_body",
    "split_frame",
]

M = TypeVar("M", bound=Message)


def encode_parts(
    message: Message,
    max_frame: int,
    *,
    client: int = 0,
    reference: int = 0,
    ttl: int = 0,
    flags: int = 0,
    kind: int = 0,
) -> list[bytes]:
    """
    The frames for `message`: one if it fits, else flag MORE on all but the last.

    :param max_frame: the longest frame that the receiver takes, in bytes
        after the length field.
    :raise RequestRefused: TOO_LARGE: what cannot be divided does not fit.
    :raise LocalProtocolError: as for `encode`.
    """
    raw = encode(message, client=client, reference=reference, ttl=ttl, flags=flags, kind=kind)
    return split_frame(raw, max_frame)


def split_frame(raw: bytes, max_frame: int) -> list[bytes]:
    """
    One whole frame as frames that a hop with `max_frame` takes; itself if it fits.

    A frame with flag MORE, itself a part of something longer, keeps it on its
    last part.

    :raise RequestRefused: TOO_LARGE, as for `encode_parts`.
    :raise RemoteProtocolError: the frame has to be divided, and is broken.
    """
    if len(raw) - 4 <= max_frame:
        return [raw]
    frame = read_frame(raw)
    *others, last = split_body(frame.body, _row_of(frame), max_frame - (frame.body_at - 4))
    more = with_flags(raw, frame.flags | Flag.MORE)
    frames = [with_body(more, frame.body_at, body) for body in others]
    return [*frames, with_body(raw, frame.body_at, last)]


def join_frames(parts: Sequence[bytes]) -> bytes:
    """
    The one frame that whole frames stand for, with the prefix of the last.

    :param parts: in the order in which they came; at least one.
    :raise RemoteProtocolError: they are not of one message, or one is broken.
    """
    if len(parts) == 1:
        return parts[0]
    frames = [read_frame(raw) for raw in parts]
    last = frames[-1]
    for number, frame in enumerate(frames, 1):
        if frame.name != last.name:
            raise RemoteProtocolError(
                Code.BAD_FRAME, f"part {number} has name {frame.name}, the last one {last.name}"
            )
    body = join_bodies([frame.body for frame in frames], _row_of(last))
    return with_body(last.raw, last.body_at, body)


def split(message: M, room: int) -> list[M]:
    """
    `message` as messages of which none has a body of more than `room` bytes.

    :raise RequestRefused: TOO_LARGE: what cannot be divided does not fit.
    :raise LocalProtocolError: as for `encode`.
    """
    frame = read_frame(encode(message))
    bodies = split_body(frame.body, BY_MESSAGE[type(message)], room)
    if len(bodies) == 1:
        return [message]
    parts = [decode(read_frame(with_body(frame.raw, frame.body_at, body))) for body in bodies]
    return [part for part in parts if isinstance(part, type(message))]


def join(parts: Sequence[M]) -> M:
    """
    The one message that the parts of an answer, or of a registration, stand for.

    :param parts: in order; at least one.
    :raise RemoteProtocolError: they are not of one class.
    """
    return merge_union(parts)[0]


def merge_union(messages: Sequence[M]) -> tuple[M, frozenset[str]]:
    """
    One message of several answers, and the ids that more than one of them has.

    Unions keep the order of the answers; of an id that several have, the
    first one's entry stays. What has no merge column is taken from the first
    answer that has it.

    :param messages: of one class; at least one.
    :raise RemoteProtocolError: they are not of one class.
    """
    first = messages[0]
    kind = type(first)
    for number, message in enumerate(messages, 1):
        if type(message) is not kind:
            raise RemoteProtocolError(
                Code.BAD_FRAME, f"part {number} is {type(message).__name__}, not {kind.__name__}"
            )
    if len(messages) == 1:
        return first, frozenset()
    columns = _columns(BY_MESSAGE[kind])
    leading = next((name for name, how in columns.items() if how is Merge.UNION), "")
    changes: dict[str, Any] = {}
    twice: set[str] = set()
    for field in msgspec.structs.fields(kind):
        values = [getattr(message, field.name) for message in messages]
        how = columns.get(field.name)
        if how is Merge.UNION:
            united: dict[str, Any] = {}
            for entries in values:
                if field.name == leading:
                    twice |= united.keys() & entries.keys()
                united |= {key: entry for key, entry in entries.items() if key not in united}
            changes[field.name] = united
        elif how is Merge.OR:
            changes[field.name] = any(values)
        elif how is Merge.ADD:
            total = values[0]
            for value in values[1:]:
                total = add(total, value)
            changes[field.name] = total
        elif kind in CONTINUED and field.encode_name == CONTINUED[kind].continues:
            changes[field.name] = values[-1]
        else:
            default = field.default
            if field.default_factory is not msgspec.NODEFAULT:
                default = field.default_factory()
            changes[field.name] = next((value for value in values if value != default), values[0])
    return replace(first, **changes), frozenset(twice)


def _columns(row: NameRow) -> dict[str, Merge]:
    """The merge columns by field instead of wire name, in the table's order."""
    names = dict(
        zip(row.message.__struct_encode_fields__, row.message.__struct_fields__, strict=True)
    )
    columns = {names[name]: how for name, how in row.merge.items()}
    if row.message in CONTINUED:
        columns[names[CONTINUED[row.message].union]] = Merge.UNION
    return columns


def _row_of(frame: Frame) -> NameRow:
    row = BY_CODE.get(frame.name)
    if row is None:
        raise RemoteProtocolError(Code.BAD_FRAME, f"name {frame.name} is not known")
    return row
