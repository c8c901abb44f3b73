"""What a database capture point asks of a database, and what can go wrong there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple, Protocol

from ixproxy.capture.database_parameters import Dialect, Statement
from ixproxy.errors import IxproxyError

Value = Any
"""What stands in a column: None, int, float, str, bytes, or what a driver makes of others."""

MOST_READ = 16 << 20
"""Characters that are read at once, so that wide rows do not fill the memory."""


class Trouble(Enum):
    """
    What is wrong, and so what helps.

    LOST: the session is gone, another may be had later. NOT_NOW: locked, full or
    busy; the same again may work. STATEMENT: it does not fit the database, until
    somebody changes one of the two. VALUES: what was bound is not allowed there.
    """

    LOST = "lost"
    NOT_NOW = "not now"
    STATEMENT = "statement"
    VALUES = "values"


class DatabaseTrouble(IxproxyError):
    """
    Something that the database did not do; of one transaction, nothing was done.

    :ivar trouble: which kind it is.
    :ivar at: which of the statements of `run_all`, counted from 0; -1: none of them.
    """

    def __init__(self, trouble: Trouble, text: str, at: int = -1) -> None:
        super().__init__(text)
        self.trouble = trouble
        self.at = at


class Bound(NamedTuple):
    """A statement with the values of its parameters, in their order."""

    statement: Statement
    values: tuple[Value, ...]


class Reading(NamedTuple):
    """
    Rows that were read.

    `columns`: their names; empty where there are no rows. `rows`: each with the key
    that it was given. `more`: there are more than were wanted.
    """

    columns: tuple[str, ...]
    rows: list[tuple[str, tuple[Value, ...]]]
    more: bool


NamesRow = Callable[[tuple[str, ...], tuple[Value, ...]], str]
"""Gives a row, of columns and values, a key; "": it is passed over."""


class Session(Protocol):
    """
    A connection; used by one thread at a time, but for `shut`.

    Every method but `shut` may block, and raises `DatabaseTrouble`.
    """

    def check(self, key: str, statement: Statement) -> None:
        """See whether the database understands a statement; the trouble names `key`."""

    def read(self, statement: Statement, most: int, key_of: NamesRow) -> Reading:
        """Up to `most` rows that `key_of` does not pass over."""

    def run_all(self, work: Sequence[Bound]) -> None:
        """All of it in one transaction, or nothing."""

    def close(self) -> None:
        """Let go of it; raises nothing."""

    def shut(self) -> None:
        """From another thread: whoever waits in it does so no longer."""


class Place(Protocol):
    """
    Where a database is.

    :ivar dialect: in which SQL it is asked.
    :ivar name: what messages call it; has no secrets.
    """

    dialect: Dialect
    name: str

    def open(self, seconds: float) -> Session:
        """
        :param seconds: how long one statement may take.
        :raise DatabaseTrouble: it cannot be had now.
        """


def check_all(session: Session, queries: Mapping[str, Statement]) -> None:
    """
    See whether the database understands all of them, by their keys.

    :raise DatabaseTrouble: it does not; names the key.
    """
    for key, statement in queries.items():
        session.check(key, statement)


def close_after(session: Session | None, work: Sequence[Bound]) -> None:
    """
    Do the last that there is to be done, and close, whatever becomes of it.

    :raise DatabaseTrouble: it was not done.
    """
    if session is None:
        return
    try:
        if work:
            session.run_all(work)
    finally:
        session.close()


def gather(
    columns: tuple[str, ...], found: Any, most: int, key_of: NamesRow
) -> tuple[list[tuple[str, tuple[Value, ...]]], bool]:
    """
    Rows of an iterator, as far as they are wanted.

    :return: the rows, and whether there are more.
    :raise DatabaseTrouble: two columns have one name.
    """
    doubled = {name for name in columns if columns.count(name) > 1}
    if doubled:
        text = f"the column {min(doubled)} comes twice: give one another name with AS"
        raise DatabaseTrouble(Trouble.STATEMENT, text)
    rows: list[tuple[str, tuple[Value, ...]]] = []
    read = 0
    for row in found:
        values = tuple(row)
        key = key_of(columns, values)
        if not key:
            continue
        if len(rows) == most or read > MOST_READ:
            return rows, True
        rows.append((key, values))
        read += sum(len(value) for value in values if isinstance(value, str | bytes))
    return rows, False
