"""Servers as processes of their own: started, signalled, stopped; none is left behind."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, DeferredList, TimeoutError
from twisted.internet.error import ProcessDone, ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

import ixproxy
from ixproxy.errors import NodeUnavailable

STOP_SECONDS = 15.0
TAIL_LINES = 25


class ServerFailed(NodeUnavailable):
    """A server ended by itself, or never came up."""


class ServerProcess(ProcessProtocol):
    """
    One server.

    :ivar outcome: what became of it, once it is gone: `stopped`, or what went
        wrong.
    :ivar paused: whether it was told to stand still.
    """

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.log = log
        self.outcome = ""
        self.running = False
        self.paused = False
        self._waiting: list[Deferred[str]] = []

    @property
    def pid(self) -> int:
        """The number of the running process; 0 if it is gone."""
        transport: Any = self.transport
        return int(transport.pid) if self.running else 0

    def connectionMade(self) -> None:
        """The framework has started the process."""
        self.running = True

    def processEnded(self, reason: Failure) -> None:
        """The framework has seen the process go."""
        self.running = False
        # Once it has stopped in order, twistd ends itself by the signal that it was stopped by.
        ended = reason.check(ProcessDone) or getattr(reason.value, "signal", 0) == signal.SIGTERM
        self.outcome = "stopped" if ended else reason.getErrorMessage()
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(self.outcome)

    def when_ended(self) -> Deferred[str]:
        """Fires when the process is gone, with what became of it."""
        ended: Deferred[str] = Deferred(self._unwanted)
        if self.running:
            self._waiting.append(ended)
        else:
            ended.callback(self.outcome)
        return ended

    def _unwanted(self, ended: Deferred[str]) -> None:
        if ended in self._waiting:
            self._waiting.remove(ended)

    def signal(self, number: int) -> None:
        """
        Send a signal to this process, if it is still there.

        One that is paused goes on to hear that it is to stop.
        """
        transport: Any = self.transport
        if self.running:
            try:
                transport.signalProcess(number)
                if self.paused and number == signal.SIGTERM:
                    transport.signalProcess(signal.SIGCONT)
                if number in (signal.SIGSTOP, signal.SIGCONT, signal.SIGTERM):
                    self.paused = number == signal.SIGSTOP
            except ProcessExitedAlready:
                return

    def tail(self) -> str:
        """The last lines of its log."""
        try:
            lines = self.log.read_text("utf-8", "replace").splitlines()
        except OSError as problem:
            return f"(no log: {problem.strerror})"
        return "\n".join(lines[-TAIL_LINES:]) or "(the log is empty)"


class Servers:
    """
    The processes of one deployment.

    Each ends when this process does, however that happens.

    :param reactor: with spawnProcess.
    :param file: the deployment file.
    :param entering: the words before the command that starts one, by its name:
        `ip netns exec …` for one on another host.
    :ivar processes: by the name of the application, in the order of starting.
    """

    def __init__(
        self, reactor: Any, file: Path, entering: Callable[[str], list[str]] = lambda name: []
    ) -> None:
        self._reactor = reactor
        self._file = file
        self._entering = entering
        self.processes: dict[str, ServerProcess] = {}

    def start(self, kind: str, name: str, log: Path) -> ServerProcess:
        """
        Start one server, the first time or again.

        :param kind: `ixnode` or `ixproxy`.
        :param log: what it says is added to this file.
        :raise ServerFailed: there can be no log; or the server is running.
        """
        arguments = ["--config", str(self._file), "--application", name]
        return self._start(name, log, ["--nodaemon", "--pidfile=", kind, *arguments])

    def start_program(
        self, program: Path, name: str, log: Path, arguments: Sequence[str] = ()
    ) -> ServerProcess:
        """
        Start a program of Python that takes the deployment file, and what it is called there.

        :param program: its file.
        :raise ServerFailed: as for `start`.
        """
        return self._start(name, log, [str(program), str(self._file), name, *arguments])

    def _start(self, name: str, log: Path, arguments: Sequence[str]) -> ServerProcess:
        if name in self.processes and self.processes[name].running:
            raise ServerFailed(f"{name} is running already")
        process = ServerProcess(name, log)
        command = [
            *self._entering(name), sys.executable, "-m", "ixproxy.testing.child", *arguments,
        ]  # fmt: skip
        try:
            output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as problem:
            raise ServerFailed(f"{log}: {problem.strerror}") from problem
        self.processes[name] = process
        try:
            self._reactor.spawnProcess(
                process,
                shutil.which(command[0]) or command[0],
                command,
                env=environment(os.environ),
                path=str(log.parent),
                childFDs={0: "w", 1: output, 2: output},
            )
        finally:
            os.close(output)
        return process

    def check(self, any_of: Sequence[str] = ()) -> None:
        """
        See that every process that was started is running.

        :param any_of: that at least one of these is, of those that were started.
        :raise ServerFailed: one is not; the text has the end of its log.
        """
        looked = [each for each in self.processes.values() if each.name in any_of or not any_of]
        if any_of and any(each.running for each in looked):
            return
        for process in looked:
            if not process.running:
                raise ServerFailed(
                    f"{process.name} ended: {process.outcome}; its log says:\n{process.tail()}"
                )

    async def end(self, name: str, number: int = signal.SIGTERM) -> str:
        """
        Send a signal to one server, and wait for its end; harmless when it is gone.

        One that has not ended in `STOP_SECONDS` is killed.

        :return: what became of it.
        """
        process = self.processes[name]
        process.signal(number)
        return await self._gone(process, [])

    async def stop(self) -> list[str]:
        """
        Stop all; the names of those that had to be killed.

        Each gets SIGTERM, and SIGKILL when that does not help.
        """
        killed: list[str] = []
        for process in reversed(self.processes.values()):
            process.signal(signal.SIGTERM)
        running = [each for each in self.processes.values() if each.running]
        await DeferredList([self._gone(each, killed) for each in running])
        return killed

    def _gone(self, process: ServerProcess, killed: list[str]) -> Deferred[str]:
        def too_long(failure: Failure) -> Deferred[str]:
            failure.trap(TimeoutError)
            killed.append(process.name)
            process.signal(signal.SIGKILL)
            return process.when_ended()

        gone = process.when_ended().addTimeout(STOP_SECONDS, self._reactor)
        return gone.addErrback(too_long)


def environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """
    Where the servers' modules and their plug-ins are found: where ours were.

    Twisted finds plug-ins in folders `twisted/plugins` on the path, and a
    script's own folder is not on the path of what it starts.
    """
    ours = str(Path(ixproxy.__file__).parent.parent)
    path = [ours, *filter(None, inherited.get("PYTHONPATH", "").split(os.pathsep))]
    return {**inherited, "PYTHONPATH": os.pathsep.join(path), "PYTHONUNBUFFERED": "1"}


def resident_memory(pid: int) -> tuple[int, int]:
    """
    What a process occupies now, and the most that it ever did, in bytes (on Linux).

    :raise OSError: there is no such process.
    """
    fields = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    now, peak = (int(fields[name].split()[0]) << 10 for name in ("VmRSS", "VmHWM"))
    return now, peak
