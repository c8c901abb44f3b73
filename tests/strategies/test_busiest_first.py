"""Pulling from where the most waits."""

from __future__ import annotations

from collections import Counter

import pytest

from ixproxy.errors import ConfigError
from ixproxy.interfaces import IPullStrategy
from ixproxy.strategies.busiest_first import make
from ixproxy.testing.strategy_contracts import PullStrategyContract
from ixproxy.values import Ask
from tests.strategies.stores import pull_until_empty
from tests.strategies.views import EAST, NORTH, THREE, WEST, node, pull

UNEQUAL = [node(EAST, shown=1), node(NORTH, shown=7), node(WEST, shown=3)]


class TestContract(PullStrategyContract):
    def make(self) -> IPullStrategy:
        return make({"in-turn-every": 5})


def test_the_busiest_is_asked_first_and_only_the_last_holds() -> None:
    strategy = make({"pull-hold-timeout": 4})
    assert strategy.order(pull(), UNEQUAL) == [Ask(NORTH), Ask(WEST), Ask(EAST, 4)]


def test_only_the_view_in_question_counts() -> None:
    plan = make({}).order(pull(view="Other/All"), UNEQUAL)
    assert [step.node for step in plan] == [EAST, NORTH, WEST]


def test_equals_take_turns() -> None:
    strategy = make({})
    assert [strategy.order(pull(), THREE)[0].node for _ in range(3)] == [EAST, NORTH, WEST]


def test_only_pulls_for_a_strategy_are_held() -> None:
    assert [step.hold for step in make({}).order(pull(for_strategy=False), THREE)] == [0, 0, 0]


def test_a_node_that_is_never_the_busiest_does_not_starve_for_10_000_pulls() -> None:
    """Test idea 15: the busiest node is fed as fast as it is pulled from."""
    strategy = make({})
    firsts = Counter(strategy.order(pull(), UNEQUAL)[0].node for _ in range(10_000))
    assert firsts[NORTH] > 9_000
    assert min(firsts[EAST], firsts[WEST]) > 150


@pytest.mark.parametrize("facts_every", [1, 50])
def test_backlogs_are_levelled_and_worked_off(facts_every: int) -> None:
    backlogs = {EAST: 9_000, NORTH: 800, WEST: 200}
    served = pull_until_empty(make({}), backlogs, facts_every)
    assert Counter(served) == backlogs
    assert Counter(served[:8_000])[EAST] > 7_500


def test_unusable_settings_are_named() -> None:
    with pytest.raises(ConfigError, match="in-turn-every: expected a whole number from 2"):
        make({"in-turn-every": 1})
