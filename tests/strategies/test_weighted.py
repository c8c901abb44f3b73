"""Routing by weight."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.errors import ConfigError
from ixproxy.interfaces import IRoutingStrategy
from ixproxy.strategies.weighted import Weighted, make
from ixproxy.testing.strategy_contracts import RoutingStrategyContract
from tests.strategies.views import EAST, NORTH, THREE, WEST, draft, node


class TestContract(RoutingStrategyContract):
    def make(self) -> IRoutingStrategy:
        return make({"weights": {"east": 3, "north": 0, "west": 2}})


@given(st.lists(st.integers(0, 20), min_size=3, max_size=3).filter(any))
def test_in_one_round_each_is_first_as_often_as_its_weight(weights: list[int]) -> None:
    named = dict(zip((EAST, NORTH, WEST), weights, strict=True))
    strategy = Weighted(named)
    shares = Counter(strategy.rank(draft(), THREE)[0] for _ in range(sum(weights)))
    assert shares == Counter({name: weight for name, weight in named.items() if weight})


def test_turns_are_spread_not_bunched() -> None:
    strategy = Weighted({EAST: 5, NORTH: 1, WEST: 1})
    firsts = "".join(strategy.rank(draft(), THREE)[0][0] for _ in range(7))
    assert firsts == "eenewee"


def test_weight_nought_gets_nothing_and_no_weight_means_one() -> None:
    strategy = Weighted({EAST: 0})
    assert strategy.rank(draft(), THREE) == [NORTH, WEST]
    assert strategy.rank(draft(), [node(EAST)]) == []


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({}, "weights: missing; expected a table such as"),
        ({"weights": 3}, "weights: expected a table such as"),
        ({"weights": {"east": -1, "west": 1}}, "east: expected 0 to 1000, not -1"),
        ({"weights": {"east": True, "west": 1}}, "east: expected a whole number, not True"),
        ({"weights": {"east": 0}}, "at least one node with a weight above 0"),
        ({"weights": {"east": 1}, "other": 1}, "other: unknown setting; there are: weights"),
    ],
)
def test_unusable_settings_are_named(settings: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        make(settings)
