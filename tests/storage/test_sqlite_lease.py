"""The lease of an SQLite database: a locked file beside it."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ixproxy.errors import LeaseLost, StorageError
from ixproxy.interfaces import ILease
from ixproxy.storage.leases import FreeLease
from ixproxy.storage.processes_here import CannotEnd, ProcessesHere, ProcessName
from ixproxy.storage.sqlite import make
from ixproxy.storage.sqlite_lease import Record, SqliteLease, read_record
from ixproxy.testing.lease_contract import LeaseContract

HOST = ProcessName(0, 7, "boot room", "east")


class Machine:
    """Processes in memory, with a lease each."""

    def __init__(self) -> None:
        self.leases: dict[int, SqliteLease] = {}
        self.refused = False
        self.waited = 0.0

    def process(self, database: Path, more: Any = HOST) -> SqliteLease:
        """One more process, which has a lease."""
        pid = len(self.leases) + 1
        lease = SqliteLease(database, _Seen(self, more._replace(pid=pid)), self.wait)
        self.leases[pid] = lease
        return lease

    def wait(self, seconds: float) -> None:
        self.waited += seconds

    def kill(self, lease: SqliteLease) -> None:
        """What the operating system does with the locks of a process that is gone."""
        for pid in [pid for pid, each in self.leases.items() if each is lease]:
            del self.leases[pid]
            lease.release()


class _Seen(ProcessesHere):
    """The machine, as one of its processes sees it."""

    def __init__(self, machine: Machine, own: ProcessName) -> None:
        self._machine = machine
        self._name = own

    def own(self) -> ProcessName:
        return self._name

    def lives(self, process: ProcessName) -> bool:
        return process.pid in self._machine.leases and process.started == HOST.started

    def end(self, process: ProcessName) -> None:
        if self._machine.refused:
            raise CannotEnd(f"{process} may not be ended")
        self._machine.kill(self._machine.leases[process.pid])


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "node.db"


class TestSqliteLease(LeaseContract):
    def setup_method(self) -> None:
        self.machine = Machine()

    def make(self, place: Path, name: str) -> ILease:
        return self.machine.process(place / "node.db")

    def die(self, lease: ILease) -> None:
        assert isinstance(lease, SqliteLease)
        self.machine.kill(lease)


def test_the_file_lies_beside_the_database_and_stays(machine: Machine, database: Path) -> None:
    lease = machine.process(database)
    lease.take()
    lease.release()
    assert lease.path == database.with_name("node.db.lease")
    record = read_record(lease.path.read_text())
    assert record is not None
    assert record.process == HOST._replace(pid=1)
    assert lease.path.stat().st_mode & 0o077 == 0


def test_two_names_of_one_database_have_one_lease(machine: Machine, database: Path) -> None:
    database.touch()
    other = database.with_name("other.db")
    other.symlink_to(database)
    machine.process(database).take()
    assert machine.process(other).take() is not None


def test_a_store_in_a_file_has_it_and_one_in_memory_has_none(database: Path) -> None:
    lease = make({"address": f"sqlite:{database}"}).lease()
    assert isinstance(lease, SqliteLease)
    assert isinstance(make({"address": "sqlite::memory:"}).lease(), FreeLease)


def test_beats_go_on_above_those_of_the_holder_before(machine: Machine, database: Path) -> None:
    first, second, third = (machine.process(database) for _ in range(3))
    first.take()
    seen = third.take()
    machine.kill(first)
    second.take()
    now = third.take()
    assert seen is not None
    assert now is not None
    assert now.beat > seen.beat


def test_a_folder_that_is_not_there_is_named(machine: Machine, tmp_path: Path) -> None:
    lease = machine.process(tmp_path / "nowhere" / "node.db")
    with pytest.raises(StorageError, match=r"making .*node.db: there is no folder .*nowhere"):
        lease.take()


@pytest.mark.parametrize("text", ["", "nonsense\n", "pid 3\n", "pid x\nstarted 1\n", "\0\xff" * 9])
def test_a_free_file_that_makes_no_sense_is_written_anew(
    machine: Machine, database: Path, text: str
) -> None:
    database.with_name("node.db.lease").write_text(text)
    lease = machine.process(database)
    assert lease.take() is None
    assert read_record(lease.path.read_text()) is not None


def test_a_locked_file_that_makes_no_sense_is_an_error_soon(
    machine: Machine, database: Path
) -> None:
    first, second = machine.process(database), machine.process(database)
    first.take()
    first.path.write_text("nonsense")
    with pytest.raises(StorageError, match="has not written there who it is"):
        second.take()
    assert 0 < machine.waited < 1
    first.beat()
    assert second.take() is not None


def test_a_file_that_another_machine_has_locked_is_an_error_that_says_so(
    machine: Machine, database: Path
) -> None:
    far = machine.process(database, HOST._replace(machine="other room", host="west"))
    far.take()
    with pytest.raises(StorageError, match=r"locked by process 1 on west, .* must run on one"):
        machine.process(database).take()
    far.release()
    assert machine.process(database).take() is None


def test_who_just_locked_it_may_take_a_moment_to_write(
    machine: Machine, database: Path
) -> None:
    first, second = machine.process(database), machine.process(database)
    first.take()
    first.path.write_text("")

    def wait(_: float) -> None:
        first.beat()

    second._pause = wait
    assert second.take() is not None


def test_a_holder_that_cannot_be_ended_is_an_error(machine: Machine, database: Path) -> None:
    first, second = machine.process(database), machine.process(database)
    first.take()
    holder = second.take()
    assert holder is not None
    machine.refused = True
    with pytest.raises(StorageError, match="process 1 on east may not be ended"):
        second.end(holder)
    first.beat()


def test_a_process_with_the_number_of_one_that_is_gone_is_left_alone(
    machine: Machine, database: Path
) -> None:
    first, second = machine.process(database), machine.process(database)
    first.take()
    record = read_record(first.path.read_text())
    assert record is not None
    stale = record._replace(process=record.process._replace(started=99))
    first.path.write_text(stale.text())
    holder = second.take()
    assert holder is not None
    with pytest.raises(StorageError, match="process 1 on east has it, which is gone"):
        second.end(holder)
    assert 1 in machine.leases


def test_nobody_ends_itself(machine: Machine, database: Path) -> None:
    first = machine.process(database)
    again = SqliteLease(database, first._processes)
    first.take()
    holder = again.take()
    assert holder is not None
    with pytest.raises(StorageError, match="by this very process"):
        again.end(holder)


def test_whoever_takes_the_file_away_takes_the_lease_away(
    machine: Machine, database: Path
) -> None:
    first, second = machine.process(database), machine.process(database)
    first.take()
    first.path.unlink()
    assert second.take() is None
    with pytest.raises(LeaseLost, match="was removed"):
        first.beat()
    second.beat()


@pytest.mark.parametrize("operation", ["open", "pread", "pwrite"])
def test_what_the_disk_refuses_is_an_error(
    machine: Machine, database: Path, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    lease = machine.process(database)
    with monkeypatch.context() as broken:
        broken.setattr(os, operation, refuse)
        with pytest.raises(StorageError, match=r"node.db.lease: Read-only file system"):
            lease.take()
    assert lease.take() is None


def test_a_file_system_without_locks_is_an_error(
    machine: Machine, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(StorageError, match=r"locking .*: No locks available"):
        machine.process(database).take()


def test_a_record_is_read_as_it_was_written() -> None:
    record = Record(HOST._replace(pid=5), 17, 3.25)
    assert read_record(record.text()) == record
    assert len(record.text()) == len(record._replace(beat=18, awake=1e9).text())


HOLD = """
import sys
from pathlib import Path
from ixproxy.storage.sqlite_lease import SqliteLease
lease = SqliteLease(Path(sys.argv[1]))
print(lease.take(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(database: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process, which has the lease."""
    command = [sys.executable, "-c", HOLD, str(database)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "None\n"
        yield process
        process.kill()


@pytest.mark.processes
def test_a_killed_process_has_lost_its_lease_at_once(
    holder: subprocess.Popen[str], database: Path
) -> None:
    lease = SqliteLease(database)
    other = lease.take()
    assert other is not None
    assert other.name.startswith(f"process {holder.pid} on ")
    holder.kill()
    holder.wait()
    assert lease.take() is None


@pytest.mark.processes
def test_a_paused_process_is_ended_by_whoever_waits(
    holder: subprocess.Popen[str], database: Path
) -> None:
    holder.send_signal(signal.SIGSTOP)
    lease = SqliteLease(database)
    other = lease.take()
    assert other is not None
    lease.end(other)
    assert holder.wait() == -signal.SIGKILL
    assert lease.take() is None
    lease.beat()
    lease.release()
