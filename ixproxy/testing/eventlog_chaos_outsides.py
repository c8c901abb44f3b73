"""
The log of an event-log chaos run that is struck: a database or a broker of its own.

Every method blocks; within a reactor, call it in a thread.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import ixproxy
from ixproxy.errors import StorageError
from ixproxy.testing import chaos_disks, postgresql
from ixproxy.testing.chaos_disks import SmallDisk
from ixproxy.testing.eventlog_chaos_rows import Logged, read_kept, read_tables
from ixproxy.testing.postgresql import PostgresqlServer
from ixproxy.testing.rabbitmq import PASSWORD, USER, RabbitmqBroker
from ixproxy.testing.servers import ServerFailed, environment

MEGABYTES = 48
QUEUE = "ixproxy-event-log"
_READER = Path("examples/eventlog/read_queue.py")


class Fault(NamedTuple):
    """
    What can happen to a log.

    :ivar begin: and `end`, after which it is whole again.
    :ivar least: seconds between both, at least; `most`: at most.
    """

    begin: Callable[[], object]
    end: Callable[[], object]
    least: float
    most: float


class Outside:
    """
    Where a log keeps its events.

    :param folder: for its files.
    :cvar comes_soon: `come_back` takes little time.
    :cvar has_pages: `ixctl eventlog report` can read it.
    :ivar address: as the deployment file has it, once it has started.
    :ivar missing: what cannot happen here, and why.
    """

    kind = ""
    comes_soon = has_pages = True

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.address = ""
        self.missing: list[str] = []

    @classmethod
    def unusable(cls) -> str:
        """Why there can be none here; empty: there can."""
        return ""

    def start(self) -> None:
        """:raise ServerFailed: there can be none here."""

    def stop(self) -> None:
        """Let go of everything; harmless when it was not started."""

    def go_away(self) -> None:
        """Be out of reach until `come_back`."""
        raise NotImplementedError

    def come_back(self) -> None:
        """Be there, with all that was there."""
        raise NotImplementedError

    def faults(self) -> Mapping[str, Fault]:
        """What can happen to it, by what the report calls it."""
        raise NotImplementedError

    def logged(self) -> Logged:
        """
        What a reader finds.

        :raise StorageError: it cannot be read.
        """
        return read_tables(self.address)

    def complete(self, entries: int) -> bool:
        """Whether a reader has had so many events, or need not be waited for."""
        return True


class SqliteOutside(Outside):
    """A file, on a small file system of its own if that can be had."""

    kind = "sqlite"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._disk: SmallDisk | None = None
        self._lock: sqlite3.Connection | None = None

    def start(self) -> None:
        """Mount the file system."""
        place = self.folder / "disk"
        place.mkdir(exist_ok=True)
        reason = chaos_disks.unusable()
        if not reason:
            try:
                self._disk = SmallDisk(place, MEGABYTES)
            except ServerFailed as problem:
                reason = str(problem)
        if reason:
            self.missing.append(f"disk full: {reason}")
        self.address = f"sqlite:{place / 'log.db'}"

    def stop(self) -> None:
        """Unmount it; what was on it is kept."""
        self.come_back()
        disk, self._disk = self._disk, None
        if disk is not None:
            disk.free()
            with suppress(shutil.Error, OSError):
                shutil.copytree(disk.path, self.folder / "kept", dirs_exist_ok=True)
            disk.remove()

    def go_away(self) -> None:
        """Lock the file, as another program may."""
        path = self.address.removeprefix("sqlite:")
        lock = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        try:
            lock.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as problem:
            lock.close()
            raise StorageError(f"{path}: it cannot be locked: {problem}") from problem
        self._lock = lock

    def come_back(self) -> None:
        """Unlock it."""
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.close()

    def faults(self) -> Mapping[str, Fault]:
        """Another program locks it, briefly or longer than a node waits; its disk is full."""
        found = {
            "log is locked": Fault(self.go_away, self.come_back, 6.0, 9.0),
            "log is locked briefly": Fault(self.go_away, self.come_back, 0.5, 3.0),
        }
        disk = self._disk
        if disk is not None:
            found["disk of the log is full"] = Fault(disk.fill, disk.free, 1.0, 5.0)
        return found


class PostgresqlOutside(Outside):
    """A database on a server of its own."""

    kind = "postgresql"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._server: PostgresqlServer | None = None

    @classmethod
    def unusable(cls) -> str:
        """See `Outside`."""
        return postgresql.unusable()

    @property
    def server(self) -> PostgresqlServer:
        """
        The server.

        :raise ServerFailed: it was not started.
        """
        if self._server is None:
            raise ServerFailed("PostgreSQL was not started")
        return self._server

    def start(self) -> None:
        """Start the server, and make the database."""
        self._server = server = PostgresqlServer(durable=True)
        server.start()
        self.address = server.make_database("log")

    def stop(self) -> None:
        """Remove the server."""
        server, self._server = self._server, None
        if server is not None:
            server.remove()

    def go_away(self) -> None:
        """Kill all its processes."""
        self.server.kill()

    def come_back(self) -> None:
        """Start it, if it is not there."""
        if not self.server.running:
            self.server.start()

    def faults(self) -> Mapping[str, Fault]:
        """The server dies, hangs, is started anew, or ends the nodes' sessions."""
        server = self.server
        return {
            "PostgreSQL is killed": Fault(self.go_away, self.come_back, 0.5, 5.0),
            "PostgreSQL hangs": Fault(server.pause, server.resume, 1.0, 6.0),
            "PostgreSQL is restarted": Fault(server.stop, self.come_back, 0.0, 0.5),
            "sessions are ended": Fault(self._end_sessions, lambda: None, 0.0, 0.0),
        }

    def _end_sessions(self) -> None:
        self.server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'log'"
        )


class AmqpOutside(Outside):
    """
    A queue of a RabbitMQ of its own, and a program that empties it.

    The program is the one of the examples; what it keeps is what is judged.
    """

    kind = "amqp"
    comes_soon = has_pages = False

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._broker: RabbitmqBroker | None = None
        self._reader: subprocess.Popen[bytes] | None = None
        self._kept = folder / "kept.db"

    @classmethod
    def unusable(cls) -> str:
        """See `Outside`."""
        if not _reader_program().exists():
            return f"there is no {_READER}: the program runs in a checkout alone"
        return RabbitmqBroker.unusable()

    @property
    def broker(self) -> RabbitmqBroker:
        """
        The broker.

        :raise ServerFailed: it was not started.
        """
        if self._broker is None:
            raise ServerFailed("RabbitMQ was not started")
        return self._broker

    def start(self) -> None:
        """Start the broker, and the reader."""
        self._broker = broker = RabbitmqBroker()
        broker.start()
        password = self.folder / "password"
        password.write_text(PASSWORD)
        self.address = (
            f"amqp://{USER}@127.0.0.1:{broker.amqp_port}?password-file={password}&heart-beat=2"
        )
        self._read()

    def stop(self) -> None:
        """End both."""
        self._read_no_more()
        broker, self._broker = self._broker, None
        if broker is not None:
            broker.remove()

    def go_away(self) -> None:
        """Kill the broker."""
        self.broker.kill()

    def come_back(self) -> None:
        """Start it, if it is not there."""
        if not self.broker.running:
            self.broker.start()

    def faults(self) -> Mapping[str, Fault]:
        """The broker dies or hangs, the reader dies."""
        broker = self.broker
        return {
            "broker is killed": Fault(self.go_away, self.come_back, 0.0, 3.0),
            "broker hangs": Fault(broker.pause, broker.resume, 1.0, 6.0),
            "reader is killed": Fault(self._read_no_more, self._read, 0.0, 3.0),
        }

    def logged(self) -> Logged:
        """What the reader keeps."""
        return read_kept(self._kept)

    def complete(self, entries: int) -> bool:
        """Whether the reader has so many, those counted in that it knows to be dropped."""
        try:
            logged = self.logged()
        except StorageError:
            return False
        return len(logged.rows) + sum(gap.many for gap in logged.gaps) >= entries

    def _read(self) -> None:
        """Begin to read; it ends when this process does."""
        broker = f"amqp://{USER}@127.0.0.1:{self.broker.amqp_port}"
        words = [broker, f"/amq/queue/{QUEUE}", str(self._kept)]
        with (self.folder / "reader.log").open("ab") as log:
            self._reader = subprocess.Popen(
                [
                    sys.executable, "-m", "ixproxy.testing.child", str(_reader_program()), *words,
                    "--password-file", str(self.folder / "password"),
                ],
                env=environment(os.environ),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )  # fmt: skip

    def _read_no_more(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.kill()
            reader.communicate()


def _reader_program() -> Path:
    return Path(ixproxy.__file__).parent.parent / _READER


OUTSIDES: Mapping[str, type[Outside]] = {
    each.kind: each for each in (PostgresqlOutside, SqliteOutside, AmqpOutside)
}
"""By the kind of the log."""
