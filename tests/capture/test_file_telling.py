"""Notifications become files."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from ixproxy.capture.file_placing import Places
from ixproxy.capture.file_settings import read_settings
from ixproxy.capture.file_telling import Telling
from ixproxy.capture.xml_parsing import parse
from ixproxy.errors import NotTold
from ixproxy.node.intake_work import Said
from ixproxy.testing.fake_intake import notification


def telling(tmp_path: Path, naming: str = "sequential") -> Telling:
    for name in ("bad", "told"):
        (tmp_path / name).mkdir(exist_ok=True)
    settings = read_settings(
        {
            "inbound-path": "/in",
            "error-path": str(tmp_path / "bad"),
            "notification-path": str(tmp_path / "told"),
            "notification-naming": naming,
        }
    )
    return Telling(settings, Places("x"))


def names(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "told").iterdir())


def test_the_count_goes_on_where_it_was(tmp_path: Path) -> None:
    telling(tmp_path).tell([notification(Said.STOPPED, "X1"), notification(Said.STOPPED, "X2")])
    next_term = telling(tmp_path)
    next_term.tell([notification(Said.STOPPED, "X3")])
    next_term.tell([notification(Said.STOPPED, "X4")])
    assert names(tmp_path) == ["1.xml", "2.xml", "3.xml", "4.xml"]
    assert parse((tmp_path / "told" / "3.xml").read_bytes()).attributes["InteractionId"] == "X3"


def test_a_count_that_somebody_else_has_used_is_not_written_over(tmp_path: Path) -> None:
    mine = telling(tmp_path)
    mine.tell([notification(Said.STOPPED, "X1")])
    (tmp_path / "told" / "2.xml").write_bytes(b"another's")
    mine.tell([notification(Said.STOPPED, "X2")])
    assert names(tmp_path) == ["1.xml", "2.1.xml", "2.xml"]
    assert (tmp_path / "told" / "2.xml").read_bytes() == b"another's"


def test_files_called_by_interaction_stand_side_by_side(tmp_path: Path) -> None:
    told = [notification(said, "a/b") for said in (Said.HELD, Said.RESUMED)]
    telling(tmp_path, "by-id").tell([*told, notification(Said.ERROR, "")])
    assert names(tmp_path) == ["a%2Fb.1.xml", "a%2Fb.xml", "error.xml"]


@pytest.mark.parametrize("when", [0, 1, 2])
def test_what_was_written_before_it_failed_is_not_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: int
) -> None:
    mine = telling(tmp_path)
    told = [notification(Said.STOPPED, f"X{number}") for number in range(3)]
    real, calls = os.fsync, [0]

    def full(file: Any) -> None:
        calls[0] += 1
        if calls[0] > when:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(file)

    monkeypatch.setattr(os, "fsync", full)
    for _ in range(2):
        with pytest.raises(NotTold, match="No space"):
            mine.tell(told)
    monkeypatch.undo()
    more = notification(Said.STOPPED, "X3")
    assert mine.tell([*told, more]) == []
    ids = [
        parse((tmp_path / "told" / name).read_bytes()).attributes["InteractionId"]
        for name in names(tmp_path)
    ]
    assert ids == ["X0", "X1", "X2", "X3"]
    assert names(tmp_path) == ["1.xml", "2.xml", "3.xml", "4.xml"]
    mine.tell([more])
    assert len(names(tmp_path)) == 5


def test_what_is_told_again_in_part_is_not_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = telling(tmp_path)
    told = [notification(Said.STOPPED, f"X{number}") for number in range(3)]

    def full(directory: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("ixproxy.capture.file_telling.sync_directory", full)
    with pytest.raises(NotTold):
        mine.tell(told)
    monkeypatch.undo()
    assert mine.tell(told[1:]) == []
    assert names(tmp_path) == ["1.xml", "2.xml", "3.xml"]


def test_what_is_told_of_a_queue_may_have_a_directory_of_its_own(tmp_path: Path) -> None:
    for name in ("bad", "done"):
        (tmp_path / name).mkdir()
    settings = read_settings(
        {
            "inbound-path": "/in",
            "error-path": str(tmp_path / "bad"),
            "queue-paths": {"Done": str(tmp_path / "done")},
        }
    )
    mine = Telling(settings, Places("x"))
    done = notification(Said.PLACED_IN_QUEUE, "X1", place="Done")
    elsewhere = notification(Said.PLACED_IN_QUEUE, "X2", place="Other")
    mine.tell([elsewhere, done, notification(Said.CHANGED, "X3", place="Done"), done])
    assert sorted(path.name for path in (tmp_path / "done").iterdir()) == ["1.xml", "2.xml"]
    assert mine.directory_of(elsewhere) == ""
