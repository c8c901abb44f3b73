"""Which files have finished."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from ixproxy.capture import file_finding, file_looking
from ixproxy.capture.file_finding import Finding
from ixproxy.capture.file_jobs import Jobs
from ixproxy.capture.file_looking import Found
from ixproxy.capture.file_settings import read_settings
from tests.capture.threadless import ThreadlessClock
from tests.failures import LoggedFailures


class Looked:
    """A finding whose directory is a real one, and what it has found."""

    def __init__(self, tmp_path: Path) -> None:
        self.inbound = tmp_path / "in"
        for name in ("in", "bad"):
            (tmp_path / name).mkdir()
        settings = read_settings(
            {"inbound-path": str(self.inbound), "error-path": str(tmp_path / "bad")}
        )
        self.clock = ThreadlessClock()
        self.in_hand: set[str] = set()
        self.found: list[str] = []
        self.scans = 0
        jobs = Jobs(self.clock)
        self.finding = Finding(
            settings, self.clock, "mail-in", jobs, self.in_hand, self._scanned, self._found
        )

    def _scanned(self) -> None:
        self.scans += 1

    def _found(self, files: Sequence[Found]) -> None:
        self.found += [each.name for each in files]

    def later(self, seconds: float) -> None:
        for _ in range(max(1, int(seconds * 4))):
            self.clock.advance(min(seconds, 0.25))


def test_a_file_has_finished_that_is_the_same_a_scan_later(tmp_path: Path) -> None:
    looked = Looked(tmp_path)
    (looked.inbound / "a").write_bytes(b"1")
    looked.later(1)
    assert looked.found == []
    (looked.inbound / "a").write_bytes(b"12")
    looked.later(5)
    assert (looked.found, looked.scans) == ([], 2)
    looked.later(5)
    assert looked.found == ["a"]


def test_a_file_in_hand_is_not_found_again_until_it_is_out_of_it(tmp_path: Path) -> None:
    looked = Looked(tmp_path)
    (looked.inbound / "a").write_bytes(b"1")
    looked.in_hand.add("a")
    looked.later(20)
    assert looked.found == []
    looked.in_hand.clear()
    looked.later(10)
    assert looked.found[0] == "a"


def test_a_hint_is_looked_at_at_once(tmp_path: Path) -> None:
    looked = Looked(tmp_path)
    looked.later(1)
    (looked.inbound / "a").write_bytes(b"1")
    for name in ("a", "b", ".hidden", "a"):
        looked.finding._finished(name)
    looked.later(0.5)
    assert looked.found == ["a"]


def test_hints_are_bounded_and_the_others_are_found_by_scans(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_finding, "MOST_HINTS", 2)
    looked = Looked(tmp_path)
    looked.later(1)
    for name in ("a", "b", "c"):
        (looked.inbound / name).write_bytes(b"1")
        looked.finding._finished(name)
    looked.later(0.5)
    assert looked.found == ["a", "b"]
    looked.later(10)
    assert "c" in looked.found


def test_hints_during_a_look_are_looked_at_after_it(tmp_path: Path) -> None:
    looked = Looked(tmp_path)
    looked.clock.stalled = True
    looked.later(1)
    (looked.inbound / "a").write_bytes(b"1")
    looked.finding._finished("a")
    looked.later(1)
    looked.clock.stalled = False
    looked.clock.work()
    looked.later(1)
    assert looked.found == ["a"]


def test_a_scan_that_hangs_is_not_begun_twice(tmp_path: Path) -> None:
    looked = Looked(tmp_path)
    looked.later(1)
    looked.clock.stalled = True
    looked.finding._finished("a")
    looked.later(30)
    looked.clock.stalled = False
    looked.clock.work()
    looked.later(10)
    assert looked.scans >= 2
    assert looked.finding.state == "connected"


def test_what_fails_is_said_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged_failures: LoggedFailures
) -> None:
    def broken(_: str) -> None:
        raise KeyError("bug")

    looked = Looked(tmp_path)
    real = file_looking.look
    monkeypatch.setattr(file_looking, "look", broken)
    looked.later(6)
    assert looked.finding.state == "connecting: 'bug'"
    assert len(logged_failures.flush(KeyError)) == 2
    monkeypatch.setattr(file_looking, "look", real)
    looked.later(6)
    assert looked.finding.state == "connected"


def test_nothing_is_found_after_the_end(tmp_path: Path) -> None:
    looked = Looked(tmp_path)
    looked.clock.stalled = True
    (looked.inbound / "a").write_bytes(b"1")
    looked.later(1)
    looked.finding._finished("a")
    looked.finding.end()
    looked.clock.stalled = False
    looked.clock.work()
    looked.later(30)
    assert looked.found == []
    assert looked.scans == 0
    looked.finding._finished("a")
    assert looked.clock.getDelayedCalls() == []
