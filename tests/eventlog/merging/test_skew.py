"""How far clocks are apart."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ixproxy.eventlog.merging.skew import WINDOW, Skew


def test_what_two_nodes_log_at_the_same_time_says_how_far_their_clocks_are_apart() -> None:
    skew = Skew({}, {})
    skew.learn(2, 142.5, 1, 100.0)
    assert (skew.of(1), skew.of(2), skew.of(3)) == (0.0, 42.5, 0.0)


def test_a_node_that_was_slow_once_does_not_count() -> None:
    skew = Skew({}, {})
    for late in (0.0, 0.01, 30.0, 0.0, 0.02):
        skew.learn(1, 100.0, 2, 103.0 + late)
    assert skew.of(2) == 3.01


def test_what_requests_take_on_their_way_is_no_difference_of_clocks() -> None:
    skew = Skew({}, {})
    skew.learn(1, 100.0, 2, 100.019)
    skew.learn(1, 100.0, 3, 99.98)
    assert (skew.of(2), skew.of(3)) == (0.0, -0.02)


def test_offsets_go_from_node_to_node() -> None:
    skew = Skew({}, {})
    skew.learn(2, 100.0, 3, 95.0)
    skew.learn(1, 100.0, 3, 110.0)
    assert [skew.of(dbid) for dbid in (1, 2, 3)] == [0.0, 15.0, 10.0]


def test_clocks_that_drift_are_followed() -> None:
    skew = Skew({}, {})
    for number in range(WINDOW * 3):
        skew.learn(1, float(number), 2, number + number / 100)
    newest = (WINDOW * 3 - 1) / 100
    assert abs(skew.of(2) - (newest - WINDOW / 200)) < 0.02


def test_an_offset_set_by_hand_is_right_for_others_too() -> None:
    skew = Skew({}, {2: -1.5})
    skew.learn(1, 100.0, 2, 110.0)
    skew.learn(2, 100.0, 3, 101.0)
    assert [skew.of(dbid) for dbid in (1, 2, 3)] == [-11.5, -1.5, -0.5]


def test_nothing_is_estimated_if_it_shall_not_be() -> None:
    skew = Skew({(1, 2): [5.0]}, {3: 2.0}, estimated=False)
    skew.learn(1, 100.0, 2, 110.0)
    assert [skew.of(dbid) for dbid in (1, 2, 3)] == [0.0, 0.0, 2.0]
    assert not skew.changed


def test_the_version_changes_with_an_offset_only() -> None:
    skew = Skew({}, {})
    skew.learn(1, 100.0, 2, 110.0)
    version = skew.version
    skew.learn(1, 200.0, 2, 210.0)
    assert skew.version == version
    skew.learn(1, 200.0, 2, 211.0)
    skew.learn(1, 200.0, 2, 211.0)
    assert skew.version > version


def test_who_has_shared_something_is_known() -> None:
    skew = Skew({}, {})
    skew.learn(4, 1.0, 2, 1.0)
    assert skew.knows(2, 4)
    assert skew.knows(4, 2)
    assert not skew.knows(2, 3)


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3), st.floats(-9, 9)), max_size=300))
def test_what_is_kept_gives_the_same_offsets(samples: list[tuple[int, int, float]]) -> None:
    skew = Skew({}, {})
    for first, second, apart in samples:
        skew.learn(first, 100.0, second, 100.0 + apart)
    kept = Skew({pair: skew.samples(pair) for pair in skew.changed}, {})
    assert [kept.of(dbid) for dbid in (1, 2, 3)] == [skew.of(dbid) for dbid in (1, 2, 3)]


def test_clocks_that_are_right_are_not_apart_by_what_was_rounded_on_the_way() -> None:
    pairs = {(1, 2): [0.0], (1, 3): [0.9376] * 3, (2, 3): [0.9374] * 3}
    skew = Skew(pairs, {})
    assert [skew.of(dbid) for dbid in (1, 2, 3)] == [0.0, 0.0, 0.938]


def test_a_node_in_the_future_is_not_the_one_that_is_right() -> None:
    skew = Skew({(1, 2): [-7200.0], (2, 3): [5.0]}, {}, doubted={1})
    assert [skew.of(dbid) for dbid in (1, 2, 3)] == [7200.0, 0.0, 5.0]
    skew = Skew({(1, 2): [-7200.0]}, {}, doubted={1, 2})
    assert [skew.of(dbid) for dbid in (1, 2)] == [0.0, -7200.0]
