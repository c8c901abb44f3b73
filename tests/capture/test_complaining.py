"""What is wrong stands in the log once, and once more when it is over."""

from __future__ import annotations

from twisted.logger import ILogObserver, LogEvent, Logger
from zope.interface import implementer

from ixproxy.capture.complaining import Complaint


def complaining() -> tuple[Complaint, list[LogEvent]]:
    events: list[LogEvent] = []

    @implementer(ILogObserver)
    def keep(event: LogEvent) -> None:
        events.append(event)

    return Complaint(Logger(observer=keep), "in"), events


def test_the_same_is_logged_once_however_its_text_varies() -> None:
    complaint, events = complaining()
    complaint.about("broker 1 is away", "broker")
    complaint.about("broker 2 is away", "broker")
    assert [event["text"] for event in events] == ["broker 1 is away"]
    assert (complaint.text, complaint.times) == ("broker 2 is away", 2)
    complaint.about("the disk is full")
    assert len(events) == 2


def test_when_it_is_over_that_is_logged_once_and_it_may_begin_again() -> None:
    complaint, events = complaining()
    complaint.over()
    assert events == []
    complaint.about("away")
    complaint.over()
    complaint.over()
    assert len(events) == 2
    assert complaint.text == ""
    complaint.about("away")
    assert len(events) == 3


def test_a_long_text_is_cut() -> None:
    complaint, _ = complaining()
    complaint.about("x" * 5000)
    assert len(complaint.text) == 300
