"""What was asked, and answered, and when."""

from __future__ import annotations

import json
from pathlib import Path

from ixproxy.testing.chaos_history import DONE, OPEN, Asked, History


def asked(at: float, **more: object) -> Asked:
    return Asked("mail-1", "RequestSubmit", at, 30.0, **more)  # type: ignore[arg-type]


def test_a_request_is_open_until_it_has_its_outcome(tmp_path: Path) -> None:
    history = History(tmp_path / "history.jsonl")
    first, second = history.asked(asked(1.0, receipt="R1")), history.asked(asked(2.0))
    assert [each.asked for each in history.without_outcome()] == [1.0, 2.0]
    history.answered(first, 1.5, code=DONE, result=("X",))
    assert list(history.without_outcome()) == [second]
    assert (first.late, second.late, second.code) == (False, False, OPEN)


def test_what_only_the_own_clock_ended_was_not_answered_in_time(tmp_path: Path) -> None:
    history = History(tmp_path / "history.jsonl")
    late = history.asked(asked(1.0))
    history.answered(late, 31.0, code=2002, in_doubt=True)
    assert late.late


def test_it_is_written_as_json_lines(tmp_path: Path) -> None:
    history = History(tmp_path / "history.jsonl")
    for number in range(501):
        history.answered(history.asked(asked(number)), number + 0.1, code=2003)
    assert len(history.file.read_text().splitlines()) == 500
    history.flush()
    *_, last = history.file.read_text().splitlines()
    assert json.loads(last)["asked"] == 500
    assert history.codes() == {2003: 501}
    assert history.codes(since=500) == {2003: 1}
