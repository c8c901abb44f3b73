"""
Values of many rows as arrays, one for each column, in PostgreSQL's binary form.

So one statement writes any number of rows, its text is the same for all of
them, and the server reads it once. What no column can hold raises here, before
anything is sent: a NUL in a text, an integer of more than 64 bits.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import psycopg
from psycopg import pq
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.types.numeric import Int8Dumper, NumericBinaryLoader

_HEADER = struct.Struct("!iiIii")
_LENGTH = struct.Struct("!i")
_NULL = _LENGTH.pack(-1)
_LOWEST = 1
_TOO_LARGE = 2**63


class Array(bytes):
    """An array, encoded; each kind is a class of its own, for psycopg to know its type."""

    oid: ClassVar[int]
    element_oid: ClassVar[int]
    format: ClassVar[pq.Format] = pq.Format.BINARY
    sql_type: ClassVar[str]

    @classmethod
    def of(cls, values: Sequence[Any]) -> Array:
        """
        Encode the values of one column; None is NULL.

        :raise Exception: a value that the column cannot hold; see `postgresql_errors.BORDER`.
        """
        return cls(_joined(cls.element_oid, list(map(cls._encoded, values))))

    @classmethod
    def _encoded(cls, value: Any) -> bytes | None:
        raise NotImplementedError


class _Numbers(Array):
    code: ClassVar[str]

    @classmethod
    def of(cls, values: Sequence[Any]) -> Array:
        number = len(values)
        if None in values:
            one = struct.Struct(f"!i{cls.code}")
            parts = [_NULL if value is None else one.pack(8, value) for value in values]
            head = _HEADER.pack(1, 1, cls.element_oid, number, _LOWEST)
            return cls(head + b"".join(parts))
        lengths_and_values: list[Any] = [8] * (2 * number)
        lengths_and_values[1::2] = values
        if not number:
            return cls(_joined(cls.element_oid, []))
        return cls(
            struct.pack(
                f"!iiIii{f'i{cls.code}' * number}",
                1, 0, cls.element_oid, number, _LOWEST, *lengths_and_values,
            )
        )  # fmt: skip


class Bigints(_Numbers):
    """BIGINT[]."""

    oid, element_oid, code, sql_type = 1016, 20, "q", "BIGINT[]"


class Doubles(_Numbers):
    """DOUBLE PRECISION[]."""

    oid, element_oid, code, sql_type = 1022, 701, "d", "DOUBLE PRECISION[]"


class Texts(Array):
    """TEXT[]."""

    oid, element_oid, sql_type = 1009, 25, "TEXT[]"

    @classmethod
    def _encoded(cls, value: Any) -> bytes | None:
        if value is None:
            return None
        encoded: bytes = value.encode()
        if 0 in encoded:
            raise ValueError("PostgreSQL stores no text with a NUL in it")
        return encoded


class Blobs(Array):
    """BYTEA[]."""

    oid, element_oid, sql_type = 1001, 17, "BYTEA[]"

    @classmethod
    def _encoded(cls, value: Any) -> bytes | None:
        return None if value is None else bytes(value)


class Numerics(Array):
    """NUMERIC[]: integers and floats as they are, none rounded."""

    oid, element_oid, sql_type = 1231, 1700, "NUMERIC[]"
    format = pq.Format.TEXT

    @classmethod
    def of(cls, values: Sequence[Any]) -> Array:
        return cls(f"{{{','.join(map(cls._text, values))}}}".encode())

    @classmethod
    def _text(cls, value: Any) -> str:
        if value is None:
            return "NULL"
        if not isinstance(value, int | float):
            raise TypeError(f"{value!r} is no number")
        return repr(value + 0)


def _joined(element_oid: int, items: Sequence[bytes | None]) -> bytes:
    if not items:
        return struct.pack("!iiI", 0, 0, element_oid)
    parts = [_HEADER.pack(1, None in items, element_oid, len(items), _LOWEST)]
    for item in items:
        if item is None:
            parts.append(_NULL)
        else:
            parts += (_LENGTH.pack(len(item)), item)
    return b"".join(parts)


KINDS: tuple[type[Array], ...] = (Bigints, Doubles, Texts, Blobs, Numerics)

BY_TYPE: Mapping[Any, type[Array]] = {int: Bigints, bool: Bigints, float: Doubles, str: Texts}
"""By the type of a row's field; every other is kept as bytes."""

CUSTOM: Mapping[str, type[Array]] = {"string": Texts, "number": Numerics, "timestamp": Doubles}
"""By the kind of a custom property."""


def arrays(kinds: Sequence[type[Array]], rows: Sequence[Sequence[Any]]) -> list[Array]:
    """The columns of `rows`; there is one row at least."""
    columns: Iterable[tuple[Any, ...]] = zip(*rows, strict=True)
    return [kind.of(column) for kind, column in zip(kinds, columns, strict=True)]


def storable(kinds: Sequence[type[Array]], rows: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
    """Those of `rows` that a table can hold at all; no other is stored under such a key."""

    def fits(row: Sequence[Any]) -> bool:
        try:
            arrays(kinds, [row])
        except (struct.error, ValueError, TypeError, AttributeError):
            return False
        return True

    return [row for row in rows if fits(row)]


def _dumper(kind: type[Array]) -> type[Dumper]:
    class ArrayDumper(Dumper):
        oid = kind.oid
        format = kind.format

        def dump(self, obj: Any) -> Buffer:
            return bytes(obj)

    return ArrayDumper


class _NumberLoader(NumericBinaryLoader):
    """A NUMERIC as the int or the float that was written."""

    def load(self, data: Buffer) -> Any:
        number = super().load(data)
        if number.is_finite() and abs(number) < _TOO_LARGE and number == int(number):
            return int(number)
        return float(number)


_DUMPERS = {kind: _dumper(kind) for kind in KINDS}


def teach(connection: psycopg.Connection[Any]) -> None:
    """Have a connection know these arrays; integers always as BIGINT, for texts to be few."""
    adapters = connection.adapters
    for kind, dumper in _DUMPERS.items():
        adapters.register_dumper(kind, dumper)
    adapters.register_dumper(int, Int8Dumper)
    adapters.register_loader("numeric", _NumberLoader)
