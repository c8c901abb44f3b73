"""Key-value lists and times as they are written on a command line."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple


class Pair(NamedTuple):
    """One `key=value`."""

    key: str
    value: Any


def pair(text: str) -> Pair:
    """
    `key=text`, or `key:=json` for numbers and lists.

    :raise ArgumentTypeError: it is neither.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.rstrip(":"):
        raise ArgumentTypeError(f"expected key=text or key:=json, not {text!r}")
    if not key.endswith(":"):
        return Pair(key, value)
    return Pair(key[:-1], _json(value, key[:-1]))


def pairs(given: list[Pair] | None) -> dict[str, Any]:
    """Pairs as one key-value list; a later one wins."""
    return {each.key: each.value for each in given or ()}


def object_of(text: str) -> dict[str, Any]:
    """
    A JSON object, or `@file` with one in it.

    :raise ArgumentTypeError: it is none, or the file cannot be read.
    """
    if text.startswith("@"):
        try:
            text = Path(text[1:]).read_text("utf-8")
        except (OSError, ValueError) as problem:
            raise ArgumentTypeError(f"{text[1:]}: {problem}") from problem
    value = _json(text, "user data")
    if not isinstance(value, dict):
        raise ArgumentTypeError(f"expected a JSON object, not {text[:40]!r}")
    return value


def _json(text: str, what: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise ArgumentTypeError(f"{what}: not JSON: {problem}") from problem
    return _whole(value, what)


def _whole(value: Any, what: str) -> Any:
    """Key-value lists hold numbers, text and lists: true becomes 1, and null is refused."""
    if isinstance(value, bool):
        return int(value)
    if value is None:
        raise ArgumentTypeError(f"{what}: a key-value list has no null")
    if isinstance(value, dict):
        return {key: _whole(each, f"{what}.{key}") for key, each in value.items()}
    if isinstance(value, list):
        return [_whole(each, what) for each in value]
    return value


def time_of(text: str) -> float:
    """
    Seconds since the epoch, or `2026-01-02T03:04:05` (UTC unless it says otherwise).

    :raise ArgumentTypeError: it is neither.
    """
    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(
            f"expected seconds since the epoch or 2026-01-02T03:04:05, not {text!r}"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()


def whole_number(text: str) -> int:
    """
    A number from 1 up.

    :raise ArgumentTypeError: it is none.
    """
    if not (text.isascii() and text.isdigit()) or not 0 < int(text[:12]) < 10**9:
        raise ArgumentTypeError(f"expected a whole number from 1 up, not {text!r}")
    return int(text)


def seconds(text: str) -> float:
    """
    A duration in seconds, above 0 and at most a day.

    :raise ArgumentTypeError: it is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 86_400:
        raise ArgumentTypeError(f"expected seconds above 0 and up to 86400, not {text!r}")
    return value
