"""Pauses grow up to a limit, and are short again when it worked."""

from __future__ import annotations

from ixproxy.brokers.pauses import Pauses


def test_pauses_double_up_to_the_longest_and_begin_anew() -> None:
    pauses = Pauses(3)
    assert [pauses.next() for _ in range(5)] == [0.5, 1.0, 2.0, 3, 3]
    pauses.over()
    assert pauses.next() == 0.5
    assert Pauses(0.1).next() == 0.1
