"""Reading rows of an SQLite database."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from typing import Any

from zope.interface import implementer

from ixproxy.errors import StorageError
from ixproxy.interfaces import IStoreReader
from ixproxy.node.sql_text import Dialect
from ixproxy.storage import statements
from ixproxy.storage.columns import Columns, Values
from ixproxy.storage.reading import ReaderOfMoments, Reading
from ixproxy.storage.sqlite_errors import BORDER, storage_error
from ixproxy.storage.sqlite_places import SqlitePlace


class SqliteQuestions:
    """See `Questions`."""

    dialect: Dialect = "sqlite"
    border = BORDER

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def by_keys(
        self, columns: Columns, wanted: tuple[str, ...], keys: Sequence[Values]
    ) -> Iterator[Values]:
        """See `Questions`; few statements, each for many keys."""
        for piece in statements.in_chunks(keys, len(wanted)):
            text = statements.fetch(columns, wanted, len(piece))
            yield from self._connection.execute(text, statements.flat(piece)).fetchall()

    def rows(
        self, text: str, parameters: Mapping[str, Any], *, some: bool
    ) -> Generator[Values, None, None]:
        """See `Questions`."""
        with closing(self._connection.execute(text, parameters)) as cursor:
            yield from cursor

    def problem(self, problem: BaseException, doing: str) -> StorageError:
        """See `Questions`."""
        return storage_error(problem, doing)


def reading(connection: sqlite3.Connection, columns: Mapping[str, Columns]) -> Reading:
    """Queries on a connection."""
    return Reading(SqliteQuestions(connection), columns)


@implementer(IStoreReader)
class SqliteReader(ReaderOfMoments):
    """A connection of its own (in memory: the writer's, in turn with it) that only reads."""

    def __init__(self, place: SqlitePlace, columns: Mapping[str, Columns]) -> None:
        self._place = place
        self._connection = place.connect_reader()
        super().__init__(reading(self._connection, columns), place.guard)
        self._columns = columns
        self._moment: sqlite3.Connection | None = None

    def _begin_moment(self) -> int:
        self._moment = self._place.begin_moment(self._connection)
        self._reading = reading(self._moment, self._columns)
        (number,) = self._moment.execute("SELECT last_event_number FROM meta").fetchone()
        return int(number)

    def _end_moment(self) -> None:
        moment, self._moment = self._moment, None
        self._reading = reading(self._connection, self._columns)
        if moment is not None:
            self._place.end_moment(moment)

    def _drop_moment(self) -> None:
        with suppress(*BORDER):
            self._end_moment()

    def interrupt(self) -> None:
        """See `IStoreReader`."""
        # In memory the connection is the writer's, who must not be interrupted.
        if self._busy.is_set() and not self._closed:
            with suppress(sqlite3.ProgrammingError):  # its own thread closed it just now
                self._connection.interrupt()

    def close(self) -> None:
        """See `IStoreReader`."""
        if not self._closed:
            self._closed = True
            with suppress(StorageError):
                self.end()
            self._place.release(self._connection)
