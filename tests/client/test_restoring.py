from __future__ import annotations

from random import Random

import pytest
from twisted.internet.defer import Deferred

from ixproxy import messages as m
from ixproxy.client import Answer, Backoff
from ixproxy.client.restoring import NOT_NOW, Repeat, Restoring, Stage
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages.message import Message
from ixproxy.testing.clock import SteppingClock


class Rig:
    """Stages of requests that are topics by name, and a server that answers when told."""

    def __init__(self) -> None:
        self.clock = SteppingClock()
        self.asked: list[tuple[Message, Deferred[Answer]]] = []
        self.refused: list[tuple[Message, int]] = []
        self.unwanted: set[str] = set()
        self.done = 0
        self.restoring = Restoring(
            self.clock, Random(1), Backoff(1.0, 2.0, 4.0, 0.0), self._ask, self._done
        )

    def _ask(self, request: Message) -> Deferred[Answer]:
        answer: Deferred[Answer] = Deferred()
        self.asked.append((request, answer))
        return answer

    def _done(self) -> None:
        assert not self.restoring.active
        self.done += 1

    def stage(self, *topics: str) -> Stage:
        return lambda: [self.repeat(topic) for topic in topics]

    def repeat(self, topic: str) -> Repeat:
        return Repeat(
            lambda: None if topic in self.unwanted else m.RequestPublish(topic=topic),
            lambda request, problem: self.refused.append((request, problem.code)),
        )

    @property
    def topics(self) -> list[str]:
        return [request.topic for request, _ in self.asked if isinstance(request, m.RequestPublish)]

    def grant(self, number: int = -1) -> None:
        self.asked[number][1].callback(Answer(m.EventAck()))

    def refuse(self, code: int, number: int = -1, *, in_doubt: bool | None = None) -> None:
        self.asked[number][1].errback(RequestRefused(code, in_doubt=in_doubt))


def test_stages_follow_one_another_and_each_is_asked_at_once_in_order() -> None:
    rig = Rig()
    rig.restoring.begin([rig.stage("a", "b"), rig.stage(), rig.stage("c", "d")])
    assert rig.restoring.active
    assert rig.topics == ["a", "b"]
    rig.grant(1)
    assert rig.topics == ["a", "b"]
    rig.grant(0)
    assert rig.topics == ["a", "b", "c", "d"]
    rig.grant(2)
    assert (rig.restoring.active, rig.done) == (True, 0)
    rig.grant(3)
    assert (rig.restoring.active, rig.done) == (False, 1)


def test_with_nothing_to_bring_back_it_is_done_at_once() -> None:
    rig = Rig()
    rig.restoring.begin([rig.stage(), rig.stage()])
    assert (rig.restoring.active, rig.done) == (False, 1)


def test_a_refusal_for_good_is_told_and_the_rest_goes_on() -> None:
    rig = Rig()
    rig.restoring.begin([rig.stage("a"), rig.stage("b")])
    rig.refuse(Code.UNSUPPORTED_YET)
    assert rig.refused == [(m.RequestPublish(topic="a"), Code.UNSUPPORTED_YET)]
    assert rig.topics == ["a", "b"]


@pytest.mark.parametrize("code", sorted({*NOT_NOW, Code.STORE_FAILED, Code.LOST_CONNECTION}))
def test_a_refusal_for_now_is_followed_by_another_try_later_and_later(code: int) -> None:
    rig = Rig()
    rig.restoring.begin([rig.stage("a"), rig.stage("b")])
    for pause in (1.0, 2.0, 4.0, 4.0):
        rig.refuse(code)
        rig.clock.run(pause - 0.1)
        count = len(rig.asked)
        rig.clock.run(0.2)
        assert len(rig.asked) == count + 1
    assert rig.topics == ["a"] * 5
    assert rig.refused == []
    rig.grant()
    assert rig.topics[-1] == "b"


def test_what_is_not_wanted_any_more_is_not_asked_again() -> None:
    rig = Rig()
    rig.restoring.begin([rig.stage("a", "b"), rig.stage("c")])
    rig.refuse(Code.BUSY, 0)
    rig.unwanted.add("a")
    rig.grant(1)
    rig.clock.run(2)
    assert rig.topics == ["a", "b", "c"]


def test_stopping_ends_all_tries_and_answers_that_come_later_are_nobody_s() -> None:
    rig = Rig()
    rig.restoring.begin([rig.stage("a", "b", "c"), rig.stage("d")])
    rig.refuse(Code.BUSY, 0)
    rig.restoring.stop()
    rig.refuse(Code.LOST_CONNECTION, 1, in_doubt=True)
    rig.grant(2)
    assert rig.clock.getDelayedCalls() == []
    assert (rig.restoring.active, rig.done, rig.topics) == (False, 0, ["a", "b", "c"])


def test_a_new_connection_begins_anew_and_an_older_answer_does_not_count() -> None:
    rig = Rig()
    rig.restoring.begin([rig.stage("a"), rig.stage("b")])
    rig.restoring.begin([rig.stage("a"), rig.stage("c")])
    rig.refuse(Code.UNSUPPORTED_YET, 0)
    assert (rig.topics, rig.refused) == (["a", "a"], [])
    rig.grant(1)
    assert rig.topics == ["a", "a", "c"]


def test_stopping_while_a_stage_is_being_asked_asks_no_more() -> None:
    rig = Rig()

    def lost() -> None:
        rig.restoring.stop()

    stop = Repeat(lost, lambda *_: None)
    rig.restoring.begin([lambda: [stop, rig.repeat("a")], rig.stage("b")])
    assert rig.topics == []
    assert rig.done == 0
