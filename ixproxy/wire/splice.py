"""
One key of a body's `Extension` read, set or dropped; every other byte stays as it is.

Theory of operation: a body is one MessagePack map. Its keys are decoded and
its values are not, but how long each is is known, so a key's place is found by
adding up, and only its bytes, and the counts of the maps around it, are
written anew. Attributes that this version does not know, their order, and how
a number or string was encoded pass unchanged. Which of two equal keys counts
is nothing that hops should have to agree on: a body that needs a splice must
not have them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from ixproxy.errors import Code, LocalProtocolError, RemoteProtocolError
from ixproxy.wire.keyvalues import MAX_DEPTH

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode

_outline = msgspec.msgpack.Decoder(dict[str, msgspec.Raw])

MAX_KEYS = 10_000
"""How many keys a map may have that is looked through for one."""

_BAD = (msgspec.DecodeError, ValueError, RecursionError)
_EXTENSION = "Extension"
_EXTENSION_KEY = _encode(_EXTENSION)

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
_SIZED = {0xD9: (1, 0), 0xDA: (2, 0), 0xDB: (4, 0), 0xC4: (1, 0), 0xC5: (2, 0), 0xC6: (4, 0)}
_SIZED |= {0xC7: (1, 1), 0xC8: (2, 1), 0xC9: (4, 1)}
# First byte to the width of the count behind it, and the values to an entry.
_COUNTED = {0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2)}


class _Map(NamedTuple):
    """One map in a body: where it begins, where its entries begin, and its values."""

    start: int
    first: int
    values: dict[str, msgspec.Raw]

    def place(self, body: bytes, wanted: str) -> tuple[int, int, int]:
        """Where the entry of a key that is there begins, its value begins, and both end."""
        position = self.first
        for key, value in self.values.items():
            behind = _behind_key(body, position)
            if key == wanted:
                return position, behind, behind + len(value)
            position = behind + len(value)
        raise KeyError(wanted)


def set_extension(body: bytes, values: Mapping[str, object]) -> bytes:
    """
    `body` with the keys of `values` in its `Extension`, which is made if absent.

    A key that is there keeps its place; others are added behind the last one.

    :raise RemoteProtocolError: `body` is not one whole map, or it or its
        `Extension` has a key twice or more than `MAX_KEYS` (BAD_FRAME); its
        `Extension` is no map (BAD_ATTRIBUTE).
    :raise LocalProtocolError: a value cannot be encoded.
    """
    outer = _read_map(body, 0, len(body))
    encoded = {key: _encoded(value) for key, value in values.items()}
    if not encoded:
        return body
    if _EXTENSION not in outer.values:
        added = b"".join(_encode(key) + value for key, value in encoded.items())
        header = _header(body[0], len(outer.values) + 1)
        return header + body[outer.first :] + _EXTENSION_KEY + _header(0x80, len(encoded)) + added
    inner, end = _extension(body, outer)
    new = {key: value for key, value in encoded.items() if key not in inner.values}
    places = sorted((*inner.place(body, key), key) for key in encoded if key not in new)
    pieces = [body[: inner.start], _header(body[inner.start], len(inner.values) + len(new))]
    position = inner.first
    for _, value, behind, key in places:
        pieces += (body[position:value], encoded[key])
        position = behind
    pieces.append(body[position:end])
    pieces += (_encode(key) + value for key, value in new.items())
    pieces.append(body[end:])
    return b"".join(pieces)


def drop_extension(body: bytes, key: str) -> bytes:
    """
    `body` without `key` in its `Extension`; the very same when it is not there.

    :raise RemoteProtocolError: as for `set_extension`.
    """
    outer = _read_map(body, 0, len(body))
    if _EXTENSION not in outer.values:
        return body
    inner, _ = _extension(body, outer)
    if key not in inner.values:
        return body
    start, _, end = inner.place(body, key)
    header = _header(body[inner.start], len(inner.values) - 1)
    return body[: inner.start] + header + body[inner.first : start] + body[end:]


def get_extension(body: bytes, key: str) -> object | None:
    """
    The decoded value of `key` in the `Extension` of `body`; None if absent.

    :raise RemoteProtocolError: as for `set_extension`; or the value cannot be
        decoded (BAD_ATTRIBUTE).
    """
    outer = _read_map(body, 0, len(body))
    if _EXTENSION not in outer.values:
        return None
    inner, _ = _extension(body, outer)
    if key not in inner.values:
        return None
    try:
        value: object = _decode(inner.values[key])
    except _BAD as problem:
        raise RemoteProtocolError(Code.BAD_ATTRIBUTE, f"Extension[{key!r}]: {problem}") from problem
    return value


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


def _behind_key(body: bytes, position: int) -> int:
    """Where the value of the key at `position` begins."""
    first = body[position]
    if first < 0xC0:
        return position + 1 + (first & 0x1F)
    start = position + 1 + _SIZED[first][0]
    return start + int.from_bytes(body[position + 1 : start], "big")


def _is_map(first: int) -> bool:
    return first & 0xF0 == 0x80 or first in (0xDE, 0xDF)


def _extension(body: bytes, outer: _Map) -> tuple[_Map, int]:
    """The `Extension` that is there, and where it ends."""
    _, start, end = outer.place(body, _EXTENSION)
    if not _is_map(body[start]):
        raise RemoteProtocolError(Code.BAD_ATTRIBUTE, "Extension: it is not a map")
    return _read_map(body, start, end), end


def _read_map(body: bytes, start: int, end: int) -> _Map:
    if not body or not _is_map(body[start]):
        raise RemoteProtocolError(Code.BAD_FRAME, "body: it is not one MessagePack map")
    first, count, _ = _count(body, start)
    if count > MAX_KEYS:
        raise RemoteProtocolError(Code.BAD_FRAME, f"body: a map has {count} keys")
    try:
        values = _outline.decode(memoryview(body)[start:end])
    except _BAD as problem:
        raise RemoteProtocolError(Code.BAD_FRAME, f"body: {problem}") from problem
    if len(values) != count:
        raise RemoteProtocolError(Code.BAD_FRAME, "body: a key is named twice")
    return _Map(start, first, values)


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
