"""The commands that doc/event-log-report.md shows make pages."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

from ixproxy.cli.main import main
from tests.documents import blocks
from tests.eventlog.reporting.filling import busy_log

PAGE = Path(__file__).parent.parent / "doc" / "event-log-report.md"
IXCTL = [sys.executable, "-m", "ixproxy.cli.main"]


def test_the_commands_of_the_page_make_reports(tmp_path: Path) -> None:
    busy_log(tmp_path / "merged.db", interactions=60)
    (console,) = [block for block in blocks(PAGE, PAGE.read_text()) if block.language == "console"]
    for command in console.commands():
        program, *arguments = shlex.split(command)
        assert program == "ixctl"
        done = subprocess.run(
            [*IXCTL, *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={**os.environ, "PYTHONPATH": os.getcwd()},
        )
        assert done.returncode == 0, done.stderr
    titles = {
        path.name: "Contact centre, September" in path.read_text()
        for path in tmp_path.glob("*.html")
    }
    assert titles == {"report.html": True, "monday.html": False}


def test_every_column_that_the_page_explains_is_on_a_report(tmp_path: Path) -> None:
    address = busy_log(tmp_path / "merged.db")
    path = tmp_path / "report.html"
    assert main(["eventlog", "report", address, "--output", str(path), "--json"]) == 0
    report = path.read_text()
    explained = [
        name.strip("*, ")
        for line in PAGE.read_text().splitlines()
        if line.startswith("| *")
        for name in line.split("|")[1].split("*, *")
    ]
    assert len(explained) > 15
    assert [name for name in explained if f">{name}</th>" not in report] == []
