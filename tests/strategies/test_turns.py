"""Turns: who is first next."""

from __future__ import annotations

from ixproxy.strategies.turns import Turns
from ixproxy.values import NodeName

A, B, C = (NodeName(name) for name in "abc")


def test_each_is_first_in_its_turn() -> None:
    turns = Turns()
    assert [turns.order("q", [A, B, C]) for _ in range(4)] == [
        [A, B, C], [B, C, A], [C, A, B], [A, B, C],
    ]  # fmt: skip


def test_keys_do_not_disturb_each_other() -> None:
    turns = Turns()
    turns.order("q", [A, B])
    assert turns.order("other", [A, B])[0] == A
    assert turns.order("q", [A, B])[0] == B


def test_who_goes_and_comes_back_does_not_cost_others_their_turn() -> None:
    turns = Turns()
    firsts = [turns.order("q", names)[0] for names in ([A, B, C], [A, C], [A, B, C], [B, C])]
    assert firsts == [A, C, A, B]


def test_nobody_has_no_turn() -> None:
    turns = Turns()
    assert turns.order("q", []) == []
    assert turns.order("q", [A]) == [A]
