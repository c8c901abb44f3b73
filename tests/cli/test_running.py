"""From what ends a command to an exit code."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys

import pytest

from ixproxy.cli.outcomes import UsageError
from ixproxy.cli.output import Output
from ixproxy.cli.running import settle
from ixproxy.errors import NodeUnavailable, RequestRefused

PROGRAM = """
import sys
from twisted.internet.defer import Deferred
from ixproxy.cli.output import Output
from ixproxy.cli.running import run
from ixproxy.errors import RequestRefused

async def answers(reactor):
    return 0

async def refuses(reactor):
    raise RequestRefused(43)

async def breaks(reactor):
    raise ZeroDivisionError("a bug")

async def waits(reactor):
    try:
        print("waiting", flush=True)
        await Deferred()
    finally:
        print("cleaned up", flush=True)

sys.exit(run(globals()[sys.argv[1]], Output()))
"""


def started(what: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, what],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )


@pytest.mark.parametrize(
    ("what", "code", "said"),
    [("answers", 0, ""), ("refuses", 1, "ixctl: 43: "), ("breaks", 1, "ZeroDivisionError: a bug")],
)
def test_a_command_ends_with_its_code(what: str, code: int, said: str) -> None:
    process = started(what)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == code
    assert said in stderr


def test_output_that_nobody_reads_ends_a_command_quietly() -> None:
    read, write = os.pipe()
    os.close(read)
    with open(write, "w") as stdout:
        output = Output(False, stdout)
        with pytest.raises(BrokenPipeError) as caught:
            output.line("x" * 100_000)
        with pytest.raises(BrokenPipeError):
            settle(caught.value, output)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_cleans_up(number: signal.Signals) -> None:
    process = started("waits")
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stdout == "cleaned up\n"
    assert "interrupted" in stderr


@pytest.mark.parametrize(
    ("problem", "code"),
    [(RequestRefused(43), 1), (UsageError("no"), 2), (NodeUnavailable("no"), 3)],
)
def test_errors_are_printed_once(problem: Exception, code: int) -> None:
    stdout, stderr = io.StringIO(), io.StringIO()
    assert settle(problem, Output(False, stdout, stderr)) == code
    assert stdout.getvalue() == ""
    assert stderr.getvalue().startswith("ixctl: ")
    assert settle(7, Output()) == 7
