"""Whatever a capture point does, its node lives on and says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from ixproxy.interfaces_capture import ICapturePoint
from ixproxy.net.capture_plans import CaptureLimits, CapturePlan
from ixproxy.net.served_part import RETRY
from ixproxy.net.served_point import ServedPoint
from ixproxy.node.intake_settings import CaptureRules
from ixproxy.node.intake_work import Document, DocumentGiven, IntakeWork, Notification, ShipOutbox
from ixproxy.testing.memory_capture import Mail, MemoryPoint


class Rig:
    def __init__(self) -> None:
        self.clock = Clock()
        self.mail = Mail()
        self.asked: list[IntakeWork] = []
        self.made = 0
        self.kind: Callable[[Mail], MemoryPoint] = MemoryPoint

        def make() -> ICapturePoint:
            self.made += 1
            point: ICapturePoint = self.kind(self.mail)
            return point

        self.plan = CapturePlan("mail-in", "memory", make)
        self.point = ServedPoint(self.clock, "ixn1", self.plan, self.asked.append, lambda: False)


def test_it_begins_reads_its_outbox_and_hands_in_what_comes() -> None:
    rig = Rig()
    rig.point.begin()
    assert [type(work) for work in rig.asked] == [ShipOutbox]
    rig.mail.put("a", Document(operations=()))
    assert [type(work) for work in rig.asked] == [ShipOutbox, DocumentGiven]
    status = rig.point.status()
    assert (status.name, status.kind, status.state) == ("mail-in", "memory", "connected")
    assert (status.in_flight, status.counts["documents"]) == (1, 1)


def test_its_end_leaves_in_doubt_what_the_writer_has() -> None:
    rig = Rig()
    rig.point.begin()
    rig.mail.put("a", Document(operations=()))
    rig.point.close()
    assert rig.point.intake.in_flight == 1
    assert rig.point.end().called
    assert rig.point.intake.in_flight == 0
    assert rig.point.intake.counts["doubtful"] == 1


def test_one_that_cannot_begin_is_told_nothing_and_is_made_anew(logged_failures: Any) -> None:
    def broken(mail: Mail) -> Any:
        raise OSError("no such directory")

    rig = Rig()
    rig.kind = broken
    with capturedLogs() as logged:
        rig.point.begin()
    assert [formatEvent(each) for each in logged] == ["Capture point mail-in could not begin"]
    assert len(logged_failures.flush(OSError)) == 1
    status = rig.point.status()
    assert (status.state, status.counts) == ("failed: OSError: no such directory", {"raised": 1})
    assert rig.asked == []
    rig.kind = MemoryPoint
    rig.clock.advance(RETRY)
    assert (rig.made, len(rig.asked)) == (2, 1)


def test_what_is_told_to_one_that_is_not_there_waits() -> None:
    rig = Rig()
    with pytest.raises(Exception, match="not there: ended"):
        rig.point._tell([])


def test_telling_goes_to_the_capture_point() -> None:
    told: list[Sequence[Notification]] = []

    def tell(self: Any, notifications: Sequence[Notification]) -> Deferred[None]:
        told.append(notifications)
        return succeed(None)

    rig = Rig()
    rig.kind = type("Telling", (MemoryPoint,), {"tell": tell})
    rig.point.begin()
    rig.point._tell([])
    assert told == [[]]


def test_a_full_outbox_is_said_loudly_once_until_there_is_room() -> None:
    rig = Rig()
    rig.point.use(CapturePlan("mail-in", "memory", rig.plan.make, rules=CaptureRules(max_outbox=5)))
    with capturedLogs() as logged:
        for _ in range(3):
            rig.point.dropped()
        rig.point.shipper.left = 5
        rig.point._outbox_was_read()
        rig.point.dropped()
        rig.point.shipper.left = 4
        rig.point._outbox_was_read()
        rig.point.dropped()
    texts = [str(formatEvent(event)) for event in logged]
    assert [text.split(":")[0] for text in texts] == [
        "Capture point mail-in",
        "Capture point mail-in hears of things again",
        "Capture point mail-in",
    ]
    assert "5 notifications wait for it" in texts[0]
    assert rig.point.status().counts["dropped"] == 5


def test_other_limits_are_followed_while_it_lives() -> None:
    rig = Rig()
    rig.point.begin()
    limits = CaptureLimits(max_in_flight=1, tell_once=True)
    rig.point.use(CapturePlan("mail-in", "memory", rig.plan.make, limits=limits))
    rig.mail.put("a", Document(operations=()))
    assert not rig.point.intake.room()
    assert rig.point.shipper.tell_once
    assert rig.made == 1
