"""Reads a password that stands in a file of its own."""

from __future__ import annotations

from pathlib import Path

LONGEST_SECRET = 4096
"""Bytes of a file with a password."""


def read_secret(path: str) -> str:
    """
    The first line of a file with a password; the rest must be empty.

    :raise ValueError: it cannot be used; says why, and never what is in it.
    """
    try:
        with Path(path).open("rb") as file:
            found = file.read(LONGEST_SECRET + 1)
    except OSError as problem:
        raise ValueError(f"{path} cannot be read: {problem.strerror}") from None
    if len(found) > LONGEST_SECRET:
        raise ValueError(f"{path} is longer than {LONGEST_SECRET} bytes")
    try:
        line, _, rest = found.decode().partition("\n")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no UTF-8") from None
    line = line.removesuffix("\r")
    if not line or rest.strip():
        raise ValueError(f"{path} must have one line, the password")
    return line
