"""What is wrong outside is said once."""

from __future__ import annotations

from typing import cast

from twisted.logger import ILogObserver, LogEvent, Logger, LogLevel

from ixproxy.brokers.complaining import Complaint


def heard() -> tuple[Complaint, list[tuple[LogLevel, str]]]:
    events: list[tuple[LogLevel, str]] = []

    def observer(event: LogEvent) -> None:
        events.append((event["log_level"], event.get("text", "")))

    return Complaint(Logger(observer=cast(ILogObserver, observer)), "mail-in"), events


def test_a_complaint_is_logged_once_until_it_is_another() -> None:
    complaint, events = heard()
    for _ in range(3):
        complaint.about("nobody there")
    complaint.about("the disk is full")
    assert events == [(LogLevel.warn, "nobody there"), (LogLevel.warn, "the disk is full")]
    assert complaint.times == 4


def test_texts_that_vary_are_one_complaint_where_they_have_one_key() -> None:
    complaint, events = heard()
    complaint.about("a.xml cannot be moved", "move")
    complaint.about("b.xml cannot be moved", "move")
    assert len(events) == 1
    assert complaint.text == "b.xml cannot be moved"


def test_that_it_is_over_is_logged_once_too() -> None:
    complaint, events = heard()
    complaint.over()
    complaint.about("nobody there")
    complaint.over()
    complaint.over()
    assert [level for level, _ in events] == [LogLevel.warn, LogLevel.info]
    assert complaint.text == ""
    complaint.about("nobody there")
    assert len(events) == 3
