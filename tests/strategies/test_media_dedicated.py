"""Routing to nodes set aside for a media type."""

from __future__ import annotations

import pytest

from ixproxy.errors import ConfigError
from ixproxy.interfaces import IRoutingStrategy
from ixproxy.strategies.media_dedicated import MediaDedicated, make
from ixproxy.testing.strategy_contracts import RoutingStrategyContract
from ixproxy.values import NodeName
from tests.strategies.views import EAST, NORTH, WEST, draft, node

SOUTH = NodeName("south")
EMAIL, CHAT = frozenset({"email"}), frozenset({"chat"})


class TestContract(RoutingStrategyContract):
    def make(self) -> IRoutingStrategy:
        return make({})


def test_dedicated_nodes_come_before_open_ones() -> None:
    nodes = [node(EAST), node(NORTH, CHAT), node(WEST, EMAIL)]
    assert MediaDedicated().rank(draft("email"), nodes) == [WEST, EAST]


def test_both_groups_go_round_each_for_itself() -> None:
    strategy = MediaDedicated()
    nodes = [node(EAST), node(NORTH, EMAIL), node(SOUTH, EMAIL), node(WEST)]
    assert [strategy.rank(draft("email"), nodes) for _ in range(3)] == [
        [NORTH, SOUTH, EAST, WEST],
        [SOUTH, NORTH, WEST, EAST],
        [NORTH, SOUTH, EAST, WEST],
    ]


def test_without_a_dedicated_node_the_open_ones_serve() -> None:
    assert MediaDedicated().rank(draft("fax"), [node(EAST), node(WEST, CHAT)]) == [EAST]


def test_it_has_no_settings() -> None:
    with pytest.raises(ConfigError, match="media"):
        make({"media": "email"})
