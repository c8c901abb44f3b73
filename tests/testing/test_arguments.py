"""What commands are asked for is read, or refused in one line."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable

import pytest

from ixproxy.testing.arguments import (
    amount,
    amount_or_none,
    at_least_none,
    at_least_one,
    seed_range,
    some_of,
    step_numbers,
)

COLOURS = some_of("colour", {"red": 1, "blue": 2})


@pytest.mark.parametrize(
    ("read", "text", "found"),
    [
        (seed_range, "5:8", range(5, 8)),
        (seed_range, "5", range(5, 6)),
        (at_least_one, "1", 1),
        (at_least_none, "0", 0),
        (amount, "0.5", 0.5),
        (amount_or_none, "0", 0.0),
        (step_numbers, "3,17,3", frozenset({3, 17})),
        (COLOURS, "blue,red", ("blue", "red")),
    ],
)
def test_what_is_asked_for_is_read(read: Callable[[str], object], text: str, found: object) -> None:
    assert read(text) == found


@pytest.mark.parametrize(
    ("read", "text", "why"),
    [
        (seed_range, "5:1", "there are no seeds in '5:1'"),
        (seed_range, "5:5", "there are no seeds in '5:5'"),
        (seed_range, "x", "expected A:B or one seed, not 'x'"),
        (seed_range, "5:", "expected A:B or one seed, not '5:'"),
        (at_least_one, "0", "expected a number from 1 on, not '0'"),
        (at_least_one, "-3", "expected a number from 1 on, not '-3'"),
        (at_least_one, "few", "expected a number from 1 on, not 'few'"),
        (at_least_none, "-1", "expected a number from 0 on, not '-1'"),
        (amount, "0", "expected more than 0, not '0'"),
        (amount, "nan", "expected a number, not 'nan'"),
        (amount_or_none, "-1", "expected 0 or more, not '-1'"),
        (amount_or_none, "inf", "expected a number, not 'inf'"),
        (step_numbers, "3,a", "expected numbers such as 3,17,40, not '3,a'"),
        (step_numbers, "0,4", "there is no step 0: the first is 1"),
        (COLOURS, "red,green", "unknown colour 'green': expected red, blue"),
        (COLOURS, ",", "expected some of red, blue"),
    ],
)
def test_what_would_run_nothing_is_refused(
    read: Callable[[str], object], text: str, why: str
) -> None:
    with pytest.raises(ArgumentTypeError) as refused:
        read(text)
    assert why in str(refused.value)
