"""Routing in turn."""

from __future__ import annotations

from collections import Counter

import pytest

from ixproxy.errors import ConfigError
from ixproxy.interfaces import IRoutingStrategy
from ixproxy.strategies.round_robin import RoundRobin, make
from ixproxy.testing.strategy_contracts import RoutingStrategyContract
from tests.strategies.views import EAST, NORTH, THREE, WEST, draft


class TestContract(RoutingStrategyContract):
    def make(self) -> IRoutingStrategy:
        return make({})


def test_drafts_of_one_kind_go_round() -> None:
    strategy = RoundRobin()
    assert strategy.rank(draft(), THREE) == [EAST, NORTH, WEST]
    assert strategy.rank(draft(), THREE) == [NORTH, WEST, EAST]


def test_media_types_and_tenants_have_turns_of_their_own() -> None:
    strategy = RoundRobin()
    for _ in range(9):
        strategy.rank(draft("chat"), THREE)
        strategy.rank(draft("email", tenant_id=2), THREE)
        strategy.rank(draft("email", tenant_id=2), THREE)
    assert strategy.rank(draft("email"), THREE)[0] == EAST


def test_all_get_the_same_share() -> None:
    strategy = RoundRobin()
    assert set(Counter(strategy.rank(draft(), THREE)[0] for _ in range(999)).values()) == {333}


def test_it_has_no_settings() -> None:
    with pytest.raises(ConfigError, match="weights"):
        make({"weights": {}})
