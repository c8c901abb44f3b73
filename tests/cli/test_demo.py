"""`ixctl demo`: as a whole, with real processes."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import CancelledError

from ixproxy.cli import demo
from ixproxy.cli.demo import responder_of, source_of
from ixproxy.cli.demo_calling import PROGRAM
from ixproxy.cli.demo_input import CsvSource, MadeUp
from ixproxy.cli.demo_ways import Way
from ixproxy.cli.main import parser
from ixproxy.cli.outcomes import UsageError
from ixproxy.cli.output import Output
from ixproxy.config import load
from ixproxy.testing.servers import ServerFailed

ROWS = "\n".join(
    [
        "when,Submitted via,Product,Note",
        '1,Web,"Credit ""card""",größer',
        '2,Fax,"Loan, or lease","two\nlines"',
        '3,Web,"Loan, or lease",',
        "4,,,",
    ]
)


def arguments(*argv: str) -> Namespace:
    return parser(["demo"]).parse_args(["demo", *argv])


def run(*argv: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ixproxy.cli.main", "demo", *argv],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.getcwd(), "TMPDIR": str(cwd)},
    )


def test_the_external_server_is_the_program_that_is_named(tmp_path: Path) -> None:
    program = tmp_path / "responder.py"
    named = arguments("--responder", str(program))
    with pytest.raises(UsageError, match=r"responder\.py is not a file"):
        responder_of(named)
    program.touch()
    assert responder_of(named) == program
    assert responder_of(arguments()) == PROGRAM, "the source has one"


def test_make_demo_names_it_and_has_all_ways_in() -> None:
    command = "ixctl demo --responder examples/auto_responder.py --feed both"
    assert command in Path("Makefile").read_text()


def test_a_file_and_a_map_belong_together() -> None:
    assert isinstance(source_of(arguments()), MadeUp)
    by = "media=a,queue=b"
    assert isinstance(source_of(arguments("--input", "x.csv", "--map", by)), CsvSource)
    for argv in (("--input", "x.csv"), ("--map", by)):
        with pytest.raises(UsageError, match="belong together"):
            source_of(arguments(*argv))


@pytest.fixture
def scratch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(("problem", "left"), [(ServerFailed, 1), (CancelledError, 0)])
@pytest_twisted.ensureDeferred
async def test_files_are_left_where_they_explain_a_failure(
    problem: type[Exception],
    left: int,
    scratch: Path,
    monkeypatch: pytest.MonkeyPatch,
    real_reactor: Any,
) -> None:
    async def fails(*_: Any) -> None:
        raise problem("no")

    monkeypatch.setattr(demo, "_run", fails)
    with pytest.raises(problem):
        await demo.command(real_reactor, arguments(), Output(True, io.StringIO(), io.StringIO()))
    assert len(list(scratch.iterdir())) == left


@pytest.mark.processes
def test_rows_of_a_file_go_through_a_real_cluster(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(ROWS, "utf-8")
    kept = tmp_path / "kept"
    ran = run(
        "--input", str(path), "--map", 'media="Submitted via",queue=Product,external-id=when',
        "--agents", "3", "--directory", str(kept), "--json", cwd=tmp_path,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr + ran.stdout
    record = json.loads(ran.stdout.splitlines()[-1])
    assert record["submitted"] == record["stopped"] == 4
    for wrong in ("lost", "doubled", "user_data_differs", "errors", "left"):
        assert record[wrong] == 0, record
    assert sum(record["per_node"].values()) == 4
    assert set(record["per_node"]) == {"ixn1", "ixn2", "ixn3"}
    assert (kept / "cluster.toml").exists()
    logs = [(kept / f"{name}.log").read_text() for name in ("ixn1", "proxy1")]
    assert all("Traceback" not in log for log in logs), logs


@pytest.mark.processes
def test_a_cluster_is_fed_by_files_and_calls_and_media_servers(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    odd = '1,Web,"<Credit> ""card""","Größe & 6\r\n\tPack"\n2,Fax,Loan,\x07\n'
    path.write_text("when,Via,Product,Note to a\n" + odd * 10, "utf-8", newline="")
    kept = tmp_path / "kept"
    ran = run(
        "--input", str(path), "--map", "media=Via,queue=Product,external-id=when",
        "--feed", "both", "--agents", "3", "--directory", str(kept), "--json", cwd=tmp_path,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr + ran.stdout
    record = json.loads(ran.stdout.splitlines()[-1])
    assert record["submitted"] == record["stopped"] == 20
    feeds = record["feeds"]
    # A bell is nothing that XML has.
    assert {way.name: feeds[way.name.lower()]["answered"] for way in Way} == {
        "SERVERS": 14, "FILES": 3, "CALLS": 3,
    }  # fmt: skip
    assert feeds["files_seen"]["told_once"] == feeds["files_seen"]["lying"]["processed"] == 3
    assert feeds["calls_seen"]["known"] == feeds["calls_seen"]["made_once_more"] == 1
    for node in ("ixn1", "ixn2", "ixn3"):
        assert "Traceback" not in (kept / f"{node}.log").read_text()


@pytest.mark.processes
def test_a_person_gets_a_page_and_nothing_is_left_behind(tmp_path: Path) -> None:
    ran = run("--limit", "60", "--agents", "4", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr + ran.stdout
    assert "Everything went well" in ran.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.processes
def test_an_interrupted_demo_stops_its_servers_and_leaves_nothing(tmp_path: Path) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "ixproxy.cli.main", "demo", "--limit", "5000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.getcwd(), "TMPDIR": str(tmp_path)},
    )
    assert running.stderr is not None
    said = ""
    while line := running.stderr.readline():
        said += line
        if line.startswith("Working off"):
            break
    (directory,) = tmp_path.iterdir()
    deployment = load(directory / "cluster.toml")
    endpoints = [each.endpoint for each in deployment.nodes()]
    endpoints += [each.endpoint for each in deployment.proxies()]
    running.send_signal(signal.SIGINT)
    stdout, stderr = running.communicate(timeout=60)
    assert running.returncode == 130, said + stderr
    assert stdout == ""
    assert "Traceback" not in stderr
    assert list(tmp_path.iterdir()) == []
    assert len(endpoints) == 5
    for endpoint in endpoints:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", int(endpoint.rpartition(":")[2])))


def test_a_file_that_cannot_be_used_starts_nothing(tmp_path: Path) -> None:
    ran = run("--input", "nowhere.csv", "--map", "media=a,queue=b", "--json", cwd=tmp_path)
    assert ran.returncode == 2
    assert "nowhere.csv" in json.loads(ran.stdout)["description"]
    assert list(tmp_path.iterdir()) == []
