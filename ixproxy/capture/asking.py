"""Reads the keys of a capture point's table; like a strategy's, with texts, lists and secrets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ixproxy.strategies.settings import Settings

LONGEST_SECRET = 4096
"""Bytes of a file with a password."""


class Keys(Settings):
    """
    See `Settings`; all that is wrong is in the one error of `finish`.

    No value of a key that may be secret is quoted.
    """

    def text(self, key: str, default: str = "", *, secret: bool = False) -> str:
        """A text."""
        value = self._ask(key, default)
        if isinstance(value, str):
            return value
        self.refuse(key, "expected a text" + ("" if secret else f", not {value!r}"))
        return default

    def needed_text(self, key: str, expected: str, *, secret: bool = False) -> str:
        """A text that must be there and not be empty; else "" with a problem noted."""
        value = self._ask(key, "")
        if isinstance(value, str) and value:
            return value
        shown = "" if secret or value == "" else f", not {value!r}"
        self.refuse(
            key, f"expected {expected}{shown}" if value else f"missing; expected {expected}"
        )
        return ""

    def texts(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A list of texts, none of them empty."""
        value = self._ask(key, list(default))
        if isinstance(value, list | tuple) and all(
            isinstance(each, str) and each for each in value
        ):
            return tuple(value)
        self.refuse(key, f"expected a list of texts, not {value!r}")
        return default

    def yes(self, key: str) -> bool:
        """True, or false, which is the default."""
        value = self._ask(key, False)
        if not isinstance(value, bool):
            self.refuse(key, f"expected true or false, not {value!r}")
        return value is True

    def table(self, key: str, expected: str) -> Mapping[str, object]:
        """A table of its own, empty where it is missing; its values are not quoted."""
        value = self._ask(key, {})
        if isinstance(value, Mapping):
            return value
        self.refuse(key, f"expected a table such as {expected}")
        return {}


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
