"""Reads the keys of a capture point's table; like a strategy's, with texts, lists and tables."""

from __future__ import annotations

from collections.abc import Mapping

from ixproxy.strategies.settings import Settings


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

    def table(self, key: str, expected: str) -> Mapping[str, object]:
        """A table of its own, empty where it is missing; its values are not quoted."""
        value = self._ask(key, {})
        if isinstance(value, Mapping):
            return value
        self.refuse(key, f"expected a table such as {expected}")
        return {}
