"""Which requests a load consists of, and in which shares."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Mapping
from enum import Enum
from random import Random


class Kind(Enum):
    """What a client does; the value is how a command line says it."""

    SUBMIT = "submit"
    PULL = "pull"
    CHANGE = "change"
    SHOW = "show"
    FIND = "find"
    PLACE = "place"
    HOLD = "hold"
    RESUME = "resume"
    STOP = "stop"
    WORKBIN = "workbin"
    CONTENT = "content"
    FETCH = "fetch"
    LOGIN = "login"
    LOGOUT = "logout"


SHORT = (Kind.SUBMIT, Kind.PULL, Kind.STOP)
"""What `2:1:1` gives the weights of."""

FROM_A_VIEW = frozenset(
    (Kind.PULL, Kind.CHANGE, Kind.PLACE, Kind.HOLD, Kind.RESUME, Kind.STOP, Kind.WORKBIN)
)
"""What needs something that was pulled."""

OF_A_WORKBIN = frozenset((Kind.WORKBIN, Kind.CONTENT, Kind.FETCH))
BY_AGENTS = frozenset((Kind.LOGIN, Kind.LOGOUT))


class Mix:
    """
    Weights, at least one of them above 0.

    :ivar kinds: those that have a weight.
    """

    def __init__(self, weights: Mapping[Kind, int]) -> None:
        self.weights = {kind: weight for kind, weight in weights.items() if weight}
        self.kinds = frozenset(self.weights)
        self._kinds = list(self.weights)
        total = 0
        self._sums = [total := total + weight for weight in self.weights.values()]

    def draw(self, random: Random) -> Kind:
        """One of them, as often as its weight says."""
        return random.choices(self._kinds, cum_weights=self._sums)[0]

    def __str__(self) -> str:
        return ",".join(f"{kind.value}={weight}" for kind, weight in self.weights.items())


def mix(text: str) -> Mix:
    """
    Weights by name, as in `submit=2,pull=1,stop=1`, or `2:1:1` of these three.

    :raise ArgumentTypeError: it is neither, or all are 0.
    """
    weights: dict[Kind, int] = {}
    if "=" not in text:
        parts = text.split(":")
        if len(parts) != len(SHORT):
            raise ArgumentTypeError(_expected(text))
        weights = {kind: _weight(part, text) for kind, part in zip(SHORT, parts, strict=True)}
    else:
        for part in text.split(","):
            name, _, weight = part.partition("=")
            try:
                kind = Kind(name.strip())
            except ValueError:
                there = ", ".join(each.value for each in Kind)
                raise ArgumentTypeError(f"no request {name!r}; there are: {there}") from None
            if kind in weights:
                raise ArgumentTypeError(f"{kind.value} is said twice")
            weights[kind] = _weight(weight, text)
    if not any(weights.values()):
        raise ArgumentTypeError(f"all weights are 0 in {text!r}")
    return Mix(weights)


def _weight(part: str, text: str) -> int:
    part = part.strip()
    if not (part.isascii() and part.isdigit()) or len(part) > 6:
        raise ArgumentTypeError(_expected(text))
    return int(part)


def _expected(text: str) -> str:
    return f"expected weights such as submit=2,pull=1,stop=1 or 2:1:1, not {text!r}"
