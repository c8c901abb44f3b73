"""
Bytes on the wire as records that a person or a program can read.

Frames are cut as a receiver cuts them, but reading never stops: what cannot
be read becomes a record with `error`, and after bytes that are no frame it
goes on with the next that looks like one. Secrets are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from ixproxy.errors import RemoteProtocolError
from ixproxy.wire.codec import decode, decode_map
from ixproxy.wire.frames import Skipped, wrong_magic
from ixproxy.wire.names import BY_CODE, Kind
from ixproxy.wire.prefix import DEFAULT_MAX_FRAME, LAYOUT, MAGIC, MIN_LENGTH, Flag, read_frame
from ixproxy.wire.splice import skip

SECRETS = frozenset({"credentials", "password", "session"})
"""Attributes of which nothing is shown, in lower case, however deep they stand."""

HIDDEN = "…"

_KINDS = frozenset(int(kind) for kind in Kind)
_BODILESS = frozenset(map(int, (Kind.CANCEL, Kind.PING, Kind.PONG)))


class FrameText:
    """One direction of one connection, cut into frames and told."""

    def __init__(self, max_frame: int = DEFAULT_MAX_FRAME, *, begins_whole: bool = True) -> None:
        self._limit = max_frame
        self._rest = b""
        self._to_skip = 0
        self._offset = 0
        self._in_step = begins_whole
        self._strange = 0

    def feed(self, received: bytes) -> Iterator[dict[str, object]]:
        """The records of what `received` completes."""
        skipped = min(self._to_skip, len(received))
        self._to_skip -= skipped
        self._offset += skipped
        buffer = self._rest + received[skipped:]
        position, size = 0, len(buffer)
        while size - position >= 5:
            if not self._in_step:
                found = _next_frame(buffer, position, self._limit)
                self._strange += found - position
                position = found
                if size - position < LAYOUT.size:
                    break
                yield from self._found_step(self._offset + position)
            if buffer[position + 4] != MAGIC:
                problem = wrong_magic(buffer[position + 4])
                yield {"offset": self._offset + position, "error": str(problem)}
                self._in_step = False
                self._strange = 1
                position += 1
                continue
            length = int.from_bytes(buffer[position : position + 4], "big")
            end = position + 4 + length
            if not MIN_LENGTH <= length <= self._limit:
                problem = Skipped(0, 0, 0, length, self._limit).problem
                yield {"offset": self._offset + position, "error": str(problem)}
                end = max(end, position + 5)
                self._to_skip = max(0, end - size)
                position = min(end, size)
                continue
            if end > size:
                break
            yield {"offset": self._offset + position, **frame_record(buffer[position:end])}
            position = end
        self._rest = buffer[position:]
        self._offset += position

    def lost(self, missing: int) -> Iterator[dict[str, object]]:
        """The capture lacks `missing` bytes: find the way back after them."""
        yield from self.end()
        self._offset += missing
        self._in_step = False
        yield {"offset": self._offset - missing, "error": f"{missing} bytes are missing"}

    def end(self) -> Iterator[dict[str, object]]:
        """Nothing more follows."""
        offset, strange = self._offset, self._strange
        self._offset += len(self._rest)
        if not self._in_step:
            strange += len(self._rest)
        if strange:
            yield {"offset": self._offset - strange, "error": f"{strange} bytes are no frame"}
        elif self._rest or self._to_skip:
            yield {"offset": offset, "error": "it ends in the middle of a frame"}
        self._rest, self._to_skip, self._strange = b"", 0, 0

    def _found_step(self, offset: int) -> Iterator[dict[str, object]]:
        if self._strange:
            text = f"{self._strange} bytes are no frame"
            yield {"offset": offset - self._strange, "error": text}
        self._in_step, self._strange = True, 0


def frame_record(raw: bytes) -> dict[str, object]:
    """
    One whole frame as a record: its prefix, and its body's attributes.

    `error` says what a receiver would find wrong with it.
    """
    try:
        frame = read_frame(raw)
    except RemoteProtocolError as problem:
        return {"length": len(raw) - 4, "error": str(problem)}
    row = BY_CODE.get(frame.name)
    record: dict[str, object] = {
        "length": len(raw) - 4,
        "kind": Kind(frame.kind).name.lower(),
        "name": row.name if row else frame.name,
        "client": frame.client,
        "reference": frame.reference,
        "tenant": frame.tenant,
        "ttl": frame.ttl,
        "flags": [flag.name.lower() for flag in Flag if flag & frame.flags and flag.name],
        "media": frame.media,
        "interaction": frame.interaction,
        "agent": frame.agent,
        "queue": frame.queue,
    }
    if frame.kind in _BODILESS:
        if row is None:
            del record["name"]
        return record
    if frame.flags & Flag.COMPRESSED:
        return record | {"body_bytes": len(raw) - frame.body_at}
    try:
        skip(frame.body, 0)
        record["body"] = readable(decode_map(frame))
        decode(frame)
    except RemoteProtocolError as problem:
        record["error"] = str(problem)
    return record


def readable(value: Any) -> Any:
    """
    A decoded value as JSON takes it, without secrets.

    :param value: nested no deeper than `skip` walks.
    """
    match value:
        case Mapping():
            return {
                key if isinstance(key, str) else repr(key): HIDDEN
                if isinstance(key, str) and key.lower() in SECRETS
                else readable(inner)
                for key, inner in value.items()
            }
        case list() | tuple():
            return [readable(inner) for inner in value]
        case msgspec.msgpack.Ext():
            return {"extension_type": value.code, "bytes": value.data}
    return value


def _next_frame(buffer: bytes, start: int, limit: int) -> int:
    """Where the next bytes stand that look like a frame, or might when more have come."""
    at = buffer.find(MAGIC, start + 4)
    while at >= 0:
        begin = at - 4
        head = buffer[begin : begin + LAYOUT.size]
        if len(head) < LAYOUT.size or _looks_like_a_frame(head, limit):
            return begin
        at = buffer.find(MAGIC, at + 1)
    return max(start, len(buffer) - 4)


def _looks_like_a_frame(head: bytes, limit: int) -> bool:
    length, _, kind, name, *_, reserved_byte, reserved = LAYOUT.unpack(head)
    if not MIN_LENGTH <= length <= limit or kind not in _KINDS or reserved_byte or reserved:
        return False
    return name in BY_CODE or (kind in _BODILESS and name == 0)
