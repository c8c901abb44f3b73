"""Capture points begin, follow the configuration, and end together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from ixproxy.errors import Code
from ixproxy.net.capture_plans import CaptureLimits, CapturePlan
from ixproxy.net.capture_points import EFFECTS, CapturePoints
from ixproxy.net.served_part import END_LIMIT
from ixproxy.node.intake_work import (
    Document,
    DocumentDone,
    DocumentGiven,
    DocumentRefused,
    IntakeEffect,
    IntakeWork,
    NoticeDropped,
    Operation,
    OutboxGrew,
    Shipment,
    ShipOutbox,
    Taken,
    Verb,
)
from ixproxy.node.work import Tick
from ixproxy.testing.memory_capture import Mail, MemoryPoint


class Watched(MemoryPoint):
    """Says when it begins and ends, and ends when it is let."""

    log: list[str]
    lets: Callable[[], Deferred[None]] = staticmethod(lambda: succeed(None))

    def begin(self, intake: Any) -> None:
        self.log.append(f"{intake.name} begins")
        self.name = intake.name
        super().begin(intake)

    def end(self) -> Deferred[None]:
        self.log.append(f"{self.name} ends")
        super().end()
        return self.lets()


class Rig:
    def __init__(self, *names: str) -> None:
        self.clock = Clock()
        self.log: list[str] = []
        self.mails: dict[str, Mail] = {}
        self.asked: list[IntakeWork] = []
        self.late: list[Deferred[None]] = []
        self.points = CapturePoints(
            self.clock,
            "ixn1",
            [self.plan(name) for name in names],
            self.asked.append,
            lambda: False,
        )

    def plan(self, name: str, **settings: object) -> CapturePlan:
        mail = self.mails.setdefault(name, Mail())

        def make() -> Watched:
            made = Watched(mail)
            made.log = self.log
            if self.late:
                made.lets = lambda: self.late[0]
            return made

        return CapturePlan(name, "watched", make, settings)

    def put(self, name: str, document: str = "a") -> None:
        self.mails[name].put(document, Document(operations=()))

    def given(self) -> list[DocumentGiven]:
        return [work for work in self.asked if isinstance(work, DocumentGiven)]

    def answer(self) -> None:
        for work in self.given():
            self.asked.remove(work)
            self.points.perform(DocumentDone(work.token, Taken()))


def test_they_begin_with_the_term_and_not_before() -> None:
    rig = Rig("a", "b")
    assert rig.log == []
    rig.points.start()
    assert rig.log == ["a begins", "b begins"]
    assert [status.name for status in rig.points.statuses()] == ["a", "b"]


def test_a_ping_is_given_with_what_the_server_knows_of_each() -> None:
    rig = Rig("a", "b")
    rig.points.start()
    rig.put("a", "d")
    rig.answer()
    rig.mails["b"].is_cut = True
    rig.mails["a"].put("p", Document(operations=(Operation(verb=Verb.PING),)))
    (ping,) = rig.given()
    assert ping.statistics == {
        "a": {
            "Kind": "watched", "State": "connected", "InFlight": 1,
            "Documents": 2, "Operations": 1, "Taken": 1, "Repeated": 0, "Refused": 0,
            "Errors": 0, "Notified": 0, "Lost": 0, "Dropped": 0,
        },
        "b": {
            # Why it is connecting is for those who run it.
            "Kind": "watched", "State": "connecting", "InFlight": 0,
            "Documents": 0, "Operations": 0, "Taken": 0, "Repeated": 0, "Refused": 0,
            "Errors": 0, "Notified": 0, "Lost": 0, "Dropped": 0,
        },
    }


def test_only_a_ping_is_given_with_that() -> None:
    rig = Rig("a")
    rig.points.start()
    rig.mails["a"].put("s", Document(operations=(Operation(verb=Verb.STOP),)))
    assert [work.statistics for work in rig.given()] == [{}]


def test_each_effect_comes_to_the_one_that_it_is_for() -> None:
    rig = Rig("a", "b")
    rig.points.start()
    rig.put("a")
    rig.put("b")
    first, second = rig.given()
    rig.points.perform(DocumentDone(first.token, Taken()))
    rig.points.perform(DocumentRefused(second.token, Code.STORE_FAILED, "", in_doubt=False))
    for work in [work for work in rig.asked if isinstance(work, ShipOutbox)]:
        rig.points.perform(Shipment(work.point, token=work.token))
    rig.asked.clear()
    rig.points.perform(OutboxGrew("b"))
    assert [work.point for work in rig.asked if isinstance(work, ShipOutbox)] == ["b"]
    rig.points.perform(NoticeDropped("a"))
    counts = [status.counts for status in rig.points.statuses()]
    assert (counts[0]["taken"], counts[0]["dropped"]) == (1, 1)
    assert counts[1]["busy"] == 1


def test_effects_for_one_that_is_gone_are_dropped() -> None:
    rig = Rig()
    rig.points.perform(OutboxGrew("x"))
    rig.points.perform(NoticeDropped("x"))
    assert rig.asked == []


def test_every_effect_is_known() -> None:
    assert set(EFFECTS) == set(IntakeEffect.__args__)


def test_what_comes_and_goes_with_the_configuration_begins_and_ends() -> None:
    rig = Rig("a", "b")
    rig.points.start()
    rig.points.use([rig.plan("b"), rig.plan("c")])
    assert rig.log == ["a begins", "b begins", "a ends", "c begins"]
    assert [status.name for status in rig.points.statuses()] == ["b", "c"]


def test_before_the_term_only_the_plans_change() -> None:
    rig = Rig("a")
    rig.points.use([rig.plan("b")])
    rig.points.start()
    assert rig.log == ["b begins"]


def test_other_limits_are_no_other_capture_point() -> None:
    rig = Rig("a")
    rig.points.start()
    rig.points.use([replace(rig.plan("a"), limits=CaptureLimits(max_in_flight=1))])
    assert rig.log == ["a begins"]
    rig.put("a")
    rig.put("a", "b")
    assert len(rig.given()) == 1


def test_another_one_of_the_same_name_begins_when_the_first_has_ended() -> None:
    rig = Rig("a")
    rig.late.append(Deferred())
    rig.points.start()
    rig.put("a")
    rig.points.use([rig.plan("a", other=1)])
    assert rig.log == ["a begins"]
    rig.answer()
    assert rig.log == ["a begins", "a ends"]
    rig.points.use([rig.plan("a", other=2)])
    assert rig.log == ["a begins", "a ends"]
    late = rig.late.pop()
    late.callback(None)
    assert rig.log == ["a begins", "a ends", "a begins"]
    assert rig.points.statuses()[0].state == "connected"


def test_an_answer_that_does_not_come_holds_nobody_up() -> None:
    rig = Rig("a")
    rig.points.start()
    rig.put("a")
    rig.points.use([rig.plan("a", other=1)])
    rig.clock.advance(END_LIMIT)
    assert rig.log == ["a begins", "a ends", "a begins"]
    rig.answer()


def test_when_the_server_stops_they_end_after_the_last_answers() -> None:
    rig = Rig("a")
    rig.points.start()
    rig.put("a")
    rig.points.close()
    assert rig.log == ["a begins"]
    rig.answer()
    assert rig.mails["a"].documents == {}
    ended: list[None] = []
    rig.points.end().addCallback(ended.append)
    assert rig.log == ["a begins", "a ends"]
    assert ended == [None]
    rig.points.end().addCallback(ended.append)
    assert ended == [None, None]


def test_work_that_is_not_run_is_refused_and_other_work_is_no_matter() -> None:
    rig = Rig("a")
    rig.points.start()
    rig.put("a")
    (given,) = rig.given()
    rig.points.close()
    rig.points.not_run(given)
    rig.points.not_run(Tick())
    rig.points.not_run(rig.asked[0])
    assert list(rig.mails["a"].documents) == ["a"]


@pytest.mark.parametrize("times", [1, 2])
def test_the_end_waits_for_all_whoever_asks(times: int) -> None:
    rig = Rig("a", "b")
    rig.late.append(Deferred())
    rig.points.start()
    ended: list[None] = []
    for _ in range(times):
        rig.points.end().addCallback(ended.append)
    assert ended == []
    rig.clock.advance(END_LIMIT)
    assert len(ended) == times


def test_a_server_that_was_stopped_begins_none() -> None:
    rig = Rig("a")
    rig.points.close()
    rig.points.start()
    rig.points.use([rig.plan("b")])
    assert rig.log == []
