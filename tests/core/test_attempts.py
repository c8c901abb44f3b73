"""Which server of an upstream comes next, and after which pause."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.core.attempts import InTurn, OneOfMany
from ixproxy.core.link_times import LinkTimes
from ixproxy.core.warm_standby import WarmStandby

TIMES = LinkTimes()
PAIR = (2,)
STANDBY = WarmStandby(retry_delay=10.0, random_range=2.0)


def drawn(*numbers: float) -> Iterator[float]:
    return cycle(numbers)


def proxies(pairs: tuple[int, ...], *chances: float) -> OneOfMany:
    return OneOfMany(pairs, STANDBY, drawn(*(chances or (0.5,))).__next__)


def servers(count: int) -> InTurn:
    return InTurn(count, TIMES, lambda: 0.0)


def test_a_node_with_one_server_is_tried_less_and_less_often() -> None:
    attempts = servers(1)
    assert [attempts.failed() for _ in TIMES.pauses] == list(TIMES.pauses)
    assert (attempts.current, attempts.rounds) == (0, len(TIMES.pauses))
    attempts.used()
    assert attempts.lost() == TIMES.pauses[0]
    assert attempts.failed() == TIMES.pauses[0], "one that was of use begins anew"


def test_both_servers_of_a_node_are_tried_in_turn_and_fast() -> None:
    attempts = servers(2)
    tried = [(attempts.current, attempts.failed(), attempts.rounds) for _ in range(6)]
    pauses = TIMES.pauses
    assert tried == [
        (0, 0.0, 0), (1, pauses[0], 1), (0, 0.0, 1), (1, pauses[1], 2), (0, 0.0, 2),
        (1, pauses[2], 3),
    ]  # fmt: skip


def test_a_server_of_a_node_that_is_lost_is_tried_first_and_then_the_other() -> None:
    attempts = servers(2)
    attempts.failed()
    attempts.used()
    assert attempts.lost() == TIMES.pauses[0]
    assert attempts.current == 1
    assert attempts.failed() == 0.0
    assert attempts.current == 0
    attempts.go_to(1)
    assert (attempts.current, attempts.failed()) == (1, 0.0)


def test_many_proxies_that_lost_a_node_do_not_come_back_in_step() -> None:
    pauses = {InTurn(1, TIMES, drawn(share).__next__).failed() for share in (0.0, 0.3, 0.9)}
    assert len(pauses) == 3


def test_the_primary_of_a_pair_of_proxies_comes_first_and_all_failures_cost_a_long_pause() -> None:
    attempts = proxies(PAIR)
    tried = [(attempts.current, attempts.failed()) for _ in range(4)]
    assert tried == [(0, 0.0), (1, 11.0), (0, 0.0), (1, 11.0)]


def test_a_lost_proxy_is_tried_again_first_after_a_short_pause_by_chance() -> None:
    attempts = proxies(PAIR, 0.25)
    attempts.failed()
    assert attempts.lost() == 0.5
    assert attempts.current == 1, "the backup was in use"
    assert [attempts.failed(), attempts.current] == [0.0, 0]
    assert attempts.failed() == 10.5


def test_one_of_a_cluster_of_proxies_is_chosen_by_chance() -> None:
    first = {proxies((1, 1, 1), *chances).current for chances in ((0.1, 0.5, 0.9), (0.9, 0.5, 0.1))}
    assert first == {0, 2}
    attempts = proxies((1, 1, 1), 0.3, 0.1, 0.2)
    order = [attempts.current]
    while attempts.failed() == 0.0:
        order.append(attempts.current)
    assert order == [1, 2, 0]


def test_a_backup_in_a_cluster_comes_behind_its_primary() -> None:
    attempts = proxies((2, 1), 0.9, 0.1)
    order = [attempts.current]
    while attempts.failed() == 0.0:
        order.append(attempts.current)
    assert order == [2, 0, 1]


@given(
    st.lists(st.integers(1, 2), min_size=1, max_size=5),
    st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=9),
    st.lists(st.sampled_from(["failed", "lost"]), max_size=40),
)
def test_every_round_of_failures_tries_every_server_once(
    pairs: list[int], chances: list[float], happens: list[str]
) -> None:
    attempts = OneOfMany(pairs, STANDBY, drawn(*chances).__next__)
    tried = {attempts.current}
    for what in happens:
        if what == "lost":
            before = attempts.current
            assert 0.0 <= attempts.lost() < STANDBY.random_range
            assert attempts.current == before
            tried = {before}
        elif attempts.failed():
            assert tried == set(range(sum(pairs)))
            tried = {attempts.current}
        else:
            assert attempts.current not in tried
            tried.add(attempts.current)


@pytest.mark.parametrize("server", [0, 1, 2])
def test_after_a_change_of_the_file_the_server_in_use_stays_it(server: int) -> None:
    attempts = proxies((1, 1, 1))
    attempts.go_to(server)
    assert attempts.current == server
    order = [server]
    while attempts.failed() == 0.0:
        order.append(attempts.current)
    assert sorted(order) == [0, 1, 2]
