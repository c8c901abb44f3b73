from __future__ import annotations

from ixproxy.testing.simulation.kinds import WEIGHTS
from ixproxy.testing.simulation.stepping import Draws, drawn_steps


def test_a_seed_has_the_same_steps_each_time() -> None:
    assert drawn_steps(3, 50, WEIGHTS) == drawn_steps(3, 50, WEIGHTS)
    assert drawn_steps(3, 50, WEIGHTS) != drawn_steps(4, 50, WEIGHTS)


def test_steps_are_numbered_from_one_and_keep_their_numbers() -> None:
    assert [step.number for step in drawn_steps(1, 5, WEIGHTS)] == [1, 2, 3, 4, 5]


def test_a_longer_list_begins_like_a_shorter_one_with_the_same_kinds() -> None:
    """Else a longer run would not be the same run, only longer."""
    short, long = drawn_steps(1, 20, WEIGHTS), drawn_steps(1, 40, WEIGHTS)
    assert long[:20] == short


def test_seeds_differ_in_what_they_try() -> None:
    kinds = [{step.kind for step in drawn_steps(seed, 200, WEIGHTS)} for seed in range(5)]
    assert len({frozenset(some) for some in kinds}) == 5


def test_a_seed_that_likes_nothing_tries_everything() -> None:
    lonely = {"submit": 0.0, "pull": 1.0}
    assert {step.kind for seed in range(9) for step in drawn_steps(seed, 9, lonely)} == {"pull"}


def test_choices_come_out_of_one_number() -> None:
    draws = Draws(5 + 10 * (2 + 3 * 7))
    assert draws.below(10) == 5
    assert draws.of("abc") == "c"
    assert draws.percent(8)


def test_what_lies_between_is_never_outside() -> None:
    assert all(2.0 <= Draws(chance).between(2.0, 3.0) < 3.0 for chance in range(5000))
