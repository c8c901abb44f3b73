"""What one key of the deployment file may hold, as a value that can be checked and printed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from cryptography.x509 import Name

from ixproxy.addresses import connect_address, listen_address
from ixproxy.config_store_address import POSTGRESQL, postgresql_text, without_password
from ixproxy.errors import IxproxyError
from ixproxy.strategies.settings import did_you_mean


class Unfit(IxproxyError):
    """A value is not what its key takes; the text says what was expected."""


class Kind(Enum):
    """The types of value that a key may have."""

    TEXT = "text"
    WHOLE = "whole number"
    FLAG = "true or false"
    CHOICE = "one of a few words"
    NAMES = "list of names"
    MEMBERS = "table of lists of names"


Check = Callable[[str], None]
"""Raises ValueError with what was expected instead."""


@dataclass(frozen=True, slots=True)
class Key:
    """
    One key: its type, range and default.

    :ivar low: the smallest WHOLE; or how many NAMES there must be.
    :ivar unit: what a WHOLE counts, in the plural; "" for a bare number.
    :ivar words: what a TEXT is, for messages.
    :ivar check: looks closer at a TEXT, or at each of NAMES.
    :ivar served: False: known and checked, but it does nothing yet.
    """

    kind: Kind
    default: object = None
    required: bool = False
    low: int = 0
    high: int = 0
    choices: tuple[str, ...] = ()
    unit: str = ""
    words: str = "text"
    check: Check | None = None
    summary: str = ""
    served: bool = True

    @property
    def expected(self) -> str:
        """What the key takes, in words."""
        match self.kind:
            case Kind.WHOLE:
                unit = f" of {self.unit}" if self.unit else ""
                return f"a whole number{unit} from {self.low} to {self.high}"
            case Kind.CHOICE:
                return "one of " + ", ".join(f'"{choice}"' for choice in self.choices)
            case Kind.NAMES:
                some = "at least one name" if self.low else "names"
                return f"a list of {some}, or one string with commas between them"
            case Kind.MEMBERS:
                return "a table in which each name has a list of names"
            case Kind.TEXT:
                return self.words
            case Kind.FLAG:
                return "true or false"

    def read(self, value: object) -> object:
        """
        `value` in the type that the program uses.

        WHOLE gives int, FLAG bool, NAMES a tuple of str, MEMBERS a dict of
        such tuples, the others str.

        :raise Unfit: it has another type, or lies outside of the range.
        """
        match self.kind:
            case Kind.WHOLE:
                return self._whole(value)
            case Kind.FLAG:
                return self._flag(value)
            case Kind.CHOICE:
                return self._choice(value)
            case Kind.NAMES:
                return self._names(value)
            case Kind.MEMBERS:
                if not isinstance(value, dict):
                    raise Unfit(f"expected {self.expected}, not {shown(value)}")
                return {self._text(name): self._names(names) for name, names in value.items()}
            case Kind.TEXT:
                return self._text(value)

    def _whole(self, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise Unfit(f"expected {self.expected}, not {shown(value)}")
        if not self.low <= value <= self.high:
            raise Unfit(f"{shown(value)} is out of range: expected {self.expected}")
        return value

    def _flag(self, value: object) -> bool:
        # The field writes its options as words.
        if isinstance(value, str) and value.lower() in _WORDS:
            return _WORDS[value.lower()]
        if not isinstance(value, bool):
            raise Unfit(f"expected {self.expected}, not {shown(value)}")
        return value

    def _choice(self, value: object) -> str:
        word = ("true" if value else "false") if isinstance(value, bool) else value
        if not isinstance(word, str) or word not in self.choices:
            hint = did_you_mean(word, self.choices) if isinstance(word, str) else ""
            raise Unfit(f"expected {self.expected}, not {shown(value)}{hint}")
        return word

    def _text(self, value: object) -> str:
        if not isinstance(value, str):
            raise Unfit(f"expected {self.expected}, not {shown(value)}")
        if self.check is not None:
            try:
                self.check(value)
            except ValueError as problem:
                raise Unfit(f"{shown(value)}: {problem}") from problem
        return value

    def _names(self, value: object) -> tuple[str, ...]:
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        if not isinstance(value, list):
            raise Unfit(f"expected {self.expected}, not {shown(value)}")
        if strange := [name for name in value if not isinstance(name, str)]:
            raise Unfit(f"expected {self.expected}, not one with {shown(strange[0])} in it")
        if len(value) < self.low:
            raise Unfit(f"expected {self.expected}, not an empty one")
        names = tuple(self._text(name) for name in value)
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise Unfit(f"{shown(doubled[0])} is named more than once")
        return names


_WORDS = {"true": True, "yes": True, "false": False, "no": False}


def shown(value: object) -> str:
    """`value` as a short piece of a message, with its type where that helps."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f'the text "{_short(without_password(value))}"'
        case int():
            # Python refuses to print a number of thousands of digits.
            return f"the number {value}" if abs(value) < 10**30 else "a huge number"
        case float():
            return f"the number {value}"
        case dict():
            return "a table"
        case list():
            return "a list"
        case _:
            return f"the date or time {_short(str(value))}"


def _short(text: str) -> str:
    return clean(text, 60)


def clean(text: str, longest: int) -> str:
    """`text` in one line and cut, for messages that hold what somebody wrote."""
    line = "".join(letter if letter.isprintable() else "?" for letter in text)
    return line if len(line) <= longest else line[: longest - 3] + "..."


NAME_LIMIT = 255
"""Names travel in strings whose length is one byte of the wire's prefix."""


def plain_name(text: str) -> None:
    """
    Check the name of a thing that requests may name.

    :raise ValueError: it is empty, too long, or has unprintable characters.
    """
    if not text or text != text.strip():
        raise ValueError("expected a name that is not empty and has no blanks at its ends")
    if len(text.encode("utf-8", "replace")) > NAME_LIMIT:
        raise ValueError(f"expected a name of at most {NAME_LIMIT} bytes of UTF-8")
    if not text.isprintable():
        raise ValueError("expected a name of printable characters")


def filled(text: str) -> None:
    """:raise ValueError: `text` is empty or blank."""
    if not text.strip():
        raise ValueError("expected something, not an empty text")


def listen_text(text: str) -> None:
    """:raise ValueError: `text` is no address to listen on."""
    listen_address(text)


def endpoint_text(text: str) -> None:
    """:raise ValueError: `text` is no address to connect to."""
    connect_address(text)


def subject_text(text: str) -> None:
    """:raise ValueError: `text` is no subject of certificates."""
    try:
        named = Name.from_rfc4514_string(text)
    except ValueError as problem:
        raise ValueError('expected a subject such as "CN=proxy1" or "O=Acme,OU=Desks"') from problem
    if not list(named):
        raise ValueError('expected a subject such as "CN=proxy1", not an empty one')


_STORE = re.compile(r"[a-z][a-z0-9+.-]*:.+", re.DOTALL)


def store_text(text: str) -> None:
    """:raise ValueError: `text` does not name a store as `kind:place`, or no place of its kind."""
    if not _STORE.fullmatch(text):
        raise ValueError('expected a kind and a place, such as "sqlite:/var/lib/ixproxy/ixn1.db"')
    if text.startswith(POSTGRESQL):
        postgresql_text(text)


RATE_CEILING = 1000
"""Most interactions a second that a submission rate may say."""

_RATE = re.compile(r"(\d{1,9})/(second|minute|hour)")
_SECONDS = {"second": 1, "minute": 60, "hour": 3600}


def rate_text(text: str) -> None:
    """:raise ValueError: `text` is no rate such as `25/minute`."""
    match = _RATE.fullmatch(text)
    if text and not match:
        raise ValueError('expected a rate such as "10/second", "25/minute" or "1000/hour"')
    if match and int(match[1]) > RATE_CEILING * _SECONDS[match[2]]:
        raise ValueError(f"expected at most {RATE_CEILING}/second")


def rate_of(text: str) -> float | None:
    """A rate in interactions a second, None where none is given; the text was checked."""
    match = _RATE.fullmatch(text)
    return int(match[1]) / _SECONDS[match[2]] if match else None
