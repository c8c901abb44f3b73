"""Agent sessions that nodes lack."""

from __future__ import annotations

from ixproxy.core.lacking import FIRST_PAUSE, TRIES, Lacking
from tests.core.rig import EAST, NORTH, TENANT
from tests.core.test_agent_sessions import client

ANN, BOB = (TENANT, "ann"), (TENANT, "bob")


def due(lacking: Lacking, now: float) -> list[object]:
    return [each for each, _ in lacking.due(EAST, now)]


def test_what_is_lacking_is_due_after_pauses_that_grow_and_then_no_more() -> None:
    lacking, one = Lacking(), client(1)
    lacking.note(EAST, ANN, one, 0.0)
    now = 0.0
    pauses: list[float] = []
    while len(pauses) < TRIES:
        pause = FIRST_PAUSE * 2 ** len(pauses)
        assert not due(lacking, now + pause - 0.1)
        assert due(lacking, now + pause) == [(ANN, one)]
        pauses.append(pause)
        now += pause
        lacking.failed(EAST, ANN, one, now)
    assert not due(lacking, now + 1e9)
    assert lacking.has(EAST, ANN, one), "it is not asked for changes, for it lacks the session"


def test_what_is_noted_again_is_not_due_sooner() -> None:
    lacking, one = Lacking(), client(1)
    lacking.note(EAST, ANN, one, 0.0)
    lacking.failed(EAST, ANN, one, 2.0)
    lacking.note(EAST, ANN, one, 2.0)
    assert not due(lacking, 2.0 + FIRST_PAUSE)


def test_nothing_is_kept_of_what_is_over_found_or_away() -> None:
    lacking, one = Lacking(), client(1)
    for node in (EAST, NORTH):
        for key in (ANN, BOB):
            lacking.note(node, key, one, 0.0)
    assert len(lacking) == 4
    lacking.over(ANN, one)
    lacking.found(EAST, BOB, one)
    lacking.found(EAST, BOB, one)
    assert not lacking.has(EAST, BOB, one)
    assert lacking.failed(EAST, BOB, one, 9.0) is None
    lacking.forget_node(NORTH)
    assert not lacking._of_node


def test_it_goes_with_the_client_to_a_newer_connection() -> None:
    lacking, older, newer = Lacking(), client(1), client(2)
    lacking.note(EAST, ANN, older, 0.0)
    lacking.moved(ANN, older, newer)
    assert due(lacking, FIRST_PAUSE) == [(ANN, newer)]


def test_one_who_stays_is_told_in_the_place_of_one_who_was_being_told_and_left() -> None:
    lacking, one, other = Lacking(), client(1), client(2)
    lacking.note(EAST, ANN, one, 0.0)
    ((_, missing),) = lacking.due(EAST, FIRST_PAUSE)
    missing.due = float("inf")
    lacking.moved(ANN, one, other)
    assert due(lacking, FIRST_PAUSE) == [(ANN, other)]
    assert lacking.failed(EAST, ANN, one, FIRST_PAUSE) is None, "the telling that is on its way"


def test_who_was_told_as_often_as_it_is_done_is_told_no_more_in_another_name() -> None:
    lacking, one, other = Lacking(), client(1), client(2)
    lacking.note(EAST, ANN, one, 0.0)
    for _ in range(TRIES):
        lacking.failed(EAST, ANN, one, 0.0)
    lacking.note(NORTH, ANN, one, 0.0)
    lacking.note(NORTH, ANN, other, 5.0)
    lacking.moved(ANN, one, other)
    assert not due(lacking, 1e9)
    ((_, missing),) = lacking.due(NORTH, 1e9)
    assert missing.due == 5.0 + FIRST_PAUSE
