"""
Where an SQLite database lies: in a file, or in memory.

Both give connections. Beside a file lies another one that remembers the
highest epoch, for a database that was restored from a backup does not. It is
written before the database is, so it never says less than the database: where
it does, or is missing, one of the two was put back from the past or moved.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from threading import RLock
from urllib.parse import quote

from ixproxy.errors import StorageError
from ixproxy.interfaces import ILease
from ixproxy.storage.leases import FreeLease
from ixproxy.storage.restores import epoch_after_restore
from ixproxy.storage.schemas import Schema
from ixproxy.storage.sqlite_errors import BORDER, storage_error
from ixproxy.storage.sqlite_lease import SqliteLease
from ixproxy.storage.sqlite_schema import bring_up, built_in, create, sync, version_of

BUSY_SECONDS = 5.0
"""How long a statement waits for a lock of another program."""

CACHED_STATEMENTS = 512
CHECKPOINT_PAGES = 4000
CACHE_KIB = 64 << 10


def _tuned(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA secure_delete = FAST")
    return connection


class SqliteFile:
    """
    A database in a file, in WAL mode.

    :ivar guard: nothing: connections do not stand in each other's way.
    """

    def __init__(self, path: str | Path, schema: Schema | None = None) -> None:
        self.path = Path(path)
        self.schema = schema or built_in()
        self.guard: AbstractContextManager[object] = nullcontext()

    @property
    def name(self) -> str:
        """What messages call it."""
        return str(self.path)

    @property
    def epoch_path(self) -> Path:
        """The file that remembers the highest epoch, one for all names of a database."""
        real = Path(os.path.realpath(self.path))
        return real.with_name(f"{real.name}.epoch")

    def open(self) -> sqlite3.Connection:
        """
        The writer's connection, to a database of the newest schema.

        :raise StorageError: names what is wrong.
        """
        try:
            there, size = self.path.exists(), self.path.exists() and self.path.stat().st_size
        except OSError as problem:
            raise StorageError(f"opening {self.path}: {problem}") from problem
        if not there:
            self._create()
        elif not size:
            raise StorageError(f"{self.path} is empty; remove it to have a new database made")
        connection = self._connection("rw")
        try:
            # Nothing is changed in a file before it is known to be ours.
            version_of(connection, self.name)
            self._durable(connection)
            backup = self.path.with_name(f"{self.path.name}.before-v{self.schema.version}")
            bring_up(connection, self.name, self.schema, backup)
        except BaseException:
            connection.close()
            raise
        return connection

    def connect(self) -> sqlite3.Connection:
        """One more connection for the writer, as durable as can be."""
        connection = self._connection("rw")
        try:
            self._durable(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _durable(self, connection: sqlite3.Connection) -> None:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        except BORDER as problem:
            raise storage_error(problem, f"opening {self.path}") from problem
        if mode != "wal":
            raise StorageError(f"{self.path}: no WAL mode here (it is {mode!r})")

    def connect_reader(self) -> sqlite3.Connection:
        """A connection that cannot write."""
        connection = self._connection("ro")
        connection.execute("PRAGMA query_only = ON")
        return connection

    def begin_moment(self, reader: sqlite3.Connection) -> sqlite3.Connection:
        """What a reader sees one moment of the database through: its connection."""
        reader.execute("BEGIN")
        return reader

    def end_moment(self, moment: sqlite3.Connection) -> None:
        """Let go of what `begin_moment` gave."""
        if moment.in_transaction:
            moment.execute("ROLLBACK")

    def lease(self) -> ILease:
        """The right to open it."""
        return SqliteLease(self.path)

    def abandon(self, connection: sqlite3.Connection) -> None:
        """End what the writer does just now; from another thread."""
        connection.interrupt()

    def release(self, connection: sqlite3.Connection) -> None:
        """Close a connection."""
        connection.close()

    def next_epoch(self, stored: int) -> int:
        """
        An epoch above all that there were.

        :param stored: what the database says that the highest one was, 0: none.
        :raise StorageError: the file beside it makes no sense.
        """
        remembered = self._remembered_epoch()
        if stored <= (remembered or 0):
            return (remembered or 0) + 1
        says = "is missing" if remembered is None else f"says {remembered}"
        return epoch_after_restore(
            stored,
            f"{self.epoch_path} {says}, but {self.path} has had epoch {stored}: it was put back "
            "from a copy, or moved without that file",
        )

    def _remembered_epoch(self) -> int | None:
        """
        The highest epoch that this place has seen; None: its file is missing.

        :raise StorageError: its file makes no sense.
        """
        try:
            text = self.epoch_path.read_text("ascii").strip()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeError) as problem:
            raise StorageError(f"reading {self.epoch_path}: {problem}") from problem
        if not text.isdecimal():
            raise StorageError(
                f"{self.epoch_path} holds {text[:40]!r}, not a number; remove it, and the node "
                "leaves out epochs that it may have had; if its database is a new one, write into "
                "it a number above all of them"
            )
        return int(text)

    def remember_epoch(self, epoch: int) -> None:
        """Keep `epoch` durably."""
        unfinished = self.epoch_path.with_name(f"{self.epoch_path.name}.new")
        try:
            with unfinished.open("w", encoding="ascii") as file:
                file.write(f"{epoch}\n")
                file.flush()
                os.fsync(file.fileno())
            unfinished.rename(self.epoch_path)
            sync(self.path.parent)
        except OSError as problem:
            raise StorageError(f"writing {self.epoch_path}: {problem}") from problem

    def _connection(self, mode: str) -> sqlite3.Connection:
        address = f"file:{quote(str(self.path.absolute()))}?mode={mode}"
        try:
            connection = sqlite3.connect(
                address,
                uri=True,
                timeout=BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=CACHED_STATEMENTS,
            )
        except BORDER as problem:
            raise storage_error(problem, f"opening {self.path}") from problem
        try:
            return _tuned(connection)
        except BORDER as problem:
            connection.close()
            raise storage_error(problem, f"opening {self.path}") from problem

    def _create(self) -> None:
        if not self.path.parent.is_dir():
            raise StorageError(f"making {self.path}: there is no folder {self.path.parent}")
        for suffix in ("-wal", "-journal"):
            left = self.path.with_name(self.path.name + suffix)
            if left.exists():
                raise StorageError(
                    f"{self.path} is missing, but {left} is there: a database was removed without "
                    "what belongs to it; restore it, or remove that file too"
                )
        unfinished = self.path.with_name(f"{self.path.name}.new")
        try:
            unfinished.unlink(missing_ok=True)
            connection = sqlite3.connect(unfinished, isolation_level=None)
            try:
                create(connection, self.schema)
            finally:
                connection.close()
            sync(unfinished)
            unfinished.rename(self.path)
            sync(self.path.parent)
        except (*BORDER, OSError) as problem:
            raise storage_error(problem, f"making {self.path}") from problem


class SqliteMemory:
    """
    A database in memory: one connection, which outlives the stores that use it.

    What a crash leaves is what was committed, so `open` again after one gives
    the state that a restarted node would find.

    :param image: what `image` of another one returned; None: a new database.
    :ivar guard: held from the begin to the end of a transaction, for readers
        share the writer's connection.
    """

    name = "the database in memory"

    def __init__(self, image: bytes | None = None, schema: Schema | None = None) -> None:
        self.schema = schema or built_in()
        self.guard: AbstractContextManager[object] = RLock()
        self._epoch = 0
        self._connection = _tuned(
            sqlite3.connect(
                ":memory:",
                isolation_level=None,
                check_same_thread=False,
                cached_statements=CACHED_STATEMENTS,
            )
        )
        if image is None:
            create(self._connection, self.schema)
        else:
            self._connection.deserialize(image)

    def image(self) -> bytes:
        """All that is committed, for others to begin with."""
        return self._connection.serialize()

    def open(self) -> sqlite3.Connection:
        """The connection, with whatever was under way rolled back."""
        connection = self.connect()
        bring_up(connection, self.name, self.schema, None)
        return connection

    def connect(self) -> sqlite3.Connection:
        """The connection."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        return self._connection

    def connect_reader(self) -> sqlite3.Connection:
        """The same connection."""
        return self._connection

    def begin_moment(self, reader: sqlite3.Connection) -> sqlite3.Connection:
        """A copy: the writer shares the connection, and must not wait for a long read."""
        copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        try:
            reader.backup(copy)
        except BaseException:
            copy.close()
            raise
        return copy

    def end_moment(self, moment: sqlite3.Connection) -> None:
        """Forget the copy."""
        moment.close()

    def lease(self) -> ILease:
        """The right to open it, which no other program can."""
        return FreeLease()

    def abandon(self, connection: sqlite3.Connection) -> None:
        """Nothing: whoever opens it next rolls back what was under way."""

    def release(self, connection: sqlite3.Connection) -> None:
        """Nothing: the database is the connection."""

    def next_epoch(self, stored: int) -> int:
        """The one above; an image has brought its own along."""
        return max(stored, self._epoch) + 1

    def remember_epoch(self, epoch: int) -> None:
        """Keep `epoch`."""
        self._epoch = epoch

    def discard(self) -> None:
        """Give the memory back; nothing works afterwards."""
        self._connection.close()


SqlitePlace = SqliteFile | SqliteMemory
