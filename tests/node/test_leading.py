"""The life of one server of a pair."""

from __future__ import annotations

import pytest

from ixproxy.node.leading import LEADING, NEXT, Act, Heard, State, Watch

ENDS = (State.CLOSING, State.ENDING, State.ENDED)


def after(*heard: Heard, state: State = State.WAITING) -> State:
    for each in heard:
        state = NEXT[state][each].state
    return state


def test_the_table_is_total() -> None:
    assert set(NEXT) == set(State)
    assert all(set(row) == set(Heard) for row in NEXT.values())


def test_every_state_is_reached() -> None:
    reached, new = {State.WAITING}, {State.WAITING}
    while new:
        new = {follows.state for state in new for follows in NEXT[state].values()} - reached
        reached |= new
    assert reached == set(State)


def test_nothing_follows_once_it_has_ended() -> None:
    assert {follows.state for follows in NEXT[State.ENDED].values()} == {State.ENDED}
    assert not any(follows.acts for follows in NEXT[State.ENDED].values())


def test_a_server_opens_only_with_the_lease_and_serves_only_after_that() -> None:
    ways = {
        (state, heard, follows.state)
        for state, row in NEXT.items()
        for heard, follows in row.items()
        if follows.state in LEADING and follows.state is not state
    }
    assert ways == {
        (State.WAITING, Heard.TAKEN, State.OPENING),
        (State.OPENING, Heard.LISTENS, State.PRIMARY),
    }


@pytest.mark.parametrize("state", sorted(LEADING, key=str))
def test_who_leads_no_longer_abandons_the_store_or_stops_in_order(state: State) -> None:
    for heard, follows in NEXT[state].items():
        if follows.state not in LEADING:
            way = Act.CLOSE if heard is Heard.STOP else Act.ABANDON
            assert follows.acts == (way,)


def test_the_lease_is_given_back_only_once_the_server_has_stopped() -> None:
    givers = {
        (state, heard)
        for state, row in NEXT.items()
        for heard, follows in row.items()
        if Act.RELEASE in follows.acts
    }
    assert givers == {
        (State.WAITING, Heard.REFUSED),
        (State.WAITING, Heard.STOP),
        (State.LEAVING, Heard.STOPPED),
        (State.CLOSING, Heard.STOPPED),
    }


@pytest.mark.parametrize("state", State)
def test_a_process_that_is_to_end_does(state: State) -> None:
    ended = after(Heard.STOP, Heard.STOPPED, Heard.BACK, state=state)
    assert ended is State.ENDED
    assert after(Heard.STOP, state=state) in ENDS


@pytest.mark.parametrize("state", State)
def test_whatever_hangs_the_table_goes_on_to_an_end_or_a_new_term(state: State) -> None:
    if state in LEADING:
        assert NEXT[state][Heard.STUCK].acts == ()
    else:
        stuck = NEXT[state][Heard.STUCK]
        assert stuck.state is State.ENDED or Act.RENEW in stuck.acts


def test_who_has_lost_its_lease_waits_for_it_again() -> None:
    way = (Heard.TAKEN, Heard.LISTENS, Heard.LOST, Heard.STOPPED, Heard.BACK)
    assert after(*way) is State.WAITING
    assert after(*way, *way) is State.WAITING


def test_a_silent_holder_is_noticed_after_the_limit() -> None:
    watch = Watch()
    assert not watch.look("a", 1, 100.0, 10.0)
    assert not any(watch.look("a", 1, 100.0 + step / 4, 10.0) for step in range(1, 40))
    assert watch.look("a", 1, 110.0, 10.0)


@pytest.mark.parametrize("other", [("a", 2), ("b", 1)])
def test_a_beat_or_another_holder_begins_the_silence_anew(other: tuple[str, int]) -> None:
    watch = Watch()
    for step in range(40):
        watch.look("a", 1, step / 4, 10.0)
    assert not watch.look(*other, 10.0, 10.0)
    assert watch.silent == 0.0


def test_a_watcher_that_slept_counts_only_a_part_of_that() -> None:
    watch = Watch()
    watch.look("a", 1, 0.0, 10.0)
    assert not watch.look("a", 1, 1000.0, 10.0)
    assert watch.silent == 5.0


def test_a_clock_that_goes_back_makes_nobody_silent() -> None:
    watch = Watch()
    watch.look("a", 1, 100.0, 10.0)
    assert not watch.look("a", 1, 50.0, 10.0)
    assert watch.silent == 0.0


def test_whoever_is_forgotten_is_watched_anew() -> None:
    watch = Watch()
    watch.look("a", 1, 0.0, 10.0)
    watch.look("a", 1, 5.0, 10.0)
    watch.forget()
    assert not watch.look("a", 1, 9.0, 10.0)
    assert watch.silent == 0.0
