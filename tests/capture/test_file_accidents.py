"""What happens to files, directories, disks and nodes around a file capture point."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from ixproxy.capture import file as file_module
from ixproxy.errors import Code, RequestRefused
from ixproxy.node.intake_work import Document
from ixproxy.testing.fake_intake import Say
from tests.capture.folders import Begun, document
from tests.failures import LoggedFailures


@pytest.fixture
def begun() -> Iterator[Begun]:
    made = Begun()
    yield made
    made.end()


def test_what_the_node_never_takes_goes_to_the_error_place(
    begun: Begun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Any) -> Deferred[Any]:
        answer: Deferred[Any] = Deferred()
        begun.there.reactor.callLater(0, answer.errback, RequestRefused(Code.TOO_LARGE, "too many"))
        return answer

    monkeypatch.setattr(begun.intake, "take", refuse)
    begun.there.give("a")
    begun.there.until(lambda: not begun.there.left())
    assert begun.there.errors() == {"a": "3003: too many\n"}


@pytest.mark.parametrize("problem", [RequestRefused(Code.INTERNAL), KeyError("broken")])
def test_what_breaks_the_node_each_time_goes_to_the_error_place_in_the_end(
    begun: Begun,
    problem: Exception,
    monkeypatch: pytest.MonkeyPatch,
    logged_failures: LoggedFailures,
) -> None:
    monkeypatch.setattr(file_module, "MOST_ATTEMPTS", 3)
    attempts: list[float] = []

    def refuse(document: Document) -> Deferred[Any]:
        answer: Deferred[Any] = Deferred()
        if document.problem is None:
            attempts.append(begun.there.reactor.seconds())
        begun.there.reactor.callLater(0, answer.errback, problem)
        return answer

    monkeypatch.setattr(begun.intake, "take", refuse)
    begun.there.give("a")
    begun.there.until(lambda: not begun.there.left())
    assert len(attempts) == 3
    assert attempts[2] - attempts[0] > 9
    assert "a" in begun.there.errors()
    logged_failures.flush(KeyError)


def test_another_document_that_took_the_place_of_one_in_flight_is_read_too(begun: Begun) -> None:
    begun.intake.answers = [Say.LATE]
    begun.there.put("a.xml", document("old"))
    begun.there.until(lambda: begun.intake.in_flight)
    begun.there.put("a.xml", document("new"))
    begun.intake.settle()
    begun.there.until(lambda: begun.taken() == ["old", "new"] and not begun.there.left())
    assert b'"new"' in (begun.there.processed / "a.xml").read_bytes()


def test_a_file_that_somebody_takes_away_while_it_is_in_flight_is_forgotten(begun: Begun) -> None:
    begun.intake.answers = [Say.LATE]
    path = begun.there.put("a.xml", document("a"))
    begun.there.until(lambda: begun.intake.in_flight)
    path.unlink()
    begun.intake.settle()
    begun.there.later(10)
    assert begun.point.figures()["in-hand"] == 0
    assert begun.point.figures()["stuck"] == 0


def test_a_document_that_cannot_be_moved_is_not_given_again_and_moved_later(
    begun: Begun, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.link

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "link", full)
    begun.there.give("a")
    begun.there.until(lambda: begun.point.figures()["stuck"])
    begun.there.later(60)
    assert begun.taken() == ["a"]
    assert len(begun.intake.documents) == 1
    assert begun.there.left() == ["a"]
    assert begun.point.figures()["problem"] == (
        "a.xml stays in the inbound directory and cannot be moved: No space left on device"
    )
    monkeypatch.setattr(os, "link", real)
    begun.there.until(lambda: not begun.there.left())
    assert begun.point.figures()["problem"] == ""
    assert len(begun.intake.documents) == 1


def test_a_bad_document_that_cannot_be_moved_is_refused_and_said_to_stay(
    begun: Begun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "link", full)
    begun.there.give_bad("a")
    begun.there.give_bad("b")
    begun.there.until(lambda: begun.point.figures()["stuck"] == 2)
    assert sorted(name for name, _ in begun.intake.refusals) == ["a.xml", "b.xml"]
    assert str(begun.point.figures()["problem"]).endswith(
        "and 1 more stay in the inbound directory and cannot be moved: No space left on device"
    )
    assert begun.there.left() == ["a", "b"]


def test_a_file_that_may_not_be_read_stays_and_is_named(
    begun: Begun, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def denied(path: Any, flags: int, *more: Any, **named: Any) -> int:
        if str(path).endswith("b.xml"):
            raise PermissionError(13, "Permission denied")
        return real(path, flags, *more, **named)

    monkeypatch.setattr(os, "open", denied)
    begun.there.give("a")
    begun.there.give("b")
    begun.there.give("c")
    begun.there.until(lambda: begun.there.left() == ["b"])
    begun.there.later(30)
    assert begun.there.left() == ["b"]
    assert begun.point.figures()["problem"] == "cannot read b.xml: Permission denied"
    monkeypatch.setattr(os, "open", real)
    begun.there.until(lambda: not begun.there.left())
    begun.there.later(10)
    assert begun.point.figures()["problem"] == ""


@pytest.mark.parametrize("missing", ["inbound", "error", "processed", "notification"])
def test_without_one_of_its_directories_it_takes_nothing_and_says_so(
    begun: Begun, missing: str
) -> None:
    directory = begun.there.root / missing
    begun.there.later(10)
    directory.rename(begun.there.root / "away")
    begun.there.later(10)
    state = begun.point.figures()["state"]
    assert state == f"connecting: {missing}-path: there is no directory {directory}"
    (begun.there.root / "away").rename(directory)
    begun.there.give("a")
    begun.there.until(lambda: begun.taken() == ["a"])
    assert begun.point.figures()["state"] == "connected"


def test_a_disk_that_hangs_keeps_nothing_but_itself(begun: Begun) -> None:
    begun.there.later(1)
    begun.there.reactor.stalled = True
    begun.there.give("a")
    begun.there.later(60)
    assert begun.intake.documents == []
    begun.there.reactor.stalled = False
    begun.there.reactor.work()
    begun.there.until(lambda: begun.taken() == ["a"])


def test_its_end_waits_for_what_a_thread_is_doing(begun: Begun) -> None:
    begun.there.give("a")
    begun.there.later(1)
    begun.there.reactor.stalled = True
    begun.there.later(10)
    ended: list[object] = []
    begun.point.end().addCallback(ended.append)
    begun.there.later(10)
    assert ended == []
    begun.there.reactor.stalled = False
    begun.there.reactor.work()
    begun.there.later(1)
    assert ended
    assert begun.intake.documents == []


def test_a_directory_with_very_many_files_is_taken_in_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ixproxy.capture.file_looking.MOST_LISTED", 10)
    begun = Begun()
    for number in range(45):
        begun.there.give(f"d{number:02d}")
    begun.there.until(lambda: len(begun.intake.taken) == 45)
    begun.end()
