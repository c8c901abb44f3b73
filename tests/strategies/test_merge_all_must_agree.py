"""Merging where all must agree."""

from __future__ import annotations

import pytest

from ixproxy.errors import Code, ConfigError
from ixproxy.interfaces import IMergePolicy, Merged
from ixproxy.strategies.merge_all_must_agree import make
from ixproxy.testing.strategy_contracts import MergePolicyContract
from tests.strategies.fan_outs import A, B, C, fan_out


class TestContract(MergePolicyContract):
    def make(self) -> IMergePolicy:
        return make({})


class TestContractWhereLostIsAway(MergePolicyContract):
    def make(self) -> IMergePolicy:
        return make({"on-loss": "continue"})


def test_all_yes_is_yes() -> None:
    assert make({}).merge(fan_out({B: {}, A: {}})) == Merged([A, B])


def test_one_no_is_no_but_all_are_heard_out() -> None:
    policy = make({})
    assert not policy.settled(fan_out({A: {}}, awaited="c", refusals={B: 3053}))
    merged = policy.merge(fan_out({A: {}, C: {}}, refusals={B: 3053}))
    assert merged == Merged(code=3053, refused_by=B)


def test_a_loss_is_2002_unless_lost_means_away() -> None:
    gathered = fan_out({A: {}}, lost="b")
    assert make({}).merge(gathered) == Merged(code=Code.LOST_CONNECTION)
    assert make({"on-loss": "continue"}).merge(gathered) == Merged([A], partial=True)
    assert make({"on-loss": "stop"}).settled(fan_out({A: {}}, awaited="c", lost="b"))


def test_it_has_one_setting() -> None:
    with pytest.raises(ConfigError, match="there are: on-loss"):
        make({"quorum": 2})
