"""The processes of this machine: who we are, whether another is the one it was, and its end."""

from __future__ import annotations

import os
import select
import signal
import socket
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")

END_SECONDS = 5.0
"""How long a killed process may take to be gone."""


class ProcessName(NamedTuple):
    """
    What tells a process from every other, of all machines and times.

    :ivar started: when it began, in ticks since its machine was started: its
        number may be another one's by now.
    :ivar machine: of this start of its machine, and the room in it where
        numbers of processes have a meaning.
    :ivar host: the machine's name, for a person.
    """

    pid: int
    started: int
    machine: str
    host: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


class CannotEnd(Exception):
    """A process could not be ended; the text says why."""


class ProcessesHere:
    """:param proc: the operating system's account of its processes."""

    def __init__(self, proc: Path = PROC) -> None:
        self._proc = proc

    def own(self) -> ProcessName:
        """
        Who we are.

        :raise OSError: the operating system does not say.
        """
        boot = (self._proc / "sys/kernel/random/boot_id").read_text("ascii").strip()
        room = os.readlink(self._proc / "self/ns/pid")
        pid = os.getpid()
        return ProcessName(pid, self._started(pid), f"{boot} {room}", socket.gethostname())

    def lives(self, process: ProcessName) -> bool:
        """Whether this very process is there."""
        try:
            return self._started(process.pid) == process.started
        except OSError:
            return False

    def end(self, process: ProcessName) -> None:
        """
        Kill a process, be it paused, and wait until it is gone; harmless when it is.

        :raise CannotEnd: it may not be killed, or does not go.
        """
        try:
            descriptor = os.pidfd_open(process.pid)
        except ProcessLookupError:
            return
        except OSError as problem:
            raise CannotEnd(f"{process} cannot be looked at: {problem.strerror}") from problem
        try:
            # The descriptor is of one process for ever; only now is it known of which.
            if not self.lives(process):
                return
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            gone = select.poll()
            gone.register(descriptor, select.POLLIN)
            if not gone.poll(END_SECONDS * 1000):
                raise CannotEnd(f"{process} was killed and is still there")
        except ProcessLookupError:
            return
        except PermissionError as problem:
            raise CannotEnd(
                f"{process} may not be ended by this one: run both servers of a pair as one user"
            ) from problem
        finally:
            os.close(descriptor)

    def _started(self, pid: int) -> int:
        """:raise OSError: there is no such process."""
        text = (self._proc / str(pid) / "stat").read_text("utf-8", "replace")
        # The name, in brackets, may have anything in it.
        return int(text.rpartition(")")[2].split()[19])
