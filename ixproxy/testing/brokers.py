"""
Message brokers of one's own on this machine, for tests.

    with RabbitmqBroker() as broker:        # ixproxy.testing.rabbitmq
        broker.stomp_port, broker.amqp_port
        broker.kill()                       # a crash: nothing of it runs any more
        broker.start()                      # and it is back, with what was durable
        broker.pause()                      # hangs; its sockets stay open
        broker.resume()

What they have in common is here. Methods block for as long as a broker takes,
which is seconds; within a reactor, call them in a thread of its pool. Nothing of
a broker that runs on the machine anyhow is touched: each has its own folder
and ports on the loopback interface.

Theory of operation: a broker is a group of processes of its own, so that all of
it can be signalled. Each has a guard, a shell whose standard input only we
have: it ends when we do, killed or not, and then ends the broker and removes
its files.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from random import SystemRandom
from types import TracebackType
from typing import Self

from ixproxy.testing.ports import free_ports
from ixproxy.testing.servers import ServerFailed

START_SECONDS = 300.0
STOP_SECONDS = 30.0
LOOK_AGAIN_SECONDS = 0.05
TAIL_LINES = 25

# The folder goes last, for what runs still writes to it.
_END = """
cat
for group in "$@"; do kill -KILL "-$group"; done
sleep 0.2
rm -rf "$0"
"""


class Broker:
    """
    One broker; used as a context manager, or started and removed.

    :cvar kind: its name, for texts.
    :param ports: how many it listens on.
    :ivar folder: holds its files and its log.
    :ivar ports: on 127.0.0.1; the same at every start.
    :raise ServerFailed: it is not installed here.
    """

    kind = ""

    def __init__(self, ports: int) -> None:
        if reason := self.unusable():
            raise ServerFailed(reason)
        self.folder = Path(tempfile.mkdtemp(prefix="ixproxy-broker-"))
        self.ports = free_ports(ports, SystemRandom())
        self.log = self.folder / "output.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    @classmethod
    def unusable(cls) -> str:
        """Why none can be started here; empty: one can."""
        raise NotImplementedError

    def command(self) -> Sequence[str]:
        """What starts it, in the foreground."""
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        """What it finds in its environment."""
        return {}

    def answers(self) -> bool:
        """Whether it is ready for clients: it accepts connections."""
        return all(listens(port) for port in self.ports)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: object, trace: TracebackType | None
    ) -> None:
        self.remove()

    @property
    def running(self) -> bool:
        """Whether its main process is there, paused or not."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Of its main process, whose group is all of it; 0: it does not run."""
        return self._process.pid if self._process is not None and self.running else 0

    def start(self) -> None:
        """
        Start it, the first time or again, and wait until it answers.

        :raise ServerFailed: it does not; the text has the end of its log.
        """
        if self.running:
            raise ServerFailed(f"{self.kind} is running already")
        self._process = self.spawn(self.command())
        self._guard = self._guarded()
        waited = 0.0
        while not self.answers():
            ended = wait_a_little(self._process)
            waited += LOOK_AGAIN_SECONDS
            if ended or waited > START_SECONDS:
                self.kill()
                raise ServerFailed(f"{self.kind} did not start:\n{self.tail()}")

    def stop(self) -> None:
        """Stop it in order; harmless when it does not run."""
        if self._process is not None:
            self.resume()
            _signal(self._process.pid, signal.SIGTERM, group=False)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
            self.kill()

    def kill(self) -> None:
        """Kill all of it, as when its machine fails; harmless when it does not run."""
        if self._process is not None:
            _signal(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
        guard, self._guard = self._guard, None
        if guard is not None:
            guard.kill()
            guard.communicate()

    def pause(self) -> None:
        """Have it hang until `resume`; harmless when it does not run."""
        if self.running:
            _signal(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on; harmless when it was not paused."""
        if self.running:
            _signal(self.pid, signal.SIGCONT)

    def remove(self) -> None:
        """Kill it if it runs, and remove its files."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def tail(self) -> str:
        """The last lines of what it said."""
        lines = self.log.read_text("utf-8", "replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-TAIL_LINES:])

    def spawn(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """A program of it, in a group of its own."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={**os.environ, **self.environment()},
                start_new_session=True,
            )

    def groups(self) -> Sequence[int]:
        """The groups of processes that it consists of."""
        return [self._process.pid] if self._process is not None else []

    def _guarded(self) -> subprocess.Popen[bytes]:
        """Have all of it end when this process has ended, however it ends."""
        return subprocess.Popen(
            ["/bin/sh", "-c", _END, str(self.folder), *map(str, self.groups())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )


def wait_a_little(process: subprocess.Popen[bytes]) -> bool:
    """Wait a moment, or until a process has ended; whether it has."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(LOOK_AGAIN_SECONDS)
    return process.poll() is not None


def listens(port: int) -> bool:
    """Whether somebody accepts connections at a port of the loopback interface."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _signal(pid: int, number: int, *, group: bool = True) -> None:
    with suppress(ProcessLookupError):
        (os.killpg if group else os.kill)(pid, number)
