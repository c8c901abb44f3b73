"""Any value as JSON text: what stands in a column must never fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

DEEPEST = 64
"""How many levels of lists in lists are written; what is deeper becomes null."""

_encode: Callable[[Any], bytes] = msgspec.json.Encoder().encode


def json_text(value: Any) -> str:
    """
    `value` as JSON, without a NUL and always valid.

    Bytes are texts in base64, and numbers that JSON has not (NaN, infinity) null. Whole
    numbers are written with all their digits, keys that are no texts as texts.
    """
    try:
        return _encode(value).decode()
    except Exception:
        return _encode(plain(value)).decode()


def plain(value: Any, depth: int = 0) -> Any:
    """The same without what JSON cannot hold."""
    if value is None or isinstance(value, bool | int | float | bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if depth >= DEEPEST:
        return None
    if isinstance(value, dict):
        return {
            str(plain(key if isinstance(key, str) else repr(key))): plain(each, depth + 1)
            for key, each in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each, depth + 1) for each in value]
    return plain(str(value))
