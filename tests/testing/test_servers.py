"""Servers as processes of their own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.internet.task import Clock
from twisted.python.failure import Failure

import ixproxy
from ixproxy.testing.servers import (
    STOP_SECONDS,
    ServerFailed,
    ServerProcess,
    Servers,
    environment,
    resident_memory,
)
from tests.deferreds import no_result, result_of


class Transport:
    """A process that a test ends."""

    def __init__(self, process: ServerProcess) -> None:
        self.process = process
        self.signals: list[int] = []

    def signalProcess(self, number: int) -> None:
        self.signals.append(number)


class Starting(Clock):
    """A reactor that starts nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.commands: list[list[str]] = []

    def spawnProcess(self, process: Any, executable: str, args: list[str], **rest: Any) -> None:
        self.commands.append(args)
        process.makeConnection(Transport(process))


@pytest.fixture
def reactor() -> Starting:
    return Starting()


@pytest.fixture
def servers(reactor: Starting, tmp_path: Path) -> Servers:
    return Servers(reactor, tmp_path / "cluster.toml")


def start(servers: Servers, tmp_path: Path, *names: str) -> list[tuple[ServerProcess, Transport]]:
    started = [servers.start("ixnode", name, tmp_path / f"{name}.log") for name in names]
    return [(each, each.transport) for each in started]  # type: ignore[misc]


def test_a_server_is_told_the_file_and_who_it_is(
    servers: Servers, reactor: Starting, tmp_path: Path
) -> None:
    start(servers, tmp_path, "ixn1")
    (command,) = reactor.commands
    assert command[-5:] == [
        "ixnode", "--config", str(tmp_path / "cluster.toml"), "--application", "ixn1",
    ]  # fmt: skip
    servers.check()


def test_a_program_is_told_the_same(servers: Servers, reactor: Starting, tmp_path: Path) -> None:
    servers.start_program(Path("program.py"), "responder", tmp_path / "log", ("--queue", "Q"))
    (command,) = reactor.commands
    assert command[-5:] == ["program.py", str(servers._file), "responder", "--queue", "Q"]


def test_all_are_asked_to_stop_and_waited_for(servers: Servers, tmp_path: Path) -> None:
    (one, one_transport), (two, two_transport) = start(servers, tmp_path, "ixn1", "ixn2")
    stopping = no_result(servers.stop())
    assert (one_transport.signals, two_transport.signals) == ([15], [15])
    one.processEnded(Failure(ProcessDone(0)))
    no_result(stopping)
    two.processEnded(Failure(ProcessDone(0)))
    assert result_of(stopping) == []
    assert result_of(one.when_ended()) == "stopped"


def test_one_that_does_not_stop_is_killed(
    servers: Servers, reactor: Starting, tmp_path: Path
) -> None:
    ((process, transport),) = start(servers, tmp_path, "ixn1")
    stopping = no_result(servers.stop())
    reactor.advance(STOP_SECONDS)
    assert transport.signals == [15, 9]
    process.processEnded(Failure(ProcessTerminated(signal=9)))
    assert result_of(stopping) == ["ixn1"]


def test_one_that_is_gone_already_is_not_signalled(servers: Servers, tmp_path: Path) -> None:
    ((process, transport),) = start(servers, tmp_path, "ixn1")
    process.processEnded(Failure(ProcessDone(0)))
    assert result_of(servers.stop()) == []
    assert transport.signals == []


def test_one_that_ended_by_itself_is_shown_with_the_end_of_its_log(
    servers: Servers, tmp_path: Path
) -> None:
    ((process, _),) = start(servers, tmp_path, "ixn1")
    process.log.write_text("\n".join(f"line {number}" for number in range(100)))
    process.processEnded(Failure(ProcessTerminated(exitCode=1)))
    with pytest.raises(ServerFailed) as failed:
        servers.check()
    assert "ixn1 ended" in str(failed.value)
    assert "line 99" in str(failed.value)
    assert "line 1\n" not in str(failed.value)


def test_one_that_is_paused_goes_on_to_hear_that_it_is_to_stop(
    servers: Servers, tmp_path: Path
) -> None:
    ((process, transport),) = start(servers, tmp_path, "ixn1")
    process.signal(19)
    paused = [process.paused]
    stopping = no_result(servers.stop())
    paused.append(process.paused)
    assert transport.signals == [19, 15, 18]
    assert paused == [True, False]
    process.processEnded(Failure(ProcessDone(0)))
    assert result_of(stopping) == []


def test_of_a_pair_one_that_runs_is_enough(servers: Servers, tmp_path: Path) -> None:
    (one, _), (two, _) = start(servers, tmp_path, "ixn1", "ixn1-b")
    one.processEnded(Failure(ProcessTerminated(signal=9)))
    servers.check(("ixn1", "ixn1-b"))
    two.processEnded(Failure(ProcessTerminated(signal=9)))
    with pytest.raises(ServerFailed, match="ixn1 ended"):
        servers.check(("ixn1", "ixn1-b"))


def test_one_may_end_alone_by_any_signal(servers: Servers, tmp_path: Path) -> None:
    (one, one_transport), (_, two_transport) = start(servers, tmp_path, "ixn1", "ixn2")
    ending = no_result(servers.end("ixn1", 9))
    assert (one_transport.signals, two_transport.signals) == ([9], [])
    one.processEnded(Failure(ProcessTerminated(signal=9)))
    assert "signal 9" in result_of(ending)
    assert "signal 9" in result_of(servers.end("ixn1")), "it is gone already"


def test_a_server_that_twistd_ended_by_the_signal_it_got_has_stopped(
    servers: Servers, tmp_path: Path
) -> None:
    ((process, _),) = start(servers, tmp_path, "ixn1")
    process.processEnded(Failure(ProcessTerminated(signal=15)))
    assert process.outcome == "stopped"


def test_a_server_runs_once(servers: Servers, reactor: Starting, tmp_path: Path) -> None:
    ((process, _),) = start(servers, tmp_path, "ixn1")
    with pytest.raises(ServerFailed, match="ixn1 is running already"):
        start(servers, tmp_path, "ixn1")
    process.processEnded(Failure(ProcessDone(0)))
    start(servers, tmp_path, "ixn1")
    assert len(reactor.commands) == 2


def test_a_log_that_cannot_be_written_is_named(servers: Servers, tmp_path: Path) -> None:
    with pytest.raises(ServerFailed, match="nowhere"):
        servers.start("ixnode", "ixn1", tmp_path / "nowhere" / "ixn1.log")
    assert servers.processes == {}


def test_the_memory_of_a_process_is_known() -> None:
    now, peak = resident_memory(os.getpid())
    assert 1 << 20 < now <= peak


def test_what_is_started_finds_our_modules_first() -> None:
    path = environment({"PYTHONPATH": "/elsewhere", "HOME": "/h"})["PYTHONPATH"].split(os.pathsep)
    assert path == [str(Path(ixproxy.__file__).parent.parent), "/elsewhere"]


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_a_real_process_says_in_its_log_why_it_ended(
    tmp_path: Path, real_reactor: Any
) -> None:
    servers = Servers(real_reactor, tmp_path / "nowhere.toml")
    process = servers.start("ixproxy", "proxy1", tmp_path / "proxy1.log")
    assert await process.when_ended() != "stopped"
    with pytest.raises(ServerFailed, match=r"nowhere\.toml"):
        servers.check()
