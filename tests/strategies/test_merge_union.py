"""Merging by union."""

from __future__ import annotations

import pytest

from ixproxy.errors import Code, ConfigError
from ixproxy.interfaces import IMergePolicy, Merged
from ixproxy.strategies.merge_union import make
from ixproxy.testing.strategy_contracts import MergePolicyContract
from tests.strategies.fan_outs import EMPTY, ONE, A, B, fan_out


class TestContract(MergePolicyContract):
    def make(self) -> IMergePolicy:
        return make({})


class TestContractWhereLossesStop(MergePolicyContract):
    def make(self) -> IMergePolicy:
        return make({"on-loss": "stop"})


def test_it_waits_for_all() -> None:
    assert not make({}).settled(fan_out({A: ONE}, awaited="b"))
    assert make({}).settled(fan_out({A: ONE, B: ONE}))


def test_all_answers_in_node_order_empty_ones_too() -> None:
    assert make({}).merge(fan_out({B: ONE, A: EMPTY})) == Merged([A, B])


def test_a_node_that_was_away_makes_it_partial() -> None:
    assert make({}).merge(fan_out({A: ONE}, absent="b")) == Merged([A], partial=True)


def test_a_refusal_is_the_answer_at_once_and_unchanged() -> None:
    gathered = fan_out({A: ONE}, awaited="c", refusals={B: 3034})
    assert make({}).settled(gathered)
    assert make({}).merge(gathered) == Merged(code=3034, refused_by=B)


@pytest.mark.parametrize(
    ("on_loss", "settled", "merged"),
    [
        ("report", False, Merged(code=Code.LOST_CONNECTION)),
        ("stop", True, Merged(code=Code.LOST_CONNECTION)),
        ("continue", False, Merged([A], partial=True)),
    ],
)
def test_a_loss_is_continued_reported_or_stops(on_loss: str, settled: bool, merged: Merged) -> None:
    """Test idea 21, for the part that a policy decides."""
    policy = make({"on-loss": on_loss})
    assert policy.settled(fan_out({A: ONE}, awaited="c", lost="b")) == settled
    assert policy.merge(fan_out({A: ONE}, lost="b")) == merged


def test_it_has_one_setting() -> None:
    with pytest.raises(ConfigError, match="There are: on-loss"):
        make({"onloss": "stop"})
