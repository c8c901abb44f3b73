"""Values written as text: numbers and timestamps, and what user data is stored as."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from math import isfinite

from ixproxy.messages.message import MAX_TEXT
from ixproxy.node.properties import Kind

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
_REAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")


def parse_timestamp(text: str) -> float | None:
    """
    Seconds since the epoch of `2026-01-02 03:04:05` or `2026-01-02T03:04:05Z`.

    UTC where no offset stands; the time may be left out (midnight), likewise
    the seconds; up to six digits of a fraction are read. None: not a timestamp.
    """
    if not _TIMESTAMP.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH).total_seconds()


def read_number(text: str) -> int | float | None:
    """A 64-bit integer or a finite double; None: `text` is neither."""
    if _INTEGER.fullmatch(text):
        number = int(text)
        return number if -(2**63) <= number < 2**63 else None
    real = float(text) if _REAL.fullmatch(text) else None
    return real if real is not None and isfinite(real) else None


def stored_value(kind: Kind, value: object) -> int | float | str | None:
    """
    What the column of a custom property holds for `value` of the user data.

    A value that does not fit the kind, and a text of more than `MAX_TEXT`
    characters, stays in the user data only: its column is NULL. Numbers given
    as text are read, numbers in a string property are written out, and a number
    in a timestamp property means seconds since the epoch.
    """
    if isinstance(value, bool):
        value = int(value)
    if not isinstance(value, int | float | str):
        return None
    match kind:
        case Kind.STRING:
            return _storable(str(value))
        case Kind.TIMESTAMP:
            moment = parse_timestamp(value.strip()) if isinstance(value, str) else value
            return None if moment is None else _finite(moment)
        case Kind.NUMBER:
            if isinstance(value, str):
                return read_number(value.strip())
            whole = isinstance(value, int) and -(2**63) <= value < 2**63
            return value if whole else _finite(value)
        case Kind.BLOB:
            return None


def _finite(number: float) -> float | None:
    """`number` as a double; None where it is not finite."""
    try:
        real = float(number)
    except OverflowError:
        return None
    return real if isfinite(real) else None


def _storable(text: str) -> str | None:
    """`text`, or None where it is too long for a column, or no database could store it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return None
    return None if "\0" in text or len(text) > MAX_TEXT else text
