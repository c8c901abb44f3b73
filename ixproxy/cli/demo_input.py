"""
What the demo hands in: the rows of a CSV file, or interactions made up by chance.

A source is read twice, once to hand in and once to compare with, so that no
file has to fit into memory.
"""

from __future__ import annotations

import csv
from argparse import ArgumentTypeError
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import NamedTuple, Protocol

from ixproxy.cli.outcomes import UsageError
from ixproxy.config_keys import plain_name
from ixproxy.node.properties import SYSTEM_PROPERTIES

EXTERNAL_ID = "ExternalId"
NAMELESS = "none"
"""What a row without a media type or a queue is filed under."""

LONGEST_NAME = 200
LONGEST_FIELD = 16 << 20
MOST_NAMES = 1000

_RESERVED = {name for each in SYSTEM_PROPERTIES for name in (each.name, *each.aliases)}


class Columns(NamedTuple):
    """Which columns of a file say what; any may be empty, which is none."""

    media: str = ""
    queue: str = ""
    external_id: str = ""


def columns_of(text: str) -> Columns:
    """
    `media=COLUMN,queue=COLUMN[,external-id=COLUMN]`; a column may stand in quotes.

    :raise ArgumentTypeError: it is something else.
    """
    # As CSV, a quote only counts where a field begins.
    parts, inside = [""], False
    for letter in text:
        if letter == '"':
            inside = not inside
        elif letter == "," and not inside:
            parts.append("")
        else:
            parts[-1] += letter
    found: dict[str, str] = {}
    for part in parts:
        name, equals, column = part.partition("=")
        name = name.strip()
        if not equals or name not in ("media", "queue", "external-id") or not column.strip():
            raise ArgumentTypeError(
                f"expected media=COLUMN, queue=COLUMN or external-id=COLUMN, not {part!r}"
            )
        if name in found:
            raise ArgumentTypeError(f"{name} is said twice")
        found[name] = column.strip()
    missing = {"media", "queue"} - found.keys()
    if inside or missing:
        raise ArgumentTypeError(f"expected also {', '.join(sorted(missing)) or 'a closing quote'}")
    return Columns(found["media"], found["queue"], found.get("external-id", ""))


@dataclass(frozen=True, slots=True)
class Work:
    """One interaction to hand in; `number` counts from 0 in its source."""

    number: int
    media_type: str
    queue: str
    user_data: dict[str, str]


class Source(Protocol):
    """Where interactions come from; every pass gives the same ones."""

    title: str

    def __iter__(self) -> Iterator[Work]:
        """All of them, in order."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What a source has: how many, and what the deployment must declare."""

    count: int
    media_types: Counter[str] = field(default_factory=Counter)
    queues: Counter[str] = field(default_factory=Counter)


def survey(source: Source) -> Survey:
    """
    Look through a source once.

    :raise UsageError: it has nothing, or more names than a deployment should.
    """
    media_types: Counter[str] = Counter()
    queues: Counter[str] = Counter()
    for work in source:
        media_types[work.media_type] += 1
        queues[work.queue] += 1
        for what, names in (("media types", media_types), ("queues", queues)):
            if len(names) > MOST_NAMES:
                raise UsageError(f"{source.title} has more than {MOST_NAMES} {what}")
    count = media_types.total()
    if not count:
        raise UsageError(f"{source.title} has no rows")
    return Survey(count, media_types, queues)


class CsvSource:
    """
    The rows of a CSV file with a header line.

    Every column becomes user data under its own name; a name that the server
    keeps for a property of its own gets an underscore behind it.

    :param limit: read so many rows at most; None: all.
    """

    def __init__(
        self, path: Path, columns: Columns, encoding: str = "utf-8-sig", limit: int | None = None
    ) -> None:
        self.title = path.name
        self._path = path
        self._columns = columns
        self._encoding = encoding
        self._limit = limit

    def __iter__(self) -> Iterator[Work]:
        """
        Read the file anew.

        :raise UsageError: it cannot be read, or lacks a column.
        """
        csv.field_size_limit(LONGEST_FIELD)
        try:
            with self._path.open(encoding=self._encoding, newline="") as file:
                yield from self._works(csv.reader(file, strict=True))
        except OSError as problem:
            raise UsageError(f"{self._path}: {problem.strerror}") from problem
        except (UnicodeError, LookupError) as problem:
            raise UsageError(f"{self._path}: {problem}; try another --encoding") from problem
        except csv.Error as problem:
            raise UsageError(f"{self._path}: not CSV: {problem}") from problem

    def _works(self, reader: Iterator[list[str]]) -> Iterator[Work]:
        header = next(reader, None)
        if header is None:
            raise UsageError(f"{self._path} is empty")
        for column in filter(None, self._columns):
            if header.count(column) != 1:
                there = ", ".join(header)
                raise UsageError(f"{self._path} has no one column {column!r}; it has: {there}")
        media, queue, external = (
            header.index(column) if column else -1 for column in self._columns
        )
        keys = keys_of(header)
        number = 0
        for row in reader:
            if not row:
                continue  # a blank line is no row
            if number == self._limit:
                return
            # A short row lacks its last cells; a long one has cells without a name.
            cells = row + [""] * (len(header) - len(row))
            extra = keys_of(["", *header, *[""] * (len(cells) - len(header))])[len(header) + 1 :]
            user_data = dict(zip([*keys, *extra], cells, strict=True))
            if external >= 0 and cells[external]:
                user_data[EXTERNAL_ID] = cells[external]
            media_type, into = (name_of(cells[at]) if at >= 0 else "" for at in (media, queue))
            yield Work(number, media_type, into, user_data)
            number += 1


def keys_of(header: list[str]) -> list[str]:
    """The user-data keys of columns: their names, made unique, none of them reserved."""
    keys: list[str] = []
    for place, column in enumerate(header, 1):
        key = column or f"column {place}"
        while key in _RESERVED or key in keys:
            key += "_"
        keys.append(key)
    return keys


def name_of(text: str) -> str:
    """A cell as the name of a media type or queue: on one line, and not too long."""
    name = "".join(letter if letter.isprintable() else " " for letter in text)
    name = name.encode("utf-8", "replace")[:LONGEST_NAME].decode("utf-8", "ignore").strip()
    name = name or NAMELESS
    plain_name(name)
    return name


_SUBJECTS = {
    "email": ("Where is my order?", "Rechnung Nr. 4711 – bitte prüfen", "Ça ne marche plus"),
    "chat": ("Hello, is anybody there?", "Can I pay in €?", "¿Horario de apertura?"),
    "sms": ("STOP", "OK, tomorrow 10:30 👍", "Call me back"),
    "workitem": ("Check credit limit", "Approve refund", "Address change, page 2\nand 3"),
}
_QUEUES = ("Orders", "Billing", "Support")
_CUSTOMERS = ("Nguyễn Thị Hoa", "O'Brien", "José Álvarez", "李小龙", 'Kim "Max" Müller')


class MadeUp:
    """A few hundred interactions of several media; the same seed makes the same ones."""

    def __init__(self, count: int, seed: int = 1) -> None:
        self.title = f"{count} made-up interactions"
        self._count = count
        self._seed = seed

    def __iter__(self) -> Iterator[Work]:
        """Make them anew."""
        random = Random(self._seed)
        for number in range(self._count):
            media_type = random.choices(list(_SUBJECTS), (5, 3, 2, 2))[0]
            yield Work(
                number,
                media_type,
                random.choice(_QUEUES),
                {
                    "Subject": random.choice(_SUBJECTS[media_type]),
                    "Customer": random.choice(_CUSTOMERS),
                    "Amount": f"{random.uniform(1, 5000):.2f}",
                    "Note": "" if random.random() < 0.3 else "x" * random.randint(1, 400),
                    EXTERNAL_ID: f"made-up-{number}",
                },
            )
