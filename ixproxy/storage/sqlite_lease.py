"""
The right to open an SQLite database: a locked file beside it.

Theory of operation: whoever has the lease has the file `<database>.lease`
locked with `flock`, so a process that dies has lost it at that moment,
whatever it died of. In the file stands who has it, and a number that goes up
with each sign of life. A holder that shows none for too long is killed, by
the number of its process and when that began, for numbers are given out
again. Numbers of processes mean something on one machine only, and in one
container, so both servers of a pair must be there; one that finds the file
locked by another machine's says so.

The file stays where it is when the lease is given back. Where somebody takes
it away while it is locked, whoever had it has lost the lease: another server
would lock a new file.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import NamedTuple

from zope.interface import implementer

from ixproxy.errors import LeaseLost, StorageError
from ixproxy.interfaces import ILease
from ixproxy.storage.processes_here import CannotEnd, ProcessesHere, ProcessName
from ixproxy.values import Holder

LOOKS = 5
"""How often a locked file that makes no sense is looked at before that is an error."""
BETWEEN_LOOKS = 0.1
"""Seconds; who has just locked it writes into it at once."""

MOST_BYTES = 4096


class Record(NamedTuple):
    """What stands in the file of a lease."""

    process: ProcessName
    beat: int
    awake: float
    """Seconds for which the machine had been running, its sleep counted in, for a person."""

    def text(self) -> str:
        """As it is written; all of the same length for one holder, but for a longer name."""
        process = self.process
        return (
            f"pid {process.pid}\nstarted {process.started}\nmachine {process.machine}\n"
            f"host {process.host}\nbeat {self.beat:012}\nat {self.awake:016.3f}\n"
        )


def read_record(text: str) -> Record | None:
    """What a file says; None: it makes no sense."""
    lines = dict(line.partition(" ")[::2] for line in text.splitlines())
    try:
        process = ProcessName(
            int(lines["pid"]), int(lines["started"]), lines["machine"], lines["host"]
        )
        return Record(process, int(lines["beat"]), float(lines["at"]))
    except (KeyError, ValueError):
        return None


@implementer(ILease)
class SqliteLease:
    """
    See `ILease`.

    :param database: the file of the database.
    :param processes: of this machine.
    :param pause: waits some seconds.
    """

    def __init__(
        self,
        database: Path,
        processes: ProcessesHere | None = None,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        # Two names of one database have one lease.
        real = Path(os.path.realpath(database))
        self._database = database
        self.path = real.with_name(f"{real.name}.lease")
        self._processes = processes or ProcessesHere()
        self._pause = pause or Event().wait
        self._descriptor: int | None = None
        self._seen: Record | None = None
        self._own: ProcessName | None = None
        self._beat = 0

    def take(self) -> Holder | None:
        """See `ILease`."""
        if self._descriptor is not None:
            self.beat()
            return None
        for look in range(LOOKS):
            if look:
                self._pause(BETWEEN_LOOKS)
            descriptor = self._open()
            try:
                if self._lock(descriptor):
                    if not self._is_there(descriptor):
                        continue  # somebody took it away just now
                    self._descriptor, descriptor = descriptor, -1
                    self._begin()
                    return None
                self._seen = record = read_record(self._read(descriptor))
            finally:
                if descriptor >= 0:
                    os.close(descriptor)
            if record is not None and record.process.machine == self._who().machine:
                return Holder(str(record.process), record.beat)
        raise StorageError(self._not_for_us())

    def end(self, holder: Holder) -> None:
        """See `ILease`."""
        seen = self._seen
        if seen is None or Holder(str(seen.process), seen.beat) != holder:
            return
        descriptor = self._open()
        try:
            if self._lock(descriptor) or read_record(self._read(descriptor)) != seen:
                return
            if seen.process == self._who():
                raise StorageError(f"{self.path} is locked by this very process")
            if not self._processes.lives(seen.process):
                if self._lock(descriptor):
                    return  # it went just now
                raise StorageError(
                    f"{self.path} says that {seen.process} has it, which is gone, and yet the file "
                    "is locked: see who does that with `lslocks`"
                )
            self._processes.end(seen.process)
            for _ in range(LOOKS):
                if self._lock(descriptor):
                    return
                self._pause(BETWEEN_LOOKS)
        except CannotEnd as problem:
            raise StorageError(f"{self.path}: {problem}") from problem
        finally:
            os.close(descriptor)

    def beat(self) -> None:
        """See `ILease`."""
        descriptor = self._descriptor
        if descriptor is None:
            raise LeaseLost(f"{self.path} is not ours")
        if not self._is_there(descriptor):
            self.release()
            raise LeaseLost(f"{self.path} was removed, or another file was put in its place")
        self._write(descriptor)

    def release(self) -> None:
        """See `ILease`."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _begin(self) -> None:
        """The lock is ours: say so, above any beat that others may have seen."""
        descriptor = self._descriptor
        assert descriptor is not None
        try:
            before = read_record(self._read(descriptor))
            self._beat = before.beat if before is not None else 0
            self._write(descriptor)
        except BaseException:
            self.release()
            raise

    def _write(self, descriptor: int) -> None:
        self._beat += 1
        awake = time.clock_gettime(time.CLOCK_BOOTTIME)
        text = Record(self._who(), self._beat, awake).text().encode()
        try:
            os.pwrite(descriptor, text, 0)
            os.ftruncate(descriptor, len(text))
        except OSError as problem:
            raise StorageError(f"writing {self.path}: {problem.strerror}") from problem

    def _open(self) -> int:
        folder = self.path.parent
        if not folder.is_dir():
            raise StorageError(f"making {self._database}: there is no folder {folder}")
        try:
            return os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as problem:
            raise StorageError(f"opening {self.path}: {problem.strerror}") from problem

    def _lock(self, descriptor: int) -> bool:
        """Whether it is locked by us now."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as problem:
            raise StorageError(f"locking {self.path}: {problem.strerror}") from problem
        return True

    def _read(self, descriptor: int) -> str:
        try:
            return os.pread(descriptor, MOST_BYTES, 0).decode("utf-8", "replace")
        except OSError as problem:
            raise StorageError(f"reading {self.path}: {problem.strerror}") from problem

    def _is_there(self, descriptor: int) -> bool:
        """Whether what we have open is still the file beside the database."""
        try:
            return os.path.samestat(os.fstat(descriptor), os.stat(self.path))
        except FileNotFoundError:
            return False
        except OSError as problem:
            raise StorageError(f"looking at {self.path}: {problem.strerror}") from problem

    def _who(self) -> ProcessName:
        if self._own is None:
            try:
                self._own = self._processes.own()
            except (OSError, ValueError) as problem:
                raise StorageError(f"the system does not say who we are: {problem}") from problem
        return self._own

    def _not_for_us(self) -> str:
        seen = self._seen
        if seen is None:
            return (
                f"{self.path} is locked by a program that has not written there who it is: see who "
                "does that with `lslocks`"
            )
        return (
            f"{self.path} is locked by {seen.process}, which is another machine or container: both "
            "servers of a node with an SQLite database must run on one"
        )
