"""The command line as a whole."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest

from ixproxy.cli import eventlog_report
from ixproxy.cli.main import MODULES, main, parser, run_command

COMMANDS = [name.replace("_", "-") for name in MODULES]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_json_and_exit_codes(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert "--json" in shown
    assert "exit codes:" in shown
    assert "in doubt" in shown


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    assert [command for command in COMMANDS if f"    {command}" not in shown] == []


@pytest.mark.parametrize("argv", [[], ["nothing"], ["show"], ["show", "id-1"]])
def test_a_command_line_that_is_not_understood_is_exit_code_2(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 2


def test_a_local_command_s_errors_have_their_exit_code() -> None:
    stdout, stderr = io.StringIO(), io.StringIO()
    args = parser(["check_config"]).parse_args(["check-config", "/nowhere/at/all"])
    assert run_command(args, stdout, stderr) == 2
    assert "/nowhere/at/all" in stderr.getvalue()


def test_it_runs_as_a_program_of_its_own() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ixproxy.cli.main", "plugins", "--json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    assert done.returncode == 0, done.stderr
    assert '"name":"round-robin"' in done.stdout


INTERRUPTED = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Interrupting())
from ixproxy.cli.main import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize("name", ["twisted", "msgspec", "rich", "ixproxy.cli.eventlog_report"])
def test_who_interrupts_it_while_it_is_begun_sees_nothing(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, name, "plugins"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_a_local_command_that_is_interrupted_is_exit_code_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(eventlog_report, "read", interrupt)
    assert main(["eventlog", "report", "sqlite:none.db", "--output", "none.html"]) == 130
    assert capsys.readouterr() == ("", "")


def test_nobody_there_is_exit_code_3() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ixproxy.cli.main", "show", "id-1", "--connect", "tcp:127.0.0.1:1"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    assert done.returncode == 3, done.stderr
    assert done.stderr.startswith("ixctl: tcp:127.0.0.1:1: ")
    assert "Traceback" not in done.stderr
