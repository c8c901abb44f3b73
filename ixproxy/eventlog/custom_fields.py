"""Columns of one's own: what of the user data is kept in them, and as what."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ixproxy.errors import ConfigProblem

PREFIX = "c_"
MAX_NAME = 63 - len(PREFIX)
"""PostgreSQL cuts a longer name off, and then two may become one."""

MAX_FIELDS = 100
"""How many there may be in one log."""

TYPES = {"text": "TEXT", "integer": "INTEGER", "number": "REAL", "time": "REAL"}
"""Types of custom fields, and of their columns, as SQLite calls these."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_LATEST = 253402300799.0
_LEAST, _GREATEST = -(2**63), 2**63 - 1


class CustomField(NamedTuple):
    """
    One column.

    `name`: without the prefix. `key`: of the user data. `type`: one of TYPES.
    """

    name: str
    key: str
    type: str = "text"

    @property
    def column(self) -> str:
        """What the column is called."""
        return PREFIX + self.name


def read_fields(value: object, problems: list[ConfigProblem]) -> tuple[CustomField, ...]:
    """
    The custom fields of a `custom-fields` table.

    :param value: column name to a key of the user data, or to `{key=…, type=…}`.
    :param problems: gets what is wrong.
    """
    where = "custom-fields"
    if not isinstance(value, Mapping):
        problems.append(ConfigProblem("", where, f"expected a table, not {value!r}"))
        return ()
    if len(value) > MAX_FIELDS:
        problems.append(ConfigProblem("", where, f"{len(value)} columns; at most {MAX_FIELDS}"))
        return ()
    fields = []
    for name, said in value.items():
        found = _field(str(name), said)
        if isinstance(found, str):
            problems.append(ConfigProblem(where, str(name), found))
        else:
            fields.append(found)
    return tuple(fields)


def _field(name: str, said: object) -> CustomField | str:
    if not _NAME.fullmatch(name) or len(name) > MAX_NAME:
        return (
            f"expected as the name of a column small letters, digits and _, a letter first, "
            f"of at most {MAX_NAME} characters"
        )
    table = {"key": said} if isinstance(said, str) else said
    if not isinstance(table, Mapping):
        return f'expected a key of the user data, or {{key = "…", type = "…"}}, not {said!r}'
    unknown = sorted(map(str, set(table) - {"key", "type"}))
    if unknown:
        return f"there is no key {unknown[0]!r} here, only key and type"
    if "key" not in table:
        return "key: missing; expected a key of the user data"
    key, kind = table["key"], table.get("type", "text")
    if not isinstance(key, str) or not key:
        return f"key: expected a key of the user data, not {key!r}"
    if not isinstance(kind, str) or kind not in TYPES:
        return f"type: expected one of {', '.join(TYPES)}, not {kind!r}"
    return CustomField(name, key, kind)


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, int | float) else None


def _integer(value: Any) -> int | None:
    if isinstance(value, str):
        value = int(value) if len(value) <= 20 else None
    elif isinstance(value, float) and value == int(value):
        value = int(value)
    if isinstance(value, int) and _LEAST <= value <= _GREATEST:
        return int(value)
    return None


def _number(value: Any) -> float | None:
    if isinstance(value, str | int | float):
        number = float(value)
        return number if math.isfinite(number) else None
    return None


def _time(value: Any) -> float | None:
    if isinstance(value, str):
        moment = datetime.fromisoformat(value)
        value = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= _LATEST else None


_CONVERSIONS: Mapping[str, Callable[[Any], Any]] = {
    "text": _text, "integer": _integer, "number": _number, "time": _time,
}  # fmt: skip


def converted(kind: str, value: Any) -> Any:
    """
    `value` as a custom field of type `kind` has it; None: it is nothing like that.

    Texts are any texts and numbers; whole numbers have 64 bits and may be written as
    texts; numbers are finite; times are seconds since the epoch or ISO 8601, of UTC
    where that says no zone.
    """
    try:
        return _CONVERSIONS[kind](value)
    except (ValueError, OverflowError):
        return None
