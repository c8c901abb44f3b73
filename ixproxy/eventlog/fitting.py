"""Rows that no database refuses: for the few that one did."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ixproxy.eventlog.custom_fields import TYPES, CustomField
from ixproxy.eventlog.json_text import json_text, plain
from ixproxy.eventlog.rows import Rows, Values
from ixproxy.eventlog.schemas import CUSTOM, DROPPED, INTERACTION, tables

MAX_INDEXED = 600
"""Characters of a text that an index has; PostgreSQL's take 2,700 bytes."""

_INDEXED = {"interaction_id", "agent_id"}
_LEAST, _GREATEST = -(2**63), 2**63 - 1
_NOTHING = {"TEXT": "", "INTEGER": 0, "REAL": 0.0}


def fitting(rows: Rows, fields: Sequence[CustomField]) -> Rows:
    """
    `rows`, with values that each column can hold.

    NULs and what else is no text are replaced by U+FFFD, lists and the like by JSON,
    whole numbers of more than 64 bits by the nearest that has so many; what is nothing
    like what its column holds is NULL, or nothing where there must be a value.
    """
    own = [(field.column, TYPES[field.type], False) for field in fields]
    return rows._replace(
        events={
            table: _fitted(table, found, own if table in (INTERACTION, CUSTOM) else [])
            for table, found in rows.events.items()
        },
        dropped=_fitted(DROPPED, rows.dropped, []),
        time=_value(rows.time, "REAL") or 0.0,
    )


def _fitted(
    table: str, rows: Sequence[Values], own: Sequence[tuple[str, str, bool]]
) -> list[Values]:
    columns = [(each.name, each.kind, each.needed) for each in tables()[table].columns]
    columns += own
    return [
        tuple(
            _cell(value, *column) for value, column in zip(row, columns, strict=True)
        )
        for row in rows
    ]  # fmt: skip


def _cell(value: Any, name: str, kind: str, needed: bool) -> Any:
    found = _value(value, kind)
    if found is None and needed:
        return _NOTHING[kind]
    return found[:MAX_INDEXED] if name in _INDEXED and found is not None else found


def _value(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind == "TEXT":
        text = plain(value) if isinstance(value, str) else json_text(value)
        return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
    elif not isinstance(value, int):
        return None
    if kind == "REAL":
        try:
            return float(value)
        except OverflowError:
            return None
    return min(max(int(value), _LEAST), _GREATEST)
