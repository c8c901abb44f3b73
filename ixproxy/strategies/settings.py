"""Reads the keys that a strategy's table has besides `use`, and reports all that is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from ixproxy.errors import ConfigError, ConfigProblem

_MOST_LETTERS = 60
"""Of a name that somebody wrote: as many are compared with those that there are."""


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """`; did you mean …?` where a known name is close to `name`, else nothing."""
    folded = {candidate.lower().replace("_", "-"): candidate for candidate in known}
    meant = name[:_MOST_LETTERS].lower().replace("_", "-")
    close = get_close_matches(meant, folded, n=1, cutoff=0.65)
    return f'; did you mean "{folded[close[0]]}"?' if close else ""


def unknown_setting(name: str, known: Sequence[str]) -> str:
    """What to say of a key that nobody asks for."""
    hint = did_you_mean(name, known)
    there = f"{' There' if hint else '; there'} are: {', '.join(known) or 'none'}"
    return f"unknown setting{hint}{there}"


class Settings:
    """
    The settings of one strategy, asked for one by one.

    Each question reads one key; `finish` then reports, in one error, every
    value that was unusable and every key that nobody asked for.
    """

    def __init__(self, given: Mapping[str, object]) -> None:
        self._given = given
        self._asked: list[str] = []
        self._problems: list[ConfigProblem] = []

    def choice(self, key: str, default: str, choices: tuple[str, ...]) -> str:
        """One of a few words."""
        value = self._ask(key, default)
        if isinstance(value, str) and value in choices:
            return value
        self.refuse(key, f"expected {' or '.join(repr(each) for each in choices)}, not {value!r}")
        return default

    def seconds(self, key: str, default: float, low: float, high: float) -> float:
        """A duration in seconds, from `low` to `high`."""
        value = self._ask(key, default)
        if not isinstance(value, bool) and isinstance(value, int | float) and low <= value <= high:
            return float(value)
        self.refuse(key, f"expected {low:g} to {high:g} seconds, not {value!r}")
        return default

    def whole(self, key: str, default: int, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        value = self._ask(key, default)
        if not isinstance(value, bool) and isinstance(value, int) and low <= value <= high:
            return value
        self.refuse(key, f"expected a whole number from {low} to {high}, not {value!r}")
        return default

    def required(self, key: str, expected: str) -> object:
        """A value of any type that must be there, or None with a problem noted."""
        value = self._ask(key, None)
        if value is None:
            self.refuse(key, f"missing; expected {expected}")
        return value

    def refuse(self, key: str, text: str, table: str = "") -> None:
        """Note that the value of `key` is unusable, be it in a table of these settings."""
        self._problems.append(ConfigProblem(table, key, text))

    def finish(self) -> None:
        """:raise ConfigError: a key is unknown, or a value is unusable."""
        for key in self._given:
            if key not in self._asked:
                self.refuse(key, unknown_setting(key, self._asked))
        if self._problems:
            raise ConfigError(self._problems)

    def _ask(self, key: str, default: object) -> object:
        self._asked.append(key)
        return self._given.get(key, default)
