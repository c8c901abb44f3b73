"""Routing by the interaction's own id."""

from __future__ import annotations

from collections import Counter

import pytest

from ixproxy.errors import ConfigError
from ixproxy.interfaces import IRoutingStrategy
from ixproxy.strategies.hash_of_id import make
from ixproxy.testing.strategy_contracts import RoutingStrategyContract
from tests.strategies.views import EAST, NORTH, THREE, WEST, draft, node

ALL = {"nodes": ["west", "east", "north"]}
IDS = [f"session-{number}" for number in range(600)]


class TestContract(RoutingStrategyContract):
    def make(self) -> IRoutingStrategy:
        return make(ALL)


def test_equal_ids_meet_on_one_node_whichever_proxy_sends_them() -> None:
    one, other = make(ALL), make({"nodes": ("north", "west", "east")})
    for each in IDS:
        home = one.rank(draft(interaction_id=each), THREE)
        assert len(home) == 1
        assert other.rank(draft("chat", each), THREE) == home


def test_homes_are_spread_over_the_nodes() -> None:
    strategy = make(ALL)
    shares = Counter(strategy.rank(draft(interaction_id=each), THREE)[0] for each in IDS)
    assert all(150 < share < 250 for share in shares.values())


def test_a_home_that_is_away_refuses_and_no_other_home_moves() -> None:
    strategy = make(ALL)
    for each in IDS:
        home = strategy.rank(draft(interaction_id=each), THREE)
        without_east = strategy.rank(draft(interaction_id=each), [node(NORTH), node(WEST)])
        assert without_east == ([] if home == [EAST] else home)


def test_a_draft_without_an_id_goes_in_turn() -> None:
    strategy = make(ALL)
    assert strategy.rank(draft(), THREE) == [EAST, NORTH, WEST]
    assert strategy.rank(draft(), THREE) == [NORTH, WEST, EAST]


def test_nodes_for_other_media_or_tenants_are_nobodys_home() -> None:
    strategy = make(
        {"nodes": {"east": {"media-types": ["chat"]}, "north": {"tenants": [2]}, "west": {}}}
    )
    emails = {strategy.rank(draft("email", each), THREE)[0] for each in IDS}
    assert emails == {WEST}
    chats = {strategy.rank(draft("chat", each, tenant_id=2), THREE)[0] for each in IDS}
    assert chats == {EAST, NORTH, WEST}


def test_without_any_home_for_it_a_draft_is_refused() -> None:
    strategy = make({"nodes": {"east": {"media-types": ["chat"]}}})
    assert strategy.rank(draft("email", "own"), THREE) == []


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({}, "nodes: missing; expected the names of all nodes"),
        ({"nodes": []}, "nodes: expected at least one node"),
        ({"nodes": "east"}, "nodes: expected an array of names, or a table of them, not 'east'"),
        ({"nodes": ["east", 2]}, "nodes: expected an array of names"),
        ({"nodes": ["east", "east"]}, "nodes: east is named twice"),
        ({"nodes": {"east": 1}}, "nodes: east: expected a table, not 1"),
        ({"nodes": {"east": {"weight": 1}}}, "nodes: east: unknown weight; there are: tenants"),
        ({"nodes": {"east": {"tenants": ["one"]}}}, "east: tenants: expected an array of ids"),
        ({"nodes": {"east": {"media-types": "email"}}}, "east: media-types: expected an array"),
        (
            {"nodes": ["east"], "node": 1},
            'node: unknown setting; did you mean "nodes"[?] There are: nodes',
        ),
    ],
)
def test_unusable_settings_are_named(settings: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        make(settings)
