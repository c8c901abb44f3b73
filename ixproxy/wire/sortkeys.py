"""
Sort keys: bytes that compare as the databases order the rows they stand for.

Theory of operation: nodes return the key of each row, so that a proxy can
merge sorted lists by comparing bytes, without knowing columns or types. A key
is the encodings of its values, one after another. Each encoding begins with a
tag (NULL before numbers before text, SQLite's order) and ends by its own
means, so that no value's tail is ever compared with the next value's head.
A descending value is its ascending encoding with every bit turned round,
which also puts NULL last.

number  tag, the nearest double (8 bytes, signs arranged so that bytes compare
        as numbers do), then what rounding took away (2 bytes, offset 0x8000),
        without which integers above 2**53 would be equal
text    tag, UTF-8 with 00 written as 00 FF, then 00 00
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import pack

_NULL, _NUMBER, _TEXT = b"\x10", b"\x20", b"\x30"
_TURN = bytes(255 - byte for byte in range(256))
_SIGN, _ALL = 1 << 63, (1 << 64) - 1


def sort_key(values: Sequence[int | float | str | None], descending: Sequence[bool]) -> bytes:
    """
    The key of one row.

    :param values: what the row is ordered by, most important first. Numbers
        are 64-bit integers and doubles, compared with one another by value;
        NaN counts as NULL, as SQLite stores it.
    :param descending: for each value, whether the greatest comes first.
    :raise ValueError: the two differ in length, an integer needs more than
        64 bits, or a text is not valid Unicode.
    :raise TypeError: a value of another type.
    """
    if len(values) != len(descending):
        raise ValueError(f"{len(values)} values, but {len(descending)} directions")
    return b"".join(
        _encoded(value).translate(_TURN) if turned else _encoded(value)
        for value, turned in zip(values, descending, strict=True)
    )


def _encoded(value: int | float | str | None) -> bytes:
    if value is None or value != value:  # only NaN differs from itself
        return _NULL
    if isinstance(value, str):
        return _TEXT + value.encode().replace(b"\0", b"\0\xff") + b"\0\0"
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise ValueError(f"{value} needs more than 64 bits")
        nearest = float(value)
        return _number(nearest, value - int(nearest))
    if isinstance(value, float):
        return _number(value, 0)
    raise TypeError(f"a {type(value).__name__} has no place in a sort key")


def _number(nearest: float, rest: int) -> bytes:
    # Adding zero makes -0.0 the same as 0.0. Below zero, doubles read as
    # integers run backwards; above, they only lack the sign bit.
    bits = int.from_bytes(pack(">d", nearest + 0.0), "big")
    bits = bits ^ _ALL if bits & _SIGN else bits | _SIGN
    return _NUMBER + bits.to_bytes(8, "big") + (rest + 0x8000).to_bytes(2, "big")
