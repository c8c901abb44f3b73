"""Marks wait in their order; what cannot be written is set aside, and tried again later."""

from __future__ import annotations

from ixproxy.capture import database_marks
from ixproxy.capture.database_marks import TRY_AGAIN_SECONDS, Mark, Marks
from ixproxy.capture.database_parameters import Statement
from ixproxy.capture.database_sessions import Bound


def mark(key: str) -> Mark:
    return Mark(key, "error-update", Bound(Statement("", ()), ()), True)


def test_marks_are_written_in_their_order() -> None:
    marks = Marks()
    given = [mark(f"{number}") for number in range(5)]
    for each in given:
        marks.add(each)
    assert marks.next(2) == given[:2]
    marks.done(marks.next(2))
    assert marks.next(9) == given[2:]
    assert (marks.written, marks.waiting) == (2, 3)
    assert marks.keys() == {"2", "3", "4"}


def test_what_is_refused_is_passed_over_and_tried_again_after_a_while() -> None:
    marks = Marks()
    first = mark("1")
    marks.add(first)
    marks.refused(first, 100.0)
    assert (marks.waiting, marks.set_aside, marks.keys()) == (0, 1, frozenset({"1"}))
    marks.try_again(100.0 + TRY_AGAIN_SECONDS - 1)
    assert marks.waiting == 0
    marks.try_again(100.0 + TRY_AGAIN_SECONDS)
    assert marks.next(9) == [first]
    assert marks.set_aside == 0


def test_there_is_an_end_to_what_is_set_aside() -> None:
    marks = Marks()
    for number in range(database_marks.MOST_SET_ASIDE):
        assert not marks.is_full
        marks.add(mark(f"{number}"))
        marks.refused(marks.next(1)[0], 0.0)
    assert marks.is_full
