"""How files of a capture point are called."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

LONGEST = 255
"""Bytes of a file's name, wherever it is."""

UNFINISHED = (".tmp", ".part", ".filepart", ".crdownload")
"""How names end that programs give to what they are still writing."""

REASON = ".reason.txt"
"""What is added to the name of a file in the error place to name that with the reason."""

ERROR = ".error.xml"
"""What is added to it, in the mode of iWD, to name that with what the source is told."""

_COUNTED = re.compile(r"([1-9][0-9]{0,17}|0)\.xml")
_UNSAFE = re.compile(rb"[^A-Za-z0-9._@+=,-]")
_LONGEST_ID = 180


def is_document(name: str) -> bool:
    """Whether a file of this name is to be read: it is neither hidden nor unfinished."""
    return not name.startswith(".") and not name.lower().endswith(UNFINISHED)


def printable(name: str) -> str:
    """A name as logs, receipts and reasons can hold it, whatever its bytes are."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def numbered(name: str, number: int) -> str:
    """
    The name that a file gets where `number` others of its name are: `a.xml`, `a.1.xml`, `a.2.xml`.

    Cut where it would be longer than a name may be.
    """
    stem, dot, suffix = name.rpartition(".")
    if not stem:
        stem, dot, suffix = name, "", ""
    return fitting(stem, (f".{number}" if number else "") + dot + suffix)


def fitting(stem: str, ending: str) -> str:
    """`stem` and `ending`, the first one cut where both are too long for a name."""
    room = LONGEST - len(os.fsencode(ending))
    if room < 1:
        stem, ending, room = stem + ending, "", LONGEST
    return os.fsdecode(os.fsencode(stem)[:room]) + ending


def reason_name(name: str) -> str:
    """What the file with the reason is called that belongs to the file `name`."""
    return fitting(name, REASON)


def first_free(is_taken: Callable[[int], bool]) -> int:
    """
    The smallest number that is free, or where very many are taken one whose predecessor is.

    :param is_taken: asked a few dozen times at most.
    """
    for number in range(10):
        if not is_taken(number):
            return number
    low, high = 9, 18
    while is_taken(high):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if is_taken(middle):
            low = middle
        else:
            high = middle
    return high


def counted(number: int) -> str:
    """The name of a notification, where they are counted."""
    return f"{number}.xml"


def count_of(name: str) -> int | None:
    """The number that `counted` made this name of, or None."""
    found = _COUNTED.fullmatch(name)
    return int(found[1]) if found else None


def by_id(interaction_id: str, said: str) -> str:
    """
    The name of a notification, where it is called by its interaction.

    What could be a path, or no name at all, is written as %XX.

    :param said: stands in for the id of what is about no interaction.
    """
    raw = interaction_id.encode("utf-8", "replace") or said.encode()
    if len(raw) > _LONGEST_ID // 3:
        raw = raw[: _LONGEST_ID // 3]
    name = _UNSAFE.sub(lambda found: b"%%%02X" % found[0][0], raw).decode()
    return f"{'%2E' + name[1:] if name.startswith('.') else name}.xml"
