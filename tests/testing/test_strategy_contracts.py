"""The contracts catch what they are there to catch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from zope.interface import implementer

from ixproxy.interfaces import Gathered, IMergePolicy, IPullStrategy, IRoutingStrategy, Merged
from ixproxy.testing.strategy_contracts import (
    MergePolicyContract,
    PullStrategyContract,
    RoutingStrategyContract,
    drafts,
)
from ixproxy.values import Ask, Draft, NodeName, NodeView, PullAttributes

Rank = Callable[[Any, Any], Any]


@implementer(IRoutingStrategy)
class Routing:
    def __init__(self, rank: Rank) -> None:
        self._rank = rank

    def rank(self, draft: Draft, nodes: Sequence[NodeView]) -> Sequence[NodeName]:
        ranked: Sequence[NodeName] = self._rank(draft, nodes)
        return ranked


@implementer(IPullStrategy)
class Pulling:
    def __init__(self, order: Rank) -> None:
        self._order = order

    def order(self, pull: PullAttributes, nodes: Sequence[NodeView]) -> Sequence[Ask]:
        plan: Sequence[Ask] = self._order(pull, nodes)
        return plan


@implementer(IMergePolicy)
class Merging:
    def __init__(self, merge: Callable[[Gathered], Merged]) -> None:
        self._merge = merge

    def settled(self, gathered: Gathered) -> bool:
        return not gathered.awaited

    def merge(self, gathered: Gathered) -> Merged:
        return self._merge(gathered)


def run(contract: type, make: Callable[[], Any]) -> list[str]:
    """The names of the contract's tests that fail."""
    failed = []
    suite = type("Suite", (contract,), {"make": lambda self: make()})()
    for name in dir(suite):
        if name.startswith("test_"):
            try:
                getattr(suite, name)()
            except Exception:
                failed.append(name)
    return failed


def names(nodes: Sequence[NodeView]) -> list[NodeName]:
    return [node.name for node in nodes]


def counting() -> Callable[[Any, Any], Any]:
    """A strategy whose memory is shared by all of its objects."""
    calls: list[None] = []

    def rank(draft: Draft, nodes: Sequence[NodeView]) -> list[NodeName]:
        calls.append(None)
        return names(nodes)[len(calls) % len(nodes) :]

    return rank


SHARED = counting()


def clearing(draft: Draft, nodes: Sequence[NodeView]) -> list[NodeName]:
    ranked = names(nodes)
    if isinstance(nodes, list):
        nodes.clear()
    return ranked


def test_a_contract_is_no_test_of_its_own() -> None:
    with pytest.raises(NotImplementedError):
        RoutingStrategyContract().make()


def test_one_history_is_like_another_of_the_same_seed() -> None:
    assert list(drafts(5)) == list(drafts(5)) != list(drafts(6))


@pytest.mark.parametrize(
    ("make", "failed"),
    [
        (lambda: Routing(lambda _, nodes: names(nodes)), set()),
        (object, {"test_it_provides_the_interface"}),
        (lambda: Routing(lambda _, nodes: ["elsewhere"]), {"test_it_names_only"}),
        (lambda: Routing(lambda _, nodes: names(nodes) * 2), {"test_it_names_only"}),
        (lambda: Routing(SHARED), {"test_the_same_history"}),
        (lambda: Routing(clearing), {"test_it_leaves_its_arguments"}),
        (lambda: Routing(lambda _, nodes: names(nodes.copy())), {"test_it_takes_any_sequence"}),
    ],
)
def test_a_routing_strategy_that_breaks_the_contract_is_caught(
    make: Callable[[], Any], failed: set[str]
) -> None:
    assert all(
        any(test.startswith(each) for test in run(RoutingStrategyContract, make)) for each in failed
    )
    if not failed:
        assert run(RoutingStrategyContract, make) == []


@pytest.mark.parametrize(
    ("order", "failed"),
    [
        (lambda _, nodes: [Ask(name, 1) for name in names(nodes)], ""),
        (lambda _, nodes: names(nodes), "test_it_asks_only"),
        (lambda _, nodes: [Ask(nodes[0].name)] * 2, "test_it_asks_only"),
        (lambda _, nodes: [Ask(nodes[0].name, -1)], "test_holds"),
        (lambda _, nodes: [Ask(nodes.pop().name)], "test_it_leaves"),
    ],
)
def test_a_pull_strategy_that_breaks_the_contract_is_caught(order: Rank, failed: str) -> None:
    broken = run(PullStrategyContract, lambda: Pulling(order))
    assert [test for test in broken if test.startswith(failed)] if failed else not broken


def whole(gathered: Gathered) -> Merged:
    if gathered.refusals:
        node, code = next(iter(gathered.refusals.items()))
        return Merged(code=code, refused_by=node)
    return Merged(sorted(gathered.answers), partial=bool(gathered.lost or gathered.absent))


def eager(gathered: Gathered) -> Merged:
    gathered.lost.clear()
    return whole(gathered)


@pytest.mark.parametrize(
    ("merge", "failed"),
    [
        (whole, ""),
        (lambda gathered: Merged([NodeName("elsewhere")]), "test_it_uses_only"),
        (lambda gathered: Merged(sorted(gathered.answers)), "test_what_is_missing"),
        (lambda gathered: Merged(sorted(gathered.answers), partial=True), "test_it_does_not"),
        (lambda gathered: Merged(sorted(gathered.answers), code=2002), "test_an_error"),
        (lambda gathered: Merged(code=1), "test_an_error"),
        (eager, "test_it_leaves"),
    ],
)
def test_a_merge_policy_that_breaks_the_contract_is_caught(
    merge: Callable[[Gathered], Merged], failed: str
) -> None:
    broken = run(MergePolicyContract, lambda: Merging(merge))
    assert [test for test in broken if test.startswith(failed)] if failed else not broken
