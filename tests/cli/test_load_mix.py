"""Which requests a load consists of."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections import Counter
from random import Random

import pytest

from ixproxy.cli.load_mix import Kind, Mix, mix


def test_weights_are_said_by_name_or_as_three_numbers() -> None:
    assert mix("submit=2, pull=1,find=0").weights == {Kind.SUBMIT: 2, Kind.PULL: 1}
    assert mix("2:1:0").weights == {Kind.SUBMIT: 2, Kind.PULL: 1}
    assert str(mix("1:1:3")) == "submit=1,pull=1,stop=3"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1:1", "expected weights"),
        ("a:b:c", "expected weights"),
        ("1:-1:1", "expected weights"),
        ("0:0:0", "all weights are 0"),
        ("submit=0", "all weights are 0"),
        ("submit=", "expected weights"),
        ("submit=1,submit=2", "said twice"),
        ("dance=1", "no request 'dance'; there are: submit, pull"),
        ("submit=1,", "no request ''"),
    ],
)
def test_what_is_no_mix_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ArgumentTypeError, match=reason):
        mix(text)


def test_each_is_drawn_as_often_as_its_weight_says() -> None:
    mixed, random = Mix({Kind.SUBMIT: 3, Kind.PULL: 0, Kind.STOP: 1}), Random(1)
    drawn = Counter(mixed.draw(random) for _ in range(4000))
    assert drawn.keys() == mixed.kinds == {Kind.SUBMIT, Kind.STOP}
    assert 2800 < drawn[Kind.SUBMIT] < 3200
