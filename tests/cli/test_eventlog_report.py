"""`ixctl eventlog report`."""

from __future__ import annotations

import io
import json
import sqlite3
from argparse import ArgumentTypeError
from contextlib import closing
from pathlib import Path

import pytest

from ixproxy.cli.eventlog_report import instant, write
from ixproxy.cli.main import parser, run_command
from ixproxy.cli.outcomes import UsageError
from tests.eventlog.reporting.filling import NOON, LogFile


@pytest.fixture
def log(tmp_path: Path) -> str:
    with LogFile(tmp_path / "log.db") as file:
        file.node(101, "ixn1", NOON + 60)
        for place, tenant in enumerate((1, 1, 2)):
            file.interaction(NOON + place * 10, "EventHeld", f"i{place}", tenant_id=tenant)
    return file.address


def run(*argv: str) -> tuple[int, str, str]:
    stdout, stderr = io.StringIO(), io.StringIO()
    args = parser(["eventlog"]).parse_args(["eventlog", "report", *argv])
    return run_command(args, stdout, stderr), stdout.getvalue(), stderr.getvalue()


def test_a_page_is_written_and_said(tmp_path: Path, log: str) -> None:
    path = tmp_path / "report.html"
    code, said, problem = run(log, "--output", str(path), "--title", "Our <day>")
    assert (code, problem) == (0, "")
    assert said == f"{path}: 3 events, 2026-09-22 12:00:00 to 2026-09-22 12:01:00 UTC, 0 dropped\n"
    assert "Our &lt;day&gt;" in path.read_text()
    assert {each.name for each in tmp_path.iterdir()} == {"log.db", "report.html"}


def test_scripts_are_told_what_it_is_about(tmp_path: Path, log: str) -> None:
    path = tmp_path / "report.html"
    wanted = ("--from", "2026-09-22T14:00:05+02:00", "--to", "2026-09-22T12:00:20", "--tenant", "1")
    code, said, _ = run(log, "--output", str(path), "--json", *wanted)
    assert code == 0
    assert json.loads(said) == {
        "output": str(path),
        "from": NOON + 5,
        "to": NOON + 20,
        "events": 1,
        "dropped": 0,
    }
    assert "1 events of tenant 1 of 1 node" in path.read_text()


def test_a_page_can_go_to_standard_output(
    log: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    code, said, _ = run(log, "--output", "-")
    assert (code, said) == (0, "")
    assert capfdbinary.readouterr().out.startswith(b"<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (["log.db"], "log.db: expected sqlite:PATH, such as"),
        (["postgresql:log"], "postgresql:log: expected sqlite:PATH"),
        (["sqlite:x", "--from", "2026-01-02", "--to", "2026-01-02"], "--to: expected a time later"),
        (["sqlite:x", "--schema-name", "logs"], "only a log in PostgreSQL has one"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_exit_code_2_and_leaves_no_page(
    tmp_path: Path, argv: list[str], reason: str
) -> None:
    code, said, problem = run(*argv, "--output", str(tmp_path / "report.html"))
    assert (code, said) == (2, "")
    assert reason in problem
    assert list(tmp_path.iterdir()) == []


def test_a_log_that_is_not_there_is_exit_code_1(tmp_path: Path) -> None:
    code, said, problem = run(
        f"sqlite:{tmp_path}/log.db", "--output", str(tmp_path / "report.html")
    )
    assert (code, said) == (1, "")
    assert f"sqlite:{tmp_path}/log.db: there is no such file" in problem
    assert list(tmp_path.iterdir()) == []


def test_a_log_that_is_damaged_is_exit_code_1(tmp_path: Path, log: str) -> None:
    with closing(sqlite3.connect(log.removeprefix("sqlite:"))) as connection, connection:
        connection.execute("UPDATE rpt_interaction SET event_time = 'noon'")
    code, _, problem = run(log, "--output", str(tmp_path / "report.html"))
    assert code == 1
    assert "expected seconds since the epoch, but a row has 'noon'" in problem


def test_a_database_that_is_not_there_is_exit_code_3_and_no_password_is_shown(
    tmp_path: Path,
) -> None:
    address = "postgresql://reader:secret@127.0.0.1:1/log"
    code, _, problem = run(address, "--output", str(tmp_path / "report.html"))
    assert code == 3
    assert "postgresql://127.0.0.1:1/log" in problem
    assert "secret" not in problem


def test_a_page_that_cannot_be_written_is_an_error_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(UsageError, match="cannot be written: Is a directory"):
        write(tmp_path / "report.html", b"page")
    with pytest.raises(UsageError, match="cannot be written: No such file"):
        write(tmp_path / "nowhere" / "report.html", b"page")
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize("beside", ["", "-wal", "-shm"])
def test_the_log_is_never_replaced_by_its_page(tmp_path: Path, log: str, beside: str) -> None:
    before = (tmp_path / "log.db").read_bytes()
    code, said, problem = run(log, "--output", f"{tmp_path / 'log.db'}{beside}")
    assert (code, said) == (2, "")
    assert f"log.db{beside}: expected another file, this one belongs to {log}" in problem
    assert [each.name for each in tmp_path.iterdir()] == ["log.db"]
    assert (tmp_path / "log.db").read_bytes() == before


def test_times_are_utc_unless_they_say_otherwise() -> None:
    assert instant("2026-09-22T12:00") == NOON
    assert instant("2026-09-22 14:00:00+02:00") == NOON
    assert instant("2026-09-22") == NOON - 12 * 3600
    with pytest.raises(ArgumentTypeError, match="not 'yesterday'"):
        instant("yesterday")


@pytest.mark.parametrize("said", ["many", "-1", "4294967296", "9" * 30])
def test_what_is_no_tenant_is_said(
    tmp_path: Path, log: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run(log, "--output", str(tmp_path / "report.html"), f"--tenant={said}")
    assert "expected the id of a tenant, 0 to 4294967295, not " in capsys.readouterr().err
