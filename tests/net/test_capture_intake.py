"""Documents wait for the writer, and each is answered once."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from zope.interface.verify import verifyObject

from ixproxy.errors import Code, RequestRefused
from ixproxy.interfaces_capture import IIntake
from ixproxy.net import capture_intake
from ixproxy.net.capture_intake import OPERATIONS_AT_A_TIME, Intake
from ixproxy.net.capture_plans import CaptureLimits
from ixproxy.node.intake_work import (
    MAX_RECEIPT,
    Document,
    DocumentDone,
    DocumentGiven,
    DocumentRefused,
    Operation,
    Problem,
    Result,
    Taken,
    Verb,
    comes_again,
)


class Rig:
    """An intake, and a writer that is played by the test."""

    def __init__(self, **limits: Any) -> None:
        self.clock = Clock()
        self.given: list[DocumentGiven] = []
        self.full = False
        self.intake = Intake(
            self.clock,
            "mail-in",
            "ixn1",
            CaptureLimits(**limits),
            self.given.append,
            lambda: self.full,
        )
        self.answers: list[Any] = []

    def take(self, operations: int = 1, **fields: Any) -> None:
        document = Document(operations=(Operation(verb=Verb.SUBMIT),) * operations, **fields)
        self.hand_in(document)

    def hand_in(self, document: Any) -> None:
        self.intake.take(document).addBoth(self.answers.append)

    def done(self, *results: Result, repeated: bool = False) -> None:
        given = self.given.pop(0)
        given.token.done(DocumentDone(given.token, Taken(results=results, repeated=repeated)))

    def refuse(self, code: int, *, in_doubt: bool = False) -> None:
        given = self.given.pop(0)
        given.token.refuse(DocumentRefused(given.token, code, "why", in_doubt))

    def refusals(self) -> list[tuple[int, bool]]:
        """What was answered with errors."""
        problems = [each.value for each in self.answers if not isinstance(each, Taken)]
        return [(problem.code, problem.in_doubt) for problem in problems]


def test_it_is_an_intake() -> None:
    assert verifyObject(IIntake, Rig().intake)


def test_a_document_goes_to_the_writer_and_its_answer_comes_back() -> None:
    rig = Rig()
    rig.take()
    assert [each.point for each in rig.given] == ["mail-in"]
    assert rig.intake.in_flight == 1
    rig.done(Result(verb=Verb.SUBMIT, interaction_id="I1"))
    assert [answer.results[0].interaction_id for answer in rig.answers] == ["I1"]
    assert rig.intake.in_flight == 0
    assert rig.intake.counts["taken"] == 1


def test_refusals_come_by_the_answer() -> None:
    rig = Rig()
    for _ in range(3):
        rig.take()
    rig.refuse(Code.STORE_FAILED)
    rig.refuse(Code.STORE_UNCERTAIN, in_doubt=True)
    rig.done(repeated=True)
    assert rig.refusals() == [(Code.STORE_FAILED, False), (Code.STORE_UNCERTAIN, True)]
    counts = rig.intake.counts
    assert (counts["busy"], counts["doubtful"], counts["repeated"]) == (1, 1, 1)


def test_refused_operations_are_counted_once() -> None:
    rig = Rig()
    bad = Result(verb=Verb.STOP, problem=Problem(43, "no"))
    rig.take()
    rig.take()
    rig.done(bad, bad, Result(verb=Verb.STOP))
    rig.done(bad, repeated=True)
    assert rig.intake.counts["refused"] == 2


def test_a_document_of_which_nothing_can_be_done_is_counted_as_such() -> None:
    rig = Rig()
    rig.take()
    (work,) = rig.given
    work.token.done(DocumentDone(work.token, Taken(problem=Problem(3005, "it is torn"))))
    counts = rig.intake.counts
    assert (counts["rejected"], counts["taken"], counts["refused"]) == (1, 0, 0)


def test_there_is_room_for_so_many_documents() -> None:
    rig = Rig(max_in_flight=2)
    told: list[str] = []
    rig.take()
    assert rig.intake.room()
    rig.take()
    assert not rig.intake.room()
    rig.intake.when_room(lambda: told.append("room"))
    assert told == []
    rig.done()
    assert told == ["room"]
    rig.intake.when_room(lambda: told.append("at once"))
    assert told == ["room", "at once"]


def test_who_is_told_of_room_may_fill_it() -> None:
    rig = Rig(max_in_flight=1)
    rig.take()
    told: list[str] = []

    def fill() -> None:
        told.append("first")
        rig.take()

    rig.intake.when_room(fill)
    rig.intake.when_room(lambda: told.append("second"))
    rig.done()
    assert told == ["first"]
    rig.done()
    assert told == ["first", "second"]


def test_the_writer_has_so_many_operations_at_a_time() -> None:
    rig = Rig()
    half = OPERATIONS_AT_A_TIME // 2
    for _ in range(3):
        rig.take(half)
    assert len(rig.given) == 2
    rig.done()
    assert len(rig.given) == 2
    rig.done()
    rig.done()
    assert len(rig.answers) == 3


def test_a_document_that_is_larger_goes_alone() -> None:
    rig = Rig(max_operations=5000)
    rig.take()
    rig.take(OPERATIONS_AT_A_TIME + 1)
    rig.take()
    assert len(rig.given) == 1
    rig.done()
    assert len(rig.given) == 1
    rig.done()
    assert len(rig.given) == 1


def test_a_full_writer_is_asked_again() -> None:
    rig = Rig()
    rig.full = True
    rig.take()
    assert rig.given == []
    rig.clock.advance(0.05)
    assert rig.given == []
    rig.full = False
    rig.clock.advance(0.05)
    assert len(rig.given) == 1


def test_no_more_documents_a_second_than_are_allowed() -> None:
    rig = Rig(max_rate=10.0)
    for _ in range(30):
        rig.take()
    seen = []
    for _ in range(20):
        rig.clock.advance(0.1)
        seen.append(len(rig.given))
    assert seen[9] in (10, 11, 12)
    assert seen[19] in (20, 21, 22)
    rig.intake.use(CaptureLimits())
    assert len(rig.given) == 30


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("no document", Code.BAD_ATTRIBUTE),
        (Document(operations=(), receipt="r" * (MAX_RECEIPT + 1)), Code.BAD_ATTRIBUTE),
        (Document(operations=(), receipt="a\0b"), Code.BAD_ATTRIBUTE),
        (Document(operations=(), receipt="\ud800"), Code.BAD_ATTRIBUTE),
        (Document(operations=(Operation(verb=Verb.STOP),) * 4), Code.TOO_LARGE),
        (
            Document(operations=(Operation(verb=Verb.STOP, properties={"a": object()}),)),
            Code.BAD_ATTRIBUTE,
        ),
        (
            Document(operations=(Operation(verb=Verb.STOP, properties={"a": 2**70}),)),
            Code.BAD_ATTRIBUTE,
        ),
        (Document(operations=(), correlation={"id": "\udfff"}), Code.BAD_ATTRIBUTE),
    ],
)
def test_what_could_never_be_stored_is_refused_for_good(document: Any, code: int) -> None:
    rig = Rig(max_operations=3)
    rig.hand_in(document)
    assert rig.answers == []
    rig.clock.advance(0)
    ((answered, _),) = rig.refusals()
    assert answered == code
    assert not comes_again(RequestRefused(code))
    assert rig.given == []
    assert rig.intake.in_flight == 0
    assert rig.intake.counts["rejected"] == 1


def test_a_full_outbox_closes_the_room_until_it_was_read() -> None:
    rig = Rig()
    told: list[str] = []
    rig.take()
    rig.refuse(Code.BUSY)
    assert not rig.intake.room()
    rig.intake.when_room(lambda: told.append("read"))
    rig.intake.outbox_was_read()
    assert told == ["read"]
    rig.take()
    rig.refuse(Code.BUSY)
    assert not rig.intake.room()
    rig.clock.advance(1)
    assert rig.intake.room()


def test_once_it_is_closed_nothing_is_taken_and_what_waits_is_refused() -> None:
    rig = Rig()
    rig.full = True
    rig.take()
    rig.full = False
    rig.intake.close()
    assert rig.refusals() == [(Code.STOPPING, False)]
    rig.take()
    rig.clock.advance(0)
    assert rig.refusals() == [(Code.STOPPING, False)] * 2
    assert not rig.intake.room()
    rig.intake.when_room(lambda: rig.answers.append("room"))
    rig.clock.advance(10)
    assert "room" not in rig.answers
    assert rig.clock.getDelayedCalls() == []


def test_what_the_writer_has_is_answered_after_the_close_or_doubted() -> None:
    rig = Rig()
    rig.take()
    rig.take()
    emptied: list[None] = []
    rig.intake.close()
    rig.intake.emptied().addCallback(emptied.append)
    rig.done()
    assert isinstance(rig.answers[0], Taken)
    assert emptied == []
    late = rig.given[0]
    rig.intake.doubt()
    assert rig.refusals() == [(Code.STOPPING, True)]
    assert emptied == [None]
    late.token.done(DocumentDone(late.token, Taken()))
    assert len(rig.answers) == 2


def test_an_empty_one_is_empty_at_once() -> None:
    emptied: list[None] = []
    Rig().intake.emptied().addCallback(emptied.append)
    assert emptied == [None]


def test_an_answer_that_nobody_waits_for_any_more_is_dropped() -> None:
    rig = Rig()
    answer = rig.intake.take(Document(operations=()))
    answer.addErrback(lambda failure: None)
    answer.cancel()
    rig.done()
    assert rig.intake.in_flight == 0
    assert rig.intake.counts["taken"] == 1


def test_bad_documents_are_logged_but_not_without_end() -> None:
    rig = Rig()
    with capturedLogs() as logged:
        for number in range(100):
            rig.intake.refused("no XML", f"d{number}")
        rig.clock.advance(61)
        rig.intake.refused("x" * 5000)
    texts = [str(formatEvent(event)) for event in logged]
    assert len(texts) == capture_intake.LOGGED + 1
    assert texts[0] == "Capture point mail-in: d0 belongs in the error place: no XML"
    assert len(texts[-1]) < 1200
    assert rig.intake.counts["errors"] == 101


def test_what_is_partly_refused_is_logged_likewise_and_is_no_error() -> None:
    rig = Rig()
    with capturedLogs() as logged:
        for number in range(100):
            rig.intake.partly_refused("not all of it was done", f"d{number}")
    texts = [str(formatEvent(event)) for event in logged]
    assert len(texts) == capture_intake.LOGGED
    assert texts[0] == "Capture point mail-in: d0: not all of it was done"
    assert rig.intake.counts["errors"] == 0


def test_who_breaks_when_it_is_told_of_room_breaks_nothing_else(logged_failures: Any) -> None:
    rig = Rig(max_in_flight=1)
    told: list[str] = []

    def broken() -> None:
        raise KeyError("room")

    rig.take()
    rig.intake.when_room(broken)
    rig.intake.when_room(lambda: told.append("room"))
    rig.done()
    assert told == ["room"]
    assert rig.intake.counts["raised"] == 1
    assert len(logged_failures.flush(KeyError)) == 1
