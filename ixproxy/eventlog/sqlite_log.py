"""An event log in an SQLite file, durable in WAL mode with `synchronous=FULL`."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from ixproxy.errors import ConfigError, ConfigProblem, StorageError
from ixproxy.eventlog import sql_texts
from ixproxy.eventlog.addresses import SQLITE, read_address
from ixproxy.eventlog.fitting import fitting
from ixproxy.eventlog.rows import Rows, column_names
from ixproxy.eventlog.schemas import EVENT_TABLES, built_in, check_version
from ixproxy.eventlog.settings import TableSettings, read_settings
from ixproxy.eventlog.sqlite_inserts import Inserts
from ixproxy.eventlog.sqlite_tables import connect, prepare
from ixproxy.eventlog.table_log import TableLog
from ixproxy.storage.schemas import Schema
from ixproxy.storage.sqlite_errors import BORDER, storage_error

# What a value may be the reason for: such rows are made to fit, and stored after all.
_OF_VALUES = (
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    sqlite3.IntegrityError,
    sqlite3.DataError,
    OverflowError,
    UnicodeError,
    ValueError,
)


def make(settings: Mapping[str, object]) -> TableLog:
    """
    The log at `settings["address"]`: `sqlite:/path/to/file.db`.

    :param settings: a table of `event-logs`, without what the node itself serves.
    :raise ConfigError: all that is wrong with it.
    """
    read = read_settings(settings)
    try:
        kind, path, _ = read_address(read.address)
    except ValueError:
        kind = path = ""
    if kind != SQLITE:
        text = f"expected sqlite:/path/to/file.db, not {read.address!r}"
        raise ConfigError([ConfigProblem("", "address", text)])
    return TableLog(SqliteTables(path, read), read)


class SqliteTables:
    """
    See `Tables`.

    :param path: of the file, which is made if there is none.
    """

    kind = "sqlite"

    def __init__(self, path: str, settings: TableSettings, schema: Schema | None = None) -> None:
        self.name = f"{SQLITE}:{path}"
        self._path = Path(path).absolute()
        self._settings = settings
        self._schema = schema or built_in("sqlite")
        self._connection: sqlite3.Connection | None = None
        self._file = (0, 0)
        self._inserts = Inserts(
            {table: column_names(table, settings.fields) for table in EVENT_TABLES}
        )
        self._insert_dropped = sql_texts.insert_dropped(_marks(8))
        self._mark_stored = sql_texts.mark_stored(_marks(5))
        self._mark_rest = sql_texts.mark_rest(_marks(5))

    def open(self) -> None:
        """See `Tables`; where the file was moved away whole, another is made."""
        if self._connection is not None and self._same_file():
            return
        self.close()
        self._look()
        connection = connect(str(self._path), self.name)
        try:
            prepare(
                connection, self.name, self._schema, self._settings.fields, self._settings.deleting
            )
            found = os.stat(self._path)
        except OSError as problem:
            connection.close()
            raise storage_error(problem, f"opening {self.name}") from problem
        except BaseException:
            connection.close()
            raise
        self._connection, self._file = connection, (found.st_dev, found.st_ino)

    def store(self, rows: Rows, node: str, dbid: int) -> int:
        """See `Tables`."""
        with self._closing("storing in"):
            try:
                return self._store(rows, node, dbid)
            except _OF_VALUES:
                # One row that the database cannot take must not keep all others from it.
                return self._store(fitting(rows, self._settings.fields), node, dbid)

    def rest(self, time: float, node: str, dbid: int) -> None:
        """See `Tables`."""
        with self._closing("marking"):
            connection = self._begun()
            connection.execute(self._mark_rest, (dbid, node, 0, 0, time))
            connection.execute("COMMIT")

    def close(self) -> None:
        """See `Tables`."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*BORDER):
                connection.close()

    def shut(self) -> None:
        """See `Tables`."""
        connection = self._connection
        if connection is not None:
            with suppress(*BORDER):
                connection.interrupt()

    def _store(self, rows: Rows, node: str, dbid: int) -> int:
        connection = self._begun()
        try:
            new = 0
            for table, found in rows.events.items():
                if found:
                    new += self._inserts.run(connection, table, found)
            if rows.dropped:
                new += connection.executemany(self._insert_dropped, rows.dropped).rowcount
            mark = (dbid, node, rows.epoch, rows.number, rows.time)
            connection.execute(self._mark_stored, mark)
            connection.execute("COMMIT")
        except BaseException:
            with suppress(*BORDER):
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            raise
        return new

    @contextmanager
    def _closing(self, doing: str) -> Iterator[None]:
        """Whatever goes wrong closes the connection, and is said in words."""
        try:
            yield
        except BORDER as problem:
            self.close()
            raise storage_error(problem, f"{doing} {self.name}") from problem
        except BaseException:
            self.close()
            raise

    def _begun(self) -> sqlite3.Connection:
        """
        The connection, in a transaction; the tables are as they were when it was opened.

        :raise StorageError: another program has made a newer version of them.
        """
        connection = self._connection
        if connection is None:
            raise StorageError(f"{self.name} is not open")
        connection.execute("BEGIN IMMEDIATE")
        try:
            ((version,),) = connection.execute("SELECT version FROM log_schema").fetchall()
            check_version(self.name, version, self._schema.version)
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        return connection

    def _look(self) -> None:
        """
        Whether there is a file, or may be one.

        :raise StorageError: there may not.
        """
        if not self._path.parent.is_dir():
            raise StorageError(f"making {self.name}: there is no folder {self._path.parent}")
        left = self._path.with_name(f"{self._path.name}-wal")
        if left.exists() and not self._path.exists():
            # SQLite would remove it, and with it the last events of the file that is missing.
            raise StorageError(
                f"{self._path} is missing, but {left} is there: a log was moved or removed without "
                "what belongs to it; move or remove that file too"
            )

    def _same_file(self) -> bool:
        try:
            found = os.stat(self._path)
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self._file


def _marks(number: int) -> str:
    return f"VALUES ({', '.join('?' * number)})"
