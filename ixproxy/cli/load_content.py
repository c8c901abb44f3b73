"""What a load hands in: user data of some size made up, or the rows of a file."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from ixproxy.cli.demo_input import Source
from ixproxy.cli.outcomes import UsageError

LARGEST = 64 << 20
"""Bytes of user data that can be asked for."""


class Sizes(NamedTuple):
    """Bytes of user data: from `least` to `most`, each as likely."""

    least: int
    most: int


class Content(NamedTuple):
    """One interaction to hand in; what is "" is as the command line says."""

    user_data: dict[str, str]
    media_type: str = ""
    queue: str = ""


def sizes(text: str) -> Sizes:
    """
    `500`, or `100-2000`.

    :raise ArgumentTypeError: it is something else.
    """
    least, dash, most = text.partition("-")
    if not dash:
        most = least
    if all(part.isascii() and part.isdigit() and len(part) < 10 for part in (least, most)):
        found = Sizes(int(least), int(most))
        if found.least <= found.most <= LARGEST:
            return found
    raise ArgumentTypeError(f"expected bytes such as 500 or 100-2000, not {text!r}")


def made_up(wanted: Sizes, random: Random) -> Iterator[Content]:
    """User data of these sizes, without an end."""
    least, most = wanted
    text = "x" * most
    while True:
        size = most if least == most else random.randint(least, most)
        yield Content({"Subject": "load", "Text": text[:size]})


def rows_of(source: Source) -> Iterator[Content]:
    """
    The rows of a file, again from its beginning when it ends.

    :raise UsageError: it cannot be read, or has no rows.
    """
    while True:
        read = 0
        for work in source:
            read += 1
            yield Content(work.user_data, work.media_type, work.queue)
        if not read:
            raise UsageError(f"{source.title} has no rows")
