"""`make test`, with a Python in its place that only plays what the checks would print."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Plays each of the checks: prints its script, and ends as it says.
PYTHON = """#!/bin/sh
case "$*" in
    "-m ruff check .") check=ruff;;
    "-m mypy") check=mypy;;
    "-m pytest tests/testing") check=testing;;
    "-m pytest --ignore tests/testing") check=others;;
    "-m pytest tests/test_one.py") check=one;;
    *) echo "what is $*?" >&2; exit 9;;
esac
cat "$PLAYS/$check" 2>/dev/null
test ! -e "$PLAYS/$check.fails"
"""

SUMMARY = "=========================== short test summary info ============================"
MOST_LINES = 30
"""Of a log's end that are looked at."""


class Make:
    """
    :ivar output: what a terminal would show.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("bin", "plays", "tmp", "ixproxy"):
            (folder / name).mkdir()
        python = folder / "bin" / "python"
        python.write_text(PYTHON)
        python.chmod(0o755)
        (folder / "stamp").touch()
        self.output: list[str] = []

    def plays(self, check: str, *lines: str, fails: bool = False) -> None:
        """What one of the checks prints, and how it ends."""
        (self.folder / "plays" / check).write_text("".join(f"{line}\n" for line in lines))
        if fails:
            (self.folder / "plays" / f"{check}.fails").touch()

    def test(self, *arguments: str) -> int:
        """Run `make test`; returns its exit code."""
        outer = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES"}
        environment = {name: value for name, value in os.environ.items() if name not in outer}
        environment |= {"PLAYS": str(self.folder / "plays"), "TMPDIR": str(self.folder / "tmp")}
        ended = subprocess.run(
            [
                *("make", "--file", str(ROOT / "Makefile"), "test", "TEST_PACKAGES="),
                *(f"BIN={self.folder / 'bin'}", f"INSTALLED_TEST={self.folder / 'stamp'}"),
                *arguments,
            ],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.output = ended.stdout.splitlines()
        assert not list((self.folder / "tmp").iterdir()), "it leaves nothing behind"
        return ended.returncode


@pytest.fixture
def make(tmp_path: Path) -> Make:
    made = Make(tmp_path)
    made.plays("others", "the others pass")
    made.plays("testing", "those in memory pass")
    return made


def failing(name: str, number: int = 1) -> list[str]:
    """What pytest prints of tests that fail, much being said of each."""
    captured = ["ERROR    root:what it has logged", *["more"] * 1000]
    names = [f"FAILED tests/{name}.py::test_{each} - AssertionError" for each in range(number)]
    return [*captured, SUMMARY, *names, "SKIPPED [1] tests/x.py: why", f"{number} failed"]


def test_where_all_passes_it_says_so_and_names_nothing(make: Make) -> None:
    assert make.test() == 0
    assert make.output == [
        "ruff check",
        "mypy --strict",
        "pytest, in two halves side by side",
        "the others pass",
        "pytest tests/testing",
        "those in memory pass",
    ]


@pytest.mark.parametrize("halves", [("others",), ("testing",), ("others", "testing")])
def test_the_end_of_the_log_names_the_tests_that_failed_in_each_half(
    make: Make, halves: tuple[str, ...]
) -> None:
    for half in halves:
        make.plays(half, *failing(half, 2), fails=True)
    assert make.test() != 0
    end = make.output[-MOST_LINES:]
    said = end[[line.startswith("Failed in ") for line in end].index(True) :]
    expected = []
    targets = {"others": "pytest", "testing": "pytest tests/testing"}
    for half in halves:
        expected.append(f"Failed in {targets[half]}:")
        expected += [f"  FAILED tests/{half}.py::test_{each} - AssertionError" for each in (0, 1)]
    failed = {"others": " pytest", "testing": " pytest-of-tests/testing"}
    expected.append("Failed:" + "".join(failed[half] for half in halves))
    assert said[: len(expected)] == expected
    assert all("make" in line for line in said[len(expected) :])


def test_of_very_many_the_first_are_named_so_that_the_end_stays_short(make: Make) -> None:
    for half in ("others", "testing"):
        make.plays(half, *failing(half, 400), fails=True)
    assert make.test() != 0
    end = make.output[-MOST_LINES:]
    assert end.count("  and 388 more") == 2
    assert "  FAILED tests/others.py::test_0 - AssertionError" in end


def test_what_ends_without_a_summary_is_told_too(make: Make) -> None:
    make.plays("others", "Segmentation fault", fails=True)
    assert make.test() != 0
    assert "  it names no test: see above" in make.output[-MOST_LINES:]


def test_colours_do_not_hide_a_name(make: Make) -> None:
    red = "\033[31mFAILED\033[0m tests/x.py::\033[1mtest_red\033[0m"
    make.plays("others", f"\033[36m\033[1m{SUMMARY}\033[0m", red, fails=True)
    assert make.test() != 0
    assert "  FAILED tests/x.py::test_red" in make.output


def test_the_other_checks_fail_it_without_hiding_what_follows(make: Make) -> None:
    make.plays("ruff", "E501", fails=True)
    make.plays("mypy", "error", fails=True)
    assert make.test() != 0
    assert "those in memory pass" in make.output
    assert "Failed: ruff mypy" in make.output
    assert not any(line.startswith("Failed in") for line in make.output)


def test_arguments_choose_what_one_run_of_pytest_does(make: Make) -> None:
    make.plays("one", *failing("one"), fails=True)
    assert make.test("ARGS=tests/test_one.py") != 0
    assert "Failed: pytest" in make.output
