"""Merging by the first that has anything."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ixproxy.errors import Code, ConfigError
from ixproxy.interfaces import IMergePolicy, Merged
from ixproxy.strategies.merge_first_found import found, make
from ixproxy.testing.strategy_contracts import MergePolicyContract
from tests.strategies.fan_outs import EMPTY, ONE, A, B, C, fan_out

RAW_ONE = {"Interactions": msgspec.Raw(msgspec.msgpack.encode({"id-1": {}}))}


class TestContract(MergePolicyContract):
    def make(self) -> IMergePolicy:
        return make({})


class TestContractWhereLossesStop(MergePolicyContract):
    def make(self) -> IMergePolicy:
        return make({"on-loss": "stop"})


@pytest.mark.parametrize(
    "raw", [b"\x80", b"\xde\x00\x00", b"\xdf\x00\x00\x00\x00", b"\xc0", b""], ids=bytes.hex
)
def test_empty_is_empty_in_every_form(raw: bytes) -> None:
    assert not found({"Interactions": msgspec.Raw(raw)})
    assert not found({"Interactions": raw})


@pytest.mark.parametrize(("answer", "there"), [({}, False), (EMPTY, False), (ONE, True)])
def test_decoded_answers_are_looked_at_too(answer: dict[str, Any], there: bool) -> None:
    assert found(answer) is there


def test_the_first_that_has_something_settles_it() -> None:
    policy = make({})
    assert not policy.settled(fan_out({A: EMPTY}, awaited="bc"))
    gathered = fan_out({A: EMPTY, B: RAW_ONE}, awaited="c")
    assert policy.settled(gathered)
    assert policy.merge(gathered) == Merged([B])


def test_which_came_first_decides_not_its_name() -> None:
    assert make({}).merge(fan_out({C: ONE, B: RAW_ONE})) == Merged([C])


def test_what_was_found_stands_whatever_others_said() -> None:
    gathered = fan_out({B: ONE}, refusals={A: 43}, lost="c")
    assert make({}).merge(gathered) == Merged([B], partial=True)


def test_nothing_found_is_a_union_of_nothing_with_its_rules() -> None:
    policy = make({})
    assert policy.merge(fan_out({B: EMPTY, A: EMPTY})) == Merged([A, B])
    assert policy.merge(fan_out({B: EMPTY}, refusals={A: 43})) == Merged(code=43, refused_by=A)
    assert policy.merge(fan_out({B: EMPTY}, lost="a")) == Merged(code=Code.LOST_CONNECTION)
    assert policy.merge(fan_out({B: EMPTY}, absent="a")) == Merged([B], partial=True)


def test_a_refusal_does_not_settle_it_while_others_may_find() -> None:
    assert not make({}).settled(fan_out({}, awaited="b", refusals={A: 43}))


def test_it_has_one_setting() -> None:
    with pytest.raises(ConfigError, match="there are: on-loss"):
        make({"limit": 5})
