"""Pulling without waiting for the empty node."""

from __future__ import annotations

from collections import Counter

import pytest

from ixproxy.errors import ConfigError
from ixproxy.interfaces import IPullStrategy
from ixproxy.strategies.hold_override import make
from ixproxy.testing.strategy_contracts import PullStrategyContract
from ixproxy.values import Ask
from tests.strategies.stores import pull_until_empty
from tests.strategies.views import EAST, NORTH, THREE, WEST, node, pull


class TestContract(PullStrategyContract):
    def make(self) -> IPullStrategy:
        return make({})


class TestContractWithShares(PullStrategyContract):
    def make(self) -> IPullStrategy:
        return make({"holds": "each"})


def test_only_the_last_holds() -> None:
    strategy = make({"pull-hold-timeout": 5})
    assert strategy.order(pull(), THREE) == [Ask(EAST), Ask(NORTH), Ask(WEST, 5)]
    assert strategy.order(pull(), THREE) == [Ask(NORTH), Ask(WEST), Ask(EAST, 5)]
    assert strategy.order(pull(), [node(WEST)]) == [Ask(WEST, 5)]


def test_each_may_hold_its_share() -> None:
    strategy = make({"pull-hold-timeout": 6, "holds": "each"})
    assert [step.hold for step in strategy.order(pull(), THREE)] == [2, 2, 2]
    assert [step.hold for step in strategy.order(pull(budget=3), THREE)] == [1, 1, 1]


@pytest.mark.parametrize("holds", ["last", "each"])
def test_only_pulls_for_a_strategy_are_held(holds: str) -> None:
    strategy = make({"holds": holds})
    assert [step.hold for step in strategy.order(pull(for_strategy=False), THREE)] == [0, 0, 0]


def test_no_node_starves_for_10_000_pulls_whatever_their_backlogs() -> None:
    """Test idea 15: fairness with unequal backlogs."""
    served = pull_until_empty(make({}), {EAST: 9_000, NORTH: 800, WEST: 200})
    assert Counter(served[:600]) == {EAST: 200, NORTH: 200, WEST: 200}
    assert len(served) == 10_000


def test_unusable_settings_are_named() -> None:
    with pytest.raises(ConfigError, match="holds: expected 'last' or 'each', not 'first'"):
        make({"holds": "first"})
