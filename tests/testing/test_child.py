"""A server that ends with whoever started it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted

from ixproxy.testing import child
from ixproxy.testing.servers import Servers


def test_it_is_told_to_stop_when_the_input_ends_and_killed_when_that_does_not_help(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pieces = [b"typed", b""]
    signals: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "read", lambda file, size: pieces.pop(0))
    monkeypatch.setattr(os, "kill", lambda pid, number: signals.append((pid, number)))
    monkeypatch.setattr(child, "GRACE_SECONDS", 0.0)
    child.follow_the_starter()
    assert signals == [(os.getpid(), signal.SIGTERM), (os.getpid(), signal.SIGKILL)]


def test_a_program_may_be_run_in_the_place_of_a_server(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text("import sys; sys.stdout.write(repr((__name__, sys.argv[1:])))")
    monkeypatch.setattr(sys, "argv", ["child", str(program), "file", "name"])
    monkeypatch.setattr(child, "follow_the_starter", lambda: None)
    written: list[str] = []
    monkeypatch.setattr(sys.stdout, "write", written.append)
    child.main()
    assert "('__main__', ['file', 'name'])" in written


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_a_server_does_not_outlive_the_other_end_of_its_input(
    tmp_path: Path, real_reactor: Any
) -> None:
    # A proxy whose node is not there runs for ever, and connects again and again.
    (tmp_path / "cluster.toml").write_text(LONELY)
    servers = Servers(real_reactor, tmp_path / "cluster.toml")
    process = servers.start("ixproxy", "proxy1", tmp_path / "proxy1.log")
    transport: Any = process.transport
    transport.closeStdin()
    await process.when_ended()
    assert process.pid == 0


LONELY = """\
[tenants.Environment]
id = 1
[tenants.Environment.media-types]
email = {}

[applications.ixn1]
type = "Interaction Server"
dbid = 101
tenants = ["Environment"]
listen = "tcp:1:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:1"
store = "sqlite:ixn1.db"

[applications.proxy1]
type = "Interaction Server"
role = "proxy"
tenants = ["Environment"]
listen = "tcp:0:interface=127.0.0.1"
connections = ["ixn1"]
"""
