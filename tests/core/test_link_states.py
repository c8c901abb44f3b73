"""The states of a link, every step of them."""

from __future__ import annotations

from itertools import product

from ixproxy.core.link_states import NEXT, State, Step


def test_every_state_says_what_it_does_with_every_step() -> None:
    assert NEXT.keys() == set(product(State, Step))


def test_losing_a_link_is_possible_from_everywhere() -> None:
    assert {NEXT[state, Step.LOST] for state in State} == {State.DOWN}
