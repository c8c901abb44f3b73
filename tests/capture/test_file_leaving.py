"""Files that are done leave."""

from __future__ import annotations

from pathlib import Path

import pytest

from ixproxy.capture.file_jobs import Jobs
from ixproxy.capture.file_leaving import Leaving
from ixproxy.capture.file_looking import Found, stamp_of
from ixproxy.capture.file_placing import Places
from ixproxy.capture.file_settings import read_settings
from tests.capture.threadless import ThreadlessClock
from tests.failures import LoggedFailures


class Left:
    """What leaves from one real directory to two others."""

    def __init__(self, tmp_path: Path) -> None:
        self.root = tmp_path
        for name in ("in", "bad", "done"):
            (tmp_path / name).mkdir()
        settings = read_settings(
            {
                "inbound-path": str(tmp_path / "in"),
                "error-path": str(tmp_path / "bad"),
                "processed-path": str(tmp_path / "done"),
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
    left.leaving.leave(left.give("b"), "it is bad")
    left.later()
    assert left.names("in") == []
    assert left.names("done") == ["a"]
    assert left.names("bad") == ["b", "b.reason.txt"]
    assert left.gone == ["a", "b"]


def test_a_remark_on_what_is_processed_is_kept_beside_it(tmp_path: Path) -> None:
    left = Left(tmp_path)
    left.leaving.leave(left.give("a"), remark="not all of it was done")
    left.later()
    assert left.names("done") == ["a", "a.reason.txt"]
    assert (tmp_path / "done" / "a.reason.txt").read_text() == "not all of it was done\n"
    assert left.names("bad") == []


def test_what_cannot_leave_is_kept_and_tried_again(tmp_path: Path) -> None:
    left = Left(tmp_path)
    (tmp_path / "done").rename(tmp_path / "away")
    left.leaving.leave(left.give("a"))
    left.later()
    assert (left.leaving.stuck, left.gone) == (1, [])
    why = "in the inbound directory and cannot be moved: No such file or directory"
    assert left.leaving.problem == f"a stays {why}"
    left.leaving.try_again()
    left.later()
    assert left.leaving.stuck == 1
    left.leaving.leave(left.give("b"), remark="not all of it was done")
    left.later()
    assert (left.leaving.stuck, left.leaving.problem) == (2, f"a and 1 more stay {why}")
    (tmp_path / "in" / "b").unlink()
    (tmp_path / "away").rename(tmp_path / "done")
    left.leaving.try_again()
    left.later()
    assert (left.leaving.stuck, left.leaving.problem, left.gone) == (0, "", ["a", "b"])


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
