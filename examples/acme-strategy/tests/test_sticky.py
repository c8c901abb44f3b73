"""The strategy keeps ixproxy's contract, and what its own page promises."""

from __future__ import annotations

import pytest
from acme_ixproxy.sticky import make

from ixproxy.errors import ConfigError
from ixproxy.interfaces import IRoutingStrategy, IRoutingStrategyMaker
from ixproxy.plugin import find_maker
from ixproxy.testing.contracts import RoutingStrategyContract
from ixproxy.values import Draft, NodeLoad, NodeName, NodeView

NAMES = ("east", "north", "west")


class TestSticky(RoutingStrategyContract):
    def make(self) -> IRoutingStrategy:
        return make({})


class TestStickyThatGivesWay(RoutingStrategyContract):
    def make(self) -> IRoutingStrategy:
        return make({"by": "queue", "most-behind": 3})


def nodes(*waiting: int) -> list[NodeView]:
    return [
        NodeView(NodeName(name), dbid, load=NodeLoad(queues={"Inbound": count}))
        for dbid, (name, count) in enumerate(zip(NAMES, waiting, strict=True), 101)
    ]


def draft(**properties: str) -> Draft:
    return Draft(tenant_id=1, media_type="email", **properties)


def test_it_is_found_by_its_name() -> None:
    assert find_maker(IRoutingStrategyMaker, "acme-sticky").make({"by": "queue"})


def test_one_submitters_work_goes_to_one_node_and_others_elsewhere() -> None:
    strategy = make({})
    first = {strategy.rank(draft(submitted_by="mail-1"), nodes(n, 0, 0))[0] for n in range(20)}
    assert len(first) == 1
    homes = {strategy.rank(draft(submitted_by=f"mail-{n}"), nodes(0, 0, 0))[0] for n in range(50)}
    assert homes == set(NAMES)


def test_the_property_is_chosen() -> None:
    strategy = make({"by": "queue"})
    alike = [draft(queue="Sales", submitted_by=f"mail-{number}") for number in range(20)]
    assert len({strategy.rank(each, nodes(0, 0, 0))[0] for each in alike}) == 1


def test_a_node_that_leaves_moves_its_own_work_only() -> None:
    strategy, there = make({}), nodes(0, 0, 0)
    for number in range(50):
        one = draft(submitted_by=f"mail-{number}")
        home, second, *_ = strategy.rank(one, there)
        without = [node for node in there if node.name != home]
        assert strategy.rank(one, without)[0] == second


def test_a_node_too_far_behind_gives_way_and_gets_its_work_back() -> None:
    strategy = make({"most-behind": 10})
    one = draft(submitted_by="mail-1")
    home = strategy.rank(one, nodes(0, 0, 0))[0]
    behind = [11 if name == home else 0 for name in NAMES]
    assert strategy.rank(one, nodes(*behind))[-1] == home
    caught_up = [10 if name == home else 0 for name in NAMES]
    assert strategy.rank(one, nodes(*caught_up))[0] == home


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"by": "weather"}, "expected one of submitted-by, queue, media-type, not 'weather'"),
        ({"by": 7}, "not 7"),
        ({"most-behind": -1}, "expected a whole number of 0 or more, not -1"),
        ({"most-behind": True}, "not True"),
        ({"nodes": []}, "unknown setting; there are: by, most-behind"),
    ],
)
def test_settings_that_cannot_be_used_are_named(settings: dict[str, object], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        make(settings)
