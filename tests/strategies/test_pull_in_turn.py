"""Pulling from one node after the other."""

from __future__ import annotations

from collections import Counter

import pytest

from ixproxy.errors import ConfigError
from ixproxy.interfaces import IPullStrategy
from ixproxy.strategies.pull_in_turn import make
from ixproxy.testing.strategy_contracts import PullStrategyContract
from ixproxy.values import Ask
from tests.strategies.stores import pull_until_empty
from tests.strategies.views import EAST, NORTH, THREE, WEST, pull


class TestContract(PullStrategyContract):
    def make(self) -> IPullStrategy:
        return make({})


def test_the_next_start_moves_on_and_each_node_may_hold() -> None:
    strategy = make({"pull-hold-timeout": 2})
    assert strategy.order(pull(), THREE) == [Ask(EAST, 2), Ask(NORTH, 2), Ask(WEST, 2)]
    assert strategy.order(pull(), THREE) == [Ask(NORTH, 2), Ask(WEST, 2), Ask(EAST, 2)]


def test_only_pulls_for_a_strategy_are_held() -> None:
    assert [step.hold for step in make({}).order(pull(for_strategy=False), THREE)] == [0, 0, 0]


def test_views_have_turns_of_their_own() -> None:
    strategy = make({})
    strategy.order(pull(view="Inbound/All"), THREE)
    assert strategy.order(pull(view="Inbound/Urgent"), THREE)[0].node == EAST


def test_no_node_starves_for_10_000_pulls_whatever_their_backlogs() -> None:
    """Test idea 15: fairness with unequal backlogs."""
    shares = Counter(pull_until_empty(make({}), {EAST: 9_000, NORTH: 800, WEST: 200}))
    assert shares == {EAST: 9_000, NORTH: 800, WEST: 200}
    first_600 = Counter(pull_until_empty(make({}), {EAST: 9_000, NORTH: 800, WEST: 200})[:600])
    assert first_600 == {EAST: 200, NORTH: 200, WEST: 200}


def test_it_has_one_setting() -> None:
    with pytest.raises(ConfigError, match="there are: pull-hold-timeout"):
        make({"hold": 2})
