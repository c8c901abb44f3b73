from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from ixproxy.client.backoff import Backoff
from ixproxy.client.warm_standby import Course, WarmStandby

SURE = WarmStandby(10.0, 0.0)
"""No chance in the pauses."""


def cluster(seed: int = 1, pauses: WarmStandby = SURE) -> Course[str]:
    return Course([["a"], ["b", "b'"], ["c"]], pauses, Random(seed), again=True)


def test_the_first_round_draws_the_proxies_and_keeps_a_pair_together() -> None:
    rounds = {tuple(cluster(seed).round()) for seed in range(100)}
    assert rounds == {
        ("a", "b", "b'", "c"), ("a", "c", "b", "b'"), ("b", "b'", "a", "c"),
        ("b", "b'", "c", "a"), ("c", "a", "b", "b'"), ("c", "b", "b'", "a"),
    }  # fmt: skip


def test_clients_share_the_proxies_evenly() -> None:
    first = [cluster(seed).round()[0] for seed in range(3000)]
    assert all(900 < first.count(name) < 1100 for name in "abc")


def test_after_a_loss_the_last_one_is_first_then_its_pair_then_the_others_as_drawn() -> None:
    rounds = set()
    for seed in range(50):
        course = cluster(seed)
        course.opened("b'")
        course.lost(100.0)
        rounds.add(tuple(course.round()))
    assert rounds == {("b'", "b", "a", "c"), ("b'", "b", "c", "a")}


def test_a_pair_begins_with_the_primary_and_then_with_the_last_one() -> None:
    course = Course([["primary", "backup"]], SURE, Random(1), again=True)
    assert course.round() == ["primary", "backup"]
    course.opened("backup")
    assert course.round() == ["backup", "primary"]


def test_a_plain_list_goes_on_behind_the_one_that_was_lost() -> None:
    course = Course([["a", "b", "c"]], Backoff(), Random(1), again=False)
    assert course.round() == ["a", "b", "c"]
    course.opened("a")
    assert course.round() == ["b", "c", "a"]
    course.opened("c")
    course.failed()
    assert course.round() == ["a", "b", "c"]


def test_after_a_loss_only_chance_is_waited_for_and_after_a_fruitless_round_the_delay() -> None:
    course = cluster()
    course.opened("a")
    course.lost(100.0)
    assert course.pause() == 0.0
    for _ in range(5):
        course.failed()
        assert course.pause() == 10.0
    course.opened("c")
    course.lost(10.0)
    assert course.pause() == 0.0


def test_connections_that_do_not_last_are_waited_for_longer_and_longer_up_to_the_delay() -> None:
    course = cluster()
    pauses = []
    for _ in range(9):
        course.opened("a")
        course.lost(9.9)
        pauses.append(round(course.pause(), 3))
    assert pauses == [0.0, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]


@given(
    sizes=st.lists(st.integers(1, 3), min_size=1, max_size=5),
    steps=st.lists(st.tuples(st.sampled_from("olf"), st.integers(0, 99)), max_size=20),
    again=st.booleans(),
    seed=st.integers(0, 99),
)
def test_every_round_has_every_endpoint_once_whatever_happened(
    sizes: list[int], steps: list[tuple[str, int]], again: bool, seed: int
) -> None:
    groups = [[(number, each) for each in range(size)] for number, size in enumerate(sizes)]
    every = [place for group in groups for place in group]
    course = Course(groups, WarmStandby(), Random(seed), again=again)
    opened = None
    for step, number in steps:
        if step == "o":
            opened = every[number % len(every)]
            course.opened(opened)
        elif step == "l":
            course.lost(number)
        else:
            course.failed()
        places = course.round()
        assert sorted(places) == every
        assert 0.0 <= course.pause() <= 12.0
        if again and opened is not None:
            assert places[0] == opened
