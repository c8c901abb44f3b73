"""The fake intake answers as it is told, and the teller tells as a node does."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface.verify import verifyObject

from ixproxy.errors import Code, RequestRefused
from ixproxy.interfaces_capture import IIntake
from ixproxy.node.intake_work import Document, Operation, Problem, Said, Taken, Verb
from ixproxy.testing.fake_intake import TELL_AGAIN, FakeIntake, Say, Teller, notification
from ixproxy.testing.memory_capture import Mail, MemoryPoint


def document(receipt: str = "", **fields: Any) -> Document:
    return Document(operations=(Operation(verb=Verb.SUBMIT, **fields),), receipt=receipt)


def answers(intake: FakeIntake, *documents: Document) -> list[Any]:
    """What came of handing in documents, once the reactor turned."""
    made: list[Any] = []
    for each in documents:
        intake.take(each).addCallbacks(made.append, lambda failure: made.append(failure.value))
    intake.reactor.advance(0)
    return made


def test_it_is_an_intake() -> None:
    assert verifyObject(IIntake, FakeIntake(Clock()))


def test_a_document_is_taken_in_the_next_turn_and_not_before() -> None:
    intake = FakeIntake(Clock())
    made: list[Any] = []
    intake.take(document()).addCallback(made.append)
    assert made == []
    assert intake.in_flight == 1
    intake.reactor.advance(0)
    assert [result.interaction_id for result in made[0].results] == ["0000000000000001"]
    assert len(intake.taken) == 1


@pytest.mark.parametrize(
    ("say", "code", "in_doubt", "stored"),
    [
        (Say.BUSY, Code.BUSY, False, 0),
        (Say.STOPPING, Code.STOPPING, False, 0),
        (Say.IN_DOUBT, Code.STORE_UNCERTAIN, True, 0),
        (Say.DONE_BUT_IN_DOUBT, Code.STORE_UNCERTAIN, True, 1),
    ],
)
def test_a_document_is_refused_by_script(say: Say, code: int, in_doubt: bool, stored: int) -> None:
    intake = FakeIntake(Clock())
    intake.answers = [say]
    (refusal,) = answers(intake, document())
    assert isinstance(refusal, RequestRefused)
    assert (refusal.code, refusal.in_doubt) == (code, in_doubt)
    assert len(intake.taken) == stored
    assert isinstance(answers(intake, document())[0], Taken)


def test_a_known_receipt_is_taken_once_with_the_same_results() -> None:
    intake = FakeIntake(Clock())
    intake.answers = [Say.DONE_BUT_IN_DOUBT]
    _, again = answers(intake, document("r1"), document("r1"))
    assert again.repeated
    assert [result.interaction_id for result in again.results] == ["0000000000000001"]
    assert len(intake.taken) == 1
    assert len(intake.documents) == 2


def test_late_answers_come_when_they_are_settled() -> None:
    intake = FakeIntake(Clock())
    intake.answers = [Say.LATE, Say.LATE]
    made: list[Any] = []
    for _ in range(2):
        intake.take(document()).addCallback(made.append)
    intake.reactor.advance(100)
    assert made == []
    intake.settle()
    assert len(made) == 2


def test_there_is_room_for_so_many_and_who_waits_is_told() -> None:
    intake = FakeIntake(Clock(), most=1)
    told: list[str] = []
    intake.when_room(lambda: told.append("first"))
    assert told == ["first"]
    intake.take(document())
    intake.when_room(lambda: told.append("second"))
    assert not intake.room()
    intake.take(document())
    assert intake.crowded == 1
    intake.reactor.advance(0)
    assert told == ["first", "second"]
    intake.close_room()
    intake.when_room(lambda: told.append("third"))
    assert not intake.room()
    intake.open_room()
    assert told[-1] == "third"


def test_a_closed_intake_doubts_what_is_in_flight_and_takes_nothing_more() -> None:
    intake = FakeIntake(Clock())
    intake.answers = [Say.LATE]
    refused: list[int] = []

    def note(failure: Failure) -> None:
        assert isinstance(failure.value, RequestRefused)
        refused.append(failure.value.code)

    intake.take(document()).addErrback(note)
    intake.close()
    assert not intake.room()
    assert refused == [Code.STORE_UNCERTAIN]
    (refusal,) = answers(intake, document())
    assert refusal.code == Code.STOPPING


def test_what_the_reader_found_wrong_is_the_result() -> None:
    intake = FakeIntake(Clock())
    problem = Problem(2, "no id")
    (taken,) = answers(intake, document(problem=problem))
    assert taken.results[0].problem == problem


def test_refusals_are_recorded() -> None:
    intake = FakeIntake(Clock())
    intake.refused("no XML", "a.xml")
    assert intake.refusals == [("a.xml", "no XML")]


def test_a_teller_tells_in_order_and_again_after_a_failure() -> None:
    clock, mail = Clock(), Mail()
    teller = Teller(clock, MemoryPoint(mail))
    first, second = notification(Said.HELD, "X1"), notification(Said.STOPPED, "X1")
    mail.is_cut = True
    teller.tell(first)
    teller.tell(second)
    assert mail.told == []
    mail.is_cut = False
    clock.advance(TELL_AGAIN)
    assert mail.told == [first, second]
    assert len(teller.failures) == 1
    assert first.number < second.number


def test_a_stopped_teller_tells_nothing_any_more() -> None:
    clock, mail = Clock(), Mail()
    teller = Teller(clock, MemoryPoint(mail))
    mail.is_cut = True
    teller.tell(notification(Said.HELD, "X1"))
    teller.stop()
    mail.is_cut = False
    clock.advance(TELL_AGAIN)
    assert mail.told == []
