"""Whatever a capture point does, its node lives on and says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from ixproxy.interfaces_capture import ICapturePoint, IIntake
from ixproxy.messages.message import MAX_TEXT
from ixproxy.net.capture_plans import CaptureLimits, CapturePlan
from ixproxy.net.served_point import END_LIMIT, MOST_FIGURES, RETRY, ServedPoint
from ixproxy.node.intake_settings import CaptureRules
from ixproxy.node.intake_work import Document, DocumentGiven, IntakeWork, Notification, ShipOutbox
from ixproxy.testing.memory_capture import Mail, MemoryPoint


class Wild(MemoryPoint):
    """Does what its class attributes say."""

    begins: Callable[[], None] = staticmethod(lambda: None)
    ends: Callable[[], Deferred[None]] = staticmethod(lambda: succeed(None))
    shows: Mapping[str, object] | Exception = {"state": "connected"}

    def begin(self, intake: IIntake) -> None:
        self.begins()
        super().begin(intake)

    def end(self) -> Deferred[None]:
        super().end()
        return self.ends()

    def figures(self) -> Mapping[str, object]:
        if isinstance(self.shows, Exception):
            raise self.shows
        return self.shows


class Rig:
    def __init__(self, make: Callable[[], ICapturePoint] | None = None) -> None:
        self.clock = Clock()
        self.mail = Mail()
        self.asked: list[IntakeWork] = []
        self.made = 0
        self.kind: type[MemoryPoint] = Wild

        def usual() -> ICapturePoint:
            self.made += 1
            return self.kind(self.mail)

        self.plan = CapturePlan("mail-in", "wild", make or usual)
        self.point = ServedPoint(self.clock, "ixn1", self.plan, self.asked.append, lambda: False)

    def wild(self, **attributes: Any) -> None:
        """Capture points that are made from now on are so."""
        self.kind = type("Wilder", (Wild,), attributes)

    def ended(self) -> list[None]:
        done: list[None] = []
        self.point.end().addCallback(done.append)
        return done


def raising(problem: Exception) -> Any:
    def act() -> Any:
        raise problem

    return staticmethod(act)


def test_it_begins_reads_its_outbox_and_hands_in_what_comes() -> None:
    rig = Rig()
    rig.point.begin()
    assert [type(work) for work in rig.asked] == [ShipOutbox]
    rig.mail.put("a", Document(operations=()))
    assert [type(work) for work in rig.asked] == [ShipOutbox, DocumentGiven]
    status = rig.point.status()
    assert (status.name, status.kind, status.state) == ("mail-in", "wild", "connected")
    assert (status.in_flight, status.counts["documents"]) == (1, 1)


@pytest.mark.parametrize("breaks", ["make", "begin"])
def test_one_that_cannot_begin_is_made_anew_after_a_while(
    breaks: str, logged_failures: Any
) -> None:
    problems = [OSError("no such directory")]

    def make() -> ICapturePoint:
        if breaks == "make" and problems:
            raise problems.pop()
        point: ICapturePoint = made(rig.mail)
        return point

    def begins() -> None:
        if breaks == "begin" and problems:
            raise problems.pop()

    made = type("Breaking", (Wild,), {"begins": staticmethod(begins)})
    rig = Rig(make)
    rig.point.begin()
    assert rig.asked == []
    status = rig.point.status()
    assert status.state == "failed: OSError: no such directory"
    assert status.counts == {"raised": 1}
    rig.clock.advance(RETRY)
    assert rig.point.status().state == "connected"
    assert len(rig.asked) == 1
    assert len(logged_failures.flush(OSError)) == 1


def test_one_that_waits_to_begin_again_can_end(logged_failures: Any) -> None:
    rig = Rig()
    rig.wild(begins=raising(OSError("no")), ends=raising(KeyError("nor that")))
    rig.point.begin()
    assert rig.ended() == [None]
    assert rig.clock.getDelayedCalls() == []
    assert rig.point.status().state == "ended"
    assert len(logged_failures.flush(OSError)) == 1
    assert len(logged_failures.flush(KeyError)) == 1


@pytest.mark.parametrize(
    "ends", [raising(KeyError("end")), staticmethod(lambda: fail(KeyError("end")))]
)
def test_one_that_breaks_at_its_end_has_ended(ends: Any, logged_failures: Any) -> None:
    rig = Rig()
    rig.wild(ends=ends)
    rig.point.begin()
    assert rig.ended() == [None]
    assert rig.point.counts["raised"] == 1
    assert len(logged_failures.flush(KeyError)) == 1
    assert rig.clock.getDelayedCalls() == []


def test_one_that_does_not_end_is_not_waited_for_for_ever() -> None:
    rig = Rig()
    late: Deferred[None] = Deferred()
    rig.wild(ends=staticmethod(lambda: late))
    rig.point.begin()
    with capturedLogs() as logged:
        done = rig.ended()
        rig.clock.advance(END_LIMIT - 0.1)
        assert done == []
        rig.clock.advance(0.1)
        assert done == [None]
        late.callback(None)
    assert "does not end within 2 s" in str(formatEvent(logged[0]))


def test_its_end_leaves_in_doubt_what_the_writer_has() -> None:
    rig = Rig()
    rig.point.begin()
    rig.mail.put("a", Document(operations=()))
    rig.point.close()
    assert rig.point.intake.in_flight == 1
    assert rig.ended() == [None]
    assert rig.point.intake.in_flight == 0
    assert rig.point.intake.counts["doubtful"] == 1


@pytest.mark.parametrize(
    ("shows", "state", "figures"),
    [
        ({"state": "idle", "files": 3, "rate": 0.5, "on": True}, "idle",
         {"files": 3, "rate": 0.5, "on": True}),
        ({}, "unknown", {}),
        ({"state": ["a"], 5: {"b": 1}}, "['a']", {"5": "{'b': 1}"}),
        ({"state": "x" * 5000, "big": 2**70}, "x" * MAX_TEXT, {"big": str(2**70)}),
        (KeyError("figures"), "failed: figures: KeyError: 'figures'", {}),
    ],
)  # fmt: skip
def test_its_figures_are_shown_as_far_as_they_can_be(
    shows: Any, state: str, figures: dict[str, object]
) -> None:
    rig = Rig()
    rig.wild(shows=shows)
    rig.point.begin()
    status = rig.point.status()
    assert (status.state, status.figures) == (state, figures)


def test_too_many_figures_are_cut_off() -> None:
    rig = Rig()
    rig.wild(shows={f"f{number}": number for number in range(500)})
    rig.point.begin()
    assert len(rig.point.status().figures) == MOST_FIGURES


def test_before_it_begins_it_says_so() -> None:
    assert Rig().point.status().state == "not begun"


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
    rig.wild(tell=tell)
    rig.point.begin()
    rig.point._tell([])
    assert told == [[]]


def test_a_full_outbox_is_said_loudly_once_until_there_is_room() -> None:
    rig = Rig()
    rig.point.use(CapturePlan("mail-in", "wild", rig.plan.make, rules=CaptureRules(max_outbox=5)))
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
    rig.point.use(CapturePlan("mail-in", "wild", rig.plan.make, limits=limits))
    rig.mail.put("a", Document(operations=()))
    assert not rig.point.intake.room()
    assert rig.point.shipper.tell_once
    assert rig.made == 1
