"""
The store of one program of a simulation: it can be out of reach, or stopped at its commit.

What a program was stopped with, it has begun and not committed. Where its
store has a session of its own, the transaction stays open meanwhile, with its
locks, as it does after SIGSTOP. Databases of SQLite in memory have one
connection for all, so there the transaction is taken back, and written anew
when the program wakes: what it read it does not read again, and its commit
finds what another server has done meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ixproxy.errors import CommitUncertain, StoreUnreachable
from ixproxy.interfaces import IStore
from ixproxy.testing.faults import Fault, FaultyStore
from ixproxy.testing.gate import Gate


class Reach:
    """
    Whether a program reaches its database.

    :ivar at_commit: it will not from its next commit on, of which it hears
        nothing, but which happens (True) or does not; None: there is no such plan.
    :param changed: called when it has got out of reach, or is found again.
    """

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self._away = False
        self._changed = changed
        self.at_commit: bool | None = None

    @property
    def away(self) -> bool:
        """Whether it does not reach it."""
        return self._away

    @away.setter
    def away(self, away: bool) -> None:
        self._away = away
        self._changed()


class ProgramStore(FaultyStore):
    """
    Another store, as one program sees it.

    :param gate: where its program may be stopped.
    :param shared: it has no session of its own.
    """

    def __init__(self, store: IStore, reach: Reach, gate: Gate, *, shared: bool) -> None:
        super().__init__(store)
        self._reach = reach
        self._gate = gate
        self._shared = shared
        self._readers: list[Any] = []
        self._said: list[Callable[[], Any]] = []

    def _called(self, name: str) -> Fault | None:
        if self._reach.away:
            raise StoreUnreachable(f"{name}: the database is out of reach")
        return super()._called(name)

    def begin(self) -> None:
        """See `IStore`."""
        self._said.clear()
        super().begin()

    def write(self, puts: Sequence[Any], deletes: Sequence[tuple[str, tuple[Any, ...]]]) -> None:
        """See `IStore`."""
        super().write(puts, deletes)
        if self._gate.armed:
            self._said.append(lambda: self._store.write(puts, deletes))

    def expire_receipts(self, created_before: float, limit: int) -> int:
        """See `IStore`."""
        if self._gate.armed:
            self._said.append(lambda: self._store.expire_receipts(created_before, limit))
        return super().expire_receipts(created_before, limit)

    def expire_documents(self, kept_until: float, limit: int) -> int:
        """See `IStore`."""
        if self._gate.armed:
            self._said.append(lambda: self._store.expire_documents(kept_until, limit))
        return super().expire_documents(kept_until, limit)

    def commit(self, last_event_number: int) -> None:
        """See `IStore`."""
        if self._gate.armed:
            self._stay()
        happens, self._reach.at_commit = self._reach.at_commit, None
        if happens is None:
            super().commit(last_event_number)
            return
        self._reach.away = True
        if happens:
            self._store.commit(last_event_number)
        else:
            self._store.rollback()
        raise CommitUncertain("commit: the database went out of reach")

    def rollback(self) -> None:
        """See `IStore`; a transaction that is out of reach is over."""
        self._store.rollback()

    def close(self) -> None:
        """See `IStore`."""
        self._store.close()

    def reader(self) -> Any:
        """See `IStore`."""
        reader = super().reader()
        self._readers.append(reader)
        return reader

    def drop(self) -> None:
        """The program has died: whatever it had open is closed, as its system does it."""
        readers, self._readers = self._readers, []
        for reader in readers:
            reader.close()
        self._store.close()

    def _stay(self) -> None:
        """The program is stopped here."""
        if not self._shared:
            self._gate.wait()
            return
        self._store.rollback()
        self._gate.wait()
        self._store.begin()
        for say in self._said:
            say()
