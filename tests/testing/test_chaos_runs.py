"""Runs of a chaos command come one after the other, and what is wrong with one hides no other."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_twisted

from ixproxy.errors import StorageError
from ixproxy.testing.chaos_runs import Planned, Tell, add_options, run_all


class Outcome(NamedTuple):
    failed: bool = False


async def good(folder: Path, tell: Tell) -> Outcome:
    (folder / "log").write_text("x")
    tell(f"in {folder}")
    return Outcome()


async def bad(folder: Path, tell: Tell) -> Outcome:
    return Outcome(failed=True)


async def broken(folder: Path, tell: Tell) -> Outcome:
    raise StorageError("no database")


def record(done: Outcome) -> dict[str, Any]:
    return {"failed": done.failed}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_options(parser)
    return parser.parse_args(arguments)


def folders(place: Path) -> Sequence[str]:
    return sorted(each.name.partition("-")[0] for each in place.iterdir() if each.is_dir())


@pytest_twisted.ensureDeferred
async def test_a_good_run_leaves_nothing_but_its_report(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    await run_all([Planned("a", "a", good)] * 2, record, options("--json", str(file)))
    assert json.loads(file.read_text()) == [{"failed": False}] * 2
    assert folders(tmp_path) == []


@pytest_twisted.ensureDeferred
async def test_its_folder_may_be_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await run_all([Planned("a", "a", good)], record, options("--keep"))
    assert folders(tmp_path) == ["a"]
    assert f"Logs and databases: {tmp_path}/a-" in capsys.readouterr().out


@pytest_twisted.ensureDeferred
async def test_what_is_wrong_is_kept_and_the_others_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "report.json"
    planned = [
        Planned("none", "none", good, "there is no broker"),
        Planned("broken", "broken", broken),
        Planned("bad", "bad", bad),
        Planned("good", "good", good),
    ]
    with pytest.raises(SystemExit) as ended:
        await run_all(planned, record, options("--json", str(file)))
    assert ended.value.code == 1
    assert json.loads(file.read_text()) == [{"failed": True}, {"failed": False}]
    assert folders(tmp_path) == ["bad", "broken"]
    said = capsys.readouterr().out
    assert "none: cannot be had here: there is no broker\n" in said
    assert "broken: the run broke off: no database\n" in said


@pytest.mark.parametrize("planned", [Planned("b", "b", broken), Planned("n", "n", good, "why")])
@pytest_twisted.ensureDeferred
async def test_a_run_that_cannot_be_had_is_a_failure(planned: Planned[Outcome]) -> None:
    with pytest.raises(SystemExit):
        await run_all([planned], record, options())
