"""What doc/event-log-merge.md shows is what happens."""

from __future__ import annotations

import shlex
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents import Block, blocks
from tests.eventlog.logs import interaction, log_at, login, logout, not_ready, ready

PAGE = Path(__file__).parent.parent / "doc" / "event-log-merge.md"
BLOCKS = list(blocks(PAGE, PAGE.read_text()))
IXCTL = [sys.executable, "-c", "import sys; from ixproxy.cli.main import main; sys.exit(main())"]
PROGRAMS = {"ixctl": IXCTL, "python": [sys.executable]}
DAY = 1_790_000_000.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The logs of three nodes, one of which has a clock that is two seconds and a half ahead."""
    for dbid, ahead in ((101, 0.0), (102, 2.5), (103, 0.0)):
        now = DAY + ahead
        rows = [
            login(now, chat=0),
            ready(now + 60),
            interaction(now + 60 + dbid, f"i{dbid}"),
            not_ready(now + 600),
            logout(now + 900),
        ]
        log_at(tmp_path, f"ixn{dbid - 100}-log").write(dbid, rows)
    return tmp_path


def test_the_commands_print_what_the_page_shows(folder: Path) -> None:
    seen = 0
    for block in (each for each in BLOCKS if each.language == "console"):
        printed = []
        for command in block.commands():
            program, *arguments = shlex.split(command)
            whole = [*PROGRAMS[program], *arguments]
            done = subprocess.run(whole, cwd=folder, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{block}: {done.stdout}{done.stderr}"
            printed += done.stdout.replace(f"{folder}/", "").splitlines()
            seen += 1
        lines = block.text.replace("\\\n", " ").splitlines()
        assert printed == [line for line in lines if not line.startswith("$ ")], str(block)
    assert seen


def test_the_queries_of_the_page_find_what_it_says(folder: Path) -> None:
    logs = [f"sqlite:ixn{number}-log.db" for number in (1, 2, 3)]
    merge = [*IXCTL, "eventlog", "merge", *logs, "--into", "sqlite:merged.db", "--final"]
    subprocess.run(merge, cwd=folder, capture_output=True, check=True)
    (query,) = [each.text for each in BLOCKS if each.language == "sql"]
    connection = sqlite3.connect(folder / "merged.db")
    assert [row[1:] for row in connection.execute(query)] == [
        ("EventAgentLogin", "anna"),
        ("EventReadyForMedia", "anna"),
        ("EventPlacedInQueue", "i101"),
        ("EventPlacedInQueue", "i102"),
        ("EventPlacedInQueue", "i103"),
        ("EventNotReadyForMedia", "anna"),
        ("EventAgentLogout", "anna"),
    ]
    connection.close()


def test_the_page_has_blocks_of_both_kinds() -> None:
    kinds: set[str] = {each.language for each in BLOCKS if isinstance(each, Block)}
    assert {"console", "sql"} <= kinds
