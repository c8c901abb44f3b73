"""A store that fails where a test wants it to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ixproxy.errors import CommitUncertain, StorageError
from ixproxy.storage.sqlite import SqliteStore


class FailingStore(SqliteStore):
    """
    :ivar poison: rows or keys of which `write` fails.
    :ivar commits: what the next commits do, first first: `fails`, `lost` (it
        happened, nobody knows), `void` (it did not, nobody knows), or an
        exception to raise; when used up they succeed.
    :ivar unreadable: after an uncertain commit it cannot be opened again.
    """

    poison: Callable[[Any], bool] = staticmethod(lambda item: False)
    commits: Sequence[str | Exception] = ()
    unreadable = False
    begun = 0

    def begin(self) -> None:
        self.begun += 1
        super().begin()

    def write(self, puts: Sequence[Any], deletes: Sequence[tuple[str, tuple[Any, ...]]]) -> None:
        for item in (*puts, *deletes):
            if self.poison(item):
                raise StorageError("the disk is full")
        super().write(puts, deletes)

    def commit(self, last_event_number: int) -> None:
        what, self.commits = (self.commits[0], self.commits[1:]) if self.commits else ("", ())
        if isinstance(what, Exception):
            self.rollback()
            raise what
        if what == "fails":
            self.rollback()
            raise StorageError("the disk is full")
        if what == "void":
            self.rollback()
        else:
            super().commit(last_event_number)
        if what:
            raise CommitUncertain("nobody knows")

    def reopen(self) -> int:
        if self.unreadable:
            raise StorageError("the database is gone")
        return super().reopen()
