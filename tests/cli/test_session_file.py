"""A client session that outlives one command."""

from __future__ import annotations

from pathlib import Path

import pytest

from ixproxy.cli.outcomes import UsageError
from ixproxy.cli.session_file import Saved, SessionFile

SAVED = Saved("00" * 16, 3, "desktop-1", "AgentApplication", {"id-1": 7})


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "session"
    with SessionFile(path) as file:
        assert file.read() is None
        file.write(SAVED)
    with SessionFile(path) as file:
        assert file.read() == SAVED
        file.write(Saved("11" * 16, 4, "d", "MediaServer"))
        assert file.read() == Saved("11" * 16, 4, "d", "MediaServer")


def test_the_session_s_name_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "session"
    with SessionFile(path) as file:
        file.write(SAVED)
    assert path.stat().st_mode & 0o777 == 0o600


def test_two_commands_do_not_share_a_session_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "session"
    with SessionFile(path), pytest.raises(UsageError, match="in use"), SessionFile(path):
        pass
    with SessionFile(path) as file:
        file.write(SAVED)


@pytest.mark.parametrize("text", ["{}", "hello", '{"session": 1}'])
def test_another_file_is_not_taken_for_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / "session"
    path.write_text(text)
    with SessionFile(path) as file, pytest.raises(UsageError, match="is not a session file"):
        file.read()
    assert path.read_text() == text


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere"), SessionFile(tmp_path / "nowhere" / "file"):
        pass
