"""
One key of a body's `Extension` read, set or dropped; every other byte stays as it is.

Theory of operation: a body is one MessagePack map. `skip` walks over values
without decoding them, so a key's place is found and only its bytes, and the
counts of the maps around it, are written anew. Attributes that this version
does not know, their order, and how a number or string was encoded pass
unchanged. Where a key occurs twice the last one counts, as for the decoder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from ixproxy.errors import Code, LocalProtocolError, RemoteProtocolError
from ixproxy.wire.keyvalues import MAX_DEPTH

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode

_EXTENSION = b"Extension"
_EXTENSION_KEY = _encode("Extension")

# First byte to the bytes that the whole value takes.
_FIXED = {
    **dict.fromkeys(range(0x80), 1),
    **dict.fromkeys(range(0xE0, 0x100), 1),
    **{0xA0 + length: 1 + length for length in range(32)},
    **dict.fromkeys((0xC0, 0xC2, 0xC3), 1),
}
_FIXED |= {0xCA: 5, 0xCB: 9, 0xCC: 2, 0xCD: 3, 0xCE: 5, 0xCF: 9, 0xD0: 2, 0xD1: 3, 0xD2: 5}
_FIXED |= {0xD3: 9, 0xD4: 3, 0xD5: 4, 0xD6: 6, 0xD7: 10, 0xD8: 18}
# First byte to the width of the length behind it, and how many bytes stand between the two and
# what has that length (the type of an extension value).
_STRINGS = {0xD9: (1, 0), 0xDA: (2, 0), 0xDB: (4, 0)}
_SIZED = _STRINGS | {0xC4: (1, 0), 0xC5: (2, 0), 0xC6: (4, 0), 0xC7: (1, 1), 0xC8: (2, 1)}
_SIZED |= {0xC9: (4, 1)}
# First byte to the width of the count behind it, and the values to an entry.
_COUNTED = {0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2)}


class _Entry(NamedTuple):
    """One key of a map, and where it and its value stand."""

    key: bytes
    start: int
    value: int
    end: int


class _Map(NamedTuple):
    """One map: where it begins, how many entries it has, and where they begin."""

    start: int
    length: int
    first: int
    entries: list[_Entry]

    @property
    def end(self) -> int:
        """Where its last entry ends."""
        return self.entries[-1].end if self.entries else self.first


def set_extension(body: bytes, values: Mapping[str, object]) -> bytes:
    """
    `body` with the keys of `values` in its `Extension`, which is made if absent.

    A key that is there keeps its place; others are added behind the last one.

    :raise RemoteProtocolError: `body` is not one whole map (BAD_FRAME), or its
        `Extension` is none (BAD_ATTRIBUTE).
    :raise LocalProtocolError: a value cannot be encoded.
    """
    outer = _whole(body)
    encoded = {key.encode(): _encoded(value) for key, value in values.items()}
    if not encoded:
        return body
    inner = _extension(body, outer)
    if inner is None:
        added = b"".join(_encode(key.decode()) + value for key, value in encoded.items())
        extension = _EXTENSION_KEY + _header(0x80, len(encoded)) + added
        header = _header(body[0], outer.length + 1)
        return header + body[outer.first :] + extension
    last = {entry.key: entry for entry in inner.entries}
    new = {key: value for key, value in encoded.items() if key not in last}
    pieces = [body[: inner.start], _header(body[inner.start], inner.length + len(new))]
    position = inner.first
    for entry in inner.entries:
        if entry.key in encoded and last[entry.key] is entry:
            pieces += (body[position : entry.value], encoded[entry.key])
            position = entry.end
    pieces.append(body[position : inner.end])
    pieces += (_encode(key.decode()) + value for key, value in new.items())
    pieces.append(body[inner.end :])
    return b"".join(pieces)


def drop_extension(body: bytes, key: str) -> bytes:
    """
    `body` without `key` in its `Extension`; the very same when it is not there.

    :raise RemoteProtocolError: as for `set_extension`.
    """
    inner = _extension(body, _whole(body))
    wanted = key.encode()
    dropped = [entry for entry in inner.entries if entry.key == wanted] if inner else []
    if inner is None or not dropped:
        return body
    pieces = [body[: inner.start], _header(body[inner.start], inner.length - len(dropped))]
    position = inner.first
    for entry in dropped:
        pieces.append(body[position : entry.start])
        position = entry.end
    pieces.append(body[position:])
    return b"".join(pieces)


def get_extension(body: bytes, key: str) -> object | None:
    """
    The decoded value of `key` in the `Extension` of `body`; None if absent.

    :raise RemoteProtocolError: as for `set_extension`; or the value cannot be
        decoded (BAD_ATTRIBUTE).
    """
    inner = _extension(body, _whole(body))
    wanted = key.encode()
    for entry in reversed(inner.entries if inner else ()):
        if entry.key == wanted:
            try:
                value: object = _decode(body[entry.value : entry.end])
            except (msgspec.DecodeError, ValueError) as problem:
                raise RemoteProtocolError(
                    Code.BAD_ATTRIBUTE, f"Extension[{key!r}]: {problem}"
                ) from problem
            return value
    return None


def skip(body: bytes, position: int, depth: int = MAX_DEPTH) -> int:
    """
    Where the value that begins at `position` ends.

    Strings are not looked into: they need not be UTF-8.

    :param depth: how many levels of maps and lists it may have.
    :raise RemoteProtocolError: BAD_FRAME: it is cut off, has a first byte that
        MessagePack does not know, or is nested deeper.
    """
    size = len(body)
    if position < size and position + _FIXED.get(body[position], size + 1) <= size:
        return position + _FIXED[body[position]]
    left = [1]
    while left:
        if not left[-1]:
            left.pop()
            continue
        left[-1] -= 1
        if position >= size:
            raise _cut_off(position)
        first = body[position]
        if taken := _FIXED.get(first):
            position += taken
        elif first in _SIZED:
            width, between = _SIZED[first]
            start = position + 1 + width
            position = start + between + int.from_bytes(body[position + 1 : start], "big")
        elif first == 0xC1:
            raise RemoteProtocolError(Code.BAD_FRAME, f"body: byte {position} is 0xc1")
        else:
            position, count, each = _count(body, position)
            if count * each > size - position:
                raise _cut_off(position)
            if len(left) > depth:
                raise RemoteProtocolError(
                    Code.BAD_FRAME, f"body: nested deeper than {MAX_DEPTH} levels at {position}"
                )
            left.append(count * each)
        if position > size:
            raise _cut_off(size)
    return position


def _count(body: bytes, position: int) -> tuple[int, int, int]:
    """Behind the first bytes of a map or list; its count, and the values to an entry."""
    first = body[position]
    if first < 0xA0:
        return position + 1, first & 0x0F, 2 if first < 0x90 else 1
    width, each = _COUNTED[first]
    start = position + 1 + width
    return start, int.from_bytes(body[position + 1 : start], "big"), each


def _is_map(first: int) -> bool:
    return first & 0xF0 == 0x80 or first in (0xDE, 0xDF)


def _whole(body: bytes) -> _Map:
    """The map that `body` is."""
    if not body or not _is_map(body[0]):
        raise RemoteProtocolError(Code.BAD_FRAME, "body: it is not one MessagePack map")
    outer = _read_map(body, 0, MAX_DEPTH)
    if outer.end != len(body):
        raise RemoteProtocolError(
            Code.BAD_FRAME, f"body: {len(body) - outer.end} bytes follow its map"
        )
    return outer


def _extension(body: bytes, outer: _Map) -> _Map | None:
    """The map that counts as the `Extension` of `body`."""
    for entry in reversed(outer.entries):
        if entry.key == _EXTENSION:
            if not _is_map(body[entry.value]):
                raise RemoteProtocolError(Code.BAD_ATTRIBUTE, "Extension: it is not a map")
            return _read_map(body, entry.value, MAX_DEPTH - 1)
    return None


def _read_map(body: bytes, start: int, depth: int) -> _Map:
    first, count, _ = _count(body, start)
    if count * 2 > len(body) - first:
        raise _cut_off(len(body))
    return _Map(start, count, first, list(_entries(body, first, count, depth)))


def _entries(body: bytes, position: int, count: int, depth: int) -> Iterator[_Entry]:
    for _ in range(count):
        start = position
        if start >= len(body):
            raise _cut_off(start)
        first = body[start]
        if 0xA0 <= first < 0xC0:
            head = 1
        elif first in _STRINGS:
            head = 1 + _STRINGS[first][0]
        else:
            raise RemoteProtocolError(Code.BAD_FRAME, f"body: the key at {start} is no string")
        value = skip(body, start)
        position = skip(body, value, depth - 1)
        yield _Entry(body[start + head : value], start, value, position)


def _header(old: int, count: int) -> bytes:
    """The first bytes of a map of `count`, as wide as those that began with `old` or wider."""
    if count < 16 and old not in (0xDE, 0xDF):
        return bytes((0x80 | count,))
    if count < 1 << 16 and old != 0xDF:
        return b"\xde" + count.to_bytes(2, "big")
    return b"\xdf" + count.to_bytes(4, "big")


def _encoded(value: object) -> bytes:
    try:
        return _encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError) as problem:
        raise LocalProtocolError(f"Extension: {problem}") from problem


def _cut_off(position: int) -> RemoteProtocolError:
    return RemoteProtocolError(Code.BAD_FRAME, f"body: it is cut off at {position}")
