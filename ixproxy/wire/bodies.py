"""
Bodies divided and joined by the merge columns, their values moved and not decoded.

Theory of operation: an attribute that merges by union is a map from ids to
something; only such maps are divided. All maps of a body are divided at the
same ids, in the order of the first, so that each part is a whole message about
its own ids. What is not divided stands in the first part alone; a registration
repeats it, since every registration says whose it is. Joining puts maps one
behind another, ORs what says that there is more, and adds counts.

`Holding` and `Held` are divided too; `HoldingContinues` and `HeldContinues`
are true in all parts but the last.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec

from ixproxy.errors import Code, RemoteProtocolError, RequestRefused
from ixproxy.messages import EventAck, RequestRegisterClient
from ixproxy.messages.message import Message, Number
from ixproxy.wire.codec import encode_map
from ixproxy.wire.names import Merge, NameRow

T = TypeVar("T")

_entries = msgspec.msgpack.Decoder(dict[str, msgspec.Raw])
_truth = msgspec.msgpack.Decoder(bool)
_numbers = msgspec.msgpack.Decoder(Number | dict[str, Number])

_BAD = (msgspec.DecodeError, ValueError, RecursionError)
_WIDEST_HEADER = 5
_TRUE = msgspec.Raw(encode_map(True))


class Continued(NamedTuple):
    """A map that is divided, and what says that another part follows."""

    union: str
    continues: str
    repeated: bool
    """Whether all other attributes stand in every part."""


CONTINUED: Mapping[type[Message], Continued] = {
    RequestRegisterClient: Continued("Holding", "HoldingContinues", repeated=True),
    EventAck: Continued("Held", "HeldContinues", repeated=False),
}


def split_body(body: bytes, row: NameRow, room: int) -> list[bytes]:
    """
    `body` as bodies of at most `room` bytes, in order; itself if it fits.

    Maps are counted with their widest headers, so some bytes may stay unused.

    :raise RequestRefused: TOO_LARGE: what cannot be divided does not fit.
    :raise RemoteProtocolError: it has to be divided, and is broken.
    """
    if len(body) <= room:
        return [body]
    continued = CONTINUED.get(row.message)
    rest = _attributes(body, row)
    maps = {
        name: _read(_entries, rest.pop(name), row, name)
        for name in _divided_names(rest, row, continued)
    }
    ended = rest.pop(continued.continues, None) if continued else None
    names = sum(len(encode_map(name)) + _WIDEST_HEADER for name in maps) + _WIDEST_HEADER
    names += len(encode_map(continued.continues)) + 1 if continued else 0
    fixed = names + sum(len(encode_map(name)) + len(value) for name, value in rest.items())
    if fixed > room:
        raise _too_large(row, "what cannot be divided", fixed, room)
    parts: list[dict[str, Any]] = [dict(rest)]
    used, fresh = fixed, not rest
    if continued and continued.repeated:
        names, fresh = fixed, True
    for key in dict.fromkeys(key for entries in maps.values() for key in entries):
        found = {name: entries[key] for name, entries in maps.items() if key in entries}
        size = sum(len(encode_map(key)) + len(value) for value in found.values())
        if used + size > room and not fresh:
            parts.append(dict(rest) if continued and continued.repeated else {})
            used, fresh = names, True
        if used + size > room:
            raise _too_large(row, f"{key!r}", size, room - used)
        for name, value in found.items():
            parts[-1].setdefault(name, {})[key] = value
        used, fresh = used + size, False
    if continued:
        for part in parts[:-1]:
            part[continued.continues] = _TRUE
        if ended is not None:
            parts[-1][continued.continues] = ended
    return [encode_map(part) for part in parts]


def join_bodies(bodies: Sequence[bytes], row: NameRow) -> bytes:
    """
    One body of several parts, or of several answers.

    Of an id that two of them have, the first one's value stays; so does any
    attribute without a merge column.

    :param bodies: in order; at least one.
    :raise RemoteProtocolError: one of them, or an attribute, is broken.
    """
    if len(bodies) == 1:
        return bodies[0]
    continued = CONTINUED.get(row.message)
    joined: dict[str, Any] = {}
    for body in bodies:
        attributes = _attributes(body, row)
        ended = attributes.pop(continued.continues, None) if continued else None
        for name, value in attributes.items():
            how = row.merge.get(name)
            if how is Merge.UNION or (continued and name == continued.union):
                entries = joined.setdefault(name, {})
                for key, entry in _read(_entries, value, row, name).items():
                    entries.setdefault(key, entry)
            elif how is Merge.OR:
                joined[name] = _read(_truth, value, row, name) or joined.get(name, False)
            elif how is Merge.ADD:
                counted = _read(_numbers, value, row, name)
                joined[name] = add(joined[name], counted) if name in joined else counted
            else:
                joined.setdefault(name, value)
    if continued and ended is not None:
        joined[continued.continues] = ended
    return encode_map(joined)


def without_ids(body: bytes, row: NameRow, ids: Collection[str]) -> bytes:
    """
    A body whose maps by id have none of `ids`; what is counted stays.

    :raise RemoteProtocolError: it, or such a map, is broken.
    """
    attributes: dict[str, Any] = dict(_attributes(body, row))
    for name, how in row.merge.items():
        if how is Merge.UNION and name in attributes:
            entries = _read(_entries, attributes[name], row, name)
            attributes[name] = {key: each for key, each in entries.items() if key not in ids}
    return encode_map(attributes)


def add(one: Any, other: Any) -> Any:
    """
    The sum of two counts, or of two maps of counts key by key.

    :raise RemoteProtocolError: one is a count and the other a map, or a sum
        needs more than 64 bits.
    """
    if isinstance(one, dict) and isinstance(other, dict):
        return {key: add(one.get(key, 0), other.get(key, 0)) for key in {**one, **other}}
    if not isinstance(one, int) or not isinstance(other, int):
        raise RemoteProtocolError(Code.BAD_ATTRIBUTE, "a count and a map of counts do not add up")
    if abs(one + other) >= 2**63:
        raise RemoteProtocolError(Code.BAD_ATTRIBUTE, f"{one} and {other} add up to too much")
    return one + other


def _divided_names(
    attributes: Mapping[str, msgspec.Raw], row: NameRow, continued: Continued | None
) -> list[str]:
    """The attributes that are divided, the one that leads first."""
    names = [
        name
        for name, how in row.merge.items()
        if name in attributes
        and (how is Merge.UNION or (how is Merge.ADD and _is_map(attributes[name])))
    ]
    if continued and continued.union in attributes and continued.union not in names:
        names.append(continued.union)
    return names


def _is_map(value: msgspec.Raw) -> bool:
    first = memoryview(value)[0]
    return first & 0xF0 == 0x80 or first in (0xDE, 0xDF)


def _attributes(body: bytes, row: NameRow) -> dict[str, msgspec.Raw]:
    try:
        return _entries.decode(body)
    except _BAD as problem:
        raise RemoteProtocolError(Code.BAD_FRAME, f"body of {row.name}: {problem}") from problem


def _read(decoder: msgspec.msgpack.Decoder[T], value: msgspec.Raw, row: NameRow, name: str) -> T:
    try:
        return decoder.decode(value)
    except _BAD as problem:
        raise RemoteProtocolError(Code.BAD_ATTRIBUTE, f"{row.name}: {name}: {problem}") from problem


def _too_large(row: NameRow, what: str, size: int, room: int) -> RequestRefused:
    return RequestRefused(
        Code.TOO_LARGE, f"{row.name}: {what} takes {size} bytes, {room} are left in a frame"
    )
