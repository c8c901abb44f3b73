"""Merging whatever came."""

from __future__ import annotations

import pytest

from ixproxy.errors import Code, ConfigError
from ixproxy.interfaces import Gathered, IMergePolicy, Merged
from ixproxy.strategies.merge_partial import make
from ixproxy.testing.strategy_contracts import MergePolicyContract
from tests.strategies.fan_outs import ONE, A, B, C, fan_out


class TestContract(MergePolicyContract):
    def make(self) -> IMergePolicy:
        return make({})


class TestContractWhereLossesAreReported(MergePolicyContract):
    def make(self) -> IMergePolicy:
        return make({"on-loss": "report"})


def test_it_waits_for_all_even_after_a_refusal() -> None:
    assert not make({}).settled(fan_out({A: ONE}, awaited="c", refusals={B: 43}))
    assert make({}).settled(fan_out({A: ONE}, refusals={B: 43}))


@pytest.mark.parametrize(
    "gathered",
    [
        fan_out({A: ONE}, refusals={B: 43}),
        fan_out({A: ONE}, lost="b"),
        fan_out({A: ONE}, absent="b"),
        fan_out({A: ONE}, refusals={B: 43}, lost="c", absent="d"),
    ],
)
def test_what_is_missing_only_makes_it_partial(gathered: Gathered) -> None:
    assert make({}).merge(gathered) == Merged([A], partial=True)


def test_with_all_there_it_is_whole() -> None:
    assert make({}).merge(fan_out({C: ONE, A: ONE})) == Merged([A, C])


def test_without_any_answer_an_error_is_passed_on() -> None:
    policy = make({})
    assert policy.merge(fan_out(refusals={B: 43}, lost="a")) == Merged(code=43, refused_by=B)
    assert policy.merge(fan_out(lost="a")) == Merged(code=Code.LOST_CONNECTION)


def test_a_loss_may_be_reported_all_the_same() -> None:
    gathered = fan_out({A: ONE}, lost="b")
    assert make({"on-loss": "report"}).merge(gathered) == Merged(code=Code.LOST_CONNECTION)
    assert make({"on-loss": "stop"}).settled(fan_out({A: ONE}, awaited="c", lost="b"))


def test_it_has_one_setting() -> None:
    with pytest.raises(ConfigError, match="there are: on-loss"):
        make({"limit": 5})
