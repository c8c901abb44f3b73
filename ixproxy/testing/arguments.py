"""
What commands are asked for, read so that a run of nothing cannot pass for a good one.

Each of these is a `type` of `argparse`: what it refuses ends the command with one line and the
exit code 2.
"""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable, Iterable
from math import isfinite


def seed_range(text: str) -> range:
    """
    Some seeds: `A:B`, from A to B without B, or A alone.

    :raise ArgumentTypeError: it is neither, or there are none.
    """
    first, colon, behind = text.partition(":")
    try:
        seeds = range(int(first), int(behind) if colon else int(first) + 1)
    except ValueError as problem:
        raise ArgumentTypeError(f"expected A:B or one seed, not {text!r}") from problem
    if not seeds:
        raise ArgumentTypeError(f"there are no seeds in {text!r}: B is not one of them")
    return seeds


def at_least_one(text: str) -> int:
    """
    How many of something, of which there must be any.

    :raise ArgumentTypeError: it is no number, or less than 1.
    """
    return _whole(text, 1)


def at_least_none(text: str) -> int:
    """
    How many of something that one may go without.

    :raise ArgumentTypeError: it is no number, or less than 0.
    """
    return _whole(text, 0)


def _whole(text: str, least: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise ArgumentTypeError(f"expected a number from {least} on, not {text!r}")
    return number


def amount(text: str) -> float:
    """
    So much of something, such as seconds or documents a second.

    :raise ArgumentTypeError: it is no number, or not more than 0.
    """
    number = _number(text)
    if number <= 0:
        raise ArgumentTypeError(f"expected more than 0, not {text!r}")
    return number


def amount_or_none(text: str) -> float:
    """
    So much of something, or 0.

    :raise ArgumentTypeError: it is no number, or less than 0.
    """
    number = _number(text)
    if number < 0:
        raise ArgumentTypeError(f"expected 0 or more, not {text!r}")
    return number


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise ArgumentTypeError(f"expected a number, not {text!r}")
    return number


def step_numbers(text: str) -> frozenset[int]:
    """
    Numbers of steps, with commas; the first step is 1.

    :raise ArgumentTypeError: something in it is none.
    """
    try:
        numbers = frozenset(int(number) for number in text.split(","))
    except ValueError as problem:
        raise ArgumentTypeError(f"expected numbers such as 3,17,40, not {text!r}") from problem
    if min(numbers) < 1:
        raise ArgumentTypeError(f"there is no step {min(numbers)}: the first is 1")
    return numbers


def some_of(what: str, known: Iterable[str]) -> Callable[[str], tuple[str, ...]]:
    """
    Reads names with commas; raises ArgumentTypeError where one is unknown, or there are none.

    :param what: what has these names, for messages.
    """

    def read(text: str) -> tuple[str, ...]:
        names = tuple(name for name in text.split(",") if name)
        for name in names:
            if name not in known:
                raise ArgumentTypeError(f"unknown {what} {name!r}: expected {', '.join(known)}")
        if not names:
            raise ArgumentTypeError(f"expected some of {', '.join(known)}")
        return names

    return read
