"""The way of messages to the intake and back, with a link that only takes notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail, succeed

from ixproxy.capture import jms_reading
from ixproxy.capture.file_jobs import Jobs
from ixproxy.capture.jms_inbox import FIRST_PAUSE, HELD_MESSAGES, LONGEST_PAUSE, MOST_BROKEN, Inbox
from ixproxy.capture.jms_reading import document_of
from ixproxy.capture.jms_settings import JmsSettings
from ixproxy.capture.jms_words import REASON, LinkLost, Outgoing, Received, Settled
from ixproxy.errors import Code, RequestRefused
from ixproxy.node.intake_work import Document, Problem, Result
from ixproxy.testing.fake_intake import FakeIntake, Say
from tests.capture.jms_samples import submit
from tests.capture.threadless import ThreadlessClock
from tests.failures import LoggedFailures


class NotedLink:
    """A link whose settlements are done at once, or when a test says so."""

    product = "noted"

    def __init__(self) -> None:
        self.groups: list[list[Settled]] = []
        self.waiting: list[Deferred[None]] | None = None
        self.listens: list[bool] = []
        self.dropped: list[str] = []

    def settle(self, settled: Sequence[Settled]) -> Deferred[None]:
        self.groups.append(list(settled))
        if self.waiting is None:
            return succeed(None)
        done: Deferred[None] = Deferred()
        self.waiting.append(done)
        return done

    def send(self, outgoing: Sequence[Outgoing]) -> Deferred[None]:
        return fail(LinkLost("nothing is sent by an inbox"))

    def listen(self, wanted: bool) -> None:
        self.listens.append(wanted)

    def drop(self, why: str) -> None:
        self.dropped.append(why)

    def close(self) -> None:
        pass


class Rig:
    def __init__(self, *answers: Say, most: int = 100, **settings: Any) -> None:
        self.clock = ThreadlessClock()
        self.intake = FakeIntake(self.clock, most=most)
        self.intake.answers = list(answers)
        self.link = NotedLink()
        self.counts: Counter[str] = Counter()
        values = {"processed_queue": "done", "error_queue": "errors", **settings}
        self.inbox = Inbox(
            JmsSettings("stomp", ("tcp:broker:1",), "in", **values),
            self.intake,
            self.link,
            Jobs(self.clock),
            self.counts,
        )

    def give(self, *names: str) -> None:
        for name in names:
            self.inbox.came(Received(submit(name), name))

    def later(self, seconds: float = 0) -> None:
        self.clock.advance(seconds)
        for _ in range(10):
            self.clock.advance(0)

    @property
    def handed_in(self) -> list[str]:
        return [document.receipt for document in self.intake.documents]

    @property
    def settled(self) -> list[tuple[str, str, str]]:
        return [
            (each.message.name, each.queue, each.properties.get(REASON, ""))
            for group in self.link.groups
            for each in group
        ]


def test_messages_are_handed_in_in_order_and_settled_once_they_are_taken() -> None:
    rig = Rig(Say.LATE, Say.LATE)
    rig.give("a", "b")
    rig.later()
    assert rig.handed_in == ["a", "b"]
    assert rig.settled == []
    assert rig.inbox.in_flight == 2
    rig.intake.settle()
    assert rig.settled == [("a", "done", ""), ("b", "done", "")]
    assert rig.inbox.in_flight == rig.inbox.waiting == 0


def test_what_cannot_be_read_goes_to_the_errors_with_the_reason() -> None:
    rig = Rig()
    rig.inbox.came(Received(b"<", "bad"))
    rig.give("a")
    rig.later()
    assert rig.handed_in == ["a"]
    (bad, good) = rig.settled
    assert bad[:2] == ("bad", "errors")
    assert bad[2]
    assert good == ("a", "done", "")
    assert rig.intake.refusals == [("bad", bad[2])]


def test_what_breaks_the_reading_goes_to_the_errors_and_the_others_are_handed_in(
    logged_failures: LoggedFailures, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(settings: JmsSettings, message: Received) -> Document:
        if message.name == "b":
            raise KeyError("a mistake of ours")
        return document_of(settings, message)

    monkeypatch.setattr(jms_reading, "document_of", breaks)
    rig = Rig()
    rig.give("a", "b", "c")
    rig.later()
    assert rig.handed_in == ["a", "c"]
    reason = "reading it broke: KeyError: 'a mistake of ours'"
    assert sorted(rig.settled) == [("a", "done", ""), ("b", "errors", reason), ("c", "done", "")]
    assert rig.intake.refusals == [("b", reason)]
    assert rig.counts["errors"] == 1
    (problem,) = logged_failures.flush(KeyError)
    assert problem.__traceback__ is not None


def test_while_a_settlement_is_on_its_way_the_next_grows() -> None:
    rig = Rig()
    rig.link.waiting = []
    rig.give("a")
    rig.later()
    rig.give("b", "c", "d")
    rig.later()
    assert [len(group) for group in rig.link.groups] == [1]
    rig.link.waiting[0].callback(None)
    assert [len(group) for group in rig.link.groups] == [1, 3]
    rig.link.waiting[1].callback(None)
    assert rig.counts["settled"] == 4


def test_what_is_refused_for_now_is_given_again_before_what_came_after_it() -> None:
    rig = Rig(Say.BUSY, Say.LATE)
    rig.intake.close_room()
    rig.give("a", "b")
    rig.later()
    rig.intake.open_room()
    rig.give("c")
    rig.later()
    assert rig.handed_in == ["a", "b"]
    rig.later(FIRST_PAUSE)
    assert rig.handed_in == ["a", "b", "a", "c"]
    rig.intake.settle()
    assert [name for name, _, _ in rig.settled] == ["a", "c", "b"]
    assert rig.counts["later"] == 1


def test_pauses_grow_until_something_is_taken() -> None:
    rig = Rig(*[Say.STOPPING] * 9)
    rig.give("a")
    rig.later()
    pauses = 0.0
    while not rig.settled:
        rig.later(FIRST_PAUSE)
        pauses += FIRST_PAUSE
    assert len(rig.handed_in) == 10
    assert 4 * LONGEST_PAUSE < pauses < 9 * LONGEST_PAUSE
    rig.intake.answers = [Say.IN_DOUBT]
    rig.give("b")
    rig.later()
    rig.later(FIRST_PAUSE)
    assert rig.handed_in[-2:] == ["b", "b"]


def test_it_waits_for_room() -> None:
    rig = Rig(*[Say.LATE] * 2, most=2)
    rig.give("a", "b", "c", "d")
    rig.later(10)
    assert rig.handed_in == ["a", "b"]
    assert rig.inbox.waiting == 2
    rig.intake.settle()
    rig.later()
    assert rig.handed_in == ["a", "b", "c", "d"]
    assert rig.intake.crowded == 0


def test_what_cannot_be_read_is_handed_in_as_that_in_its_order() -> None:
    rig = Rig(notification_queue="told")
    rig.intake.close_room()
    rig.inbox.came(Received(b"<", "bad"))
    rig.give("a")
    rig.later()
    assert rig.settled == []
    rig.intake.open_room()
    rig.later()
    assert [name for name, _, _ in rig.settled] == ["bad", "a"]
    (bad,) = rig.intake.unusable
    assert (bad.receipt, bad.replies) == ("bad", True)
    assert bad.problem is not None
    assert "not well-formed" in bad.problem.description
    assert rig.settled[0] == ("bad", "errors", bad.problem.description)


@pytest.mark.parametrize("say", [Say.BUSY, Say.IN_DOUBT])
def test_what_cannot_be_read_comes_again_while_the_node_takes_nothing(say: Say) -> None:
    rig = Rig()
    rig.intake.answers = [say]
    rig.inbox.came(Received(b"<", "bad"))
    rig.later()
    assert rig.settled == []
    rig.later(1)
    assert [(name, queue) for name, queue, _ in rig.settled] == [("bad", "errors")]
    assert len(rig.intake.unusable) == 2


def test_a_message_that_is_never_taken_is_put_away_after_so_many_deliveries() -> None:
    rig = Rig(max_deliveries=3)
    rig.inbox.came(Received(submit("a"), "a", deliveries=3))
    rig.inbox.came(Received(submit("b"), "b", deliveries=4))
    rig.later()
    assert rig.handed_in == ["a"]
    text = "delivered 4 times before and never taken"
    assert sorted(rig.settled) == [("a", "done", ""), ("b", "errors", text)]
    rig = Rig(max_deliveries=0)
    rig.inbox.came(Received(submit("a"), "a", deliveries=1_000))
    rig.later()
    assert rig.settled == [("a", "done", "")]


def test_a_message_that_was_delivered_too_often_and_done_is_no_error() -> None:
    rig = Rig(max_deliveries=3)
    for deliveries in (0, 9):
        rig.inbox.came(Received(submit("a"), "a", deliveries=deliveries))
        rig.later()
    rig.inbox.came(Received(submit("b"), "", deliveries=9))
    rig.later()
    text = "delivered 9 times before and never taken"
    assert rig.settled == [("a", "done", ""), ("a", "done", ""), ("", "errors", text)]
    assert len(rig.intake.taken) == 1
    assert (rig.inbox.counts["repeated"], rig.inbox.counts["errors"]) == (1, 1)


class Refusing(FakeIntake):
    """Answers every document with one refusal."""

    code = int(Code.INTERNAL)

    def take(self, document: Document) -> Deferred[Any]:
        (self.documents if document.problem is None else self.unusable).append(document)
        answer: Deferred[Any] = Deferred()
        self.reactor.callLater(0, answer.errback, RequestRefused(self.code, "no such thing"))
        return answer


def refusing(code: int) -> Rig:
    rig = Rig()
    intake = Refusing(rig.clock)
    intake.code = code
    rig.intake = intake
    rig.inbox._intake = intake
    return rig


@pytest.mark.parametrize("code", [Code.UNKNOWN_QUEUE, Code.TOO_LARGE])
def test_what_is_refused_for_ever_goes_to_the_errors_at_once(code: int) -> None:
    rig = refusing(code)
    rig.give("a")
    rig.later()
    assert rig.handed_in == ["a"]
    assert [each.problem for each in rig.intake.unusable] == [Problem(code, "no such thing")]
    assert rig.settled == [("a", "errors", "no such thing")]


def test_what_breaks_the_node_each_time_goes_to_the_errors_in_the_end() -> None:
    rig = refusing(Code.INTERNAL)
    rig.give("a")
    for _ in range(100):
        rig.later(1)
    assert rig.handed_in == ["a"] * MOST_BROKEN
    assert len(rig.intake.unusable) == 1
    ((name, queue, reason),) = rig.settled
    assert (name, queue) == ("a", "errors")
    assert reason.startswith(f"handed in {MOST_BROKEN} times: ")


def test_a_document_of_which_nothing_was_done_goes_to_the_errors() -> None:
    rig = Rig()
    problem = Problem(43, "Unknown interaction")

    def results(document: Document) -> list[Result]:
        asked = [Result(verb=each.verb, problem=problem) for each in document.operations]
        if document.receipt == "half":
            asked[0] = Result(verb=asked[0].verb)
        return asked

    rig.intake.results_of = results
    two = b"<all>" + submit("a") + submit("b") + b"</all>"
    rig.inbox.came(Received(two, "none"))
    rig.inbox.came(Received(two, "half"))
    rig.later()
    assert rig.settled == [
        ("none", "errors", "nothing of it was done: 43: Unknown interaction, and 1 more"),
        ("half", "done", ""),
    ]


def test_a_body_that_is_too_long_leaves_its_message_where_it_is() -> None:
    rig = Rig()
    rig.inbox.came(Received(b"", "huge", skipped=1 << 30))
    rig.give("a")
    rig.later()
    assert rig.settled == [("a", "done", "")]
    assert rig.counts["too_large"] == 1
    assert rig.intake.refusals == []


def test_the_link_is_not_read_while_too_many_bytes_wait() -> None:
    rig = Rig(max_message_size=1024)
    rig.intake.close_room()
    body = submit("x" * 900)
    for number in range(HELD_MESSAGES + 1):
        rig.inbox.came(Received(body, str(number)))
    rig.later()
    assert rig.link.listens == [False]
    rig.intake.open_room()
    rig.later()
    assert rig.link.listens == [False, True]
    assert len(rig.settled) == HELD_MESSAGES + 1


def test_a_closed_inbox_hands_in_and_settles_nothing() -> None:
    rig = Rig(Say.LATE, Say.BUSY)
    rig.give("a", "b")
    rig.later()
    rig.inbox.close()
    rig.inbox.close()
    rig.give("c")
    rig.intake.settle()
    rig.later(100)
    assert rig.handed_in == ["a", "b"]
    assert rig.settled == []
    assert rig.clock.getDelayedCalls() == []
    rig = Rig(Say.LATE)
    rig.give("a")
    rig.later()
    rig.inbox.close()
    rig.intake.settle(Say.BUSY)
    assert rig.clock.getDelayedCalls() == []


def test_a_settlement_that_is_lost_with_its_link_is_no_failure() -> None:
    rig = Rig()
    rig.link.waiting = []
    rig.give("a")
    rig.later()
    rig.inbox.close()
    rig.link.waiting[0].errback(LinkLost("gone"))
    assert rig.link.dropped == []
    assert rig.counts["unsettled"] == 0


def test_a_link_on_which_settling_fails_is_dropped_and_that_is_logged_once(
    logged_failures: LoggedFailures,
) -> None:
    rig = Rig()
    rig.link.waiting = []
    for inbox in range(1, 3):
        rig.inbox = Inbox(rig.inbox._settings, rig.intake, rig.link, Jobs(rig.clock), rig.counts)
        rig.give("a")
        rig.later()
        rig.link.waiting[-1].errback(KeyError("a mistake of ours"))
        assert len(rig.link.dropped) == rig.counts["unsettled"] == inbox
        rig.inbox.close()
    assert rig.link.dropped[0] == "messages cannot be settled: 'a mistake of ours'"
    assert len(logged_failures.flush(KeyError)) == 1


def test_messages_without_a_name_are_counted() -> None:
    rig = Rig()
    for _ in range(3):
        rig.inbox.came(Received(submit("a")))
    rig.later()
    assert rig.counts["without_id"] == 3
    assert len(rig.settled) == 3
