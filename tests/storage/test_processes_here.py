"""Processes of this machine: who they are, and their end."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ixproxy.storage import processes_here
from ixproxy.storage.processes_here import CannotEnd, ProcessesHere, ProcessName

HERE = ProcessesHere()


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def name_of(child: subprocess.Popen[bytes]) -> ProcessName:
    stat = Path(f"/proc/{child.pid}/stat").read_text()
    return HERE.own()._replace(pid=child.pid, started=int(stat.rpartition(")")[2].split()[19]))


def test_we_live_and_have_a_name() -> None:
    own = HERE.own()
    assert own.pid == os.getpid()
    assert own == ProcessesHere().own()
    assert HERE.lives(own)
    assert str(own) == f"process {own.pid} on {own.host}"


def test_another_process_with_the_same_number_is_not_the_same() -> None:
    assert not HERE.lives(HERE.own()._replace(started=1))


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.processes
def test_a_process_is_ended_be_it_paused(child: subprocess.Popen[bytes], paused: bool) -> None:
    if paused:
        child.send_signal(signal.SIGSTOP)
    HERE.end(name_of(child))
    assert child.wait() == -signal.SIGKILL


@pytest.mark.processes
def test_a_process_that_began_at_another_time_is_left_alone(
    child: subprocess.Popen[bytes],
) -> None:
    HERE.end(name_of(child)._replace(started=1))
    assert child.poll() is None


@pytest.mark.processes
def test_ending_what_is_gone_is_harmless(child: subprocess.Popen[bytes]) -> None:
    name = name_of(child)
    child.kill()
    child.wait()
    HERE.end(name)
    assert not HERE.lives(name)


@pytest.mark.processes
def test_one_that_may_not_be_ended_is_named(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(signal, "pidfd_send_signal", refuse)
    with pytest.raises(CannotEnd, match=f"process {child.pid} .* run both servers .* as one user"):
        HERE.end(name_of(child))


@pytest.mark.processes
def test_one_that_does_not_go_is_named(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "pidfd_send_signal", lambda *_: None)
    monkeypatch.setattr(processes_here, "END_SECONDS", 0.01)
    with pytest.raises(CannotEnd, match=f"process {child.pid} .* is still there"):
        HERE.end(name_of(child))


def test_a_system_that_does_not_say_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        ProcessesHere(tmp_path).own()
