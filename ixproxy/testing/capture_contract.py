"""
What every capture point must keep, as tests to be inherited.

In your own test suite, say what your outside is, and derive a class whose name
begins with `Test`:

    class Folders(Outside):
        ...

    class TestFile(CapturePointContract):
        def outside(self) -> Outside:
            return Folders()

The tests are plain functions: an outside on a real reactor has `later` wait
for it, such as with `pytest_twisted.blockon`.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from ixproxy.interfaces_capture import ICapturePoint
from ixproxy.node.intake_splitting import ids_of
from ixproxy.node.intake_work import Said
from ixproxy.testing.capture_outside import LONG, Outside
from ixproxy.testing.fake_intake import FakeIntake, Say, Teller, notification

MOST_FIGURES = 32
LONGEST_FIGURE = 400
"""How many figures there may be, and how many characters a text of them may have."""


def _names(intake: FakeIntake) -> list[str]:
    return [ids_of(document.operations[0])[1] for document in intake.documents]


def _taken(intake: FakeIntake) -> list[str]:
    return [ids_of(document.operations[0])[1] for document in intake.taken]


class CapturePointContract:
    """What an ICapturePoint keeps."""

    def outside(self) -> Outside:
        """A fresh outside, with nothing in it."""
        raise NotImplementedError

    def setup_method(self) -> None:
        """Before each test."""
        self.there = self.outside()
        self.terms: list[tuple[ICapturePoint, FakeIntake]] = []

    def teardown_method(self) -> None:
        """After each test: terms that are still on end."""
        for point, intake in self.terms:
            self.end(point, intake)
        self.there.close()

    def begin(self, *answers: Say) -> tuple[ICapturePoint, FakeIntake]:
        """A term begins; the first documents are answered with `answers`."""
        point, intake = self.there.make_point(), FakeIntake(self.there.reactor)
        intake.answers = list(answers)
        self.terms.append((point, intake))
        point.begin(intake)
        self.there.later(0)
        return point, intake

    def end(self, point: ICapturePoint, intake: FakeIntake, *, closing: bool = True) -> None:
        """
        A term ends, as a node ends it: what is in flight is in doubt.

        :param closing: False: the intake would go on taking.
        """
        self.terms = [term for term in self.terms if term[0] is not point]
        done: list[None] = []
        ended = point.end()
        if closing:
            intake.close()
        ended.addCallback(done.append)
        self.there.until(lambda: done)

    def again(self, name: str) -> None:
        """Time passes; who has to call again does."""
        if not self.there.comes_again:
            self.there.give(name)
        self.there.later(1)

    def test_it_provides_the_interface(self) -> None:
        point = self.there.make_point()
        assert verifyObject(ICapturePoint, point)
        assert isinstance(point.wanted, frozenset)
        assert all(isinstance(each, Said) for each in point.wanted)

    def test_nothing_is_handed_in_before_it_begins_and_then_what_is_there(self) -> None:
        if not self.there.comes_again:
            return
        point, intake = self.there.make_point(), FakeIntake(self.there.reactor)
        self.there.give("a")
        self.there.later(30)
        assert intake.documents == []
        self.terms.append((point, intake))
        point.begin(intake)
        self.there.until(lambda: "a" in _taken(intake))

    def test_what_comes_later_is_handed_in_too_and_forgotten(self) -> None:
        _, intake = self.begin()
        self.there.later(10)
        self.there.give("a")
        self.there.until(lambda: _taken(intake) == ["a"] and not self.there.left())
        self.there.later(LONG)
        assert _names(intake) == ["a"]

    def test_several_are_handed_in_in_their_order(self) -> None:
        _, intake = self.begin()
        names = [f"d{number:02d}" for number in range(20)]
        for name in names:
            self.there.give(name)
        self.there.until(lambda: len(intake.taken) == len(names) and not self.there.left())
        assert _names(intake) == names if self.there.ordered else sorted(_names(intake)) == names

    def test_the_source_keeps_a_document_until_it_is_taken(self) -> None:
        _, intake = self.begin(Say.LATE)
        self.there.give("a")
        self.there.until(lambda: intake.in_flight)
        self.there.later(10)
        assert self.there.left() == ["a"]
        intake.settle()
        self.there.until(lambda: not self.there.left())
        assert _taken(intake) == ["a"]

    def test_what_is_refused_for_now_stays_and_comes_again(self) -> None:
        intake = self.refuse("a", Say.BUSY, Say.STOPPING)
        self.there.until(lambda: _taken(intake) == ["a"] and not self.there.left())
        assert intake.refusals == []

    def test_what_is_in_doubt_stays_and_comes_again_under_the_same_name(self) -> None:
        intake = self.refuse("a", Say.IN_DOUBT, Say.DONE_BUT_IN_DOUBT)
        self.there.until(lambda: "a" in _taken(intake) and not self.there.left())
        assert set(_names(intake)) == {"a"}
        if self.there.has_receipts:
            receipts = {document.receipt for document in intake.documents}
            assert len(receipts) == 1
            assert "" not in receipts
            assert _taken(intake) == ["a"]

    def refuse(self, name: str, *answers: Say) -> FakeIntake:
        """A term whose first document is answered so, one time after the other."""
        _, intake = self.begin(*[Say.LATE] * len(answers))
        self.there.give(name)
        for say in answers:
            self.there.until(lambda: intake.in_flight)
            intake.settle(say)
            self.there.later(0)
            assert self.there.left() == [name]
            self.again(name)
        return intake

    def test_different_documents_have_different_names(self) -> None:
        _, intake = self.begin()
        for name in ("a", "b", "c"):
            self.there.give(name)
        self.there.until(lambda: len(intake.taken) == 3)
        if self.there.has_receipts:
            assert len({document.receipt for document in intake.taken}) == 3

    def test_a_next_term_is_not_given_what_was_taken_before(self) -> None:
        point, intake = self.begin()
        self.there.give("a")
        self.there.until(lambda: _taken(intake) == ["a"] and not self.there.left())
        self.end(point, intake)
        _, next_intake = self.begin()
        self.there.later(LONG)
        assert next_intake.documents == []

    def test_what_is_in_flight_when_a_term_ends_is_given_to_the_next(self) -> None:
        point, intake = self.begin(Say.LATE)
        self.there.give("a")
        self.there.until(lambda: intake.in_flight)
        self.end(point, intake)
        assert self.there.left() == ["a"]
        _, next_intake = self.begin()
        self.again("a")
        self.there.until(lambda: _taken(next_intake) == ["a"] and not self.there.left())
        if self.there.has_receipts:
            assert next_intake.documents[0].receipt == intake.documents[0].receipt

    def test_nothing_is_handed_in_after_the_end(self) -> None:
        point, intake = self.begin()
        self.there.later(5)
        self.end(point, intake, closing=False)
        if self.there.comes_again:
            self.there.give("a")
        self.there.later(LONG)
        assert intake.documents == []

    def test_it_waits_for_room_and_goes_on_once_there_is(self) -> None:
        _, intake = self.begin()
        intake.close_room()
        self.there.later(5)
        for name in ("a", "b"):
            self.there.give(name)
        self.there.later(30)
        assert intake.documents == []
        intake.open_room()
        self.again("a")
        if not self.there.comes_again:
            self.again("b")
        self.there.until(lambda: sorted(_taken(intake)) == ["a", "b"] and not self.there.left())
        assert intake.crowded == 0

    def test_no_more_is_handed_in_than_there_is_room_for(self) -> None:
        if not self.there.comes_again:
            return
        point, intake = self.there.make_point(), FakeIntake(self.there.reactor, most=3)
        self.terms.append((point, intake))
        for number in range(10):
            self.there.give(f"d{number}")
        intake.answers = [Say.LATE] * 3
        point.begin(intake)
        self.there.until(lambda: intake.in_flight)
        self.there.later(30)
        assert intake.in_flight <= 3

        def all_taken() -> bool:
            # Who hands in one after another has some of the late ones still to come.
            intake.settle()
            return len(intake.taken) == 10

        self.there.until(all_taken)
        assert intake.crowded == 0

    def test_what_cannot_be_read_goes_to_the_error_place_with_the_reason(self) -> None:
        _, intake = self.begin()
        for name, give in (("a", self.there.give), ("b", self.there.give_bad)):
            give(name)
        self.there.give("c")
        self.there.until(lambda: sorted(_taken(intake)) == ["a", "c"] and not self.there.left())
        assert len(intake.refusals) == 1
        assert intake.refusals[0][1]
        if self.there.keeps_errors:
            assert list(self.there.errors()) == ["b"]
            assert self.there.errors()["b"]

    def test_what_is_told_goes_out_in_its_order(self) -> None:
        if not self.there.tells:
            return
        point, _ = self.begin()
        self.there.later(5)
        teller = Teller(self.there.reactor, point)
        wanted = [Said.SUBMITTED, Said.CHANGED, Said.HELD, Said.RESUMED, Said.STOPPED]
        sent = [notification(said, f"X{at}", reply=True) for at, said in enumerate(wanted)]
        teller.tell(sent[0])
        teller.tell(*sent[1:])
        self.there.until(lambda: not teller.waiting)
        assert self.there.told() == [(said.value, f"X{at}") for at, said in enumerate(wanted)]
        assert teller.failures == []

    def test_nothing_told_is_told_at_once(self) -> None:
        point, _ = self.begin()
        self.there.later(5)
        done: list[None] = []
        point.tell([]).addCallback(done.append)
        self.there.until(lambda: done)

    def test_what_is_told_while_nobody_is_there_is_told_later(self) -> None:
        if not (self.there.tells and self.there.breaks):
            return
        point, _ = self.begin()
        self.there.later(5)
        self.there.cut()
        self.there.later(5)
        teller = Teller(self.there.reactor, point)
        teller.tell(notification(Said.STOPPED, "X1", reply=True))
        self.there.later(5)
        assert teller.waiting
        self.there.mend()
        self.there.until(lambda: not teller.waiting)
        assert set(self.there.told()) == {("stopped", "X1")}

    def test_what_is_out_of_reach_is_reached_once_it_is_there(self) -> None:
        if not self.there.breaks:
            return
        self.there.cut()
        point, intake = self.begin()
        self.there.later(60)
        assert intake.documents == []
        assert isinstance(point.figures()["state"], str)
        assert point.figures()["state"] != "connected"
        self.there.mend()
        self.there.give("a")
        self.there.until(lambda: _taken(intake) == ["a"] and not self.there.left())

    def test_what_is_lost_on_the_way_comes_again(self) -> None:
        if not (self.there.breaks and self.there.comes_again):
            return
        _, intake = self.begin(Say.LATE)
        self.there.give("a")
        self.there.until(lambda: intake.in_flight)
        self.there.cut()
        self.there.later(5)
        intake.settle()
        self.there.later(30)
        self.there.mend()
        self.there.until(lambda: not self.there.left())
        self.there.later(30)
        assert set(_names(intake)) == {"a"}
        if self.there.has_receipts:
            assert _taken(intake) == ["a"]

    def test_it_ends_also_while_nobody_is_there(self) -> None:
        if not self.there.breaks:
            return
        self.there.cut()
        point, intake = self.begin()
        self.there.later(5)
        self.end(point, intake, closing=False)
        self.there.mend()
        self.there.give("a")
        self.there.later(LONG)
        assert intake.documents == []

    def test_nothing_of_it_is_left_after_the_end(self) -> None:
        point, intake = self.begin()
        self.there.give("a")
        self.there.until(lambda: intake.taken)
        self.end(point, intake)
        if isinstance(self.there.reactor, Clock):
            self.there.later(1)
            assert self.there.reactor.getDelayedCalls() == []

    def test_figures_are_flat_and_small_whatever_it_does(self) -> None:
        point = self.there.make_point()
        shown = [dict(point.figures())]
        intake = FakeIntake(self.there.reactor)
        self.terms.append((point, intake))
        point.begin(intake)
        shown.append(dict(point.figures()))
        for number in range(50):
            self.there.give(f"d{number}")
        self.there.until(lambda: len(intake.taken) == 50)
        shown.append(dict(point.figures()))
        self.end(point, intake)
        shown.append(dict(point.figures()))
        for figures in shown:
            assert isinstance(figures["state"], str)
            assert len(figures) <= MOST_FIGURES
            for key, value in figures.items():
                assert isinstance(key, str)
                assert isinstance(value, str | int | float | bool)
                assert len(str(value)) <= LONGEST_FIGURE
