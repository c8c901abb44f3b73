"""Routing to where the least waits."""

from __future__ import annotations

from collections import Counter

import pytest

from ixproxy.errors import ConfigError
from ixproxy.interfaces import IRoutingStrategy
from ixproxy.strategies.least_backlog import LeastBacklog, make
from ixproxy.testing.strategy_contracts import RoutingStrategyContract
from tests.strategies.views import EAST, NORTH, THREE, WEST, draft, node


class TestContract(RoutingStrategyContract):
    def make(self) -> IRoutingStrategy:
        return make({})


def test_the_least_waiting_is_first() -> None:
    nodes = [node(EAST, waiting=9), node(NORTH, waiting=2), node(WEST, waiting=5)]
    assert LeastBacklog().rank(draft(), nodes) == [NORTH, WEST, EAST]


def test_equals_take_turns() -> None:
    strategy = LeastBacklog()
    assert [strategy.rank(draft(), THREE)[0] for _ in range(3)] == [EAST, NORTH, WEST]


def test_a_burst_between_two_facts_is_spread() -> None:
    strategy = LeastBacklog()
    nodes = [node(EAST, waiting=10), node(NORTH, waiting=0), node(WEST, waiting=4)]
    shares = Counter(strategy.rank(draft(), nodes)[0] for _ in range(16))
    assert (shares[EAST], shares[NORTH], shares[WEST]) == (0, 10, 6)


def test_new_facts_replace_what_was_counted_since_the_old_ones() -> None:
    strategy = LeastBacklog()
    for _ in range(50):
        strategy.rank(draft(), [node(EAST, waiting=1), node(WEST, waiting=1)])
    nodes = [node(EAST, waiting=0), node(WEST, waiting=1)]
    assert strategy.rank(draft(), nodes) == [EAST, WEST]


def test_it_has_no_settings() -> None:
    with pytest.raises(ConfigError, match="queue"):
        make({"queue": "Q1"})
