"""Files that are done leave."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from ixproxy.capture.file_jobs import Jobs
from ixproxy.capture.file_leaving import Leaving
from ixproxy.capture.file_looking import Found, stamp_of
from ixproxy.capture.file_placing import Places
from ixproxy.capture.file_settings import read_settings
from ixproxy.capture.xml_parsing import parse
from ixproxy.errors import Code
from ixproxy.node.intake_work import Problem
from tests.capture.threadless import ThreadlessClock
from tests.failures import LoggedFailures

BAD = Problem(Code.BAD_ATTRIBUTE, "it is bad")


class Left:
    """What leaves from one real directory to two others."""

    def __init__(self, tmp_path: Path, more: Mapping[str, object] | None = None) -> None:
        self.root = tmp_path
        for name in ("in", "bad", "done"):
            (tmp_path / name).mkdir()
        settings = read_settings(
            {
                "inbound-path": str(tmp_path / "in"),
                "error-path": str(tmp_path / "bad"),
                "processed-path": str(tmp_path / "done"),
                **(more or {}),
            }
        )
        self.clock = ThreadlessClock()
        self.gone: list[str] = []
        self.places = Places("x")
        self.leaving = Leaving(settings, self.places, "mail", Jobs(self.clock), self.gone.append)

    def give(self, name: str) -> Found:
        path = self.root / "in" / name
        path.write_bytes(b"<a/>")
        return Found(name, stamp_of(path.lstat()))

    def later(self) -> None:
        for _ in range(6):
            self.clock.advance(0)

    def names(self, directory: str) -> list[str]:
        return sorted(path.name for path in (self.root / directory).iterdir())


def test_good_ones_and_bad_ones_go_to_their_places(tmp_path: Path) -> None:
    left = Left(tmp_path)
    left.leaving.leave(left.give("a"))
    left.leaving.leave(left.give("b"), BAD)
    left.later()
    assert left.names("in") == []
    assert left.names("done") == ["a"]
    assert left.names("bad") == ["b", "b.reason.txt"]
    assert (tmp_path / "bad" / "b.reason.txt").read_text() == "it is bad\n"
    assert left.gone == ["a", "b"]


def test_a_reason_may_say_more_than_the_problem(tmp_path: Path) -> None:
    left = Left(tmp_path)
    left.leaving.leave(left.give("b"), BAD, "it is bad\nin two lines")
    left.later()
    assert (tmp_path / "bad" / "b.reason.txt").read_text() == "it is bad\nin two lines\n"


def test_in_the_mode_of_iwd_its_error_stands_beside_a_bad_one(tmp_path: Path) -> None:
    left = Left(tmp_path, {"iwd-compatibility-mode": True})
    (tmp_path / "bad" / "b.xml").write_bytes(b"another")
    left.leaving.leave(left.give("a.xml"))
    left.leaving.leave(left.give("b.xml"), BAD)
    left.later()
    assert left.names("done") == ["a.xml"]
    assert left.names("bad") == ["b.1.xml", "b.1.xml.error.xml", "b.1.xml.reason.txt", "b.xml"]
    (error,) = parse((tmp_path / "bad" / "b.1.xml.error.xml").read_bytes())
    assert (error.name, error.attributes) == (
        "TaskError", {"code": "3005", "description": "it is bad"}
    )  # fmt: skip
    assert [each.text for extra in error for each in extra] == ["b.xml"]


def test_an_error_that_the_source_does_not_want_is_not_written(tmp_path: Path) -> None:
    wanted = {"outbound-transformer-parameters": {"wanted": "stopped"}}
    left = Left(tmp_path, {"iwd-compatibility-mode": True, **wanted})
    left.leaving.leave(left.give("b.xml"), BAD)
    left.later()
    assert left.names("bad") == ["b.xml", "b.xml.reason.txt"]


def test_a_move_that_the_process_did_not_survive_is_finished_under_the_same_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = Left(tmp_path, {"iwd-compatibility-mode": True})
    found = left.give("b.xml")

    def dies(source: str, directory: str, name: str) -> None:
        raise OSError("it is dead")

    monkeypatch.setattr(left.places, "_put", dies)
    left.leaving.leave(found, BAD)
    left.later()
    assert left.names("bad") == ["b.xml.error.xml", "b.xml.reason.txt"]
    monkeypatch.undo()
    left.leaving.try_again()
    left.later()
    assert left.names("bad") == ["b.xml", "b.xml.error.xml", "b.xml.reason.txt"]
    assert left.names("in") == []


def test_what_cannot_leave_is_kept_and_tried_again(tmp_path: Path) -> None:
    left = Left(tmp_path)
    (tmp_path / "done").rename(tmp_path / "away")
    left.leaving.leave(left.give("a"))
    left.later()
    assert (left.leaving.stuck, left.gone) == (1, [])
    assert left.leaving.problem == "a cannot be moved: No such file or directory"
    left.leaving.try_again()
    left.later()
    assert left.leaving.stuck == 1
    (tmp_path / "away").rename(tmp_path / "done")
    left.leaving.try_again()
    left.later()
    assert (left.leaving.stuck, left.leaving.problem, left.gone) == (0, "", ["a"])


def test_what_is_gone_or_another_by_now_is_done(tmp_path: Path) -> None:
    left = Left(tmp_path)
    gone, other = left.give("a"), left.give("b")
    (tmp_path / "in" / "a").unlink()
    (tmp_path / "in" / "b").write_bytes(b"<another/>")
    left.leaving.leave(gone)
    left.leaving.leave(other)
    left.later()
    assert left.gone == ["a", "b"]
    assert left.names("in") == ["b"]


def test_a_job_that_breaks_keeps_what_it_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged_failures: LoggedFailures
) -> None:
    def broken(*_: object) -> str:
        raise KeyError("bug")

    left = Left(tmp_path)
    monkeypatch.setattr(left.places, "move", broken)
    left.leaving.leave(left.give("a"))
    left.later()
    assert left.leaving.stuck == 1
    assert len(logged_failures.flush(KeyError)) == 1
    monkeypatch.undo()
    left.leaving.try_again()
    left.later()
    assert left.gone == ["a"]


def test_nothing_begins_to_leave_after_the_end(tmp_path: Path) -> None:
    left = Left(tmp_path)
    left.leaving.end()
    left.leaving.leave(left.give("a"))
    left.later()
    assert left.names("in") == ["a"]
